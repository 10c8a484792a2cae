/**
 * Stream tokens: what proves that a media WebSocket belongs to a call that this service answered.
 *
 * The upgrade's signature proves "Twilio"; the token, sent as a `<Parameter>` of the TwiML, proves
 * "this call of ours". It is bound to the call's SID, lives two minutes and is good for one stream.
 * It is an HMAC-SHA256 keyed by the account's auth tokens, so that any process of the service can
 * check what another one issued; "one-time" is kept by each process for itself.
 *
 * Layout, base64url: 6 bytes of expiry (ms since 1970, big-endian), 16 random, 32 of MAC.
 */
import { Clock, Context, Effect, Layer, Redacted } from "effect"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { Identity } from "../config/Identity.ts"
import type { CallSid } from "../domain/Sid.ts"

/** The name of the `<Parameter>`. */
export const parameterName = "token"

/** From the TwiML's answer to the `start` message, in ms. */
export const lifetimeMillis = 120_000

export type TokenProblem = "missing" | "malformed" | "forged" | "expired" | "used"

const bodyBytes = 22

const makeKey = (token: Redacted.Redacted) =>
  createHmac("sha256", Redacted.value(token)).update("client-caller stream token").digest()

const macOf = (key: Buffer, body: Uint8Array, callSid: CallSid) =>
  createHmac("sha256", key).update(body).update(callSid).digest()

export class StreamToken extends Context.Service<StreamToken, {
  readonly issue: (callSid: CallSid) => Effect.Effect<string>
  /** Uses the token up. */
  readonly redeem: (token: string | undefined, callSid: CallSid) => Effect.Effect<void, TokenProblem>
}>()("client-caller/twilio/StreamToken") {
  static readonly layer = Layer.effect(
    StreamToken,
    Effect.gen(function*() {
      const { account } = yield* Identity
      const keys = account.authTokens.map(makeKey)
      /** Used nonces and when they expire, oldest first: a token's life is always the same. */
      const used = new Map<string, number>()

      const forget = (now: number) => {
        for (const [nonce, expiry] of used) {
          if (expiry > now) return
          used.delete(nonce)
        }
      }

      return StreamToken.of({
        issue: (callSid) =>
          Clock.currentTimeMillis.pipe(Effect.map((now) => {
            const body = Buffer.concat([Buffer.alloc(6), randomBytes(16)])
            body.writeUIntBE(now + lifetimeMillis, 0, 6)
            return Buffer.concat([body, macOf(keys[0], body, callSid)]).toString("base64url")
          })),
        redeem: Effect.fnUntraced(function*(token, callSid) {
          if (token === undefined) return yield* Effect.fail("missing" as const)
          const bytes = Buffer.from(token, "base64url")
          if (bytes.length !== bodyBytes + 32) return yield* Effect.fail("malformed" as const)
          const body = bytes.subarray(0, bodyBytes)
          const mac = bytes.subarray(bodyBytes)
          if (!keys.some((key) => timingSafeEqual(macOf(key, body, callSid), mac))) {
            return yield* Effect.fail("forged" as const)
          }
          const now = yield* Clock.currentTimeMillis
          const expiry = body.readUIntBE(0, 6)
          if (expiry <= now) return yield* Effect.fail("expired" as const)
          forget(now)
          const nonce = body.toString("latin1", 6)
          if (used.has(nonce)) return yield* Effect.fail("used" as const)
          used.set(nonce, expiry)
        })
      })
    })
  )
}
