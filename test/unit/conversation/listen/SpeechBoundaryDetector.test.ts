import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as SpeechBoundaryDetector from "../../../../src/conversation/listen/SpeechBoundaryDetector.ts"
import * as Sounds from "../../../support/conversation/Sounds.ts"

type Doubt = (at: number, isOpen: boolean) => number | undefined

/** The reports about a sound whose first sample arrives at 0. Each window arrives with its last sample. */
const listen = (sound: Pcm<8000>, probability: Doubt, gate = SpeechBoundaryDetector.make()) => {
  const asked: Array<number> = []
  const events = Sounds.windows(sound).flatMap((window, index) => {
    const arrivedAt = (index + 1) * 32
    const isOpen = gate.measure(window) !== "none"
    if (isOpen) asked.push(index)
    const event = gate.push(window, isOpen ? probability(arrivedAt, isOpen) : 0, arrivedAt)
    return event === undefined ? [] : [{ ...event, toldAt: arrivedAt }]
  })
  return { asked, events, gate }
}

const sure: Doubt = () => 0.95
const never: Doubt = () => 0.05
const byEnergy: Doubt = () => undefined

/** Loud from `from` to `to`, ms. */
const loud = (from: number, to: number, length = to + 1500) =>
  Sounds.join(Sounds.silence(from), Sounds.noise(to - from, -20), Sounds.silence(length - to))

describe("a voice", () => {
  for (const [how, probability] of [["by the detector", sure], ["by its energy", byEnergy]] as const) {
    it(`begins after two windows, at its first sample: ${how}`, () => {
      const { events } = listen(loud(320, 1280), probability)
      assert.deepStrictEqual(events[0], { _tag: "VoiceStarted", at: 320, toldAt: 384 })
    })

    it(`is reported as ended 64 ms after its last sample: ${how}`, () => {
      const { events } = listen(loud(320, 1280), probability)
      assert.deepStrictEqual(events[1], { _tag: "VoiceStopped", at: 1280, toldAt: 1344 })
      assert.strictEqual(events.length, 2)
    })
  }

  it("has its beginning and end found to within 4 ms, also in the middle of a window", () => {
    const { events } = listen(loud(330, 1300), sure)
    assert.deepStrictEqual(events.map(({ _tag, at }) => [_tag, at]), [["VoiceStarted", 328], ["VoiceStopped", 1300]])
  })

  it("ends with its last loud sample, even if the detector's probability stays high", () => {
    const { events } = listen(loud(320, 1280), sure)
    const doubting = listen(loud(320, 1280), (at) => (at > 1280 ? 0.4 : 0.9)).events
    assert.strictEqual(events[1].at, 1280)
    assert.deepStrictEqual(doubting, events)
  })

  it("ends within a longer sound when the detector hears no more voice", () => {
    const { events } = listen(loud(320, 4000), (at) => (at <= 1280 ? 0.9 : 0.1))
    assert.deepStrictEqual(events[1], { _tag: "VoiceStopped", at: 1280, toldAt: 1344 })
    assert.strictEqual(events.length, 2)
  })

  it("goes on at a probability between the two thresholds, but does not begin with one", () => {
    const going = listen(loud(320, 1280), (at) => (at <= 500 ? 0.9 : 0.4)).events
    assert.strictEqual(going[1].at, 1280)
    assert.deepStrictEqual(listen(loud(320, 1280), () => 0.4).events, [])
  })

  it("goes on over a gap of less than 64 ms, and ends at a longer one", () => {
    const gap = (millis: number) => listen(Sounds.join(loud(320, 960, 960), loud(millis, millis + 640)), sure).events
    assert.strictEqual(gap(32).length, 2)
    assert.deepStrictEqual(gap(128).map(({ _tag, at }) => [_tag, at]), [
      ["VoiceStarted", 320],
      ["VoiceStopped", 960],
      ["VoiceStarted", 1088],
      ["VoiceStopped", 1728]
    ])
  })
})

