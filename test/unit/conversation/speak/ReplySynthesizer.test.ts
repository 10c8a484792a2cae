import { assert, describe, it } from "@effect/vitest"
import { type Cause, Effect, Exit, Queue, Ref, Scope, Stream } from "effect"
import type { Pcm, SampleRate } from "../../../../src/audio/Pcm.ts"
import * as ReplySynthesizer from "../../../../src/conversation/speak/ReplySynthesizer.ts"
import type { SpeechChunk } from "../../../../src/conversation/ports/TextToSpeech.ts"
import type { Outgoing } from "../../../../src/conversation/speak/Outgoing.ts"
import type { UntimedTurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"
import * as FakeEngines from "../../../support/engines/FakeEngines.ts"
import { pass, settle, until } from "../../../support/service/Time.ts"

/** What a synthesizer reports. */
type SpeechReport = Extract<UntimedTurnEvent, { readonly _tag: "SpeechBegan" | "SpeechEnded" | "SpeechFailed" }>

/** A synthesizer with a speech engine, and a line that takes all sound, or none. */
const open = Effect.fnUntraced(function*(options: {
  readonly speech?: (text: string) => Stream.Stream<SpeechChunk, never>
  readonly isLineStuck?: boolean
} = {}) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const fake = FakeEngines.make()
  const out = yield* Queue.bounded<Outgoing, Cause.Done>(2)
  const items: Array<Outgoing> = []
  const reports: Array<SpeechReport> = []
  const synthesizer = yield* Scope.provide(
    ReplySynthesizer.make({
      reply: 7,
      speech: (_, text) => options.speech?.(text) ??  fake.engines.textToSpeech.speak({ text, language: "en" }),
      out,
      report: (report) => void reports.push(report as SpeechReport),
      timeout: 4000
    }),
    scope
  )
  if (options.isLineStuck !== true) {
    yield* Effect.forkScoped(Stream.runForEach(Stream.fromQueue(out), (item) =>
      Effect.sync(() => {
        // As in the conversation: sound of a stopped reply is not sent.
        if (item.isWanted()) items.push(item)
      })))
  }
  return {
    synthesizer,
    fake,
    reports,
    items,
    /** What left, as `0:20` for 20 ms of segment 0, `0:sent`, `0:mark`. */
    story: () =>
      items.map((item) => `${item.segment}:${item._tag === "Sound" ? item.pcm.length / 8 : item._tag.toLowerCase()}`),
    /** All sound of a segment, joined. */
    sound: (segment: number) => items.flatMap((item) => item._tag === "Sound" && item.segment === segment ? [...item.pcm] : []),
    tags: () => reports.map((report) => `${report._tag} ${report.segment}`),
    speaks: Ref.get(fake.speak.requests),
    end: Scope.close(scope, Exit.void)
  }
})

/** Sound of one rate, cut into pieces of this many samples. */
const pieces = (pcm: Int16Array, length: number, sampleRate: SampleRate = 8000): ReadonlyArray<SpeechChunk> =>
  Array.from({ length: Math.ceil(pcm.length / length) }, (_, index) => ({
    pcm: pcm.subarray(index * length, (index + 1) * length) as Pcm,
    sampleRate
  }))

const sine = (rate: SampleRate, frequency: number, millis: number) =>
  Int16Array.from({ length: rate * millis / 1000 }, (_, index) => Math.round(8000 * Math.sin(2 * Math.PI * frequency * index / rate)))

