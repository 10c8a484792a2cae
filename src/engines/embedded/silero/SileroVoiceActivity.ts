/**
 * Voice activity by Silero VAD v6, in this process.
 *
 * The weights are those inside `@ricky0123/vad-web`; the runtime is ONNX Runtime's native one, or its
 * WebAssembly build where no native one is at hand. At 8 kHz the model takes windows of 256 samples with the
 * 32 samples before them, and a state of 2 × 1 × 128.
 *
 * One session serves all calls. Both runtimes compute in the thread that asks, which is the event loop's; so windows of
 * several calls that come close together are looked at in one run. A thread of its own would take two thirds of what
 * 100 calls cost off the main one, and cost a third more in all; natively the event loop hardly feels it, so it stays
 * where it is: see `bench/voice-activity` and docs/adr/0006.
 *
 * https://github.com/snakers4/silero-vad
 */
import { createRequire } from "node:module"
import { Clock, Effect, Exit, type Fiber, FiberSet, FileSystem, Layer, Record, Scope } from "effect"
import type { InferenceSession, Tensor, TypedTensor } from "onnxruntime-common"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import { type Detector, VoiceActivity, windowLength } from "../../../conversation/ports/VoiceActivity.ts"

/** Samples of the window before that the model wants to see again. */
const contextLength = 32

const inputLength = contextLength + windowLength

const layers = 2
const stateLength = 128

/**
 * ms that a window may wait for others while several callers speak: a run costs as much as seven windows of it, for the
 * weights have to come into the processor's caches. Longer waits make fewer runs, and each of them keeps the thread for
 * longer and wakes more calls at once: turns are answered later then, for a little less work (docs/adr/0010).
 */
const gatherFor = 7

/** So many windows in so many ms are those of more than two callers who speak; fewer wait for nobody. */
const manyWindows = 8
const within = 100

const weights = "@ricky0123/vad-web/dist/silero_vad_v6.onnx"

/** Of the machine: what is waited for here is its load. */
const clock = Clock.Clock.defaultValue()

interface Runtime {
  /** Whether its answers are written into the memory that they are asked in. */
  readonly writesInto: boolean
  readonly InferenceSession: typeof import("onnxruntime-common").InferenceSession
  readonly Tensor: typeof import("onnxruntime-common").Tensor
}

const native = Effect.tryPromise(async (): Promise<Runtime> => {
  const { default: runtime } = await import("onnxruntime-node")
  return { writesInto: true, InferenceSession: runtime.InferenceSession, Tensor: runtime.Tensor }
})

const wasm = Effect.tryPromise(async (): Promise<Runtime> => {
  const runtime = await import("onnxruntime-web/wasm")
  runtime.env.wasm.numThreads = 1
  return { writesInto: false, InferenceSession: runtime.InferenceSession, Tensor: runtime.Tensor }
})

const failed = (reason: EngineFailed["reason"], cause: unknown) =>
  new EngineFailed({
    stage: "voiceActivity",
    reason,
    advice: "Silero VAD could not be run. Install again with `npm install`; the cause is in the log.",
    cause
  })

/** A window that is to be looked at, and the state of its detector: 2 × 128, and changed by that. */
interface Question {
  readonly input: Float32Array
  readonly state: Float32Array
  readonly answer: (probability: Exit.Exit<number, EngineFailed>) => void
}

type Ask = (input: Float32Array, state: Float32Array, answer: Question["answer"], now: number, isCatchingUp: boolean) => void

/** What a run reads and writes, for so many windows. */
interface Papers {
  readonly inputs: Float32Array
  readonly states: Float32Array
  readonly feeds: InferenceSession.FeedsType
  readonly fetches: { readonly output: Tensor; readonly stateN: Tensor }
}

type Desk = (count: number) => Papers

/**
 * Memory of runs, used again and again: at 100 calls new memory for each would be four megabytes a second outside the
 * heap, for which V8 collects all of it.
 */
const makeDesk = (runtime: Runtime, rate: Tensor): Desk => {
  let room = 0
  let papers: Array<Papers | undefined> = []
  const lengths = { inputs: inputLength, states: layers * stateLength, nextStates: layers * stateLength, outputs: 1 }
  let space = { inputs: new Float32Array(0), states: new Float32Array(0), nextStates: new Float32Array(0), outputs: new Float32Array(0) }
  return (count) => {
    if (count > room) {
      room = 2 ** Math.ceil(Math.log2(count))
      space = Record.map(lengths, (length) => new Float32Array(room * length))
      papers = []
    }
    const known = papers[count]
    if (known !== undefined) return known
    const data = Record.map(lengths, (length, name) => space[name].subarray(0, count * length))
    const made: Papers = {
      inputs: data.inputs,
      states: data.states,
      feeds: {
        input: new runtime.Tensor("float32", data.inputs, [count, inputLength]),
        state: new runtime.Tensor("float32", data.states, [layers, count, stateLength]),
        sr: rate
      },
      fetches: {
        output: new runtime.Tensor("float32", data.outputs, [count, 1]),
        stateN: new runtime.Tensor("float32", data.nextStates, [layers, count, stateLength])
      }
    }
    papers[count] = made
    return made
  }
}

