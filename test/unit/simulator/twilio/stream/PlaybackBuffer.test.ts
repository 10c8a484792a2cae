import { assert, describe, it } from "@effect/vitest"
import * as Mulaw from "../../../../../src/audio/Mulaw.ts"
import { PlaybackBuffer } from "../../../../../src/simulator/twilio/stream/PlaybackBuffer.ts"
import { Timeline } from "../../../../../src/simulator/report/Timeline.ts"

const second = 8000
const loud = (length: number) => new Uint8Array(length).fill(0x10)

describe("Playback", () => {
  it("plays the first sound at once, and then one after the other", () => {
    const heard = new Timeline()
    const playback = new PlaybackBuffer(heard)
    playback.play(1000, loud(160))
    playback.play(1010, loud(160))
    assert.strictEqual(playback.queuedSamples(1010), 310)
    playback.play(5000, loud(160))
    assert.strictEqual(heard.end, 5160)
    const sound = heard.pcm()
    assert.strictEqual(sound[999], 0)
    assert.notStrictEqual(sound[1000], 0)
    assert.notStrictEqual(sound[1319], 0)
    assert.strictEqual(sound[1320], 0)
    assert.notStrictEqual(sound[5000], 0)
  })

  it("returns marks in order, each when its sound has been played", () => {
    const playback = new PlaybackBuffer(new Timeline())
    playback.play(0, loud(second))
    assert.strictEqual(playback.mark(10, "one"), second)
    playback.play(20, loud(second))
    assert.strictEqual(playback.mark(20, "two"), 2 * second)
    assert.deepStrictEqual(playback.takePlayedMarks(second - 1), [])
    assert.deepStrictEqual(playback.takePlayedMarks(second), ["one"])
    assert.deepStrictEqual(playback.pendingMarks, ["two"])
    assert.deepStrictEqual(playback.takePlayedMarks(10 * second), ["two"])
    assert.deepStrictEqual(playback.takePlayedMarks(10 * second), [])
  })

  it("returns a mark at once when nothing is queued", () => {
    const playback = new PlaybackBuffer(new Timeline())
    assert.strictEqual(playback.mark(77, "now"), 77)
    assert.deepStrictEqual(playback.takePlayedMarks(77), ["now"])
  })

  it("returns all pending marks and cuts the sound on clear", () => {
    const heard = new Timeline()
    const playback = new PlaybackBuffer(heard)
    playback.play(0, loud(second))
    playback.mark(0, "one")
    playback.play(0, loud(second))
    playback.mark(0, "two")
    assert.deepStrictEqual(playback.clear(second / 2), { marks: ["one", "two"], dropped: 2 * second - second / 2 })
    assert.strictEqual(heard.end, second / 2)
    assert.deepStrictEqual(playback.takePlayedMarks(10 * second), [])
    // Sound after a clear starts at once.
    playback.play(second / 2 + 5, loud(160))
    assert.strictEqual(heard.end, second / 2 + 165)
  })

  it("keeps sound that was played before a clear", () => {
    const playback = new PlaybackBuffer(new Timeline())
    playback.play(0, loud(160))
    assert.deepStrictEqual(playback.clear(400), { marks: [], dropped: 0 })
    assert.strictEqual(playback.queuedSamples(400), 0)
  })

  it("throws away sound that is more than ten minutes ahead", () => {
    const playback = new PlaybackBuffer(new Timeline())
    const minute = loud(60 * second)
    for (let index = 0; index < 10; index++) assert.isTrue(playback.play(0, minute))
    assert.isFalse(playback.play(0, loud(160)))
    assert.isTrue(playback.play(160, loud(160)))
  })
})

describe("Timeline", () => {
  it("returns any part of itself, with silence in the gaps", () => {
    const timeline = new Timeline()
    timeline.put(10, Mulaw.encode(new Int16Array(10).fill(8031) as never))
    timeline.put(30, Mulaw.encode(new Int16Array(10).fill(-8031) as never))
    const part = timeline.pcm(15, 35)
    assert.strictEqual(part.length, 20)
    assert.deepStrictEqual(Array.from(part, Math.sign), [...Array(5).fill(1), ...Array(10).fill(0), ...Array(5).fill(-1)])
  })
})
