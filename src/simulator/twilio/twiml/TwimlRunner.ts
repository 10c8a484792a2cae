/**
 * Carries out TwiML on a call that was answered: speaks, waits, connects streams, follows redirects.
 */
import { Clock, Data, Duration, Effect, Queue } from "effect"
import * as Mulaw from "../../../audio/Mulaw.ts"
import type { Pcm } from "../../../audio/Pcm.ts"
import type { PhoneNumber } from "../../../domain/PhoneNumber.ts"
import type { TerminalStatus } from "../../report/SimulatedCallEvent.ts"
import * as ConnectStream from "../stream/ConnectStream.ts"
import { note, type PhoneCall, type Source } from "../../caller/PhoneCall.ts"
import { samplesPerMilli, toSamples } from "../../report/Timeline.ts"
import * as TwimlLoader from "./TwimlLoader.ts"
import type * as TwimlReader from "./TwimlReader.ts"
import { hex } from "../webhook/WebhookClient.ts"

/** The course of a `<Dial>`. */
export interface DialResult {
  readonly status: TerminalStatus
  /** How long the telephone rings. */
  readonly rings: Duration.Duration
  /** How long both talk, if the telephone is answered. */
  readonly talk: Duration.Duration
}

export interface Environment extends ConnectStream.Environment, TwimlLoader.Environment {
  /** Returns the course of a `<Dial>` to this number. */
  readonly ring: (to: PhoneNumber) => DialResult
  /** Makes the sound of a `<Say>`. */
  readonly say: (text: string) => Effect.Effect<Pcm<8000>>
}

/** What follows a verb or a document: the call's end, or another document. */
type Outcome = Data.TaggedEnum<{
  End: { readonly status: TerminalStatus }
  Goto: { readonly source: Source }
}>
const Outcome = Data.taggedEnum<Outcome>()

const completed = Outcome.End({ status: "completed" })

/** `<Dial>`: rings, lets both people talk, and continues with the document at the `action` URL. */
const dial = Effect.fn("TwimlRunner.dial")(function*(
  environment: Environment,
  call: PhoneCall,
  verb: Extract<TwimlReader.Verb, { readonly _tag: "Dial" }>
) {
  const { rings, status: statusInTime, talk } = environment.ring(verb.to)
  const timeout = Duration.seconds(verb.seconds)
  const status: TerminalStatus = Duration.isGreaterThan(rings, timeout) ? "no-answer" : statusInTime
  yield* Effect.sleep(Duration.min(rings, timeout))
  if (status === "completed") yield* Effect.sleep(talk)
  yield* note(call, { _tag: "Dialled", to: verb.to, callerId: verb.callerId, status })
  if (verb.action === undefined) return undefined
  const more = {
    DialCallStatus: status,
    DialCallSid: `CA${yield* hex(32)}`,
    DialCallDuration: `${status === "completed" ? Math.round(Duration.toSeconds(talk)) : 0}`,
    DialBridged: `${status === "completed"}`
  }
  return Outcome.Goto({ source: { _tag: "Url", ...verb.action, more } })
})

const perform = Effect.fnUntraced(function*(
  environment: Environment,
  call: PhoneCall,
  verb: TwimlReader.Verb,
  answeredAt: bigint
): Effect.fn.Return<Outcome | undefined> {
  switch (verb._tag) {
    case "Say": {
      const sound = yield* environment.say(verb.text)
      const now = yield* Clock.monotonicTimeNanos
      call.heard.put(toSamples(now - answeredAt), Mulaw.encode(sound))
      yield* note(call, { _tag: "Said", text: verb.text })
      yield* Effect.sleep(Duration.millis(sound.length / samplesPerMilli)).pipe(
        Effect.onInterrupt(() =>
          Effect.map(Clock.monotonicTimeNanos, (end) => call.heard.cut(toSamples(end - answeredAt)))
        )
      )
      return undefined
    }
    case "Dial":
      return yield* dial(environment, call, verb)
    case "Pause":
      yield* Effect.sleep(Duration.seconds(verb.seconds))
      return undefined
    case "Hangup":
    // Only the first verb of the first document can reject a call (`CallLife`). A later <Reject> hangs up.
    case "Reject":
      return completed
    case "Redirect":
      return Outcome.Goto({ source: { _tag: "Url", url: verb.url, method: verb.method } })
    case "Connect": {
      const ended = yield* ConnectStream.connect(environment, call, verb.stream, answeredAt)
      if (ended?.why === "callerHungUp") {
        call.hungUpByCaller = true
        if (call.faults.actionAfterEnd === true && verb.action !== undefined) {
          yield* TwimlLoader.requestAfterEnd(environment, call, verb.action)
        }
        return completed
      }
      return verb.action === undefined ? undefined : Outcome.Goto({ source: { _tag: "Url", ...verb.action } })
    }
  }
})

/** The simulator's own limit. It ends a call whose documents redirect to each other forever. */
const maxDocuments = 100

/**
 * Runs a document and all documents that follow it. Returns the status with which the call ends.
 *
 * A redirect by a REST request ends the running verb. If the verb is a stream, `stop` is sent on it first.
 */
export const run = Effect.fn("TwimlRunner.run")(function*(
  environment: Environment,
  call: PhoneCall,
  first: TwimlReader.Document,
  answeredAt: bigint
): Effect.fn.Return<TerminalStatus> {
  let document: TwimlReader.Document | undefined = first
  for (let count = 1; document !== undefined; count++) {
    if (count > maxDocuments) {
      const message = `The call went through ${maxDocuments} documents without ending; the simulator hung up.`
      yield* note(call, { _tag: "Problem", code: 0, message })
      return "completed"
    }
    const verbs: ReadonlyArray<TwimlReader.Verb> = document.verbs
    const execute: Effect.Effect<Outcome> = Effect.gen(function*() {
      for (const verb of verbs) {
        const outcome = yield* perform(environment, call, verb, answeredAt)
        if (outcome !== undefined) return outcome
      }
      return completed as Outcome
    })
    const redirect = Effect.map(Queue.take(call.redirects), (source): Outcome => Outcome.Goto({ source }))
    const outcome: Outcome = yield* Effect.raceFirst(execute, redirect)
    if (outcome._tag === "End") return outcome.status
    document = yield* TwimlLoader.load(environment, call, outcome.source)
  }
  return "completed"
})
