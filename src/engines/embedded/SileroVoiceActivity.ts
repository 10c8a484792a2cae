/**
 * Voice activity by Silero VAD v6, in this process.
 *
 * The weights are those inside `@ricky0123/vad-web`; the runtime is ONNX Runtime's native one, or its
 * WebAssembly build where no native one is at hand. At 8 kHz the model takes windows of 256 samples with the
 * 32 samples before them, and a state of 2 × 1 × 128.
 *
 * One session serves all calls. Both runtimes compute in the thread that asks, the native one too, between two
 * turns of the event loop. With 100 calls in real time a thread of its own would take two thirds of that off the
 * main thread and cost a third more in all; natively the event loop hardly feels it, so it stays where it is:
 * see `bench/voice-activity` and docs/adr/0006.
 *
 * https://github.com/snakers4/silero-vad
 */
import { createRequire } from "node:module"
import { Effect, FileSystem, Layer, Scope } from "effect"
import type { InferenceSession, Tensor, TypedTensor } from "onnxruntime-common"
import { EngineFailed } from "../../conversation/Engine.ts"
import { type Detector, VoiceActivity, windowLength } from "../../conversation/VoiceActivity.ts"

/** Samples of the window before that the model wants to see again. */
const contextLength = 32

const stateShape = [2, 1, 128]

const weights = "@ricky0123/vad-web/dist/silero_vad_v6.onnx"

interface Runtime {
  readonly name: string
  readonly InferenceSession: typeof import("onnxruntime-common").InferenceSession
  readonly Tensor: typeof import("onnxruntime-common").Tensor
}

const native = Effect.tryPromise(async (): Promise<Runtime> => {
  const { default: runtime } = await import("onnxruntime-node")
  return { name: "native", InferenceSession: runtime.InferenceSession, Tensor: runtime.Tensor }
})

const wasm = Effect.tryPromise(async (): Promise<Runtime> => {
  const runtime = await import("onnxruntime-web/wasm")
  runtime.env.wasm.numThreads = 1
  return { name: "wasm", InferenceSession: runtime.InferenceSession, Tensor: runtime.Tensor }
})

const failed = (reason: EngineFailed["reason"], cause: unknown) =>
  new EngineFailed({
    stage: "voiceActivity",
    reason,
    advice: "Silero VAD could not be run. Install again with `npm install`; the cause is in the log.",
    cause
  })

const makeDetector = (runtime: Runtime, session: InferenceSession, rate: Tensor): Detector => {
  const input = new Float32Array(contextLength + windowLength)
  const feeds: Record<string, Tensor> = {
    input: new runtime.Tensor("float32", input, [1, input.length]),
    state: new runtime.Tensor("float32", new Float32Array(2 * 128), stateShape),
    sr: rate
  }
  return {
    probability: (window) =>
      Effect.tryPromise({
        try: async () => {
          input.copyWithin(0, windowLength)
          for (let index = 0; index < windowLength; index++) input[contextLength + index] = window[index] / 32_768
          const result = await session.run(feeds)
          feeds.state = result.stateN
          return (result.output as TypedTensor<"float32">).data[0]
        },
        catch: (cause) => failed("broken", cause)
      })
  }
}

const load = Effect.fnUntraced(function*(choose: Effect.Effect<Runtime, unknown>) {
  const fs = yield* FileSystem.FileSystem
  const bytes = yield* Effect.try(() => createRequire(import.meta.url).resolve(weights)).pipe(
    Effect.flatMap((path) => fs.readFile(path)),
    Effect.mapError((cause) => failed("unavailable", cause))
  )
  const runtime = yield* Effect.mapError(choose, (cause) => failed("unavailable", cause))
  const session = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        runtime.InferenceSession.create(bytes, {
          intraOpNumThreads: 1,
          interOpNumThreads: 1,
          executionMode: "sequential",
          logSeverityLevel: 3
        }),
      catch: (cause) => failed("unavailable", cause)
    }),
    (session) => Effect.promise(() => session.release())
  )
  const rate = new runtime.Tensor("int64", BigInt64Array.of(8000n), [])
  const open = Effect.sync(() => makeDetector(runtime, session, rate))
  // Once, so that the first call does not wait.
  yield* Effect.flatMap(open, (detector) => detector.probability(new Int16Array(windowLength)))
  return open
})

/** Runtime and weights are loaded when the first detector is opened: a service that only echoes needs none. */
const layerOf = (choose: Effect.Effect<Runtime, unknown>): Layer.Layer<VoiceActivity, never, FileSystem.FileSystem> =>
  Layer.effect(
    VoiceActivity,
    Effect.gen(function*() {
      const scope = yield* Effect.scope
      const fs = yield* FileSystem.FileSystem
      const loaded = yield* Effect.cached(
        load(choose).pipe(Effect.provideService(FileSystem.FileSystem, fs), Scope.provide(scope))
      )
      return VoiceActivity.of({ open: Effect.flatten(loaded) })
    })
  )

export const layerNative = layerOf(native)

/** Two to three times the work. */
export const layerWasm = layerOf(wasm)

export const layer = layerOf(
  Effect.catch(native, (cause) =>
    Effect.andThen(Effect.logWarning("No native ONNX runtime here; Silero VAD runs as WebAssembly", cause), wasm))
)
