import { assert, describe, it } from "@effect/vitest"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as PlaybackReporter from "../../../../src/conversation/speak/PlaybackReporter.ts"
import type { UntimedTurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"

const setUp = () => {
  let now = 1000
  const played: Array<readonly [at: number, millis: number]> = []
  const cleared: Array<number> = []
  const reports: Array<UntimedTurnEvent> = []
  const playback = PlaybackReporter.make({
    now: () => now,
    callerSound: {
      onPlayback: (pcm, at) => played.push([at, pcm.length / 8]),
      onClear: (at) => cleared.push(at)
    },
    report: (event) => void reports.push(event)
  })
  return { playback, played, cleared, reports, at: (moment: number) => void (now = moment) }
}

const item = { reply: 3, segment: 1, isWanted: () => true }
const sound = (millis: number): Pcm<8000> => new Int16Array(millis * 8)

describe("sound that leaves", () => {
  it("is expected to be played after the sound before it, or now if there is none", () => {
    const { at, playback, played } = setUp()
    const pcm = sound(100)
    assert.strictEqual(playback.toOutboundItem({ ...item, _tag: "Sound", pcm }), pcm)
    at(1020)
    playback.toOutboundItem({ ...item, _tag: "Sound", pcm })
    at(2000)
    playback.toOutboundItem({ ...item, _tag: "Sound", pcm })
    assert.deepStrictEqual(played, [[1000, 100], [1100, 100], [2000, 100]])
  })

  it("is expected to be played at once after a clear", () => {
    const { at, cleared, playback, played } = setUp()
    playback.toOutboundItem({ ...item, _tag: "Sound", pcm: sound(500) })
    at(1100)
    playback.onClear()
    playback.toOutboundItem({ ...item, _tag: "Sound", pcm: sound(100) })
    assert.deepStrictEqual(cleared, [1100])
    assert.deepStrictEqual(played.at(-1), [1100, 100])
  })
})

describe("a notice", () => {
  it("reports the reply's first media when the line has sent it, unless the reply was cancelled", () => {
    for (const isWanted of [true, false]) {
      const { playback, reports } = setUp()
      const notice = playback.toOutboundItem({ ...item, isWanted: () => isWanted, _tag: "Sent" })
      assert(!(notice instanceof Int16Array) && notice._tag === "Sent")
      assert.deepStrictEqual(reports, [])
      notice.notify()
      assert.deepStrictEqual(reports, isWanted ? [{ _tag: "MediaSent", reply: 3, segment: 1 }] : [])
    }
  })
})

describe("a mark", () => {
  it("is named after its reply and segment, and a filler's mark reports that the filler has left", () => {
    const { playback, reports } = setUp()
    assert.deepStrictEqual(playback.toOutboundItem({ ...item, _tag: "Mark", isFiller: false }), { _tag: "Mark", name: "turn-3/seg-1" })
    assert.deepStrictEqual(reports, [])
    playback.toOutboundItem({ ...item, _tag: "Mark", isFiller: true })
    assert.deepStrictEqual(reports, [{ _tag: "FillerLeft", reply: 3 }])
  })
})
