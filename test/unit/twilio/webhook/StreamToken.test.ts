import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { lifetimeMillis, StreamToken, toleranceMillis } from "../../../../src/twilio/webhook/StreamToken.ts"
import { callSid } from "../../../support/conversation/Samples.ts"
import { identity } from "../../../support/service/TestConfig.ts"
import * as WallClock from "../../../support/service/WallClock.ts"

/** The tokens of a process of the service with these auth tokens. */
const process = (...authTokens: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    return yield* StreamToken
  }).pipe(
    Effect.provide(
      StreamToken.layer.pipe(Layer.provide(identity({ authTokens: authTokens as [string, ...Array<string>] })))
    )
  )

const call = callSid(1)

/** The reason of the failure, or "good". */
const redeem = (tokens: StreamToken["Service"], token: string | undefined, sid = call) =>
  tokens.redeem(token, sid).pipe(Effect.match({ onSuccess: () => "good", onFailure: ({ reason }) => reason }))

describe("StreamToken", () => {
  it.effect("is valid once", () =>
    Effect.gen(function*() {
      const tokens = yield* process("a")
      const token = yield* tokens.issue(call)
      assert.strictEqual(yield* redeem(tokens, token), "good")
      assert.strictEqual(yield* redeem(tokens, token), "used")
    }))

  it.effect("is valid for its own call only, and is not used up by another call", () =>
    Effect.gen(function*() {
      const tokens = yield* process("a")
      const token = yield* tokens.issue(call)
      assert.strictEqual(yield* redeem(tokens, token, callSid(2)), "forged")
      assert.strictEqual(yield* redeem(tokens, token), "good")
    }))

  it.effect("is valid to the end of its lifetime, and not longer", () =>
    Effect.gen(function*() {
      const tokens = yield* process("a")
      const [one, two] = [yield* tokens.issue(call), yield* tokens.issue(call)]
      yield* TestClock.adjust(lifetimeMillis - 1)
      assert.strictEqual(yield* redeem(tokens, one), "good")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* redeem(tokens, two), "expired")
      assert.strictEqual(yield* redeem(tokens, one), "expired")
    }))

  it.effect("is different for each stream, and each is valid", () =>
    Effect.gen(function*() {
      const tokens = yield* process("a")
      const all = yield* Effect.replicateEffect(tokens.issue(call), 50)
      assert.strictEqual(new Set(all).size, 50)
      for (const token of all) assert.strictEqual(yield* redeem(tokens, token), "good")
      for (const token of all) assert.strictEqual(yield* redeem(tokens, token), "used")
    }))

  it.effect("stays used while other tokens expire", () =>
    Effect.gen(function*() {
      const tokens = yield* process("a")
      const early = yield* tokens.issue(call)
      yield* TestClock.adjust("60 seconds")
      const late = yield* tokens.issue(call)
      assert.strictEqual(yield* redeem(tokens, late), "good")
      assert.strictEqual(yield* redeem(tokens, early), "good")
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual(yield* redeem(tokens, yield* tokens.issue(call)), "good")
      assert.strictEqual(yield* redeem(tokens, early), "expired")
      assert.strictEqual(yield* redeem(tokens, late), "used")
    }))

  it.effect("can be issued and used hour after hour", () =>
    Effect.gen(function*() {
      const tokens = yield* process("a")
      for (let hour = 0; hour < 100; hour++) {
        const token = yield* tokens.issue(call)
        assert.strictEqual(yield* redeem(tokens, token), "good")
        assert.strictEqual(yield* redeem(tokens, token), "used")
        yield* TestClock.adjust("1 hour")
      }
    }))

  it.effect("is forged when any of its bytes is changed", () =>
    Effect.gen(function*() {
      const tokens = yield* process("a")
      const token = yield* tokens.issue(call)
      const bytes = Buffer.from(token, "base64url")
      for (let index = 0; index < bytes.length; index++) {
        const other = Buffer.from(bytes)
        other[index] ^= 1
        assert.strictEqual(yield* redeem(tokens, other.toString("base64url")), "forged", `byte ${index}`)
      }
      assert.strictEqual(yield* redeem(tokens, token), "good")
    }))

  it.effect("can be neither extended nor used again in another spelling", () =>
    Effect.gen(function*() {
      const tokens = yield* process("a")
      const token = yield* tokens.issue(call)
      const bytes = Buffer.from(token, "base64url")
      assert.strictEqual(yield* redeem(tokens, token), "good")
      for (const spelling of [bytes.toString("base64"), `${token}=`, ` ${token}`, `${token}!`]) {
        assert.notStrictEqual(yield* redeem(tokens, spelling), "good", spelling)
      }
      bytes.writeUIntBE(2 ** 47, 0, 6)
      assert.strictEqual(yield* redeem(tokens, bytes.toString("base64url")), "forged")
    }))

  it.effect("is refused by another account", () =>
    Effect.gen(function*() {
      const token = yield* (yield* process("b")).issue(call)
      assert.strictEqual(yield* redeem(yield* process("a"), token), "forged")
    }))

  it.effect("is valid at another process of the same account, even while the auth token is rotated", () =>
    Effect.gen(function*() {
      const before = yield* process("old")
      const during = yield* process("new", "old")
      assert.strictEqual(yield* redeem(during, yield* before.issue(call)), "good")
      const token = yield* during.issue(call)
      assert.strictEqual(yield* redeem(before, token), "forged")
      assert.strictEqual(yield* redeem(yield* process("new"), token), "good")
    }))

  it.effect("is missing or malformed when it is not a token at all", () =>
    Effect.gen(function*() {
      const tokens = yield* process("a")
      const token = yield* tokens.issue(call)
      assert.strictEqual(yield* redeem(tokens, undefined), "missing")
      for (const text of ["", "x", "☎", token.slice(0, -4), `${token}AAAA`, "A".repeat(10_000)]) {
        assert.strictEqual(yield* redeem(tokens, text), "malformed", text.slice(0, 80))
      }
    }))

  it.effect("fits into a parameter of the TwiML", () =>
    Effect.gen(function*() {
      const token = yield* (yield* process("a")).issue(call)
      assert.isBelow(token.length, 480)
      assert.match(token, /^[\w-]+$/)
    }))

  const hour = 3_600_000
  it.effect.each([3 * 60_000, hour, -hour, 24 * hour, -24 * hour])("stays valid at its process when the time of day changes by %i ms", (millis) =>
    Effect.gen(function*() {
      const wall = yield* WallClock.make
      yield* Effect.gen(function*() {
        const tokens = yield* process("a")
        const [one, two] = [yield* tokens.issue(call), yield* tokens.issue(call)]
        wall.move(millis)
        assert.strictEqual(yield* redeem(tokens, one), "good")
        assert.strictEqual(yield* redeem(tokens, one), "used")
        wall.move(-millis)
        assert.strictEqual(yield* redeem(tokens, two), "good")
        wall.move(millis)
        assert.strictEqual(yield* redeem(tokens, two), "used")
      }).pipe(Effect.provideService(Clock.Clock, wall.clock))
    }))

  it.effect.each([
    ["by as much as is allowed for, ahead", toleranceMillis - 1, "good"],
    ["by more, ahead", toleranceMillis + lifetimeMillis, "expired"],
    ["by as much as is allowed for, behind", -toleranceMillis, "good"],
    ["by more, behind", -toleranceMillis - 1, "expired"]
  ] as const)("is checked at a process whose time of day differs %s", ([, millis, expected]) =>
    Effect.gen(function*() {
      const wall = yield* WallClock.make
      const token = yield* (yield* process("a")).issue(call)
      wall.move(millis)
      const other = yield* process("a")
      assert.strictEqual(yield* redeem(other, token).pipe(Effect.provideService(Clock.Clock, wall.clock)), expected)
    }))

  it.effect("stays used at another process when the time of day is set back", () =>
    Effect.gen(function*() {
      const wall = yield* WallClock.make
      const token = yield* (yield* process("a")).issue(call)
      const other = yield* process("a")
      const there = Effect.provideService(redeem(other, token), Clock.Clock, wall.clock)
      assert.strictEqual(yield* there, "good")
      yield* TestClock.adjust("30 minutes")
      assert.strictEqual(yield* there, "expired")
      wall.move(-30 * 60_000)
      assert.strictEqual(yield* there, "used")
    }))
})
