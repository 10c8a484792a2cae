/**
 * The cost of a window in the voice detector, native and as WebAssembly, and how much 100 calls delay the event loop. The detectors run in
 * the main thread, or in a worker thread to which the windows are sent.
 *
 *     npm run bench -- voice-activity [--calls 100 --seconds 10]
 *
 * Each detector gets a window every 32 ms, and the calls are spread over the 32 ms. In one run all callers speak. In another one four in
 * ten do, which is the share that the energy gate passes in conversations. "Late" is the delay of a timer of 5 ms; a frame of sound is
 * delayed as much. "Answer" is the time from the moment when a window is due to its probability. A run without detectors shows the machine's
 * own delays.
 */
import { NodeServices } from "@effect/platform-node"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { Cause, Context, Effect, Exit, Layer, Result, Scope } from "effect"
import type { Pcm } from "../src/audio/Pcm.ts"
import { type Detector, VoiceActivity, windowLength, windowMillis } from "../src/conversation/ports/VoiceActivity.ts"
import * as Silero from "../src/engines/embedded/silero/SileroVoiceActivity.ts"
import * as AudioSimilarity from "../src/simulator/report/AudioSimilarity.ts"
import * as SoundFiles from "../src/simulator/caller/SoundFiles.ts"
import { argument, pause } from "./line/processes.ts"

const calls = argument("calls", 100)
const seconds = argument("seconds", 10)

const speech = Result.getOrThrow(SoundFiles.fromWav(readFileSync(fileURLToPath(new URL("../test/fixtures/speech-8k.wav", import.meta.url)))))
const windows = Array.from(
  { length: Math.floor(speech.length / windowLength) },
  (_, index) => speech.slice(index * windowLength, (index + 1) * windowLength) as Pcm<8000>
)

const layers = { native: Silero.layerNative, wasm: Silero.layerWasm }
type Runtime = keyof typeof layers

/** Detectors that live as long as the process. */
const openDetectors = (runtime: Runtime, count: number): Promise<ReadonlyArray<Detector>> => {
  const scope = Scope.makeUnsafe()
  return Effect.runPromise(
    Effect.gen(function*() {
      const context = yield* Layer.buildWithScope(layers[runtime].pipe(Layer.provide(NodeServices.layer)), scope)
      const { open } = Context.get(context, VoiceActivity)
      return yield* Effect.forEach(Array.from({ length: count }), () => Scope.provide(open, scope))
    })
  )
}

type Ask = (call: number, window: Pcm<8000>) => Promise<number>

const openInThisThread = async (runtime: Runtime, count: number): Promise<Ask> => {
  const all = await openDetectors(runtime, count)
  return (call, window) =>
    new Promise((resolve, reject) => all[call].ask(window, (exit) => Exit.isSuccess(exit) ? resolve(exit.value) : reject(Cause.squash(exit.cause))))
}

interface Question {
  readonly call: number
  readonly window: Pcm<8000>
}

interface Answer {
  readonly call: number
  readonly probability: number
}

const openInWorkerThread = async (runtime: Runtime, count: number): Promise<{ readonly ask: Ask; readonly stop: () => Promise<unknown> }> => {
  const worker = new Worker(new URL(import.meta.url), { workerData: { runtime, count } })
  const waiting = new Map<number, (probability: number) => void>()
  await new Promise((resolve) => worker.once("message", resolve))
  worker.on("message", ({ call, probability }: Answer) => waiting.get(call)?.(probability))
  return {
    ask: (call, window) =>
      new Promise((resolve) => {
        waiting.set(call, resolve)
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage({ call, window } satisfies Question)
      }),
    stop: () => worker.terminate()
  }
}

const serve = async (port: NonNullable<typeof parentPort>): Promise<void> => {
  const { count, runtime } = workerData as { readonly runtime: Runtime; readonly count: number }
  const ask = await openInThisThread(runtime, count)
  port.on("message", async ({ call, window }: Question) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    port.postMessage({ call, probability: await ask(call, window) } satisfies Answer)
  })
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  port.postMessage("ready")
}

