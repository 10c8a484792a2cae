import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import type { Worker } from "node:worker_threads"
import { type SpeechRequest, TextToSpeech } from "../../../../../src/conversation/ports/TextToSpeech.ts"
import * as Flite from "../../../../../src/engines/embedded/flite/FliteTextToSpeech.ts"
import * as AudioSimilarity from "../../../../../src/simulator/report/AudioSimilarity.ts"

const say = (text: string, voice?: string): SpeechRequest => ({ text, language: "en", ...(voice === undefined ? {} : { voice }) })

const chunksOf = Effect.fnUntraced(function*(request: SpeechRequest) {
  return yield* Stream.runCollect((yield* TextToSpeech).speak(request))
})

const soundOf = Effect.fnUntraced(function*(request: SpeechRequest) {
  const chunks = yield* chunksOf(request)
  const sound = new Int16Array(chunks.reduce((sum, { pcm }) => sum + pcm.length, 0))
  let at = 0
  for (const { pcm } of chunks) {
    sound.set(pcm, at)
    at += pcm.length
  }
  return sound
})

/** The memory of a sentence's sound. It is the same if the sentence was not synthesised again. */
const memoryOf = Effect.fnUntraced(function*(request: SpeechRequest) {
  return (yield* chunksOf(request))[0].pcm.buffer
})

const sentence = "We are open Monday to Friday."

layer(Flite.layer)("Flite", (it) => {
  it.effect("speaks a sentence at 8 kHz, in a plausible time and at the network's level", () =>
    Effect.gen(function*() {
      const chunks = yield* chunksOf(say(sentence))
      assert.isTrue(chunks.every(({ sampleRate }) => sampleRate === 8000))
      assert.isTrue(chunks.every(({ pcm }) => pcm.length <= 1600))
      const sound = yield* soundOf(say(sentence))
      // Eight syllables at three to six a second.
      assert.isAbove(sound.length, 1.2 * 8000)
      assert.isBelow(sound.length, 3 * 8000)
      const level = AudioSimilarity.level(sound)
      assert.isAbove(level, -26)
      assert.isBelow(level, -17)
    }))

  it.effect("begins with the voice, not with silence", () =>
    Effect.gen(function*() {
      const sound = yield* soundOf(say(sentence))
      assert.isAbove(AudioSimilarity.level(sound.subarray(0, 400)), -55)
    }))

  it.effect("takes longer for a longer text", () =>
    Effect.gen(function*() {
      const short = yield* soundOf(say("Yes."))
      const long = yield* soundOf(say("Yes, you can park behind the house, beside the public library."))
      assert.isAbove(long.length, 4 * short.length)
    }))

  it.effect("has five different voices", () =>
    Effect.gen(function*() {
      const { voices } = yield* TextToSpeech
      assert.deepStrictEqual([...voices].sort(), ["awb", "kal", "kal16", "rms", "slt"])
      const sounds = yield* Effect.forEach(voices, (voice) => soundOf(say("Good day.", voice)))
      for (const sound of sounds) assert.isAbove(AudioSimilarity.level(sound), -26)
      assert.strictEqual(new Set(sounds.map((sound) => sound.join())).size, 5)
      assert.deepStrictEqual(yield* soundOf(say("Good day.")), yield* soundOf(say("Good day.", "slt")))
    }))

  it.effect.each([
    [{ text: "Bonjour.", language: "fr" }, /TTS_URL/],
    [say("Hello.", "heart"), /Use one of: slt/],
    // A voice's name goes to a command line, so only known names are accepted.
    [say("Hello.", "../voice"), /Use one of/]
  ] as const)("refuses %j, and says what to do", ([request, advice]) =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(chunksOf(request))
      assert.deepStrictEqual([failure.stage, failure.reason], ["textToSpeech", "refused"])
      assert.match(failure.advice, advice)
    }))

  it.effect("speaks a text that looks like an option", () =>
    Effect.gen(function*() {
      assert.isAbove((yield* soundOf(say("-voice rms"))).length, 1000)
      assert.isAbove((yield* soundOf(say("--help"))).length, 1000)
    }))

  it.effect.each(["", "  ", "…!?", "\n"])("has no sound for %j", (text) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* chunksOf(say(text)), [])
    }))

  it.effect("keeps the sound of a sentence, by voice and text", () =>
    Effect.gen(function*() {
      const first = yield* memoryOf(say("One moment."))
      assert.strictEqual(yield* memoryOf(say("One moment.")), first)
      assert.notStrictEqual(yield* memoryOf(say("One moment.", "rms")), first)
    }))

  it.effect("synthesises a sentence once if several calls need it at once", () =>
    Effect.gen(function*() {
      const all = yield* Effect.all(Array.from({ length: 5 }, () => memoryOf(say("All of us want this."))), { concurrency: "unbounded" })
      assert.strictEqual(new Set(all).size, 1)
    }))

  it.effect("finishes a sentence for other calls when one of them is over", () =>
    Effect.gen(function*() {
      const gone = yield* Effect.forkChild(memoryOf(say("Is anybody still there?")), { startImmediately: true })
      const stays = yield* Effect.forkChild(memoryOf(say("Is anybody still there?")), { startImmediately: true })
      yield* Fiber.interrupt(gone)
      const sound = yield* Fiber.join(stays)
      assert.strictEqual(yield* memoryOf(say("Is anybody still there?")), sound)
    }))

  it.effect("can be stopped between two pieces, and then speaks the next sentence", () =>
    Effect.gen(function*() {
      const { speak } = yield* TextToSpeech
      const [first] = yield* Stream.runCollect(Stream.take(speak(say(sentence)), 1))
      assert.strictEqual(first.pcm.length, 1600)
      assert.isAbove((yield* soundOf(say("And on."))).length, 1000)
    }))
})

