/**
 * Several calls' windows (32 ms of sound each) that arrive close together share one run of the Silero model. Starting a run costs as much time
 * as computing seven windows, because the weights must come into the processor's caches.
 */
import { Clock, Effect, Exit, type Fiber } from "effect"
import type { InferenceSession, Tensor, TypedTensor } from "onnxruntime-common"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as RunBuffers from "./RunBuffers.ts"

const { inputLength, layers, layerLength } = RunBuffers

/**
 * ms that a window may wait for other windows while several callers speak. A longer wait saves a little work, but then each run holds the
 * thread for longer and turns are answered later (docs/adr/0010).
 */
const gatherMillis = 7

/**
 * If `manyWindows` windows came in the last `manyWindowsMillis` ms, more than two callers speak: a call sends a window every 32 ms while
 * there is sound, and hardly any in silence. With fewer windows, no window waits for others.
 */
const manyWindows = 8
const manyWindowsMillis = 100

/** The real clock, also in tests, instead of Effect's test clock: how long a window waits depends on when windows really arrive. */
const clock = Clock.Clock.defaultValue()

/** The time in ms, by the clock of {@link WindowBatches}. */
export const now = (): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** ONNX Runtime, native or as WebAssembly. */
export interface Runtime {
  /** Whether a run writes its results into the tensors (`fetches`) that it is given. */
  readonly writesIntoFetches: boolean
  readonly InferenceSession: typeof import("onnxruntime-common").InferenceSession
  readonly Tensor: typeof import("onnxruntime-common").Tensor
}

/** A window that waits for a run. */
interface Request {
  readonly input: Float32Array
  readonly state: Float32Array
  readonly answer: (probability: Exit.Exit<number, EngineFailed>) => void
}

export interface WindowBatches {
  /**
   * Asks for the probability that a window has voice. Both arrays belong to the run until `answer` is called.
   *
   * @param input the end of the window before and the window itself: `inputLength` samples from −1 to 1
   * @param state the detector's state, 2 × 128; the run writes the next state into it
   * @param answer called once
   * @param askedAt ms by {@link now}
   * @param isCatchingUp the window is one of a burst after a stall of the network. It starts no wait for
   *   other windows, but it may join a run that waits already
   */
  readonly ask: (input: Float32Array, state: Float32Array, answer: Request["answer"], askedAt: number, isCatchingUp: boolean) => void
}

/** Copies one layer of one window's state. It copies in a loop, because `set` with `subarray` would make four objects for each window. */
const copyLayer = (source: Float32Array, from: number, target: Float32Array, at: number): void => {
  for (let index = 0; index < layerLength; index++) target[at + index] = source[from + index]
}

/**
 * Makes a function that runs the model for several requests. Each run has its own buffers while it lasts. The function returns one
 * probability for each request, and writes the request's next state into its `state`.
 */
const makeRun = (runtime: Runtime, session: InferenceSession, rate: Tensor) => {
  const free: Array<ReturnType<typeof RunBuffers.make>> = []
  return async (requests: ReadonlyArray<Request>): Promise<ReadonlyArray<number>> => {
    const count = requests.length
    const buffersOf = free.pop() ?? RunBuffers.make(runtime.Tensor, rate)
    const { feeds, fetches, inputs, states } = buffersOf(count)
    for (let index = 0; index < count; index++) {
      const { input, state } = requests[index]
      inputs.set(input, index * inputLength)
      for (let layer = 0; layer < layers; layer++) copyLayer(state, layer * layerLength, states, (layer * count + index) * layerLength)
    }
    const result = await (runtime.writesIntoFetches ? session.run(feeds, fetches) : session.run(feeds))
    const next = (result.stateN as TypedTensor<"float32">).data
    for (let index = 0; index < count; index++) {
      const { state } = requests[index]
      for (let layer = 0; layer < layers; layer++) copyLayer(next, (layer * count + index) * layerLength, state, layer * layerLength)
    }
    const probabilities = Array.from((result.output as TypedTensor<"float32">).data)
    // The memory is reused only after a success, because a failed run may still use it.
    free.push(buffersOf)
    return probabilities
  }
}

const runFailed = (cause: unknown) =>
  new EngineFailed({
    stage: "voiceActivity",
    reason: "broken",
    advice: "Silero VAD could not be run. Install again with `npm install`; the cause is in the log.",
    cause
  })

/**
 * @param rate the tensor of the sample rate
 * @param fork starts a fiber in the context of the Effect layer that provides voice activity: with the service's scheduler, and
 *   without a call's log annotations. `ask` runs outside any fiber, so it has no context of its own.
 */
export const make = (
  runtime: Runtime,
  session: InferenceSession,
  rate: Tensor,
  fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
): WindowBatches => {
  const run = makeRun(runtime, session, rate)
  let waiting: Array<Request> = []
  /** The arrival times (ms) of the last windows, as a ring buffer. */
  const arrivals = new Float64Array(manyWindows).fill(-Infinity)
  let arrivalCount = 0

  const runWaiting = (wait: number) =>
    Effect.gen(function*() {
      // Even without a wait, the run takes all windows that arrive in the same callback of the event loop.
      yield* wait > 0 ? Effect.sleep(wait) : Effect.yieldNow
      const requests = waiting
      waiting = []
      const probabilities = yield* Effect.exit(Effect.tryPromise({ try: () => run(requests), catch: runFailed }))
      for (let index = 0; index < requests.length; index++) {
        requests[index].answer(Exit.isSuccess(probabilities) ? Exit.succeed(probabilities.value[index]) : Exit.failCause(probabilities.cause))
      }
    }).pipe(
      Effect.provideService(Clock.Clock, clock)
    )

  return {
    ask: (input, state, answer, askedAt, isCatchingUp) => {
      const oldest = arrivalCount % manyWindows
      const wait = !isCatchingUp && askedAt - arrivals[oldest] < manyWindowsMillis ? gatherMillis : 0
      if (!isCatchingUp) {
        arrivals[oldest] = askedAt
        arrivalCount++
      }
      if (waiting.push({ input, state, answer }) === 1) fork(runWaiting(wait))
    }
  }
}
