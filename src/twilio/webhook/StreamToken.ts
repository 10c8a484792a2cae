/**
 * Stream tokens: what proves that a media WebSocket belongs to a call that this service answered.
 *
 * The upgrade's signature proves "Twilio"; the token, sent as a `<Parameter>` of the TwiML, proves
 * "this call of ours". It is bound to the call's SID, lives two minutes (`lifetimeMillis`) and is good for one stream.
 * It is an HMAC-SHA256 keyed by the account's auth tokens, so that any process of the service can
 * check what another one issued; "one-time" is kept by each process for itself.
 *
 * A token's life is measured by the monotonic clock of the process that issued it, which no correction of the time of day
 * moves. Another process has the time of day alone, and allows for clocks that differ by five minutes.
 *
 * Layout, base64url: 6 bytes of expiry (ms since 1970, big-endian), 16 random, 32 of MAC.
 */
import { Clock, Context, Effect, Layer, Redacted } from "effect"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { Credentials } from "../../config/Credentials.ts"
import type { CallSid } from "../../domain/Sid.ts"

/** The name of the `<Parameter>`. */
export const parameterName = "token"

/** From the TwiML's answer to the `start` message, in ms. */
export const lifetimeMillis = 120_000

/** How far (ms) the time of day of the process that issued a token may be from ours, either way. */
export const toleranceMillis = 300_000

/**
 * How long (ms) a token is known here after it was issued or used: longer than another's can be good for, so that setting the clock back
 * does not make it good again.
 */
const knownMillis = 3_600_000

/** Tokens that are known, about 150 bytes each; of more, the oldest are forgotten. */
const maxKnown = 100_000

export type TokenProblem = "missing" | "malformed" | "forged" | "expired" | "used"

const bodyBytes = 22

const makeKey = (token: Redacted.Redacted) =>
  createHmac("sha256", Redacted.value(token)).update("client-caller stream token").digest()

const macOf = (key: Buffer, body: Uint8Array, callSid: CallSid) =>
  createHmac("sha256", key).update(body).update(callSid).digest()

interface Known {
  /** When it was issued, or else used, here (monotonic ms). */
  readonly since: number
  readonly isOurs: boolean
  readonly isUsed: boolean
}

const monotonicMillis = (clock: Clock.Clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** By the time of day (ms since 1970), which the process that issued it may have had otherwise. */
const mayBeAlive = (expiry: number, now: number) =>
  now < expiry + toleranceMillis && now >= expiry - lifetimeMillis - toleranceMillis

export class StreamToken extends Context.Service<StreamToken, {
  readonly issue: (callSid: CallSid) => Effect.Effect<string>
  /** Uses the token up. */
  readonly redeem: (token: string | undefined, callSid: CallSid) => Effect.Effect<void, TokenProblem>
}>()("client-caller/twilio/webhook/StreamToken") {
  static readonly layer = Layer.effect(
    StreamToken,
    Effect.gen(function*() {
      const { account } = yield* Credentials
      const keys = account.authTokens.map(makeKey)
      /** Tokens by their nonce, the first known first. */
      const known = new Map<string, Known>()

      const forget = (now: number) => {
        for (const [nonce, { since }] of known) {
          if (now - since < knownMillis && known.size < maxKnown) return
          known.delete(nonce)
        }
      }

      return StreamToken.of({
        issue: (callSid) =>
          Clock.clockWith((clock) => {
            const now = monotonicMillis(clock)
            const nonce = randomBytes(16)
            const body = Buffer.concat([Buffer.alloc(6), nonce])
            body.writeUIntBE(clock.currentTimeMillisUnsafe() + lifetimeMillis, 0, 6)
            forget(now)
            known.set(nonce.toString("latin1"), { since: now, isOurs: true, isUsed: false })
            return Effect.succeed(Buffer.concat([body, macOf(keys[0], body, callSid)]).toString("base64url"))
          }),
        redeem: Effect.fnUntraced(function*(token, callSid) {
          if (token === undefined) return yield* Effect.fail("missing" as const)
          const bytes = Buffer.from(token, "base64url")
          if (bytes.length !== bodyBytes + 32) return yield* Effect.fail("malformed" as const)
          const body = bytes.subarray(0, bodyBytes)
          const mac = bytes.subarray(bodyBytes)
          if (!keys.some((key) => timingSafeEqual(macOf(key, body, callSid), mac))) {
            return yield* Effect.fail("forged" as const)
          }
          const clock = yield* Clock.Clock
          const now = monotonicMillis(clock)
          const nonce = body.toString("latin1", 6)
          const ours = known.get(nonce)
          const isAlive = ours?.isOurs === true
            ? now - ours.since < lifetimeMillis
            : mayBeAlive(body.readUIntBE(0, 6), clock.currentTimeMillisUnsafe())
          if (!isAlive) return yield* Effect.fail("expired" as const)
          if (ours?.isUsed === true) return yield* Effect.fail("used" as const)
          forget(now)
          known.set(nonce, { since: ours?.since ?? now, isOurs: ours !== undefined, isUsed: true })
        })
      })
    })
  )
}
