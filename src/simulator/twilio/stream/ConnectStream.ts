/**
 * `<Connect><Stream>`: opens a signed WebSocket as Twilio does, runs one stream over it to its end, and calls the stream's status callback.
 *
 * https://www.twilio.com/docs/voice/twiml/stream
 */
import { type Cause, DateTime, Effect, Queue, Result } from "effect"
import { type AccountSid, StreamSid } from "../../../domain/Sid.ts"
import * as Signature from "../../../twilio/webhook/Signature.ts"
import { ActiveCaller } from "../../caller/Caller.ts"
import { type Callback, note, type PhoneCall } from "../../caller/PhoneCall.ts"
import { Timeline } from "../../report/Timeline.ts"
import * as DebuggerCodes from "../DebuggerCodes.ts"
import { type Faults, none, ofStream } from "../Faults.ts"
import type { StreamNoun } from "../twiml/TwimlReader.ts"
import { forgedSignature, randomHex } from "../webhook/WebhookClient.ts"
import * as Traffic from "./Traffic.ts"
import * as TwilioStream from "./TwilioStream.ts"
import * as WebSocketClient from "./WebSocketClient.ts"

export interface Environment {
  readonly accountSid: AccountSid
  /** The signature of a WebSocket upgrade. */
  readonly sign: (url: string) => string
  /** The URL to which a request is really sent. */
  readonly locate: (url: string) => string
  /** Callbacks of streams, and of answering machine detection. */
  readonly callbacks: Queue.Enqueue<Callback, Cause.Done>
}

/** One `<Stream>` of one call. */
interface Connection {
  readonly environment: Environment
  readonly call: PhoneCall
  readonly noun: StreamNoun
  /** When the call was answered: monotonic, ns. */
  readonly answeredAt: bigint
  /** The faults of this stream, which may be fewer than the call's. */
  readonly faults: Faults
}

/** The caller's end of a stream: the person, the sound on the telephone, and the faults. */
type CallerEnd = Pick<TwilioStream.Options, "activeCaller" | "heard" | "said" | "traffic" | "faults">

/** Calls the stream's status callback, if the TwiML names one. */
const reportStatus = Effect.fnUntraced(function*(
  { call, environment, noun }: Connection,
  streamSid: StreamSid,
  StreamEvent: "stream-started" | "stream-stopped" | "stream-error",
  StreamError?: string
) {
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

/** The headers of the upgrade. The signature may be wrong or missing, as the faults say. */
const headersOf = ({ environment, faults: { upgradeSignature }, noun }: Connection): Readonly<Record<string, string>> => ({
  "user-agent": "TwilioMediaStreams/1.0",
  ...(upgradeSignature === "missing" ? {} : {
    [Signature.header]: upgradeSignature === "forged" ? forgedSignature : environment.sign(noun.url)
  })
})

/** The `<Parameter>`s. One of them may be wrong or missing, as the faults say. */
const parametersOf = ({ faults: { token }, noun: { parameters } }: Connection): Readonly<Record<string, string>> => {
  if (token === undefined) return parameters
  const name = token.name ?? "token"
  const { [name]: _, ...others } = parameters
  return token.is === "missing" ? others : { ...others, [name]: "another-token-than-the-twiml-had" }
}

/** Records why no WebSocket was opened. */
const noteRefusal = Effect.fnUntraced(function*(
  connection: Connection,
  streamSid: StreamSid,
  { message, status }: WebSocketClient.WireError
) {
  const { call } = connection
  const code = status === undefined ? DebuggerCodes.streamUnreachable : DebuggerCodes.streamRefused
  yield* note(call, { _tag: "Problem", code, message })
  yield* reportStatus(connection, streamSid, "stream-error", message)
  yield* note(call, { _tag: "StreamEnded", streamSid, why: "refused", code: undefined })
})

/** Records the end of a stream that was not interrupted, with the problems that Twilio's debugger would show. */
const noteEnd = Effect.fnUntraced(function*(connection: Connection, streamSid: StreamSid, { code, why }: TwilioStream.Ended) {
  const { call } = connection
  if (why === "closedByService") {
    const message = `The service closed the stream (${code}). This is not an error.`
    yield* note(call, { _tag: "Problem", code: DebuggerCodes.streamClosedByService, message })
  }
  if (why === "connectionLost") {
    const message = "The connection to the service broke without a close handshake."
    yield* note(call, { _tag: "Problem", code: DebuggerCodes.streamBroken, message })
    yield* reportStatus(connection, streamSid, "stream-error", message)
  }
  yield* reportStatus(connection, streamSid, "stream-stopped")
})

/** Opens a WebSocket and runs a stream over it to its end. `undefined`: the WebSocket could not be opened. */
const runStream = Effect.fnUntraced(function*(connection: Connection, callerEnd: CallerEnd) {
  const { answeredAt, call, environment, noun } = connection
  const streamSid = StreamSid.make(`MZ${yield* randomHex(32)}`)
  const wire = yield* Effect.result(WebSocketClient.open(environment.locate(noun.url), headersOf(connection)))
  if (Result.isFailure(wire)) {
    yield* noteRefusal(connection, streamSid, wire.failure)
    return undefined
  }
  yield* reportStatus(connection, streamSid, "stream-started")
  const ended = yield* TwilioStream.run({
    ...callerEnd,
    wire: wire.success,
    accountSid: environment.accountSid,
    callSid: call.sid,
    streamSid,
    parameters: parametersOf(connection),
    answeredAt,
    note: (event) => note(call, event),
    whyInterrupted: () => call.hungUpByCaller ? "callerHungUp" : "callChanged"
  }).pipe(Effect.onInterrupt(() => reportStatus(connection, streamSid, "stream-stopped")))
  yield* noteEnd(connection, streamSid, ended)
  return ended
}, Effect.scoped)

/** Does what an attacker might do: opens a second stream with the parameters of a running stream. */
const replay = Effect.fnUntraced(function*(connection: Connection) {
  // When the running stream has sent a few frames, its token has been used.
  yield* Effect.repeat(Effect.sleep("20 millis"), { until: () => connection.call.traffic.sentAt.length > 5 })
  yield* runStream(connection, {
    activeCaller: new ActiveCaller([]),
    heard: new Timeline(),
    said: new Timeline(),
    traffic: Traffic.make(),
    faults: none
  })
})

/** Runs a stream from the upgrade to its end. `undefined`: the WebSocket could not be opened. */
export const connect = Effect.fn("ConnectStream.connect")(function*(
  environment: Environment,
  call: PhoneCall,
  noun: StreamNoun,
  answeredAt: bigint
) {
  const faults = ofStream(call.faults, call.streams)
  call.streams++
  const connection: Connection = { environment, call, noun, answeredAt, faults }
  if (faults.replayStream === true) yield* Effect.forkScoped(replay(connection))
  return yield* runStream(connection, { ...call, faults })
}, Effect.scoped)