describe("the sound of a reply", () => {
  it.effect("leaves as 20 ms, the notice, pieces of 100 ms, and a mark after each segment", () =>
    Effect.gen(function*() {
      const { synthesizer, reports, story } = yield* open({
        speech: (text) => Stream.fromIterable(pieces(new Int16Array(text.length * 80).fill(1), 2400))
      })
      synthesizer.speak(0, "x".repeat(50), "reply") // 500 ms
      synthesizer.speak(1, "x".repeat(10), "reply")
      yield* synthesizer.release
      yield* settle
      assert.deepStrictEqual(story(), [
        "0:20", "0:sent", "0:100", "0:100", "0:80", "0:100", "0:100", "0:mark",
        "1:20", "1:sent", "1:80", "1:mark"
      ])
      assert.deepStrictEqual(reports, [
        { _tag: "SpeechBegan", reply: 7, segment: 0 },
        { _tag: "SpeechEnded", reply: 7, segment: 0, duration: 500 },
        { _tag: "SpeechBegan", reply: 7, segment: 1 },
        { _tag: "SpeechEnded", reply: 7, segment: 1, duration: 100 }
      ])
    }))

  it.effect.each([1, 7, 159, 160, 161, 801, 4000])("is the same sound in chunks of %i samples", (length) =>
    Effect.gen(function*() {
      const whole = sine(8000, 440, 250)
      const { synthesizer, sound, story } = yield* open({ speech: () => Stream.fromIterable(pieces(whole, length)) })
      synthesizer.speak(0, "x", "reply")
      yield* synthesizer.release
      yield* until(() => story().at(-1) === "0:mark")
      assert.deepStrictEqual(sound(0), [...whole])
      assert.strictEqual(story().filter((item) => item === "0:sent").length, 1)
      assert.strictEqual(story().at(-1), "0:mark")
      assert.isTrue(story()[1] === "0:sent", "the notice comes after the first sound")
    }))

  it.effect.each([240, 333, 5000])("is resampled from 24 kHz, in chunks of %i samples", (length) =>
    Effect.gen(function*() {
      const { synthesizer, reports, sound, story } = yield* open({ speech: () => Stream.fromIterable(pieces(sine(24_000, 440, 300), length, 24_000)) })
      synthesizer.speak(0, "x", "reply")
      yield* synthesizer.release
      yield* until(() => story().at(-1) === "0:mark")
      const heard = sound(0)
      const [, ended] = reports
      assert(ended._tag === "SpeechEnded")
      assert.strictEqual(ended.duration, heard.length / 8)
      // 300 ms, and the samples that the filter holds back.
      assert.isAtLeast(heard.length, 2400)
      assert.isAtMost(heard.length, 2400 + 160)
      const middle = heard.slice(400, 2000)
      const power = middle.reduce((sum, sample) => sum + sample ** 2, 0) / middle.length
      assert.closeTo(Math.sqrt(power), 8000 / Math.SQRT2, 100)
      // 440 Hz crosses zero 880 times a second: no piece is missing and none came twice.
      const crossings = middle.filter((sample, index) => index > 0 && (sample < 0) !== (middle[index - 1] < 0)).length
      assert.closeTo(crossings, 0.2 * 880, 2)
    }))

  it.effect("waits for the release, and again while it is held", () =>
    Effect.gen(function*() {
      const { fake, synthesizer, story, tags } = yield* open()
      synthesizer.speak(0, "One.", "reply")
      yield* settle
      assert.deepStrictEqual(story(), [])
      // The sound is synthesized meanwhile.
      assert.deepStrictEqual(tags(), ["SpeechBegan 0", "SpeechEnded 0"])
      yield* synthesizer.release
      yield* settle
      assert.deepStrictEqual(story(), ["0:20", "0:sent", "0:100", "0:80", "0:40", "0:mark"])
      yield* synthesizer.hold
      synthesizer.speak(1, "Two.", "reply")
      yield* settle
      assert.strictEqual(story().length, 6)
      yield* synthesizer.release
      yield* settle
      assert.strictEqual(story().at(-1), "1:mark")
      assert.deepStrictEqual((yield* Ref.get(fake.speak.requests)).map(({ asked, outcome }) => `${asked} ${outcome}`), ["One. done", "Two. done"])
    }))

  it.effect("holds back an engine that is faster than speech, without a timeout", () =>
    Effect.gen(function*() {
      let made = 0
      const { synthesizer, reports } = yield* open({
        isLineStuck: true,
        speech: () => Stream.fromIterable(Array.from({ length: 10_000 }, () => 0)).pipe(
          Stream.rechunk(1),
          Stream.map(() => {
            made++
            return { pcm: new Int16Array(800) as Pcm, sampleRate: 8000 as const }
          })
        )
      })
      synthesizer.speak(0, "x", "reply")
      yield* synthesizer.release
      yield* until(() => made > 140)
      yield* pass(60_000)
      // Twelve seconds of sound, and the sound on its way.
      assert.isAtLeast(made, 120)
      assert.isAtMost(made, 140)
      assert.deepStrictEqual(reports, [{ _tag: "SpeechBegan", reply: 7, segment: 0 }])
    }))
})

