import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import * as Wav from "../../../../src/audio/Wav.ts"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as Caller from "../../../../src/simulator/caller/Caller.ts"
import * as AudioSimilarity from "../../../../src/simulator/report/AudioSimilarity.ts"
import * as Faults from "../../../../src/simulator/twilio/Faults.ts"
import * as SoundFiles from "../../../../src/simulator/caller/SoundFiles.ts"
import { CallerSpeech } from "../../../../src/simulator/caller/CallerSpeech.ts"

const Services = Layer.provideMerge(CallerSpeech.layer, NodeFileSystem.layer)

const prepare = (...steps: ReadonlyArray<Caller.Step>) => Caller.prepare(Caller.make(...steps))

const quiet: Caller.Ear = { heard: new Int16Array(160), marks: [] }
const loud: Caller.Ear = { heard: new Int16Array(160).fill(5000), marks: [] }

const tone = (samples: number, rate: number): Int16Array =>
  Int16Array.from({ length: samples }, (_, n) => Math.round(10_000 * Math.sin(2 * Math.PI * 440 * n / rate)))

describe("Caller", () => {
  it.effect("speaks in frames of 20 ms, the last one filled up, and then is silent", () =>
    Effect.gen(function*() {
      const line = yield* prepare(Caller.Step.Play({ sound: tone(400, 8000) }), Caller.Step.HangUp())
      const frames = [0, 1, 2].map(() => line.next(quiet).frame)
      assert.deepStrictEqual(frames.map((frame) => frame?.length), [160, 160, 160])
      assert.deepStrictEqual([...frames[2]!.subarray(80)], Array(80).fill(0xff))
      assert.isTrue(line.next(quiet).hangsUp)
      assert.deepStrictEqual(line.next(quiet), { frame: undefined, digit: undefined, hangsUp: false })
    }).pipe(Effect.provide(Services)))

  it.effect("waits for the agent to speak, to be silent, and for marks, but not forever", () =>
    Effect.gen(function*() {
      const line = yield* prepare(
        Caller.Step.AwaitSpeech({ atMost: "1 minute" }),
        Caller.Step.AwaitSilence({ duration: "60 millis", atMost: "1 minute" }),
        Caller.Step.AwaitMark({ name: "m", atMost: "1 minute" }),
        Caller.Step.AwaitMark({ atMost: "40 millis" }),
        Caller.Step.HangUp()
      )
      const over = (...ears: ReadonlyArray<Caller.Ear>) => ears.map((ear) => line.next(ear).hangsUp)
      assert.deepStrictEqual(over(quiet, quiet, loud, loud, quiet, quiet, quiet), Array(7).fill(false))
      assert.deepStrictEqual(over({ ...quiet, marks: ["x"] }, { ...quiet, marks: ["m"] }), [false, true])
    }).pipe(Effect.provide(Services)))

  it.effect("waits for a cue", () =>
    Effect.gen(function*() {
      let isGiven = false
      const line = yield* prepare(Caller.Step.AwaitCue({ isGiven: () => isGiven, atMost: "1 minute" }), Caller.Step.HangUp())
      assert.deepStrictEqual([0, 1].map(() => line.next(loud).hangsUp), [false, false])
      isGiven = true
      assert.isTrue(line.next(quiet).hangsUp)
    }).pipe(Effect.provide(Services)))

  it.effect("gives up waiting when the time is over", () =>
    Effect.gen(function*() {
      const waits = [Caller.Step.AwaitMark({ atMost: "40 millis" }), Caller.Step.AwaitCue({ isGiven: () => false, atMost: "40 millis" })]
      for (const wait of waits) {
        const line = yield* prepare(wait, Caller.Step.HangUp())
        assert.deepStrictEqual([0, 1, 2].map(() => line.next(quiet).hangsUp), [false, false, true])
      }
    }).pipe(Effect.provide(Services)))

  it.effect("presses keys a quarter of a second apart, and others on demand", () =>
    Effect.gen(function*() {
      const line = yield* prepare(Caller.Step.Press({ digits: "12" }), Caller.Step.Silence({ duration: "1 second" }))
      const digits = Array.from({ length: 26 }, () => line.next(quiet).digit)
      assert.deepStrictEqual(digits.flatMap((digit, n) => digit === undefined ? [] : [[n, digit]]), [[0, "1"], [13, "2"]])
      line.press("9#")
      assert.deepStrictEqual([line.next(quiet).digit, line.next(quiet).digit], ["9", "#"])
    }).pipe(Effect.provide(Services)))

  it.effect("fails with a CallerError if a file can't be played", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(prepare(Caller.Step.PlayFile({ path: "no-such-file.wav" })))
      assert.strictEqual(error._tag, "CallerError")
    }).pipe(Effect.provide(Services)))
})

