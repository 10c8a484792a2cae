import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as MediaTimeline from "../../../../src/call/media/MediaTimeline.ts"
import type { Media } from "../../../../src/twilio/media/MediaMessage.ts"

const backlog = 6000

type Message = Pick<Media["media"], "chunk" | "timestamp"> & { readonly length?: number }

const mediaOf = ({ chunk, length = 160, timestamp }: Message): Media["media"] => ({
  track: "inbound",
  chunk,
  timestamp,
  payload: new Uint8Array(length).fill(0x80)
})

/** The gap (ms) before each message, in a call that has lasted long. */
const missing = (messages: ReadonlyArray<Message>, elapsed = 3_600_000) => {
  const timeline = MediaTimeline.make(backlog)
  return messages.map((message) => timeline.missingBefore(mediaOf(message), () => elapsed))
}

const first = { chunk: 1, timestamp: 155 }

describe("the gap before a message", () => {
  it.each([
    { name: "the next one", next: { chunk: 2, timestamp: 175 }, is: 0 },
    { name: "the next one, whose clock runs a little ahead", next: { chunk: 2, timestamp: 215 }, is: 0 },
    { name: "the next one, whose clock runs behind", next: { chunk: 2, timestamp: 160 }, is: 0 },
    { name: "one that was lost", next: { chunk: 3, timestamp: 195 }, is: 20 },
    { name: "fifty that were lost", next: { chunk: 52, timestamp: 1175 }, is: 1000 },
    { name: "a pause that the timestamp tells of", next: { chunk: 2, timestamp: 1675 }, is: 1500 },
    { name: "some lost, by a clock that stands still", next: { chunk: 6, timestamp: 155 }, is: 80 },
    { name: "some lost, by a clock that goes back", next: { chunk: 6, timestamp: 0 }, is: 80 },
    { name: "more lost than a stall may be long", next: { chunk: 5000, timestamp: 100_155 }, is: backlog },
    { name: "an impossible chunk", next: { chunk: 999_999_999_999_999, timestamp: 155 }, is: 0 },
    { name: "an impossible timestamp", next: { chunk: 2, timestamp: 999_999_999_999_999 }, is: 0 },
    { name: "one that was lost, by an impossible timestamp", next: { chunk: 3, timestamp: 2 ** 40 }, is: 20 },
    { name: "a pause, by an impossible chunk", next: { chunk: 2 ** 40, timestamp: 1675 }, is: 1500 },
    { name: "a timestamp beyond what a double counts exactly", next: { chunk: 2, timestamp: 2 ** 60 }, is: 0 },
    { name: "the same once more", next: first, is: 0 },
    { name: "an older one", next: { chunk: 0, timestamp: 0 }, is: 0 }
  ])("$name", ({ is, next }) => {
    assert.deepStrictEqual(missing([first, next]), [0, is])
  })

  it.each([
    { name: "a timestamp of 0", wrong: { timestamp: 0 } },
    { name: "a timestamp that lags by a second", wrong: { timestamp: 2000 } },
    { name: "a chunk of 0", wrong: { chunk: 0 } },
    { name: "an old message once more", wrong: { chunk: 100, timestamp: 2000 } },
    { name: "numbers that can't be read", wrong: { chunk: Number.NaN, timestamp: Number.NaN } }
  ])("numbers that go back once cause no silence, and later gaps are still found: $name", ({ wrong }) => {
    const timeline = MediaTimeline.make(backlog)
    let chunk = 0
    const take = (message = {}) => timeline.missingBefore(mediaOf({ chunk, timestamp: chunk * 20, ...message }), () => chunk * 20)
    for (chunk = 1; chunk <= 150; chunk++) assert.strictEqual(take(), 0)
    assert.strictEqual(take(wrong), 0)
    for (chunk++; chunk <= 200; chunk++) assert.strictEqual(take(), 0)
    chunk += 10
    assert.strictEqual(take(), 200)
  })

  it("of a number that can't be read is 0, and the other number still tells a gap", () => {
    assert.deepStrictEqual(missing([first, { chunk: Number.NaN, timestamp: 175 }]), [0, 0])
    assert.deepStrictEqual(missing([first, { chunk: Number.NaN, timestamp: 1175 }]), [0, 1000])
    assert.deepStrictEqual(missing([first, { chunk: 3, timestamp: Number.NaN }]), [0, 20])
  })

  it.each([
    { name: "2^40", timestamp: 2 ** 40 },
    { name: "2^60", timestamp: 2 ** 60 },
    { name: "eleven seconds ahead of the clock", timestamp: 60_000 + 11_000 },
    { name: "zero", timestamp: 0 }
  ])("one impossible timestamp moves no media time, and later gaps are still found: $name", ({ timestamp }) => {
    const timeline = MediaTimeline.make(backlog)
    let chunk = 0
    const take = (timestamp = chunk * 20) => timeline.missingBefore(mediaOf({ chunk, timestamp }), () => chunk * 20)
    for (chunk = 1; chunk <= 3000; chunk++) assert.strictEqual(take(), 0)
    assert.strictEqual(take(timestamp), 0)
    for (chunk++; chunk <= 3100; chunk++) assert.strictEqual(take(), 0)
    chunk += 100
    assert.strictEqual(take(), 2000)
  })

  it("is 0 before the first message, whatever its counters say", () => {
    assert.deepStrictEqual(missing([{ chunk: 4711, timestamp: 1e9 }]), [0])
  })

  it("is 0 if the timestamps come from a clock, as Twilio's do", () => {
    // From 155 at chunk 1 to 1593 at chunk 73, as in a capture of Twilio's.
    const capture = Array.from({ length: 73 }, (_, index) => ({ chunk: index + 1, timestamp: Math.round(155 + index * (1438 / 72)) }))
    assert.strictEqual(missing(capture).reduce((sum, millis) => sum + millis, 0), 0)
  })

  it("counts the length of a message, and not 20 ms", () => {
    assert.deepStrictEqual(missing([{ ...first, length: 800 }, { chunk: 2, timestamp: 255, length: 80 }, { chunk: 4, timestamp: 275 }]), [0, 0, 10])
  })

  it.each([
    { name: "the clock went on through the gap", filled: 1300, chunk: 2, timestamp: 1475, is: 0 },
    { name: "messages were lost, and the silence is as long", filled: 3000, chunk: 152, timestamp: 3175, is: 0 },
    { name: "messages were lost, and the silence is a little longer", filled: 3020, chunk: 152, timestamp: 3175, is: 0 },
    { name: "messages were lost, and the silence is a little shorter", filled: 2960, chunk: 152, timestamp: 3175, is: 40 },
    { name: "messages were lost by a clock that stands still", filled: 3000, chunk: 152, timestamp: 155, is: 0 },
    { name: "nothing was missing after all", filled: 1300, chunk: 2, timestamp: 175, is: 0 }
  ])("does not count silence that was added already: $name", ({ chunk, filled, is, timestamp }) => {
    const timeline = MediaTimeline.make(backlog)
    const missing = (message: Message) => timeline.missingBefore(mediaOf(message), () => 3_600_000)
    missing(first)
    timeline.addSilence(filled)
    assert.strictEqual(missing({ chunk, timestamp }), is)
    assert.strictEqual(missing({ chunk: chunk + 1, timestamp: timestamp + 20 }), 0, "and nothing is missing after it")
  })

  it("shows that a message was delayed if silence had been added in its place", () => {
    const timeline = MediaTimeline.make(backlog)
    const take = (message: Message) => {
      timeline.missingBefore(mediaOf(message), () => 3_600_000)
      return timeline.wasHeldUp()
    }
    assert.isFalse(take(first))
    timeline.addSilence(1300)
    assert.isTrue(take({ chunk: 2, timestamp: 175 }))
    assert.isFalse(take({ chunk: 3, timestamp: 195 }))
    timeline.addSilence(1300)
    assert.isFalse(take({ chunk: 69, timestamp: 1515 }))
  })

  const Messages = Schema.Array(Schema.Struct({
    chunk: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e15 })),
    timestamp: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e15 })),
    length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))
  }))

  it.prop("is bounded, and all gaps together are bounded by the call's length and a backlog, whatever the counters say", [Messages], ([messages]) => {
    for (const elapsed of [0, 700, 50_000]) {
      const gaps = missing(messages, elapsed)
      for (const gap of gaps) assert.isTrue(gap >= 0 && gap <= backlog)
      assert.isAtMost(gaps.reduce((sum, gap) => sum + gap, 0), elapsed + backlog)
    }
  })
})
