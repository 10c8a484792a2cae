import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer, PlatformError, References, Result, Scheduler } from "effect"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as onnx from "onnxruntime-node"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import { VoiceActivity, windowLength } from "../../../../../src/conversation/ports/VoiceActivity.ts"
import * as Silero from "../../../../../src/engines/embedded/silero/SileroVoiceActivity.ts"
import * as SoundFiles from "../../../../../src/simulator/caller/SoundFiles.ts"
import * as Detectors from "../../../../support/conversation/Detectors.ts"

const speech = Result.getOrThrow(SoundFiles.fromWav(readFileSync(new URL("../../../../fixtures/speech-8k.wav", import.meta.url))))

const cut = (sound: Pcm<8000>): ReadonlyArray<Pcm<8000>> =>
  Array.from({ length: Math.floor(sound.length / windowLength) }, (_, index) =>
    sound.slice(index * windowLength, (index + 1) * windowLength))

/** The same hiss in each run, at about −50 dBFS. */
const noise = (() => {
  let state = 1
  return Int16Array.from({ length: 16_000 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.round((state / 2 ** 32 - 0.5) * 350)
  })
})()

const probabilities = Effect.fnUntraced(function*(sound: Pcm<8000>) {
  const detector = yield* (yield* VoiceActivity).open
  return yield* Effect.forEach(cut(sound), (window) => Detectors.probability(detector, window))
}, Effect.scoped)

const power = (window: Pcm<8000>) => window.reduce((sum, sample) => sum + sample * sample, 0) / window.length

/** As upstream runs the model: 32 samples of the window before, then the window; each run gets the state of the run before. */
const upstream = async (sound: Pcm<8000>): Promise<ReadonlyArray<number>> => {
  const path = createRequire(import.meta.url).resolve("@ricky0123/vad-web/dist/silero_vad_v6.onnx")
  const session = await onnx.InferenceSession.create(path, { intraOpNumThreads: 1 })
  const sr = new onnx.Tensor("int64", BigInt64Array.of(8000n), [])
  let state = new onnx.Tensor("float32", new Float32Array(256), [2, 1, 128])
  const padded = Float32Array.from([...Array.from({ length: 32 }, () => 0), ...sound], (sample) => sample / 32_768)
  const found: Array<number> = []
  for (let at = 0; at + windowLength <= sound.length; at += windowLength) {
    const input = new onnx.Tensor("float32", padded.slice(at, at + 32 + windowLength), [1, 32 + windowLength])
    const result = await session.run({ input, state, sr })
    state = result.stateN as typeof state
    found.push((result.output.data as Float32Array)[0])
  }
  await session.release()
  return found
}

const assertAlike = (found: ReadonlyArray<number>, expected: ReadonlyArray<number>, tolerance: number) => {
  assert.strictEqual(found.length, expected.length)
  for (const [index, probability] of found.entries()) assert.closeTo(probability, expected[index], tolerance, `window ${index}`)
}

const files = NodeServices.layer

layer(Silero.layer.pipe(Layer.provide(files)))("Silero VAD", (it) => {
  it.effect("is sure of speech while somebody speaks", () =>
    Effect.gen(function*() {
      const found = yield* probabilities(speech)
      const loudest = Math.max(...cut(speech).map(power))
      // Windows within 15 dB of the loudest are voiced beyond doubt.
      const voiced = found.filter((_, index) => power(cut(speech)[index]) > loudest / 32)
      assert.isAbove(voiced.length, 20)
      assert.isAbove(voiced.filter((probability) => probability > 0.5).length / voiced.length, 0.9)
      assert.isTrue(found.every((probability) => probability >= 0 && probability <= 1))
    }))

  it.effect.each([["silence", new Int16Array(16_000)], ["hiss", noise]] as const)("hears no speech in %s", ([, sound]) =>
    Effect.gen(function*() {
      for (const probability of yield* probabilities(sound)) assert.isBelow(probability, 0.3)
    }))

  it.effect("comes down again when the speech is over", () =>
    Effect.gen(function*() {
      const after = new Int16Array(speech.length + 8000)
      after.set(speech)
      assert.isBelow((yield* probabilities(after)).at(-1)!, 0.1)
    }))

  it.effect("carries context and state from window to window as upstream does", () =>
    Effect.gen(function*() {
      assertAlike(yield* probabilities(speech), yield* Effect.promise(() => upstream(speech)), 1e-5)
    }))

  it.effect("does not need the window after its answer", () =>
    Effect.gen(function*() {
      const expected = yield* probabilities(speech)
      const detector = yield* (yield* VoiceActivity).open
      const window = new Int16Array(windowLength) as Pcm<8000>
      const found = yield* Effect.forEach(cut(speech), (piece) =>
        Effect.suspend(() => {
          window.set(piece)
          return Effect.tap(Detectors.probability(detector, window), () => Effect.sync(() => window.fill(20_000)))
        }))
      assertAlike(found, expected, 1e-6)
    }))

  it.effect("keeps detectors apart, even if they are asked at the same time", () =>
    Effect.gen(function*() {
      const { open } = yield* VoiceActivity
      const [one, other] = [yield* open, yield* open]
      const [spoken, hissed] = [cut(speech), cut(noise)]
      const count = Math.min(spoken.length, hissed.length)
      const found = yield* Effect.forEach(Array.from({ length: count }, (_, index) => index), (index) =>
        Effect.all([Detectors.probability(one, spoken[index]), Detectors.probability(other, hissed[index])], { concurrency: "unbounded" }))
      assertAlike(found.map(([probability]) => probability), (yield* probabilities(speech)).slice(0, count), 1e-6)
      assertAlike(found.map(([, probability]) => probability), (yield* probabilities(noise)).slice(0, count), 1e-6)
    }))
})