const twoDecimals = (value: number) => value.toFixed(2)

const percentiles = (values: ReadonlyArray<number>) =>
  [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${twoDecimals(AudioSimilarity.percentile(values, share))}`).join(", ") + " ms"

/** CPU seconds of this thread and of the whole process. */
const cpuSeconds = (): readonly [thread: number, process: number] => {
  const [thread, all] = [process.threadCpuUsage(), process.cpuUsage()]
  return [(thread.user + thread.system) / 1e6, (all.user + all.system) / 1e6]
}

/** Measures windows at the rate of one caller. Faster windows would wait for each other, see `SileroVoiceActivity`. */
const measureCost = async (runtime: Runtime): Promise<void> => {
  const ask = await openInThisThread(runtime, 1)
  const times: Array<number> = []
  let [cpu] = cpuSeconds()
  for (let round = 0; round < 3; round++) {
    if (round === 1) [cpu] = cpuSeconds()
    for (const window of windows) {
      await pause(windowMillis)
      const began = performance.now()
      await ask(0, window)
      // The first round is slow because of compilation, so it does not count.
      if (round > 0) times.push(performance.now() - began)
    }
  }
  console.log(`  ${runtime.padEnd(8)} ${percentiles(times)}; CPU of the main thread ${((cpuSeconds()[0] - cpu) * 1000 / times.length).toFixed(3)} ms`)
}

/** Sends a window every 32 ms for each call that speaks. No call waits for another one. */
const measureLoad = async (name: string, ask?: Ask, speaking = calls): Promise<void> => {
  const late: Array<number> = []
  const answers: Array<number> = []
  const began = performance.now()
  const [threadBefore, processBefore] = cpuSeconds()
  const watching = new AbortController()
  const watch = (async () => {
    while (!watching.signal.aborted) {
      const before = performance.now()
      await pause(5)
      late.push(performance.now() - before - 5)
    }
  })()
  const speak = async (call: number) => {
    for (let count = 0;; count++) {
      const due = began + (count + call / speaking) * windowMillis
      if (due > began + seconds * 1000) return
      const ahead = due - performance.now()
      if (ahead > 0) await pause(ahead)
      await ask!(call, windows[(count + call) % windows.length])
      answers.push(performance.now() - due)
    }
  }
  if (ask === undefined) await pause(seconds * 1000)
  else await Promise.all(Array.from({ length: speaking }, (_, call) => speak(call)))
  watching.abort()
  await watch
  const passed = (performance.now() - began) / 1000
  const [thread, all] = cpuSeconds()
  console.log(
    `  ${name.padEnd(34)} late ${percentiles(late)}; answer ${answers.length === 0 ? "none" : percentiles(answers)}; `
      + `cores in use: main thread ${twoDecimals((thread - threadBefore) / passed)}, all ${twoDecimals((all - processBefore) / passed)}`
  )
}

const main = async (): Promise<void> => {
  console.log(`a window of ${windowMillis} ms, when one caller speaks`)
  await measureCost("native")
  await measureCost("wasm")
  console.log(`\n${calls} calls in real time, ${seconds} s`)
  const fourInTen = Math.round(calls * 0.4)
  await measureLoad("no detector")
  for (const runtime of ["native", "wasm"] as const) {
    const here = await openInThisThread(runtime, calls)
    const { ask: there, stop } = await openInWorkerThread(runtime, calls)
    for (const speaking of [fourInTen, calls]) {
      await measureLoad(`${runtime}, main thread, ${speaking} speak`, here, speaking)
      await measureLoad(`${runtime}, worker thread, ${speaking} speak`, there, speaking)
    }
    await stop()
  }
}

if (isMainThread || parentPort === null) await main()
else await serve(parentPort)
