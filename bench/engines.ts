/**
 * Conversations with remote engines. The service runs on core 0; stand-ins for engines on a GPU, and the callers, run on core 1.
 *
 *     npm run bench -- engines [--turns 30 --interruptions 20 --calls 100 --cpu-prof]
 *
 * The stand-ins have the published latencies: a transcript 90 ms, the first token 90 ms, each further token 12 ms, the first sound
 * 120 ms, 0.3 s for each further second of sound.
 *
 * The ideal time of a turn is the larger of two times: the endpoint's, and the pause before a preemptive reply plus the engines'
 * latencies. The time above the ideal is "our own work". It includes the cost of the machine, the connections and the stand-ins. A bare
 * client shows that cost alone: it sends the same kind of requests from the same core, as often and with as much sound (`bareClient`).
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import * as Defaults from "../src/agent/file/Defaults.ts"
import * as Mulaw from "../src/audio/Mulaw.ts"
import * as Pcm from "../src/audio/Pcm.ts"
import * as ClauseChunker from "../src/conversation/speak/ClauseChunker.ts"
import * as Caller from "../src/simulator/caller/Caller.ts"
import * as AudioSimilarity from "../src/simulator/report/AudioSimilarity.ts"
import { CallerSpeech } from "../src/simulator/caller/CallerSpeech.ts"
import * as SpeakingTurns from "../src/simulator/report/SpeakingTurns.ts"
import { tokensOf } from "../test/support/engines/FakeChatServer.ts"
import * as BareClient from "./bareClient.ts"
import * as Callers from "./callers.ts"
import {
  atCallers,
  converse,
  cpuByThread,
  cpuShares,
  finePercentiles,
  listen,
  monotonic,
  percentiles,
  type Result,
  start,
  printTurns,
  timesOf,
  timesOfLog,
  type TurnTimes,
  withSimulator
} from "./calls.ts"
import * as EngineServers from "./engineServers.ts"
import { argument, moveToCore, pause, residentMiB, root } from "./line/processes.ts"

const turns = argument("turns", 30)
const interruptions = argument("interruptions", 20)
const callsAtOnce = argument("calls", 100)
const turnsEach = argument("turns-each", 5)
const isProfiled = process.argv.includes("--cpu-prof")

const latencies: EngineServers.Latencies = { transcript: 90, firstToken: 90, token: 12, firstSound: 120, realTimeFactor: 0.3 }
const { speculate } = Defaults.endpointing

const reply = "We can do that, on Monday or on Friday at ten."
const sentence = "There is a good deal to be said about that, and so I will begin at the beginning, where everything was still simple, and go on from there until there is nothing left that could be told of it."
const longReply = `Well, let me see. ${sentence} ${sentence} ${sentence}`

/** Tokens until the first clause can be spoken. */
const tokensToClause = (() => {
  let chunker = ClauseChunker.empty
  for (const [index, token] of tokensOf(reply).entries()) {
    const [pieces, next] = ClauseChunker.push(chunker, token)
    if (pieces.length > 0) return index + 1
    chunker = next
  }
  return tokensOf(reply).length
})()

const afterTranscript = latencies.firstToken + tokensToClause * latencies.token + latencies.firstSound
/** ms after the last voiced sample. */
const idealMillis = ({ due }: TurnTimes) => Math.max(due, speculate + latencies.transcript + afterTranscript)
const ownMillis = (turn: TurnTimes) => turn.firstMedia - idealMillis(turn)

const folder = mkdtempSync(join(tmpdir(), "client-caller-bench-agents-"))
const writeAgent = (name: string, more: string) => {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, `name: ${name}\ngreeting: Hello there.\n${more}`)
  return file
}
const agent = writeAgent("eager", "instructions: You answer the telephone.\n")
writeAgent("waiting", "instructions: You answer the telephone.\nendpointing: { speculate: 5s }\n")
writeAgent("talkative", "instructions: You answer at length.\n")

const { AwaitSpeech, HangUp, Silence, Speak } = Caller.Step

const lines = ["What are your opening hours?", "I would like to come on Monday.", "Can you tell me the price of it?"]

const politeCaller = (count: number): Caller.Caller =>
  Caller.make(
    ...listen,
    ...Array.from({ length: count }, (_, index) => [Speak({ text: lines[index % lines.length], voice: "rms" }), ...listen]).flat(),
    HangUp()
  )

/** A caller who interrupts each answer while the model still writes it, and hangs up in the middle of the last one. */
const rudeCaller = (count: number): Caller.Caller =>
  Caller.make(
    ...listen,
    ...Array.from({ length: count + 1 }, (_, index) => [
      Speak({ text: "No, stop.", voice: "rms" }),
      AwaitSpeech({ atMost: "8 seconds" }),
      Silence({ duration: `${200 + (index % 5) * 37} millis` })
    ]).flat(),
    HangUp()
  )

