/**
 * Stand-ins for engines on a GPU: the tests' fake servers with given latencies, in their own process. The parent process controls them
 * through `Servers`.
 */
import { type ChildProcess, fork } from "node:child_process"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import * as FakeChatServer from "../test/support/engines/FakeChatServer.ts"
import type * as FakeHttpServer from "../test/support/engines/FakeHttpServer.ts"
import * as FakeSpeechServers from "../test/support/engines/FakeSpeechServers.ts"
import { killAtExit, moveToCore } from "./line/processes.ts"

/** Latencies in ms, and the speed of synthesis. */
export interface Latencies {
  readonly transcript: number
  readonly firstToken: number
  /** From one token to the next. */
  readonly token: number
  readonly firstSound: number
  /** Seconds that it takes to synthesize one second of sound. */
  readonly realTimeFactor: number
}

export interface Settings {
  readonly latencies: Latencies
  /** The transcript of every utterance. */
  readonly heard: string
  readonly reply: string
  /** The reply of an agent whose instructions hold the words "at length". */
  readonly longReply: string
}

export interface Urls {
  readonly STT_URL: string
  readonly LLM_URL: string
  readonly TTS_URL: string
}

/** What happened since the last look. */
export interface Look {
  /** Requests that are neither answered nor given up. */
  readonly open: number
  readonly requests: { readonly transcripts: number; readonly replies: number; readonly speeches: number }
  /** Requests that the service cancelled, in monotonic ms of this machine. */
  readonly closings: ReadonlyArray<{ readonly path: string; readonly at: number }>
  /** How late this process was with its timers, ms: its own share of the latencies. */
  readonly late: { readonly p50: number; readonly p99: number }
}

export interface Servers {
  readonly urls: Urls
  readonly look: () => Promise<Look>
  readonly stop: () => void
}

const answerOf = <A>(child: ChildProcess, question: object): Promise<A> =>
  new Promise((resolve, reject) => {
    child.once("message", (answer) => resolve(answer as A))
    child.once("exit", (code) => reject(new Error(`The engines' process ended with ${code}.`)))
    child.send(question)
  })

/** Starts the servers on this core. */
export const start = async (core: number, settings: Settings): Promise<Servers> => {
  const child = fork(fileURLToPath(import.meta.url), { execArgv: [] })
  moveToCore(core, child.pid!)
  killAtExit(child)
  const urls = await answerOf<Urls>(child, { settings })
  return { urls, look: () => answerOf<Look>(child, { look: true }), stop: () => void child.kill() }
}

const serve = Effect.fnUntraced(function*({ heard, latencies, longReply, reply }: Settings) {
  const tones = new Map<string, Int16Array>()
  const stt = yield* FakeSpeechServers.transcription({ hears: () => heard, latency: () => latencies.transcript })
  const llm = yield* FakeChatServer.make({
    latency: { firstToken: latencies.firstToken, token: latencies.token },
    say: ({ messages }) => messages[0].content?.includes("at length") === true ? longReply : reply
  })
  const tts = yield* FakeSpeechServers.speech({
    model: "sesame/csm-1b",
    keepsSound: true,
    latency: () => latencies.firstSound,
    realTimeFactor: latencies.realTimeFactor,
    sound: (input, sampleRate) => {
      const tone = tones.get(input) ?? FakeSpeechServers.tone(input, sampleRate)
      tones.set(input, tone)
      return tone
    }
  })

  const closings: Array<{ path: string; at: number }> = []
  const counts = { transcripts: 0, replies: 0, speeches: 0 }
  /** Counts the requests that are over, and drops them, since each keeps its body in memory. */
  const sweep = () => {
    const drop = <A>(list: ReadonlyArray<A>, exchangeOf: (one: A) => FakeHttpServer.Exchange) => {
      const all = list as Array<A>
      const over = all.filter((one) => exchangeOf(one).isOver())
      all.splice(0, all.length, ...all.filter((one) => !exchangeOf(one).isOver()))
      return over.map(exchangeOf)
    }
    counts.transcripts += drop(stt.asked, ({ exchange }) => exchange).length
    counts.replies += drop(llm.chats, ({ exchange }) => exchange).length
    counts.speeches += drop(tts.asked, ({ exchange }) => exchange).length
    for (const server of [stt, llm, tts]) {
      for (const exchange of drop(server.received, (exchange) => exchange)) {
        if (exchange.isClosedByClient()) closings.push({ path: exchange.path, at: exchange.overAt() })
      }
    }
  }
  setInterval(sweep, 500)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()

  process.on("message", (message: { readonly look?: true }) => {
    if (message.look !== true) return
    sweep()
    const look: Look = {
      open: stt.open() + llm.open() + tts.open(),
      requests: { ...counts },
      closings: closings.splice(0),
      late: { p50: delay.percentile(50) / 1e6 - 1, p99: delay.percentile(99) / 1e6 - 1 }
    }
    Object.assign(counts, { transcripts: 0, replies: 0, speeches: 0 })
    delay.reset()
    process.send!(look)
  })
  process.send!({ STT_URL: `${stt.url}/v1`, LLM_URL: llm.base, TTS_URL: `${tts.url}/v1` } satisfies Urls)
  return yield* Effect.never
})

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once("message", ({ settings }: { readonly settings: Settings }) => void Effect.runPromise(Effect.scoped(serve(settings))))
  process.once("disconnect", () => process.exit(0))
}
