/**
 * Carries TwiML out on a call that was answered: speaks, waits, connects streams, follows redirects.
 */
import { Cause, Clock, Data, DateTime, Duration, Effect, Queue, Result } from "effect"
import * as Mulaw from "../../audio/Mulaw.ts"
import type { Pcm } from "../../audio/Pcm.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import { type AccountSid, StreamSid } from "../../domain/Sid.ts"
import * as Signature from "../../twilio/webhook/Signature.ts"
import type { TerminalStatus } from "../report/SimulatedCallEvent.ts"
import { Line } from "../caller/Caller.ts"
import * as DebuggerCodes from "./DebuggerCodes.ts"
import { type Faults, none } from "./Faults.ts"
import * as TwilioStream from "./TwilioStream.ts"
import { note, type Callback, type PhoneCall, type Source } from "../caller/PhoneCall.ts"
import { callParameters, noteWebhook } from "./StatusCallbacks.ts"
import { samplesPerMilli, Timeline } from "../report/Timeline.ts"
import * as TwimlReader from "./TwimlReader.ts"
import { forgedSignature, hex, type WebhookClient } from "./WebhookClient.ts"
import * as WebSocketClient from "./WebSocketClient.ts"

export interface Environment {
  readonly accountSid: AccountSid
  /** The signature of a WebSocket upgrade. */
  readonly sign: (url: string) => string
  /** Where a URL is really served. */
  readonly locate: (url: string) => string
  readonly webhooks: WebhookClient
  /** What becomes of a `<Dial>` to this number: after how much ringing, and how long both talk. */
  readonly ring: (to: PhoneNumber) => {
    readonly status: TerminalStatus
    readonly rings: Duration.Duration
    readonly talk: Duration.Duration
  }
  /** How `<Say>` sounds. */
  readonly say: (text: string) => Effect.Effect<Pcm<8000>>
  /** Callbacks of streams, and of answering machine detection. */
  readonly callbacks: Queue.Enqueue<Callback, Cause.Done>
}

/** What a document came to. */
type Outcome = Data.TaggedEnum<{
  End: { readonly status: TerminalStatus }
  Goto: { readonly source: Source }
}>
const Outcome = Data.taggedEnum<Outcome>()

const completed = Outcome.End({ status: "completed" })

const accepted = new Set(["text/xml", "application/xml", "text/html"])

/** Twilio's base for relative URLs of TwiML that came by REST. */
const twilioBase = "https://api.twilio.com/"

/**
 * Gets and reads a document. `undefined` when there is none: what was wrong is written down.
 *
 * An empty answer is a document without verbs.
 */
export const load = Effect.fnUntraced(function*(environment: Environment, call: PhoneCall, source: Source) {
  const problem = (code: number, message: string) => Effect.as(note(call, { _tag: "Problem", code, message }), undefined)
  const read = Effect.fnUntraced(function*(text: string, base: string) {
    const document = yield* Effect.result(TwimlReader.parse(text, base))
    if (Result.isFailure(document)) return yield* problem(document.failure.code, document.failure.message)
    for (const warning of document.success.warnings) yield* problem(warning.code, warning.message)
    yield* note(call, { _tag: "Twiml", verbs: document.success.verbs.map((verb) => verb._tag) })
    return document.success
  })
  if (source._tag === "Twiml") return yield* read(source.text, twilioBase)

  const parameters = { ...callParameters(environment.accountSid, call), ...source.more }
  const answer = yield* Effect.result(
    environment.webhooks.send({ ...source, parameters, signature: call.faults.webhookSignature })
  )
  yield* noteWebhook(
    call,
    "voice",
    source.url,
    parameters,
    Result.isFailure(answer) ? answer.failure.status : answer.success.status
  )
  if (Result.isFailure(answer)) return yield* problem(answer.failure.code, answer.failure.message)
  const { body, contentType } = answer.success
  if (body.trim() === "") return { verbs: [], warnings: [] } satisfies TwimlReader.Document
  if (!accepted.has(contentType)) {
    return yield* problem(DebuggerCodes.invalidContentType, `TwiML has to be text/xml or application/xml, not "${contentType}".`)
  }
  return yield* read(body, source.url)
})

/** The `<Parameter>`s, after the fault that concerns one of them. */
const tampered = (
  { token }: Faults,
  parameters: Readonly<Record<string, string>>
): Readonly<Record<string, string>> => {
  if (token === undefined) return parameters
  const name = token.name ?? "token"
  const { [name]: _, ...rest } = parameters
  return token.is === "missing" ? rest : { ...rest, [name]: "another-token-than-the-twiml-had" }
}