describe("Speech", () => {
  it.effect("makes speech from text, the same each time", () =>
    Effect.gen(function*() {
      const { speak } = yield* CallerSpeech
      const sound = yield* speak("Good morning.")
      assert.isAbove(sound.length, 4000)
      assert.isAbove(AudioSimilarity.level(sound), -40)
      assert.strictEqual(yield* speak("Good morning."), sound)
      assert.notStrictEqual((yield* speak("Good morning.", "rms")).length, sound.length)
      assert.strictEqual((yield* speak(" ... ")).length, 0)
    }).pipe(Effect.provide(Services)))
})

describe("Sound", () => {
  it("converts files of any rate to the telephone's", () => {
    for (const rate of [8000, 11_025, 16_000, 22_050, 44_100, 48_000]) {
      const bytes = Wav.encode({ sampleRate: rate, channels: [tone(rate, rate), tone(rate, rate)] })
      const sound = Result.getOrThrow(SoundFiles.fromWav(bytes))
      assert.strictEqual(sound.length, 8000)
      const { correlation } = AudioSimilarity.compare(tone(4000, 8000), sound, { maxLagMillis: 50 })
      assert.isAbove(correlation, 0.99, `${rate}`)
      assert.approximately(AudioSimilarity.level(sound.subarray(1000, 7000) as Pcm<8000>), -13.3, 0.2, `${rate}`)
    }
  })
})

describe("Comparison", () => {
  it.effect("finds by how much a sound is late, and tells another sound from it", () =>
    Effect.gen(function*() {
      const { speak } = yield* CallerSpeech
      const said = yield* speak("I would like to book a table for two.")
      const heard = new Int16Array(said.length + 2400)
      heard.set(said.map((sample) => sample / 3), 1234)
      const found = AudioSimilarity.compare(said, heard)
      assert.strictEqual(found.lagMillis, 1234 / 8)
      assert.isAbove(found.correlation, 0.99)
      assert.isBelow(AudioSimilarity.compare(said, yield* speak("What are your opening hours?")).correlation, 0.5)
      assert.strictEqual(AudioSimilarity.compare(said, new Int16Array(8000)).correlation, 0)
    }).pipe(Effect.provide(Services)))
})

describe("Faults", () => {
  it("are read from a command line", () => {
    const text = "jitter=60, lost=0.1,half-frame"
    assert.deepStrictEqual(Result.getOrThrow(Faults.parse(text)), {
      jitter: { maxMillis: 60 },
      lost: { probability: 0.1 },
      suddenClose: { atMillis: 1000, how: "midFrame", streams: 1 }
    })
    assert.deepStrictEqual(Result.getOrThrow(Faults.parse("sudden-close@3000")), { suddenClose: { atMillis: 3000, streams: 1 } })
    assert.deepStrictEqual(Faults.parse("sudden-close=3000"), Faults.parse("sudden-close@3000"))
    assert.deepStrictEqual(Result.getOrThrow(Faults.parse("reset@500,no-fallback")), {
      suddenClose: { atMillis: 500, how: "reset", streams: 1 },
      noFallback: true
    })
    assert.deepStrictEqual(Result.getOrThrow(Faults.parse("close-each=700")), { suddenClose: { atMillis: 700, streams: 5 } })
    assert.deepStrictEqual(Result.getOrThrow(Faults.parse("stall=2500@700,lost")), {
      stall: { forMillis: 2500, atMillis: 700 },
      lost: { probability: 0.05 }
    })
    assert.deepStrictEqual(Result.getOrThrow(Faults.parse("stall")), { stall: { forMillis: 1500 } })
    for (const wrong of ["earthquake", "jitter=40@3", "stall=1@2@3", "stall=-1", "stall=5@soon", "stall@", "jitter=", "sudden-close=1@2", "close-each@5"]) {
      assert.isTrue(Result.isFailure(Faults.parse(wrong)), wrong)
    }
    assert.isTrue(Result.isFailure(Faults.parse("jitter=much")))
    for (const name of Faults.names) assert.isTrue(Result.isSuccess(Faults.parse(name)), name)
  })
})

