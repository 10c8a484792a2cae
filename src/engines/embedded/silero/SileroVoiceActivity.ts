/**
 * Voice activity by Silero VAD v6, in this process.
 *
 * The runtime is the native build of ONNX Runtime, or its WebAssembly build if there is no native build. At 8 kHz the model takes windows
 * of 256 samples with the 32 samples before them, and a state of 2 × 1 × 128.
 *
 * One session serves all calls, and one run takes the windows of several calls (`WindowBatches`). Both runtimes compute in the main
 * thread. In a worker thread the model would relieve the main thread, but the process would use more CPU time in total. With the native
 * runtime, timers of the main thread are late by only a few ms, even at 100 calls. So the model stays there (`bench/voice-activity`,
 * docs/adr/0006).
 *
 * https://github.com/snakers4/silero-vad
 */
import { Effect, type Fiber, FiberSet, FileSystem, Layer, Scope } from "effect"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import { type Detector, VoiceActivity, windowLength } from "../../../conversation/ports/VoiceActivity.ts"
import { contextLength, inputLength, layers, layerLength } from "./RunBuffers.ts"
import * as SileroWeights from "./SileroWeights.ts"
import * as WindowBatches from "./WindowBatches.ts"

const unavailable = (cause: unknown) =>
  new EngineFailed({
    stage: "voiceActivity",
    reason: "unavailable",
    advice: "Silero VAD could not be run. Install again with `npm install`; the cause is in the log.",
    cause
  })

const native = Effect.tryPromise({
  try: async (): Promise<WindowBatches.Runtime> => {
    const { default: runtime } = await import("onnxruntime-node")
    return { writesIntoFetches: true, InferenceSession: runtime.InferenceSession, Tensor: runtime.Tensor }
  },
  catch: unavailable
})

const wasm = Effect.tryPromise({
  try: async (): Promise<WindowBatches.Runtime> => {
    const runtime = await import("onnxruntime-web/wasm")
    runtime.env.wasm.numThreads = 1
    return { writesIntoFetches: false, InferenceSession: runtime.InferenceSession, Tensor: runtime.Tensor }
  },
  catch: unavailable
})

/**
 * ms: half a window. If a window comes sooner than this after the call's previous window, the call is catching up after a stall of the
 * network. Then a run that begins with this window does not wait for the windows of other calls. `WindowBatches` does not count this window
 * when it decides whether windows should wait.
 */
const catchingUpMillis = 16

const makeDetector = (batches: WindowBatches.WindowBatches): Detector => {
  const input = new Float32Array(inputLength)
  const state = new Float32Array(layers * layerLength)
  let askedAt = -Infinity
  return {
    ask: (window, answer) => {
      const now = WindowBatches.now()
      const isCatchingUp = now - askedAt < catchingUpMillis
      askedAt = now
      // The end of the last window is the context of this window.
      input.copyWithin(0, windowLength)
      for (let index = 0; index < windowLength; index++) input[contextLength + index] = window[index] / 32_768
      batches.ask(input, state, answer, now, isCatchingUp)
    }
  }
}

/** Loads the runtime and the weights. The result opens a detector for a call. */
const load = Effect.fnUntraced(function*(
  loadRuntime: Effect.Effect<WindowBatches.Runtime, EngineFailed>,
  fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
) {
  const weights = yield* SileroWeights.load
  const runtime = yield* loadRuntime
  const session = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        runtime.InferenceSession.create(weights, {
          intraOpNumThreads: 1,
          interOpNumThreads: 1,
          executionMode: "sequential",
          logSeverityLevel: 3
        }),
      catch: unavailable
    }),
    (session) => Effect.promise(() => session.release())
  )
  const rate = new runtime.Tensor("int64", BigInt64Array.of(8000n), [])
  const batches = WindowBatches.make(runtime, session, rate, fork)
  // The first run takes long. It is done here, so that no call waits for it.
  yield* Effect.callback<number, EngineFailed>((resume) => makeDetector(batches).ask(new Int16Array(windowLength), resume))
  return Effect.sync(() => makeDetector(batches))
})

/** The runtime and the weights are loaded when the first detector is opened. A service that only has the echo agent needs neither. */
const layerOf = (loadRuntime: Effect.Effect<WindowBatches.Runtime, EngineFailed>): Layer.Layer<VoiceActivity, never, FileSystem.FileSystem> =>
  Layer.effect(
    VoiceActivity,
    Effect.gen(function*() {
      // The session's scope is made before the fibers, so it is closed after them. No fiber may run a model that has been released.
      const session = yield* Scope.fork(yield* Effect.scope)
      const fs = yield* FileSystem.FileSystem
      const fork = yield* FiberSet.makeRuntime<never, void, never>()
      const loaded = yield* Effect.cached(
        load(loadRuntime, fork).pipe(Effect.provideService(FileSystem.FileSystem, fs), Scope.provide(session))
      )
      return VoiceActivity.of({ open: Effect.flatten(loaded) })
    })
  )

export const layerNative = layerOf(native)

/** Takes two to three times the CPU time of the native runtime. */
export const layerWasm = layerOf(wasm)

export const layer = layerOf(
  Effect.catch(native, ({ cause }) =>
    Effect.andThen(Effect.logWarning("No native ONNX runtime here; Silero VAD runs as WebAssembly", cause), wasm))
)
