import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as ReceiverLookup from "../../../src/delivery/ReceiverLookup.ts"

const leadsTo = (...addresses: ReadonlyArray<string>): ReceiverLookup.Resolve => () =>
  Effect.succeed(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })))

const why = (isPrivateAllowed: boolean, resolve: ReceiverLookup.Resolve) =>
  Effect.gen(function*() {
    const lookup = yield* ReceiverLookup.make(isPrivateAllowed, resolve)
    return yield* lookup.addressesOf("receiver.example").pipe(Effect.match({
      onSuccess: (addresses) => addresses.map(({ address }) => address).join(" "),
      onFailure: ({ why }) => why
    }))
  })

describe("the lookup of a receiver", () => {
  it.effect.each([
    [["93.184.216.34", "2606:4700::1"], "93.184.216.34 2606:4700::1"],
    [["127.0.0.1"], "private"],
    [["10.0.0.1", "fd00::1", "169.254.169.254"], "private"],
    [["10.0.0.1", "93.184.216.34"], "93.184.216.34"],
    [[], "unknown"]
  ] as ReadonlyArray<readonly [ReadonlyArray<string>, string]>)("a name that leads to %j: %s", ([addresses, expected]) =>
    Effect.map(why(false, leadsTo(...addresses)), (found) => assert.strictEqual(found, expected)))

  it.effect("returns private addresses if they are allowed", () => Effect.map(why(true, leadsTo("127.0.0.1")), (found) => assert.strictEqual(found, "127.0.0.1")))

  it.effect("runs at most two at once, even if their callers no longer wait", () =>
    Effect.gen(function*() {
      let running = 0
      const end = yield* Deferred.make<void>()
      const lookup = yield* ReceiverLookup.make(true, () =>
        Effect.gen(function*() {
          running++
          yield* Deferred.await(end)
          return [{ address: "127.0.0.1", family: 4 }]
        }))
      const fiber = yield* Effect.forkChild(Effect.all(["a", "b", "c"].map((host) => Effect.flip(lookup.addressesOf(host))), { concurrency: "unbounded" }))
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual((yield* Fiber.join(fiber)).map(({ why }) => why), ["notNow", "notNow", "notNow"])
      assert.strictEqual(running, 2)
      yield* Deferred.succeed(end, undefined)
    }))
})