describe("the runtimes of Silero VAD", () => {
  it.effect("give the same results natively and as WebAssembly", () =>
    Effect.gen(function*() {
      const native = yield* probabilities(speech).pipe(Effect.provide(Silero.layerNative))
      const wasm = yield* probabilities(speech).pipe(Effect.provide(Silero.layerWasm))
      assertAlike(wasm, native, 1e-3)
    }).pipe(Effect.provide(files)))

  it.effect("say what to do when the weights are missing, and read them only for a call", () =>
    Effect.gen(function*() {
      let reads = 0
      const without = FileSystem.layerNoop({
        readFile: (path) =>
          Effect.suspend(() => {
            reads++
            return Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "readFile", pathOrDescriptor: path }))
          })
      })
      const { open } = yield* VoiceActivity.pipe(Effect.provide(Silero.layer.pipe(Layer.provide(without))))
      assert.strictEqual(reads, 0)
      const failure = yield* Effect.flip(Effect.scoped(open))
      assert.deepStrictEqual([failure._tag, failure.stage, failure.reason], ["EngineFailed", "voiceActivity", "unavailable"])
      assert.match(failure.advice, /npm install/)
    }))

  it.effect("refuse unexpected weights, and name the file and its digest", () =>
    Effect.gen(function*() {
      const other = FileSystem.layerNoop({ readFile: () => Effect.succeed(new Uint8Array([1, 2, 3])) })
      const { open } = yield* VoiceActivity.pipe(Effect.provide(Silero.layer.pipe(Layer.provide(other))))
      const failure = yield* Effect.flip(Effect.scoped(open))
      assert.deepStrictEqual([failure.stage, failure.reason], ["voiceActivity", "unavailable"])
      assert.match(failure.advice, /silero_vad_v6\.onnx is not the expected version of Silero VAD \(its SHA-256 is 039058c6.*npm ci/)
    }))
})

/** Effect's own scheduler. `calls`: the call SID in the log annotations of each fiber that asked it. */
const watched = () => {
  const calls: Array<unknown> = []
  const scheduler = new Scheduler.MixedScheduler("async", (run) => {
    const immediate = setImmediate(run)
    return () => clearImmediate(immediate)
  })
  const shouldYield = scheduler.shouldYield.bind(scheduler)
  scheduler.shouldYield = (fiber) => {
    calls.push(fiber.getRef(References.CurrentLogAnnotations).callSid)
    return shouldYield(fiber)
  }
  return { calls, scheduler }
}

describe("the fibers that run the model", () => {
  it.live("run on the service's scheduler, without the annotations of the call that came first", () =>
    Effect.gen(function*() {
      const { calls, scheduler } = watched()
      const context = yield* Layer.build(
        Silero.layer.pipe(Layer.provide(files), Layer.provide(Layer.succeed(Scheduler.Scheduler, scheduler)))
      )
      const { open } = Context.get(context, VoiceActivity)
      const detector = yield* Effect.annotateLogs(open, { callSid: "CA1" })
      // This test's fiber runs on the process's scheduler, so only the detector's fibers are counted.
      for (const times of [1, 2, 3]) {
        calls.length = 0
        yield* Detectors.probability(detector, new Int16Array(windowLength) as Pcm<8000>)
        assert.isAbove(calls.length, 0, `window ${times}`)
        assert.isTrue(calls.every((callSid) => callSid === undefined), `window ${times}`)
      }
    }))
})