describe("no voice", () => {
  it("is a click, however loud and however often", () => {
    const click = Sounds.join(Sounds.noise(8, -3), Sounds.silence(184))
    for (const probability of [byEnergy, (at: number) => (at % 192 === 32 ? 0.9 : 0.1)]) {
      assert.deepStrictEqual(listen(Sounds.join(...Array.from({ length: 10 }, () => click)), probability).events, [])
    }
  })

  it("is a noise in which the detector finds none", () =>
    assert.deepStrictEqual(listen(loud(320, 3000), never).events, []))

  it("is silence, and the detector is not asked about it", () => {
    const { asked, events } = listen(Sounds.overTheLine(Sounds.noise(10_000, -62)), sure)
    assert.deepStrictEqual(asked, [])
    assert.deepStrictEqual(events, [])
  })

  it("is a steady noise, when the energy has to decide", () => {
    const { events } = listen(Sounds.noise(40_000, -40), byEnergy)
    assert.isAtMost(events.filter(({ _tag }) => _tag === "VoiceStarted").length, 1)
    assert.strictEqual(events.at(-1)?._tag, "VoiceStopped")
  })
})

describe("the detector", () => {
  it("gets the windows of a voice and 12 more after them", () => {
    const { asked } = listen(loud(320, 1280, 6000), sure)
    assert.deepStrictEqual(asked, Array.from({ length: 30 + 12 }, (_, index) => 10 + index))
  })

  it("may be missing, and the energy is still measured", () => {
    const gate = SpeechBoundaryDetector.make()
    const events = Sounds.windows(loud(320, 1280)).map((window, index) => gate.push(window, undefined, (index + 1) * 32))
    assert.deepStrictEqual(events.filter((event) => event !== undefined), [
      { _tag: "VoiceStarted", at: 320 },
      { _tag: "VoiceStopped", at: 1280 }
    ])
  })
})

describe("a recorded sentence", () => {
  it("is a voice from its first word to its last, by its energy alone", () => {
    const { events } = listen(Sounds.overTheLine(Sounds.join(Sounds.recorded, Sounds.silence(1000))), byEnergy)
    const levels = Sounds.windows(Sounds.recorded).map(Sounds.level)
    const first = levels.findIndex((level) => level > -30) * 32
    const last = levels.findLastIndex((level) => level > -30) * 32
    assert.isBelow(Math.abs(events[0].at - first), 64)
    assert.isBelow(Math.abs(events.at(-1)!.at - last), 100)
  })
})

const Pieces = Schema.Array(Schema.Struct({
  dBFS: Schema.Int.check(Schema.isBetween({ minimum: -80, maximum: -6 })),
  millis: Schema.Int.check(Schema.isBetween({ minimum: 4, maximum: 600 })),
  probability: Schema.UndefinedOr(Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 })))
})).check(Schema.isMinLength(1), Schema.isMaxLength(12))

describe("for any sound and any detector", () => {
  it.prop("starts and stops alternate, in order, and none is reported before it happens", [Pieces], ([pieces]) => {
    const sound = Sounds.join(...pieces.map(({ dBFS, millis }, seed) => Sounds.noise(millis, dBFS, seed + 1)), Sounds.silence(200))
    const { events } = listen(sound, (at) => pieces[Math.floor(at / 97) % pieces.length].probability)
    for (const [index, { _tag, at, toldAt }] of events.entries()) {
      assert.strictEqual(_tag, index % 2 === 0 ? "VoiceStarted" : "VoiceStopped")
      assert.isAtMost(at, toldAt)
      if (index > 0) assert.isAtLeast(at, events[index - 1].at)
      if (_tag === "VoiceStopped") assert.isAtLeast(toldAt - at, 64)
    }
    assert.strictEqual(events.length % 2, 0, "200 ms of silence end every voice")
  }, { arbitrary: { runs: 200 } })
})
