import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { closeAheadMillis, make, maxAheadMillis } from "../../../../src/twilio/media/MediaRateLimit.ts"

const Messages = Schema.Array(Schema.Struct({
  bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50_000 })),
  /** ms since the message before. */
  after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5000 }))
}))

const frame = 160
const opened = 1_000_000

describe("the rate limit of a stream's sound", () => {
  it.prop("keeps at most two seconds more sound than time has passed, in messages of any length", [Messages], ([messages]) => {
    const rateLimit = make(opened)
    let now = opened
    let heard = 0
    for (const { after, bytes } of messages) {
      now += after
      const kept = rateLimit.admit(bytes, now)
      assert.isTrue(kept >= 0 && kept <= bytes)
      heard += kept / 8
      assert.isAtMost(heard, now - opened + maxAheadMillis)
    }
  })

  it.prop("keeps all sound of a telephone line, even if it comes late and in pieces of any length", [Messages], ([messages]) => {
    const rateLimit = make(opened)
    let now = opened
    let brought = 0
    for (const { after, bytes } of messages) {
      now += after
      // The sound that was spoken by now but has not come yet.
      const due = (now - opened) * 8 - brought
      if (due < 8) continue
      const comes = Math.max(8, Math.min(bytes, due))
      brought += comes
      assert.strictEqual(rateLimit.admit(comes, now), comes)
    }
    assert.isFalse(rateLimit.isTooMuch())
  })

  it("keeps a burst after a stall, even at the beginning of the stream", () => {
    const rateLimit = make(opened)
    for (let message = 0; message < 500; message++) assert.strictEqual(rateLimit.admit(frame, opened + 10_000), frame)
    assert.isFalse(rateLimit.isTooMuch())
  })

  it("cuts the message that exceeds two seconds, drops the next ones, and keeps sound again as time passes", () => {
    const rateLimit = make(opened)
    assert.strictEqual(rateLimit.admit(36_000, opened), 16_000)
    assert.strictEqual(rateLimit.admit(frame, opened), 0)
    assert.isFalse(rateLimit.isTooMuch())
    for (let at = 20; at <= 10_000; at += 20) assert.strictEqual(rateLimit.admit(frame, opened + at), frame)
  })

  it("is too much when ten seconds more sound came than time has passed, even if most of it was dropped", () => {
    const rateLimit = make(opened)
    const most = closeAheadMillis * 8
    rateLimit.admit(most, opened)
    assert.isFalse(rateLimit.isTooMuch())
    rateLimit.admit(8, opened + 1)
    assert.isFalse(rateLimit.isTooMuch())
    rateLimit.admit(frame, opened + 1)
    assert.isTrue(rateLimit.isTooMuch())
  })

  it("counts a message without sound as a millisecond", () => {
    const rateLimit = make(opened)
    for (let message = 0; message < 10_000; message++) rateLimit.admit(0, opened)
    assert.isFalse(rateLimit.isTooMuch())
    rateLimit.admit(0, opened)
    assert.isTrue(rateLimit.isTooMuch())
  })
})
