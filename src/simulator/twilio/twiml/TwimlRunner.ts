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
import { randomHex } from "../webhook/WebhookClient.ts"

/** How a `<Dial>` goes. */
export interface DialResult {
  readonly status: TerminalStatus
  /** How long the telephone rings. */
  readonly ringTime: Duration.Duration
  /** How long both talk, if the telephone is answered. */
  readonly talkTime: Duration.Duration
}

export interface Environment extends ConnectStream.Environment, TwimlLoader.Environment {
  /** Returns how a `<Dial>` to this number goes. */
  readonly dialResult: (to: PhoneNumber) => DialResult
  /** Makes the sound of a `<Say>`. */
  readonly say: (text: string) => Effect.Effect<Pcm<8000>>
}

/** What follows a verb or a document: the call's end, or another document. */
type Next = Data.TaggedEnum<{
  End: { readonly status: TerminalStatus }
  Goto: { readonly source: Source }
}>
const Next = Data.taggedEnum<Next>()

const completed = Next.End({ status: "completed" })

/** `<Dial>`: rings, lets both people talk, and continues with the document at the `action` URL. */
const dial = Effect.fn("TwimlRunner.dial")(function*(
  environment: Environment,
  call: PhoneCall,
  verb: Extract<TwimlReader.Verb, { readonly _tag: "Dial" }>
) {
  const result = environment.dialResult(verb.to)
  const timeout = Duration.seconds(verb.seconds)
  const status: TerminalStatus = Duration.isGreaterThan(result.ringTime, timeout) ? "no-answer" : result.status
  yield* Effect.sleep(Duration.min(result.ringTime, timeout))
  if (status === "completed") yield* Effect.sleep(result.talkTime)
  yield* note(call, { _tag: "Dialled", to: verb.to, callerId: verb.callerId, status })
  if (verb.action === undefined) return undefined
  const more = {
    DialCallStatus: status,
    DialCallSid: `CA${yield* randomHex(32)}`,
    DialCallDuration: `${status === "completed" ? Math.round(Duration.toSeconds(result.talkTime)) : 0}`,
    DialBridged: `${status === "completed"}`
  }
  return Next.Goto({ source: { _tag: "Url", ...verb.action, more } })
})

const perform = Effect.fnUntraced(function*(
  environment: Environment,
  call: PhoneCall,
  verb: TwimlReader.Verb,
  answeredAt: bigint
): Effect.fn.Return<Next | undefined> {
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
      return Next.Goto({ source: { _tag: "Url", url: verb.url, method: verb.method } })
    case "Connect": {
      const ended = yield* ConnectStream.connect(environment, call, verb.stream, answeredAt)
      if (ended?.why === "callerHungUp") {
        call.hungUpByCaller = true
        if (call.faults.actionAfterEnd === true && verb.action !== undefined) {
          yield* TwimlLoader.requestAfterEnd(environment, call, verb.action)
        }
        return completed
      }
      return verb.action === undefined ? undefined : Next.Goto({ source: { _tag: "Url", ...verb.action } })
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
    const execute: Effect.Effect<Next> = Effect.gen(function*() {
      for (const verb of verbs) {
        const next = yield* perform(environment, call, verb, answeredAt)
        if (next !== undefined) return next
      }
      return completed as Next
    })
    const redirect = Effect.map(Queue.take(call.redirects), (source): Next => Next.Goto({ source }))
    const next: Next = yield* Effect.raceFirst(execute, redirect)
    if (next._tag === "End") return next.status
    document = yield* TwimlLoader.load(environment, call, next.source)
  }
  return "completed"
})
