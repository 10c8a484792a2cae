/**
 * The demonstration of a conversation: several turns between a caller who is made of text, and the agent.
 *
 * What the agent says and how long it took is told by the service; what the caller heard, and when, is
 * measured here. Both are shown, so that one can be held against the other.
 */
import { Console, Effect, FileSystem, Option, Stream } from "effect"
import * as Wav from "../audio/Wav.ts"
import * as Caller from "./Caller.ts"
import * as Comparison from "./Comparison.ts"
import { DemoError } from "./Demo.ts"
import * as LiveEvents from "./LiveEvents.ts"
import type { SimulatedCall } from "./PhoneCall.ts"
import type { Voice } from "./Speech.ts"
import * as Turns from "./Turns.ts"

/** What the caller of the built-in receptionist says. The second line interrupts the answer to the first. */
export const lines = [
  "What are your opening hours?",
  "Where are you?",
  "I would like to book an appointment.",
  "On Monday.",
  "At ten.",
  "Yes, please.",
  "Goodbye."
]

export interface Script {
  /** A text for each, or the path of a WAV file. */
  readonly lines: ReadonlyArray<{ readonly text: string } | { readonly path: string }>
  readonly voice: Voice
  /** The first answer is interrupted by the second line. */
  readonly isInterrupting: boolean
}

const { AwaitSilence, AwaitSpeech, HangUp, PlayFile, Silence, Speak } = Caller.Step

/** Waits until the agent has begun and ended what it says. */
const listen = [
  AwaitSpeech({ atMost: "8 seconds" }),
  AwaitSilence({ duration: "800 millis", atMost: "30 seconds" })
]

/** Somebody who says these lines, each when the agent has ended; after the last one they wait to be hung up on. */
export const caller = ({ isInterrupting, lines, voice }: Script): Caller.Caller =>
  Caller.make(
    ...listen,
    ...lines.flatMap((line, index) => [
      "path" in line ? PlayFile(line) : Speak({ ...line, voice }),
      ...(isInterrupting && index === 0 && lines.length > 1
        ? [AwaitSpeech({ atMost: "8 seconds" }), Silence({ duration: "900 millis" })]
        : listen)
    ]),
    Silence({ duration: "2 seconds" }),
    HangUp()
  )

const millis = (value: number) => `${Math.round(value)} ms`

const stages: ReadonlyArray<readonly [name: string, title: string]> = [
  ["endpoint", "endpoint"],
  ["transcript", "transcript"],
  ["firstText", "first text"],
  ["firstSound", "first sound"]
]

const describe = (event: LiveEvents.LiveEvent): string | undefined => {
  switch (event._tag) {
    case "CallerSaid":
      return `caller   ${event.text === "" ? "(not understood)" : event.text}`
    case "AgentSays":
      return `agent    ${event.text}`
    case "AgentFills":
      return `filler   ${event.text}`
    case "AgentPresses":
      return `agent    presses ${event.digits}`
    case "Transferring":
      return `transfer to ${event.to}`
    case "TransferFailed":
      return `transfer to ${event.to} failed: ${event.reason}`
    case "AgentHeard":
      return event.isWhole || event.text === "" ? undefined : `         heard of it: ${event.text} …`
    case "BargeIn":
      return `barge-in: stopped ${millis(event.clearAfter)} after the caller's first sound`
    case "Resumed":
      return "no interruption: the agent goes on"
    case "TurnMeasured": {
      const { times } = event
      const parts = stages.flatMap(([name, title]) => (times[name] === undefined ? [] : [`${title} ${Math.round(times[name])}`]))
      return times.firstMedia === undefined
        ? `turn ${event.turn}: interrupted before its first sound`
        : `turn ${event.turn}: voice to voice ${millis(times.firstMedia)} (${parts.join(", ")})`
    }
    case "EngineTrouble":
      return `trouble: ${event.stage}, ${event.reason}`
    case "Ended":
      return `ended: ${event.reason}`
  }
}

const line = (at: number, text: string) => Console.log(`${(at / 1000).toFixed(3).padStart(8)} s  ${text}`)

/** Shows the call as the service tells it, to its end; gives what it told. */
export const tell = Effect.fnUntraced(function*(call: SimulatedCall, service: string) {
  const told: Array<LiveEvents.LiveEvent> = []
  const key = yield* LiveEvents.apiKey
  if (Option.isNone(key)) {
    yield* Console.log("The words can't be shown: there is no API_KEY, and the service has left none in its data folder.")
  } else {
    yield* call.awaitEvent("StreamStarted").pipe(
      Effect.andThen(Stream.runForEach(LiveEvents.of(service, call.sid, key.value), (event) => {
        told.push(event)
        const text = describe(event)
        return text === undefined ? Effect.void : line(event.at, text)
      })),
      Effect.raceFirst(call.ended),
      Effect.catch((error) => Console.log(`The words can't be shown: ${"message" in error ? error.message : error._tag}.`))
    )
  }
  yield* call.settled
  return told
})

const spread = (values: ReadonlyArray<number>): string =>
  values.length === 0
    ? "none"
    : `p50 ${millis(Comparison.percentile(values, 0.5))}, p95 ${millis(Comparison.percentile(values, 0.95))}, of ${values.length}`

/** Writes the conversation as a stereo file, tells how soon the answers came, and judges. */
export const report = Effect.fnUntraced(function*(
  call: SimulatedCall,
  told: ReadonlyArray<LiveEvents.LiveEvent>,
  out: string
) {
  const fs = yield* FileSystem.FileSystem
  const said = yield* call.said
  const heard = yield* call.heard
  yield* Effect.mapError(
    fs.writeFile(out, Wav.encode({ sampleRate: 8000, channels: [said, heard] })),
    () => new DemoError({ message: `${out} can't be written.` })
  )

  const events = yield* call.events
  const cleared = events.filter(({ _tag }) => _tag === "Cleared")
  const answered = Turns.exchanges(said, heard).flatMap(({ voiceToVoice }) => (voiceToVoice === undefined ? [] : [voiceToVoice]))
  const measured = told.flatMap((event) =>
    event._tag === "TurnMeasured" && event.times.firstMedia !== undefined ? [event.times.firstMedia] : []
  )
  yield* Console.log("")
  yield* Console.log(`Voice to voice, by the service:    ${spread(measured)}`)
  yield* Console.log(`Voice to voice, at the caller's:   ${spread(answered)}`)
  yield* Console.log(`Interruptions:                     ${cleared.length}`)
  yield* Console.log(`Written to ${out}: the caller on the left, the agent on the right, ${(heard.length / 8000).toFixed(1)} s`)

  const status = yield* call.status
  const problems = yield* call.problems
  const why = [...new Set(problems.filter(({ code }) => code !== 31921).map(({ code, message }) => ` ${code}: ${message}`))].join("")
  if (status !== "completed") return yield* new DemoError({ message: `The call ended as "${status}".${why}` })
  if (answered.length === 0) return yield* new DemoError({ message: `The agent answered nothing that the caller said.${why}` })
})
