/**
 * The demo of a conversation: several turns between a scripted caller and the agent.
 *
 * The service reports what the agent says and how long each answer took. The demo measures what the caller heard, and when. It prints both for
 * comparison.
 */
import { Console, Effect, FileSystem, Option, Queue, Stream } from "effect"
import * as Wav from "../../audio/Wav.ts"
import * as Caller from "../caller/Caller.ts"
import type { SimulatedCallEvent } from "../report/SimulatedCallEvent.ts"
import * as AudioSimilarity from "../report/AudioSimilarity.ts"
import { DemoError } from "./Demo.ts"
import * as Resumptions from "../report/Resumptions.ts"
import * as ServiceEvents from "../report/ServiceEvents.ts"
import { Narration } from "../report/Narration.ts"
import type { SimulatedCall } from "../caller/PhoneCall.ts"
import type { Voice } from "../caller/CallerSpeech.ts"
import * as SpeakingTurns from "../report/SpeakingTurns.ts"
import * as DebuggerCodes from "../twilio/DebuggerCodes.ts"

/** The caller's lines for the built-in receptionist. The second line interrupts the answer to the first. */
export const lines = [
  "What are your opening hours?",
  "Where are you?",
  "I would like to book an appointment.",
  "On Monday.",
  "At ten.",
  "Yes, please.",
  "Goodbye."
]

interface Script {
  /** Each line is a text, or the path of a WAV file. */
  readonly lines: ReadonlyArray<{ readonly text: string } | { readonly path: string }>
  readonly voice: Voice
  /** Whether the second line interrupts the first answer. */
  readonly isInterrupting: boolean
}

const { AwaitSilence, AwaitSpeech, HangUp, PlayFile, Silence, Speak } = Caller.Step

/** Waits until the agent has begun to speak and has finished. */
const listen = [
  AwaitSpeech({ atMost: "8 seconds" }),
  AwaitSilence({ duration: "800 millis", atMost: "30 seconds" })
]

/** A caller who says each line when the agent has finished speaking, and hangs up 2 s after the answer to the last line. */
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

const printLine = (at: number, text: string) => Console.log(`${(at / 1000).toFixed(3).padStart(8)} s  ${text}`)

/** How often the demo looks for new lines. */
const interval = "20 millis"

/** An event of the service or of the telephone. */
type Observed =
  | { readonly _tag: "Service"; readonly event: ServiceEvents.LiveEvent }
  | { readonly _tag: "Telephone"; readonly event: SimulatedCallEvent }

/** Prints the call while it goes on, until it ends. Returns the service's events. */
export const printCall = Effect.fnUntraced(function*(call: SimulatedCall, service: string) {
  const events: Array<ServiceEvents.LiveEvent> = []
  const key = yield* ServiceEvents.apiKey
  if (Option.isNone(key)) {
    yield* Console.log("The words can't be shown: API_KEY is not set, and the service's data folder has no key. Set API_KEY to the service's key.")
    yield* call.settled
    return events
  }
  const { at: start } = yield* Effect.raceFirst(call.awaitEvent("StreamStarted"), Effect.as(call.ended, { at: 0 }))
  const narration = new Narration()
  const observed = yield* Queue.unbounded<Observed>()
  const now = Effect.map(call.elapsed, (elapsed) => elapsed - start)
  const playback = Effect.map(call.playback, (stretches) =>
    stretches.flatMap(({ from, to }) => to <= start ? [] : [{ from: Math.max(0, from - start), to: to - start }]))

  /** Passes all new events to the narration. Returns the stretches of sound that were played so far. */
  const passEvents = Effect.gen(function*() {
    const heard = yield* playback
    for (const item of yield* Queue.clear(observed)) {
      if (item._tag === "Service") {
        events.push(item.event)
        narration.takeEvent(item.event)
      } else if (item.event._tag === "MarkReturned" && !item.event.cleared) {
        narration.takeMark(item.event.name, item.event.at - start)
      } else if (item.event._tag === "Cleared" || item.event._tag === "StreamEnded") {
        narration.takeClear(item.event.at - start, heard)
        if (item.event._tag === "StreamEnded" && Resumptions.isLoss(item.event.why)) narration.takeLoss(item.event.at - start)
      }
    }
    return heard
  })

  const show = Effect.fnUntraced(function*(lines: ReadonlyArray<{ readonly at: number; readonly text: string }>) {
    for (const { at, text } of lines) yield* printLine(at, text)
  })

  const showing = Effect.forever(Effect.gen(function*() {
    const heard = yield* passEvents
    yield* show(narration.dueLines(heard, yield* now))
    yield* Effect.sleep(interval)
  }))

  const listening = Stream.runForEach(ServiceEvents.of(service, call.sid, key.value), (event) =>
    Queue.offer(observed, { _tag: "Service", event })).pipe(
    Effect.catch((error) => Console.log(`The words can't be shown: ${"message" in error ? error.message : error._tag}.`))
  )
  const watching = Stream.runForEach(call.changes, (event) => Queue.offer(observed, { _tag: "Telephone", event }))

  // The service sends its last events after the caller has hung up.
  const lastEventsAreIn = Effect.andThen(call.ended, Effect.sleep("1 second"))
  const both = Effect.all([Effect.raceFirst(listening, lastEventsAreIn), watching], { concurrency: "unbounded", discard: true })
  yield* Effect.raceFirst(both, showing)
  const heard = yield* passEvents
  yield* show(narration.remainingLines(heard, yield* now))
  yield* call.settled
  return events
})

const spread = (values: ReadonlyArray<number>): string =>
  values.length === 0
    ? "none"
    : `p50 ${millis(AudioSimilarity.percentile(values, 0.5))}, p95 ${millis(AudioSimilarity.percentile(values, 0.95))}, of ${values.length}`

/** Writes the conversation as a stereo file, prints how soon the answers came, and fails if there was no answer. */
export const report = Effect.fnUntraced(function*(
  call: SimulatedCall,
  serviceEvents: ReadonlyArray<ServiceEvents.LiveEvent>,
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
  const callerLatencies = SpeakingTurns.exchanges(said, heard).flatMap(({ voiceToVoice }) => (voiceToVoice === undefined ? [] : [voiceToVoice]))
  const serviceLatencies = serviceEvents.flatMap((event) =>
    event._tag === "TurnMeasured" && event.times.firstMedia !== undefined ? [event.times.firstMedia] : []
  )
  yield* Console.log("")
  yield* Console.log(`Voice to voice, in the service:    ${spread(serviceLatencies)}`)
  yield* Console.log(`Voice to voice, for the caller:    ${spread(callerLatencies)}`)
  yield* Console.log(`Interruptions:                     ${cleared.length}`)
  for (const line of Resumptions.describe(Resumptions.resumptions(events, heard))) yield* Console.log(line)
  yield* Console.log(`Written to ${out}: the caller on the left, the agent on the right, ${(heard.length / 8000).toFixed(1)} s`)

  const status = yield* call.status
  const problems = yield* call.problems
  const why = [...new Set(problems.filter(({ code }) => code !== DebuggerCodes.streamClosedByService).map(({ code, message }) => ` ${code}: ${message}`))].join("")
  if (status !== "completed") return yield* new DemoError({ message: `The call ended as "${status}".${why}` })
  if (callerLatencies.length === 0) return yield* new DemoError({ message: `The agent did not answer the caller.${why}` })
})