describe("stop", () => {
  it.effect("before the first sound interrupts the engine's request, and nothing leaves", () =>
    Effect.gen(function*() {
      const { fake, synthesizer, speaks, story } = yield* open()
      fake.speak.next(FakeEngines.slow(300))
      synthesizer.speak(0, "One.", "reply")
      synthesizer.speak(1, "Two.", "reply")
      yield* synthesizer.release
      yield* pass(100)
      yield* synthesizer.stop(0)
      yield* pass(5000)
      assert.deepStrictEqual(story(), [])
      assert.deepStrictEqual((yield* speaks).map(({ asked, outcome }) => `${asked} ${outcome}`), ["One. interrupted"])
    }))

  it.effect("in the middle of a segment drops its rest and its mark, and the next segment can be said", () =>
    Effect.gen(function*() {
      const { fake, synthesizer, speaks, story } = yield* open()
      fake.speak.next(FakeEngines.slow(0, 200))
      synthesizer.speak(0, "One two three.", "reply")
      yield* synthesizer.release
      yield* pass(450)
      const before = story()
      assert.include(before, "0:sent")
      assert.notInclude(before, "0:mark")
      yield* synthesizer.stop(0)
      synthesizer.speak(1, "Four.", "reply")
      yield* pass(5000)
      assert.deepStrictEqual(story().slice(before.length).map((item) => item[0]), ["1", "1", "1", "1", "1", "1"])
      assert.deepStrictEqual((yield* speaks).map(({ outcome }) => outcome), ["interrupted", "done"])
    }))

  it.effect("drops sound that was made and held", () =>
    Effect.gen(function*() {
      const { synthesizer, story } = yield* open()
      synthesizer.speak(0, "One.", "reply")
      yield* settle
      yield* synthesizer.stop(0)
      synthesizer.speak(1, "Two.", "reply")
      yield* synthesizer.release
      yield* settle
      assert.isTrue(story().every((item) => item.startsWith("1:")), story().join(" "))
      assert.strictEqual(story().at(-1), "1:mark")
    }))

  it.effect("drops sound that already waits for the line", () =>
    Effect.gen(function*() {
      const out = yield* Queue.bounded<Outgoing, Cause.Done>(2)
      const fake = FakeEngines.make()
      const synthesizer = yield* ReplySynthesizer.make({
        reply: 0,
        speech: (_, text) => fake.engines.textToSpeech.speak({ text, language: "en" }),
        out,
        report: () => undefined,
        timeout: 4000
      })
      synthesizer.speak(0, "One two three four five.", "reply")
      yield* synthesizer.release
      yield* settle
      yield* synthesizer.stop(0)
      yield* settle
      const waiting = yield* Queue.clear(out)
      assert.isAtLeast(waiting.length, 2)
      assert.isFalse(waiting.some((item) => item.isWanted()))
    }))

  it.effect("that begins at a later segment lets the current one go on to its end", () =>
    Effect.gen(function*() {
      const { fake, synthesizer, speaks, story } = yield* open()
      fake.speak.next(FakeEngines.slow(0, 200))
      synthesizer.speak(0, "One two three.", "reply")
      synthesizer.speak(1, "Four.", "reply")
      synthesizer.speak(2, "Five.", "reply")
      yield* synthesizer.release
      yield* pass(300)
      yield* synthesizer.stop(1)
      synthesizer.speak(3, "Six.", "reply")
      yield* pass(5000)
      assert.deepStrictEqual([...new Set(story().map((item) => item[0]))], ["0", "3"])
      assert.include(story(), "0:mark")
      assert.deepStrictEqual((yield* speaks).map(({ asked, outcome }) => `${asked} ${outcome}`), ["One two three. done", "Six. done"])
    }))

  it.effect("does not wait for an engine that is slow to stop", () =>
    Effect.gen(function*() {
      const { fake, synthesizer, speaks, story } = yield* open()
      fake.speak.next({ ...FakeEngines.hangs, letGo: 3000 })
      synthesizer.speak(0, "One.", "reply")
      yield* synthesizer.release
      yield* settle
      yield* synthesizer.stop(0)
      synthesizer.speak(1, "Two.", "reply")
      yield* settle
      assert.deepStrictEqual(story().at(-1), "1:mark")
      yield* pass(3000)
      assert.deepStrictEqual((yield* speaks).map(({ outcome }) => outcome), ["interrupted", "done"])
    }))

  it.effect("may come twice, or when there is nothing to stop", () =>
    Effect.gen(function*() {
      const { synthesizer, story } = yield* open()
      yield* synthesizer.stop(0)
      yield* synthesizer.stop(0)
      synthesizer.speak(0, "One.", "reply")
      yield* synthesizer.release
      yield* settle
      assert.strictEqual(story().at(-1), "0:mark")
      yield* synthesizer.stop(0)
      yield* synthesizer.stop(0)
    }))

  it.effect("happens at the scope's end too", () =>
    Effect.gen(function*() {
      const { end, fake, synthesizer, speaks } = yield* open()
      fake.speak.next(FakeEngines.hangs)
      synthesizer.speak(0, "One.", "reply")
      yield* settle
      yield* end
      assert.deepStrictEqual((yield* speaks).map(({ outcome }) => outcome), ["interrupted"])
    }))
})