/** Copies one layer of one window's state: `subarray` would make four objects for each window. */
const copy = (source: Float32Array, from: number, target: Float32Array, at: number): void => {
  for (let index = 0; index < stateLength; index++) target[at + index] = source[from + index]
}

/**
 * Starts a fiber with the context of the layer: the scheduler that the service was given, and no call's log annotations.
 * A detector is asked by a plain call, which has no fiber whose context could be taken.
 */
type Fork = (effect: Effect.Effect<void>) => Fiber.Fiber<void>

/** Looks at the windows of all calls together that came within `gatherFor`. */
const makeAsk = (runtime: Runtime, session: InferenceSession, rate: Tensor, fork: Fork): Ask => {
  let waiting: Array<Question> = []
  /** When the last windows came, in a ring. */
  const cameAt = new Float64Array(manyWindows).fill(-Infinity)
  let came = 0

  /** Those that no run is in. */
  const free: Array<Desk> = []

  const run = async (questions: ReadonlyArray<Question>) => {
    const count = questions.length
    const desk = free.pop() ?? makeDesk(runtime, rate)
    const { feeds, fetches, inputs, states } = desk(count)
    for (let index = 0; index < count; index++) {
      const { input, state } = questions[index]
      inputs.set(input, index * inputLength)
      for (let layer = 0; layer < layers; layer++) {
        copy(state, layer * stateLength, states, (layer * count + index) * stateLength)
      }
    }
    const result = await (runtime.writesInto ? session.run(feeds, fetches) : session.run(feeds))
    const next = (result.stateN as TypedTensor<"float32">).data
    for (let index = 0; index < count; index++) {
      const { state } = questions[index]
      for (let layer = 0; layer < layers; layer++) {
        copy(next, (layer * count + index) * stateLength, state, layer * stateLength)
      }
    }
    const probabilities = Array.from((result.output as TypedTensor<"float32">).data)
    // One that failed may still be in use.
    free.push(desk)
    return probabilities
  }

  const together = (wait: number) =>
    Effect.gen(function*() {
      // Without a wait, still those windows that this same callback of the event loop brings.
      yield* wait > 0 ? Effect.sleep(wait) : Effect.yieldNow
      const questions = waiting
      waiting = []
      const answers = yield* Effect.exit(Effect.tryPromise({ try: () => run(questions), catch: (cause) => failed("broken", cause) }))
      for (let index = 0; index < questions.length; index++) {
        questions[index].answer(Exit.isSuccess(answers) ? Exit.succeed(answers.value[index]) : Exit.failCause(answers.cause))
      }
    }).pipe(
      Effect.provideService(Clock.Clock, clock)
    )

  return (input, state, answer, now, isCatchingUp) => {
    const oldest = came % manyWindows
    const wait = !isCatchingUp && now - cameAt[oldest] < within ? gatherFor : 0
    if (!isCatchingUp) {
      cameAt[oldest] = now
      came++
    }
    if (waiting.push({ input, state, answer }) === 1) fork(together(wait))
  }
}

/**
 * A call that asks again sooner than this (ms) hears what a stalled network brought at once, faster than it was spoken: it waits
 * for no other calls' windows, and is no sign that several callers speak.
 */
const spokenApart = 16

const makeDetector = (ask: Ask): Detector => {
  const input = new Float32Array(inputLength)
  const state = new Float32Array(layers * stateLength)
  let askedAt = -Infinity
  return {
    ask: (window, answer) => {
      const now = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const isCatchingUp = now - askedAt < spokenApart
      askedAt = now
      input.copyWithin(0, windowLength)
      for (let index = 0; index < windowLength; index++) input[contextLength + index] = window[index] / 32_768
      ask(input, state, answer, now, isCatchingUp)
    }
  }
}

const load = Effect.fnUntraced(function*(choose: Effect.Effect<Runtime, unknown>, fork: Fork) {
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
  const ask = makeAsk(runtime, session, rate, fork)
  const open = Effect.sync(() => makeDetector(ask))
  // Once, so that the first call does not wait.
  yield* Effect.flatMap(open, ({ ask }) => Effect.callback<number, EngineFailed>((resume) => ask(new Int16Array(windowLength), resume)))
  return open
})

/** Runtime and weights are loaded when the first detector is opened: a service that only echoes needs none. */
const layerOf = (choose: Effect.Effect<Runtime, unknown>): Layer.Layer<VoiceActivity, never, FileSystem.FileSystem> =>
  Layer.effect(
    VoiceActivity,
    Effect.gen(function*() {
      // Made before the fibers, so that it is closed after them: none of them may run a model that has been released.
      const session = yield* Scope.fork(yield* Effect.scope)
      const fs = yield* FileSystem.FileSystem
      const fork = yield* FiberSet.makeRuntime<never, void, never>()
      const loaded = yield* Effect.cached(
        load(choose, fork).pipe(Effect.provideService(FileSystem.FileSystem, fs), Scope.provide(session))
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