const median = (values: ReadonlyArray<number>) => AudioSimilarity.percentile(values, 0.5)

const printLateness = ({ late }: EngineServers.Look) =>
  console.log(`  the engines' process was late    p50 ${late.p50.toFixed(1)}, p99 ${late.p99.toFixed(1)} ms`)

/** An event of the service may reach this process up to 50 ms after the engines have seen the event's effect. */
const eventDelayMillis = 50

/**
 * The time from each moment to the first request to `path` that was closed because of it, ms. Each closing counts for the last moment
 * before it. Moments without such a closing are left out.
 */
const timesToClosing = (moments: ReadonlyArray<number>, closings: EngineServers.Look["closings"], path: string) => {
  const first = new Map<number, number>()
  for (const { at, path: closed } of closings) {
    const moment = moments.findLast((moment) => moment <= at + eventDelayMillis)
    if (closed === path && moment !== undefined) first.set(moment, Math.min(at - moment, first.get(moment) ?? Infinity))
  }
  return [...first.values()]
}

const measureSingleCalls = Effect.gen(function*() {
  const talk = Effect.fnUntraced(function*(count: number, agent?: string) {
    const results: Array<Result> = []
    while (timesOf(results).length < count && results.length < count) {
      results.push(yield* converse(service, politeCaller(Math.min(10, count)), agent === undefined ? {} : { agent }))
    }
    return results
  })
  // The first turns are slow because of compilation, so they are not measured.
  yield* talk(3)
  yield* Effect.promise(servers.look)

  console.log(`one call at a time, ${turns} turns`)
  const results = yield* talk(turns)
  printTurns(timesOf(results), yield* atCallers(results), ownMillis)
  printLateness(yield* Effect.promise(servers.look))

  console.log("\nthe same without preemptive replies")
  const waiting = yield* talk(Math.ceil(turns / 3), "waiting")
  const medianOf = (results: ReadonlyArray<Result>) => median(timesOf(results).map(({ firstMedia }) => firstMedia))
  console.log(`  voice to voice, by the service   ${percentiles(timesOf(waiting).map(({ firstMedia }) => firstMedia))}`)
  console.log(`  preemptive / not preemptive      ${(medianOf(results) / medianOf(waiting)).toFixed(2)}`)

  console.log(`\ninterruptions, ${interruptions}`)
  yield* Effect.promise(servers.look)
  const rudeCalls: Array<Result> = []
  /** When this process learned that a reply was given up. */
  const givenUp: Array<number> = []
  const clearDelays = () => rudeCalls.flatMap(({ liveEvents }) => liveEvents.flatMap((event) => (event._tag === "BargeIn" ? [event.clearAfter] : [])))
  while (clearDelays().length < interruptions && rudeCalls.length < interruptions) {
    rudeCalls.push(
      yield* converse(service, rudeCaller(5), {
        agent: "talkative",
        onEvent: (event) => {
          if (event._tag === "AgentHeard" && !event.isWhole) givenUp.push(monotonic())
        }
      })
    )
  }
  const { closings } = yield* Effect.promise(servers.look)
  const clears: Array<number> = []
  for (const { call, madeAt } of rudeCalls) {
    for (const event of yield* call.events) if (event._tag === "Cleared") clears.push(madeAt + event.at)
  }
  console.log(`  first voiced sample to clear, by the service   ${percentiles(clearDelays())}`)
  const print = (title: string, moments: ReadonlyArray<number>, path: string) => {
    const all = timesToClosing(moments, closings, path)
    console.log(`  ${title.padEnd(46)} ${all.length === 0 ? "none" : `${finePercentiles(all)}, ${all.length} of ${moments.length}`}`)
  }
  print("clear arriving to speech request closed", clears, "/v1/audio/speech")
  print("reply given up to model's request closed", givenUp, "/v1/chat/completions")
})

/** The silence around the voice of an utterance that the recognizer gets, ms. */
const silenceAround = 600

/** The time above the engines' latencies that a bare client takes for a turn, ms. The service is idle meanwhile. */
const bareWork = Effect.fnUntraced(function*(lines: ReadonlyArray<Callers.Line>) {
  const utterance = Math.round(lines.reduce((sum, { voicedUntil }) => sum + voicedUntil, 0) / lines.length) + silenceAround
  const taken = yield* Effect.promise(() =>
    BareClient.measure(0, { urls: servers.urls, turns: 100, perSecond: Math.max(1, callsAtOnce / 8), utterance, tokensToClause })
  )
  yield* Effect.promise(servers.look)
  return taken.map((took) => took - latencies.transcript - afterTranscript)
})

/** The number of different loudnesses. The softest has about half the amplitude, which is still clearly a voice. */
const loudnesses = 200