describe("a speech engine that", () => {
  const cases = FakeEngines.faults.map(([name, plan]) => ({ name, plan }))

  it.effect.each(cases)("$name before the first sound is reported once, and later segments wait for the decision", ({ plan }) =>
    Effect.gen(function*() {
      const { fake, synthesizer, reports, story } = yield* open()
      fake.speak.next(plan)
      synthesizer.speak(0, "One.", "reply")
      synthesizer.speak(1, "Two.", "reply")
      yield* synthesizer.release
      yield* pass(10_000)
      assert.deepStrictEqual(reports.map(({ _tag, segment }) => ({ _tag, segment })), [{ _tag: "SpeechFailed", segment: 0 }])
      assert(reports[0]._tag === "SpeechFailed")
      assert.isFalse(reports[0].hadSound)
      assert.deepStrictEqual(story(), [])
      yield* synthesizer.stop(0)
      synthesizer.speak(2, "Three.", "reply")
      yield* settle
      assert.strictEqual(story().at(-1), "2:mark")
    }))

  it.effect.each(cases.filter(({ plan }) => plan.end !== "throws"))("$name in the middle of a segment leaves the sound so far without a mark", ({ plan }) =>
    Effect.gen(function*() {
      const { fake, synthesizer, reports, story } = yield* open()
      fake.speak.next({ ...plan, parts: 1 })
      synthesizer.speak(0, "One two three.", "reply")
      yield* synthesizer.release
      yield* pass(10_000)
      assert.deepStrictEqual(reports.map(({ _tag }) => _tag), ["SpeechBegan", "SpeechFailed"])
      assert(reports[1]._tag === "SpeechFailed")
      assert.isTrue(reports[1].hadSound)
      assert.deepStrictEqual(story(), ["0:20", "0:sent", "0:100", "0:80"])
    }))

  it.effect("is silent for longer than the timeout has failed", () =>
    Effect.gen(function*() {
      const { fake, synthesizer, reports } = yield* open()
      fake.speak.next(FakeEngines.slow(3999), FakeEngines.slow(4001))
      synthesizer.speak(0, "One.", "reply")
      yield* pass(3999)
      assert.deepStrictEqual(reports.map(({ _tag }) => _tag), ["SpeechBegan", "SpeechEnded"])
      synthesizer.speak(1, "Two.", "reply")
      yield* pass(4000)
      assert.deepStrictEqual(reports.at(-1), { _tag: "SpeechFailed", reply: 7, segment: 1, hadSound: false, reason: "timeout" })
    }))

  it.effect("ends without any sound has failed, and the segment gets no mark", () =>
    Effect.gen(function*() {
      const { synthesizer, reports, story } = yield* open({ speech: () => Stream.make({ pcm: new Int16Array(0) as Pcm, sampleRate: 8000 as const }) })
      synthesizer.speak(0, "One.", "reply")
      yield* synthesizer.release
      yield* settle
      assert.deepStrictEqual(reports, [{ _tag: "SpeechFailed", reply: 7, segment: 0, hadSound: false, reason: "broken" }])
      assert.deepStrictEqual(story(), [])
    }))

  it.effect("changes its sample rate in the middle is still heard", () =>
    Effect.gen(function*() {
      const { synthesizer, sound } = yield* open({
        speech: () => Stream.fromIterable([...pieces(sine(24_000, 440, 100), 2400, 24_000), ...pieces(sine(8000, 440, 100), 800)])
      })
      synthesizer.speak(0, "x", "reply")
      yield* synthesizer.release
      yield* settle
      assert.isAtLeast(sound(0).length, 1600)
    }))
})
