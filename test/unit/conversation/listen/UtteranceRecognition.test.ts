import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as UtteranceRecognition from "../../../../src/conversation/listen/UtteranceRecognition.ts"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import type { Transcript, Utterance } from "../../../../src/conversation/ports/SpeechToText.ts"
import type { UntimedTurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"
import { settle } from "../../../support/service/Time.ts"

const broken = new EngineFailed({ stage: "speechToText", reason: "broken", advice: "It is a test." })

/** Each utterance's samples in the order in which they were pushed, and whether it is still open. */
interface Pushed {
  readonly samples: Array<number>
  readonly pushes: Array<number>
  isOpen: boolean
}

const setUp = Effect.fnUntraced(function*(own: Partial<Utterance> = {}, begin?: Effect.Effect<Utterance, EngineFailed, Scope.Scope>) {
  const utterances: Array<Pushed> = []
  const reports: Array<UntimedTurnEvent> = []
  const copied: Array<string> = []
  const recognizer = {
    begin: begin ?? Effect.acquireRelease(
      Effect.sync((): Pushed => {
        const pushed = { samples: [], pushes: [], isOpen: true }
        utterances.push(pushed)
        return pushed
      }),
      (pushed) => Effect.sync(() => void (pushed.isOpen = false))
    ).pipe(Effect.map((pushed): Utterance => ({
      push: (pcm) => Effect.sync(() => {
        pushed.samples.push(...pcm)
        pushed.pushes.push(pcm.length)
      }),
      transcribe: Effect.sync((): Transcript => ({ text: `${pushed.samples.length}`, ending: "unknown" })),
      ...own
    })))
  }
  const recognition = yield* UtteranceRecognition.make({
    recognizer,
    timeout: 3000,
    report: (event) => void reports.push(event),
    copy: {
      beginUtterance: () => copied.push("begin"),
      hear: (pcm) => copied.push(`${pcm.length}`),
      endUtterance: () => copied.push("end")
    }
  })
  return { recognition, utterances, reports, copied }
})

const sound = (length: number, value = 1): Pcm<8000> => new Int16Array(length).fill(value)

describe("an utterance", () => {
  it.effect("gets the pre-speech sound at once, and then pieces of 60 ms", () =>
    Effect.gen(function*() {
      const { copied, recognition, utterances } = yield* setUp()
      assert.isFalse(recognition.isHearing())
      yield* recognition.begin(1, { preSpeech: sound(3840) })
      assert.isTrue(recognition.isHearing())
      for (let piece = 0; piece < 7; piece++) recognition.hear(sound(160))
      yield* settle
      assert.deepStrictEqual(utterances[0].pushes, [3840, 480, 480])
      assert.deepStrictEqual(copied, ["begin", "3840", ...Array.from({ length: 7 }, () => "160")])
    }))

  it.effect("has all of the sound so far when its transcript is requested", () =>
    Effect.gen(function*() {
      const { recognition, reports } = yield* setUp()
      yield* recognition.begin(1, { preSpeech: sound(100) })
      recognition.hear(sound(160))
      yield* recognition.transcribe(1, 7)
      yield* settle
      assert.deepStrictEqual(reports, [{ _tag: "Transcribed", utterance: 1, attempt: 7, transcript: { text: "260", ending: "unknown" } }])
    }))

  it.effect("gets the silence after its words only when the caller goes on", () =>
    Effect.gen(function*() {
      const { recognition, utterances } = yield* setUp()
      yield* recognition.begin(1, {})
      recognition.voiceStopped(300)
      for (let piece = 0; piece < 6; piece++) recognition.hear(sound(160))
      yield* settle
      assert.deepStrictEqual(utterances[0].pushes, [])
      recognition.voiceStarted()
      yield* settle
      assert.deepStrictEqual(utterances[0].pushes, [480, 480])
    }))

  it.effect("is closed at its end, and when the next one begins", () =>
    Effect.gen(function*() {
      const { copied, recognition, utterances } = yield* setUp()
      yield* recognition.begin(1, {})
      yield* settle
      yield* recognition.begin(2, {})
      yield* settle
      yield* recognition.end(2)
      yield* settle
      assert.deepStrictEqual(utterances.map(({ isOpen }) => isOpen), [false, false])
      assert.deepStrictEqual(copied, ["begin", "end", "begin", "end"])
      assert.isFalse(recognition.isHearing())
    }))

  it.effect("stays open when the next part continues it, so that its transcript can still be made", () =>
    Effect.gen(function*() {
      const { copied, recognition, reports, utterances } = yield* setUp()
      yield* recognition.begin(1, { preSpeech: sound(100) })
      yield* settle
      yield* recognition.begin(2, { continues: 1 })
      recognition.hear(sound(480))
      yield* recognition.transcribe(1, 1)
      yield* settle
      assert.deepStrictEqual(utterances.map(({ samples }) => samples.length), [100, 480])
      assert.deepStrictEqual(reports, [{ _tag: "Transcribed", utterance: 1, attempt: 1, transcript: { text: "100", ending: "unknown" } }])
      assert.deepStrictEqual(copied, ["begin", "100", "480"])
      yield* recognition.end(1)
      yield* settle
      assert.deepStrictEqual(utterances.map(({ isOpen }) => isOpen), [false, true])
    }))
})

describe("a transcript", () => {
  it.effect("that is late fails with a timeout", () =>
    Effect.gen(function*() {
      const { recognition, reports } = yield* setUp({ transcribe: Effect.never })
      yield* recognition.begin(1, {})
      yield* recognition.transcribe(1, 1)
      yield* TestClock.adjust(2999)
      assert.deepStrictEqual(reports, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(reports, [{ _tag: "TranscriptionFailed", utterance: 1, attempt: 1, reason: "timeout" }])
    }))

  it.effect("that is cancelled is not reported", () =>
    Effect.gen(function*() {
      let isInterrupted = false
      const { recognition, reports } = yield* setUp({
        transcribe: Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (isInterrupted = true)))
      })
      yield* recognition.begin(1, {})
      yield* recognition.transcribe(1, 1)
      yield* settle
      yield* recognition.cancelTranscription(1)
      yield* TestClock.adjust(3000)
      assert.isTrue(isInterrupted)
      assert.deepStrictEqual(reports, [])
    }))

  it.effect("fails if the recognizer could not begin, or failed while it took the sound", () =>
    Effect.gen(function*() {
      const closed = yield* setUp({}, Effect.fail(broken))
      yield* closed.recognition.begin(1, { preSpeech: sound(100) })
      yield* closed.recognition.transcribe(1, 1)
      const deaf = yield* setUp({ push: () => Effect.fail(broken) })
      yield* deaf.recognition.begin(1, { preSpeech: sound(100) })
      yield* deaf.recognition.transcribe(1, 1)
      yield* settle
      const failure = [{ _tag: "TranscriptionFailed", utterance: 1, attempt: 1, reason: "broken" } as const]
      assert.deepStrictEqual(closed.reports, failure)
      assert.deepStrictEqual(deaf.reports, failure)
    }))

  it.effect("of an utterance that has ended is not requested", () =>
    Effect.gen(function*() {
      const { recognition, reports } = yield* setUp()
      yield* recognition.begin(1, {})
      yield* recognition.end(1)
      yield* recognition.transcribe(1, 1)
      yield* settle
      assert.deepStrictEqual(reports, [])
    }))
})

describe("partial transcripts", () => {
  it.effect("are reported only while they are wanted", () =>
    Effect.gen(function*() {
      const texts = yield* Queue.unbounded<string>()
      const { recognition, reports } = yield* setUp({ partials: Stream.fromQueue(texts) })
      yield* recognition.begin(1, {})
      yield* Queue.offer(texts, "what")
      yield* settle
      assert.deepStrictEqual(reports, [])
      recognition.setPartialsWanted(true)
      yield* settle
      assert.deepStrictEqual(reports, [{ _tag: "Partial", utterance: 1, text: "what" }])
    }))
})
