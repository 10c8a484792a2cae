import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { closeLeadMillis, make, maxLeadMillis } from "../../../../src/twilio/media/MediaLead.ts"

const Messages = Schema.Array(Schema.Struct({
  bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50_000 })),
  /** ms since the message before. */
  after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5000 }))
}))

const frame = 160
const opened = 1_000_000

describe("the lead of a stream's sound", () => {
  it.prop("keeps at most two seconds more sound than time has passed, in messages of any length", [Messages], ([messages]) => {
    const lead = make(opened)
    let now = opened
    let heard = 0
    for (const { after, bytes } of messages) {
      now += after
      const kept = lead.take(bytes, now)
      assert.isTrue(kept >= 0 && kept <= bytes)
      heard += kept / 8
      assert.isAtMost(heard, now - opened + maxLeadMillis)
    }
  })

  it.prop("keeps all sound of a telephone line, even if it comes late and in pieces of any length", [Messages], ([messages]) => {
    const lead = make(opened)
    let now = opened
    let brought = 0
    for (const { after, bytes } of messages) {
      now += after
      // The sound that was spoken by now but has not come yet.
      const due = (now - opened) * 8 - brought
      if (due < 8) continue
      const comes = Math.max(8, Math.min(bytes, due))
      brought += comes
      assert.strictEqual(lead.take(comes, now), comes)
    }
    assert.isFalse(lead.isTooMuch())
  })

  it("keeps a burst after a stall, even at the beginning of the stream", () => {
    const lead = make(opened)
    for (let message = 0; message < 500; message++) assert.strictEqual(lead.take(frame, opened + 10_000), frame)
    assert.isFalse(lead.isTooMuch())
  })

  it("cuts the message that exceeds two seconds, drops the next ones, and keeps sound again as time passes", () => {
    const lead = make(opened)
    assert.strictEqual(lead.take(36_000, opened), 16_000)
    assert.strictEqual(lead.take(frame, opened), 0)
    assert.isFalse(lead.isTooMuch())
    for (let at = 20; at <= 10_000; at += 20) assert.strictEqual(lead.take(frame, opened + at), frame)
  })

  it("is too much when ten seconds more sound came than time has passed, even if most of it was dropped", () => {
    const lead = make(opened)
    const most = closeLeadMillis * 8
    lead.take(most, opened)
    assert.isFalse(lead.isTooMuch())
    lead.take(8, opened + 1)
    assert.isFalse(lead.isTooMuch())
    lead.take(frame, opened + 1)
    assert.isTrue(lead.isTooMuch())
  })

  it("counts a message without sound as a millisecond", () => {
    const lead = make(opened)
    for (let message = 0; message < 10_000; message++) lead.take(0, opened)
    assert.isFalse(lead.isTooMuch())
    lead.take(0, opened)
    assert.isTrue(lead.isTooMuch())
  })
})