/** About half a second each. */
const words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]

describe("Flite's memory", () => {
  it.effect("holds no instance of a sentence that was spoken", () =>
    Effect.gen(function*() {
      const started: Array<Worker> = []
      const onWorker = (worker: Worker) => void started.push(worker)
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("worker", onWorker)),
        () => Effect.sync(() => process.off("worker", onWorker))
      )
      yield* Effect.gen(function*() {
        // An instance takes 17 MB. The garbage collector alone would let several of them pile up.
        for (let count = 0; count < 12; count++) {
          yield* soundOf(say(`This is sentence number ${count}.`))
          for (const worker of started) {
            const { external_memory } = yield* Effect.promise(() => worker.getHeapStatistics())
            assert.isBelow(external_memory, 40_000_000)
          }
        }
      }).pipe(Effect.provide(Flite.layer))
      assert.isAbove(started.length, 0)
    }))

  it.effect("drops the least recently used sentence, but never an agent's fixed lines", () =>
    Effect.gen(function*() {
      const { prepare } = yield* TextToSpeech
      const fixed = say("Good day.")
      yield* prepare([fixed])
      const pinned = yield* memoryOf(fixed)
      const first = yield* memoryOf(say("one"))
      const second = yield* memoryOf(say("two"))
      for (const word of words.slice(2)) {
        yield* memoryOf(say(word))
        // This use keeps it among the recent ones.
        assert.strictEqual(yield* memoryOf(say("one")), first)
      }
      assert.strictEqual(yield* memoryOf(fixed), pinned)
      assert.notStrictEqual(yield* memoryOf(say("two")), second)
    }).pipe(Effect.provide(Flite.layerWith({ cacheLimit: 20_000 }))))

  it.effect("has prepared lines in memory", () =>
    Effect.gen(function*() {
      const { prepare, speak } = yield* TextToSpeech
      yield* prepare([say("Hello."), say("Goodbye."), say("")])
      // The sound is there at once. A thread's answer would come only through the event loop, so the line was in memory.
      const fiber = yield* Effect.forkChild(Stream.runCollect(speak(say("Goodbye."))), { startImmediately: true })
      assert.isDefined(fiber.pollUnsafe())
    }).pipe(Effect.provide(Flite.layer)))

  it.effect("fails to prepare a line with an unknown voice", () =>
    Effect.gen(function*() {
      const { prepare } = yield* TextToSpeech
      assert.strictEqual((yield* Effect.flip(prepare([say("Hello."), say("Hello.", "nobody")]))).reason, "refused")
    }).pipe(Effect.provide(Flite.layer)))
})