/** `<Connect><Stream>`: from the upgrade to the end of the stream. */
const connect = Effect.fn("TwimlRunner.connect")(function*(
  environment: Environment,
  call: PhoneCall,
  noun: TwimlReader.StreamNoun,
  answeredAt: bigint
) {
  const streamEvent = Effect.fnUntraced(function*(streamSid: StreamSid, StreamEvent: string, StreamError?: string) {
    if (noun.statusCallback === undefined) return
    const now = yield* DateTime.now
    Queue.offerUnsafe(environment.callbacks, {
      kind: "stream",
      ...noun.statusCallback,
      parameters: {
        AccountSid: environment.accountSid,
        CallSid: call.sid,
        StreamSid: streamSid,
        StreamName: noun.name ?? streamSid,
        StreamEvent,
        ...(StreamError === undefined ? {} : { StreamError }),
        Timestamp: DateTime.formatIso(now)
      }
    })
  })

  const faults = call.faults.onlyFirstStream === true && call.streams > 0 ? none : call.faults
  call.streams++
  const { upgradeSignature } = faults
  const headers = {
    "user-agent": "TwilioMediaStreams/1.0",
    ...(upgradeSignature === "missing" ? {} : {
      [Signature.header]: upgradeSignature === "forged" ? forgedSignature : environment.sign(noun.url)
    })
  }
  const parameters = tampered(faults, noun.parameters)

  const stream = Effect.fnUntraced(function*(
    person: Pick<TwilioStream.Options, "line" | "heard" | "said" | "traffic" | "faults">
  ) {
    const streamSid = StreamSid.make(`MZ${yield* hex(32)}`)
    const wire = yield* Effect.result(WebSocketClient.open(environment.locate(noun.url), headers))
    if (Result.isFailure(wire)) {
      const { message, status } = wire.failure
      yield* note(call, { _tag: "Problem", code: status === undefined ? DebuggerCodes.streamUnreachable : DebuggerCodes.streamRefused, message })
      yield* streamEvent(streamSid, "stream-error", message)
      yield* note(call, { _tag: "StreamEnded", streamSid, why: "refused", code: undefined })
      return undefined
    }
    yield* streamEvent(streamSid, "stream-started")
    const ended = yield* TwilioStream.run({
      ...person,
      wire: wire.success,
      accountSid: environment.accountSid,
      callSid: call.sid,
      streamSid,
      parameters,
      answeredAt,
      note: (event) => note(call, event),
      whyInterrupted: () => call.hungUpByCaller ? "callerHungUp" : "callChanged"
    }).pipe(Effect.onInterrupt(() => streamEvent(streamSid, "stream-stopped")))
    if (ended.why === "closedByService") {
      const message = `The service closed the stream (${ended.code}); informational.`
      yield* note(call, { _tag: "Problem", code: DebuggerCodes.streamClosedByService, message })
    }
    if (ended.why === "connectionLost") {
      const message = "The connection to the service broke without a close handshake."
      yield* note(call, { _tag: "Problem", code: DebuggerCodes.streamBroken, message })
      yield* streamEvent(streamSid, "stream-error", message)
    }
    yield* streamEvent(streamSid, "stream-stopped")
    return ended
  }, Effect.scoped)

  if (faults.replayStream === true) {
    // Somebody who overheard the parameters of a stream that is running tries them on a stream of their own.
    const running = Effect.repeat(
      Effect.sleep("20 millis"),
      { until: () => call.traffic.sentAt.length > 5 }
    )
    yield* running.pipe(
      Effect.andThen(stream({
        line: new Line([]),
        heard: new Timeline(),
        said: new Timeline(),
        traffic: { sentAt: [], arrivals: [], lost: 0 },
        faults: none
      })),
      Effect.forkScoped
    )
  }
  return yield* stream({ ...call, faults })
}, Effect.scoped)

/** `<Dial>`: rings, lets them talk, and asks what next. */
const dial = Effect.fn("TwimlRunner.dial")(function*(
  environment: Environment,
  call: PhoneCall,
  verb: Extract<TwimlReader.Verb, { readonly _tag: "Dial" }>
) {
  const { rings, status: wanted, talk } = environment.ring(verb.to)
  const timeout = Duration.seconds(verb.seconds)
  const status: TerminalStatus = Duration.isGreaterThan(rings, timeout) ? "no-answer" : wanted
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
      const at = Math.round(Number(now - answeredAt) / 125_000)
      call.heard.put(at, Mulaw.encode(sound))
      yield* note(call, { _tag: "Said", text: verb.text })
      yield* Effect.sleep(Duration.millis(sound.length / samplesPerMilli)).pipe(
        Effect.onInterrupt(() =>
          Effect.map(Clock.monotonicTimeNanos, (end) => call.heard.cut(Math.round(Number(end - answeredAt) / 125_000)))
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
    // A <Reject> that is not the first verb of the first document comes too late to reject: it hangs up.
    case "Reject":
      return completed
    case "Redirect":
      return Outcome.Goto({ source: { _tag: "Url", url: verb.url, method: verb.method } })
    case "Connect": {
      const ended = yield* connect(environment, call, verb.stream, answeredAt)
      if (ended?.why === "callerHungUp") {
        call.hungUpByCaller = true
        if (call.faults.actionAfterEnd === true && verb.action !== undefined) {
          yield* load(environment, call, { _tag: "Url", ...verb.action, more: { CallStatus: "completed" } })
        }
        return completed
      }
      return verb.action === undefined ? undefined : Outcome.Goto({ source: { _tag: "Url", ...verb.action } })
    }
  }
})

/** A limit of the simulator's own: a service that sends a call round and round is to be noticed, not endured. */
const mostDocuments = 100

/**
 * Runs a document and all that it leads to, until the call is to end, and says how.
 *
 * A redirect by REST ends what is running: a stream gets its `stop` first.
 */
export const run = Effect.fn("TwimlRunner.run")(function*(
  environment: Environment,
  call: PhoneCall,
  first: TwimlReader.Document,
  answeredAt: bigint
): Effect.fn.Return<TerminalStatus> {
  let document: TwimlReader.Document | undefined = first
  for (let count = 1; document !== undefined; count++) {
    if (count > mostDocuments) {
      const message = `The call went through ${mostDocuments} documents without an end; the simulator hung up.`
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
    document = yield* load(environment, call, outcome.source)
  }
  return "completed"
})
