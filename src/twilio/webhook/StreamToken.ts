/**
 * Stream tokens: proof that a media WebSocket belongs to a call that this service answered.
 *
 * The upgrade's signature proves that Twilio connects. The token, sent as a `<Parameter>` of the TwiML, proves that the call is ours. A
 * token is bound to the call's SID, and is valid for two minutes (`lifetimeMillis`) and for one stream. It is an HMAC-SHA256 keyed by the
 * account's auth tokens, so each process of the service can check the tokens of all others. Each process remembers only the tokens that it
 * has issued or redeemed itself.
 *
 * The process that issued a token measures the token's age by the monotonic clock, which does not change when the time of day is corrected.
 * Another process can use only the time of day, and accepts clocks that differ by five minutes.
 *
 * Layout, base64url: 6 bytes of expiry (ms since 1970, big-endian), 16 random bytes (the nonce), 32 bytes of MAC.
 */
import { Clock, Context, Data, Effect, Layer, Redacted } from "effect"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { Credentials } from "../../config/Credentials.ts"
import type { CallSid } from "../../domain/Sid.ts"

/** The name of the `<Parameter>`. */
export const parameterName = "token"

/** How long (ms) a token is valid: the most time between the answer with the TwiML and the `start` message. */
export const lifetimeMillis = 120_000

/** How far (ms) this machine's time of day may differ from that of the process that issued a token. */
export const toleranceMillis = 300_000

/**
 * How long (ms) a token is remembered after it was issued or used. This is longer than a token can be valid. So a used token does not become
 * valid again if the clock is set back.
 */
const rememberedMillis = 3_600_000

/** How many tokens are remembered, about 150 bytes each. If there are more, the oldest tokens are forgotten. */
const maxRemembered = 100_000

/** A stream's token does not prove that its call is ours. */
class InvalidStreamToken extends Data.TaggedError("InvalidStreamToken")<{
  /**
   * - `missing`: the stream has no token;
   * - `malformed`: the token is not 54 bytes in base64url;
   * - `forged`: the token was issued for another call or account, or not by this service;
   * - `expired`, `used`: the token is no longer valid.
   */
  readonly reason: "missing" | "malformed" | "forged" | "expired" | "used"
}> {
  override get message() {
    return `The stream token is ${this.reason}`
  }
}

const expiryBytes = 6
const nonceBytes = 16
const bodyBytes = expiryBytes + nonceBytes
const macBytes = 32

const makeKey = (token: Redacted.Redacted) =>
  createHmac("sha256", Redacted.value(token)).update("client-caller stream token").digest()

const macOf = (key: Buffer, body: Uint8Array, callSid: CallSid) =>
  createHmac("sha256", key).update(body).update(callSid).digest()

interface Remembered {
  /** When this process issued the token, or used it if another process has issued it (monotonic ms). */
  readonly since: number
  readonly wasIssuedHere: boolean
  readonly isUsed: boolean
}

const monotonicMillis = (clock: Clock.Clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** Whether a token of another process may be within its lifetime, by this machine's time of day (ms since 1970). */
const mayBeWithinLifetime = (expiry: number, now: number) =>
  now < expiry + toleranceMillis && now >= expiry - lifetimeMillis - toleranceMillis

export class StreamToken extends Context.Service<StreamToken, {
  readonly issue: (callSid: CallSid) => Effect.Effect<string>
  /**
   * Checks the token, and marks it as used in this process. If the token was used before, it fails with `used`. Returns the token's nonce,
   * with which the store can mark the token as used for all processes.
   */
  readonly redeem: (token: string | undefined, callSid: CallSid) => Effect.Effect<string, InvalidStreamToken>
}>()("client-caller/twilio/webhook/StreamToken") {
  static readonly layer = Layer.effect(
    StreamToken,
    Effect.gen(function*() {
      const { account } = yield* Credentials
      const keys = account.authTokens.map(makeKey)
      /** The tokens by their nonce, in the order in which they were remembered. */
      const remembered = new Map<string, Remembered>()

      const forgetOldest = (now: number) => {
        for (const [nonce, { since }] of remembered) {
          if (now - since < rememberedMillis && remembered.size < maxRemembered) return
          remembered.delete(nonce)
        }
      }

      return StreamToken.of({
        issue: (callSid) =>
          Clock.clockWith((clock) => {
            const now = monotonicMillis(clock)
            const nonce = randomBytes(nonceBytes)
            const body = Buffer.concat([Buffer.alloc(expiryBytes), nonce])
            body.writeUIntBE(clock.currentTimeMillisUnsafe() + lifetimeMillis, 0, expiryBytes)
            forgetOldest(now)
            remembered.set(nonce.toString("latin1"), { since: now, wasIssuedHere: true, isUsed: false })
            return Effect.succeed(Buffer.concat([body, macOf(keys[0], body, callSid)]).toString("base64url"))
          }),
        redeem: Effect.fnUntraced(function*(token, callSid) {
          if (token === undefined) return yield* new InvalidStreamToken({ reason: "missing" })
          const bytes = Buffer.from(token, "base64url")
          if (bytes.length !== bodyBytes + macBytes) return yield* new InvalidStreamToken({ reason: "malformed" })
          const body = bytes.subarray(0, bodyBytes)
          const mac = bytes.subarray(bodyBytes)
          if (!keys.some((key) => timingSafeEqual(macOf(key, body, callSid), mac))) {
            return yield* new InvalidStreamToken({ reason: "forged" })
          }
          const clock = yield* Clock.Clock
          const now = monotonicMillis(clock)
          const nonce = body.toString("latin1", expiryBytes)
          const entry = remembered.get(nonce)
          const isWithinLifetime = entry?.wasIssuedHere === true
            ? now - entry.since < lifetimeMillis
            : mayBeWithinLifetime(body.readUIntBE(0, expiryBytes), clock.currentTimeMillisUnsafe())
          if (!isWithinLifetime) return yield* new InvalidStreamToken({ reason: "expired" })
          if (entry?.isUsed === true) return yield* new InvalidStreamToken({ reason: "used" })
          forgetOldest(now)
          // A token that is not remembered here was issued by another process.
          remembered.set(nonce, { since: entry?.since ?? now, wasIssuedHere: entry !== undefined, isUsed: true })
          return Buffer.from(nonce, "latin1").toString("base64url")
        })
      })
    })
  )
}
