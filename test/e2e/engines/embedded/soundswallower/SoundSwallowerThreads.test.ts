import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import type { Worker } from "node:worker_threads"
import * as Threads from "../../../../../src/engines/embedded/soundswallower/SoundSwallowerThreads.ts"
import { CallerSpeech } from "../../../../../src/simulator/caller/CallerSpeech.ts"

const grammar = { name: "x", jsgf: "", words: [], modelBase: "/nowhere/", model: "en-us", wordInsertion: 0.1 }

const watch = Effect.gen(function*() {
  const workers: Array<Worker> = []
  const onWorker = (worker: Worker) => void workers.push(worker)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("worker", onWorker)),
    () => Effect.sync(() => process.off("worker", onWorker))
  )
  return workers
})

describe("the threads of SoundSwallower", () => {
  it.live("that can't start are started once for each request, and not over and over", () =>
    Effect.gen(function*() {
      const started = yield* watch
      const threads = yield* Threads.make({ timeout: 5000, size: 1, file: new URL("./NoSuchThread.ts", import.meta.url) })
      assert.match((yield* Effect.flip(threads.load(grammar))).message, /gone/)
      assert.strictEqual(started.length, 1)
      assert.match((yield* Effect.flip(threads.load({ ...grammar, name: "y" }))).message, /gone/)
      // After another iteration of the event loop, no further thread has been started.
      yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      assert.strictEqual(started.length, 2)
    }))

  it.effect("report that a model can't be loaded, and go on", () =>
    Effect.gen(function*() {
      const threads = yield* Threads.make({ timeout: 5000, size: 1 })
      const first = yield* Effect.flip(threads.load(grammar))
      assert.notMatch(first.message, /gone|replaced/)
      assert.strictEqual((yield* Effect.flip(threads.load({ ...grammar, name: "y" }))).message, first.message)
      // An empty answer for an unknown grammar would be taken for silence.
      const hearing = yield* threads.begin(grammar)
      yield* hearing.push(new Int16Array(160))
      assert.match((yield* Effect.flip(hearing.words)).message, /not loaded/)
    }))

  it.effect("that do not answer are stopped, and their requests fail", () =>
    Effect.gen(function*() {
      // This thread takes all messages and never answers.
      const threads = yield* Threads.make({ timeout: 5000, size: 1, file: new URL("../../../../support/engines/SilentThread.ts", import.meta.url) })
      const asking = yield* Effect.forkChild(Effect.flip(threads.load(grammar)), { startImmediately: true })
      yield* TestClock.adjust(5000)
      assert.match((yield* Fiber.join(asking)).message, /did not answer/)
    }))
})

const spoken = {
  name: "test",
  jsgf: "#JSGF V1.0;\ngrammar test;\npublic <said> = (yes | no)+;\n",
  words: [["yes", "Y EH S"], ["no", "N OW"]] as const,
  modelBase: join(dirname(createRequire(import.meta.url).resolve("soundswallower")), "model/"),
  model: "en-us",
  wordInsertion: 0.1
}

const tenth = 800

/** This many samples of a repeated sound. */
const over = (sound: Int16Array, samples: number): Int16Array<ArrayBuffer> => Int16Array.from({ length: samples }, (_, index) => sound[index % sound.length])

const recognizing = Layer.provideMerge(CallerSpeech.layer, NodeServices.layer)

it.live("a short utterance is not held up by a long one, even if somebody waits for both", () =>
  Effect.gen(function*() {
    const { speak } = yield* CallerSpeech
    const threads = yield* Threads.make({ timeout: 20_000, size: 1 })
    yield* threads.load(spoken)
    const answered: Array<string> = []
    const [long, short] = [yield* threads.begin(spoken), yield* threads.begin(spoken)]
    // Half a minute in one piece, whose words are asked for first.
    yield* long.push(over(yield* speak("yes", "rms"), 240_000))
    const asking = yield* Effect.forkChild(Effect.map(long.words, () => answered.push("long")), { startImmediately: true })
    yield* short.push(yield* speak("no", "rms"))
    assert.strictEqual(yield* short.words, "no")
    answered.push("short")
    yield* Fiber.join(asking)
    assert.deepStrictEqual(answered, ["short", "long"])
  }).pipe(Effect.scoped, Effect.provide(recognizing)), 60_000)

it.live("an utterance goes to the thread that has the least to decode", () =>
  Effect.gen(function*() {
    const threads = yield* Threads.make({ timeout: 5000, size: 2, file: new URL("../../../../support/engines/SlowThread.ts", import.meta.url) })
    const threadOf = Effect.fnUntraced(function*(seconds: number) {
      const hearing = yield* threads.begin(spoken)
      yield* hearing.push(new Int16Array(seconds * 8000))
      return yield* hearing.words
    })
    const long = yield* threadOf(30)
    // The other thread soon has more utterances, but less sound.
    const others = yield* Effect.forEach([2, 1, 5], threadOf)
    assert.strictEqual(new Set(others).size, 1)
    assert.notInclude(others, long)
  }).pipe(Effect.scoped))

it.live("a further thread is started when the others have much to decode, and gets utterances once it has loaded", () =>
  Effect.gen(function*() {
    const started = yield* watch
    const threads = yield* Threads.make({ timeout: 5000, size: 3, ready: 1, file: new URL("../../../../support/engines/SlowThread.ts", import.meta.url) })
    yield* threads.load(spoken)
    const threadOf = Effect.fnUntraced(function*(seconds: number) {
      const hearing = yield* threads.begin(spoken)
      yield* hearing.push(new Int16Array(seconds * 8000))
      return yield* hearing.words
    })
    const first = yield* threadOf(0.5)
    assert.strictEqual(yield* threadOf(2), first)
    assert.strictEqual(started.length, 1)
    // 2.5 s of sound wait, so a thread is started. This utterance does not wait for it.
    assert.strictEqual(yield* threadOf(1), first)
    assert.strictEqual(started.length, 2)
    yield* Effect.callback<void>((resume) => void started[1].once("message", () => resume(Effect.void)))
    const second = yield* threadOf(0.5)
    assert.notStrictEqual(second, first)
    // One thread has little to do, so no further thread is started.
    assert.strictEqual(yield* threadOf(0.1), second)
    assert.strictEqual(started.length, 2)
  }).pipe(Effect.scoped))

it.live("a busy thread is not taken for a thread that hangs", () =>
  Effect.gen(function*() {
    const { speak } = yield* CallerSpeech
    const yes = yield* speak("yes", "rms")
    const threads = yield* Threads.make({ timeout: 2000 })
    yield* threads.load(spoken)
    const hearing = yield* threads.begin(spoken)
    // Minutes of sound at once: seconds of work, but only a small part of a second for each piece.
    for (let at = 0, length = 0; length < 1_440_000; length += tenth) {
      yield* hearing.push(yes.slice(at, at + tenth))
      at = at + 2 * tenth > yes.length ? 0 : at + tenth
    }
    assert.match(yield* hearing.words, /yes/)
  }).pipe(Effect.scoped, Effect.provide(recognizing)), 120_000)