/**
 * Makes what a caller says: the synthesized sound, made softer by `softer` steps of 0.3 %. So the first 600 sounds all differ, and no server
 * can have a cached answer.
 */
const lineOf = Effect.fnUntraced(function*(text: string, softer: number) {
  const { speak } = yield* CallerSpeech
  const sound = (yield* speak(text, "rms")).map((sample) => Math.round(sample * 0.997 ** softer))
  const voicedUntil = SpeakingTurns.speeches(sound).at(-1)?.to ?? 0
  const frames = Array.from({ length: Math.ceil(voicedUntil / 20) }, (_, index) => {
    const frame = new Int16Array(160)
    frame.set(sound.subarray(index * 160, (index + 1) * 160))
    return Buffer.from(Mulaw.encode(Pcm.of(8000, frame))).toString("base64")
  })
  return { frames, voicedUntil } satisfies Callers.Line
})

const measureCallsAtOnce = Effect.gen(function*() {
  const spoken = yield* Effect.forEach(Array.from({ length: callsAtOnce * turnsEach }), (_, index) => lineOf(lines[index % lines.length], index % loudnesses))
  const crowd = (calls: number, turns: number, ramp: number): Promise<Callers.Seen> =>
    Callers.runCallers(1, { calls, turns, lines: spoken, target: service.url, account: service.account, ramp })
  // The first calls are slow because of compilation, so they are not measured.
  yield* Effect.promise(() => crowd(Math.min(20, callsAtOnce), 1, 2000))
  yield* Effect.promise(servers.look)
  const bare = yield* bareWork(spoken)

  console.log(`\n${callsAtOnce} calls at once, ${turnsEach} turns each`)
  let log = ""
  const onLog = (data: Buffer) => {
    log += data.toString()
  }
  service.child.stdout!.on("data", onLog)
  const before = cpuByThread(service.pid)
  const from = performance.now()
  const seen = yield* Effect.promise(() => crowd(callsAtOnce, turnsEach, 10_000))
  const seconds = (performance.now() - from) / 1000
  const cpu = cpuShares(service.pid, before, seconds)
  yield* Effect.promise(() => pause(500))
  service.child.stdout!.off("data", onLog)
  // Unreadable messages spoil the figures: if the callers' marks are lost, the service takes every line for an interruption.
  if (log.includes("could not be read")) throw new Error("The service could not read all that its callers sent; see client_caller_bad_messages_total.")
  const measured = timesOfLog(log)
  printTurns(measured, seen.voiceToVoice, ownMillis)
  console.log(`  such requests, bare              ${finePercentiles(bare)} above the engines' time`)
  console.log(`  own work / bare                  p50 ${(median(measured.map(ownMillis)) / median(bare)).toFixed(2)}`)
  const look = yield* Effect.promise(servers.look)
  printLateness(look)
  const { lateness, unanswered } = seen
  console.log(`  the callers' process was late    p50 ${lateness.p50.toFixed(1)}, p99 ${lateness.p99.toFixed(1)}, max ${lateness.max.toFixed(1)} ms`)
  console.log(`  lines without an answer          ${unanswered} of ${callsAtOnce * turnsEach}`)
  console.log(`  requests                         ${Object.entries(look.requests).map(([name, count]) => `${count} ${name}`).join(", ")}`)
  console.log(`  CPU of the service over ${seconds.toFixed(0)} s, percent of a core: ${cpu}; memory ${residentMiB(service.pid).toFixed(0)} MiB`)
})

// The service has core 0 for itself, except for the kernel.
moveToCore(1, process.pid)
const servers = await EngineServers.start(1, { latencies, heard: "What are your opening hours?", reply, longReply })
const service = await start({
  core: 0,
  flags: isProfiled ? ["--cpu-prof", `--cpu-prof-dir=${root}`] : [],
  env: { ...servers.urls, AGENT: agent, AGENTS_DIR: folder, LOG_LEVEL: "Info" }
})
try {
  console.log(
    `the engines: transcript ${latencies.transcript} ms, first token ${latencies.firstToken} ms, ${latencies.token} ms a token, ${tokensToClause} tokens to the first clause, first sound ${latencies.firstSound} ms;` +
      `\nso no answer can begin sooner than ${speculate + latencies.transcript + afterTranscript} ms after the caller's last voiced sample\n`
  )
  await withSimulator(service, Effect.gen(function*() {
    if (turns > 0) yield* measureSingleCalls
    if (callsAtOnce > 0) yield* measureCallsAtOnce
  }))
  await pause(1000)
  console.log(`\nrequests open after all calls: ${(await servers.look()).open}`)
} finally {
  await service.stop()
  servers.stop()
  rmSync(folder, { recursive: true, force: true })
}
