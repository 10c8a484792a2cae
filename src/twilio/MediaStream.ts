/**
 * One Media Streams WebSocket: from the upgrade to the close, as messages in and sound out.
 *
 * It reads `connected` and `start`, then hands out batches of good messages; what is not good is
 * counted by its reason, the first of each stream is logged, and a stream of mostly rubbish is closed.
 * A message is decoded once, by a schema that is compiled once; a `media` to Twilio is a fixed text
 * around its base64, so that sending costs no schema and no `JSON.stringify`.
 *
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages
 */
import { Data, Duration, Effect, Metric, Result, type Scope } from "effect"
import { Socket } from "effect/socket"
import type { StreamSid } from "../domain/Sid.ts"
import * as Metrics from "../observability/Metrics.ts"
import { decodeInbound, encodeOutbound, type Inbound, type Start } from "./MediaMessage.ts"

/** What comes after `start`. */
export type Message = Exclude<Inbound, { readonly event: "connected" | "start" }>

/** Why a stream is over; none of these is a fault of this program. */
export class StreamClosed extends Data.TaggedError("StreamClosed")<{
  /**
   * - `lost`: the socket is gone without `stop`;
   * - `tooLarge`: a message above the limit (the peer has been told 1009);
   * - `rubbish`: too many bad messages;
   * - `noStart`: `start` did not come in time;
   * - `mediaBeforeStart`: the peer does not speak the protocol.
   */
  readonly reason: "lost" | "tooLarge" | "rubbish" | "noStart" | "mediaBeforeStart"
  /** The WebSocket's close code (RFC 6455, section 7.4): received, or to be sent. */
  readonly code: number
}> {
  override get message() {
    return `${explanations[this.reason]} (${this.code})`
  }
}

const explanations: Record<StreamClosed["reason"], string> = {
  lost: "The media WebSocket is gone",
  tooLarge: "A message was larger than MAX_MESSAGE_BYTES",
  rubbish: "Too many messages could not be read; see client_caller_bad_messages_total",
  noStart: "The start message did not come in time",
  mediaBeforeStart: "Media came before the start message"
}

export interface Limits {
  /** From the upgrade to `start`. */
  readonly start: Duration.Duration
  /** Bad messages, less the good ones since, before the stream is closed. */
  readonly badMessages: number
}

export interface MediaStream {
  readonly streamSid: StreamSid
  readonly start: Start["start"]
  /** The next good messages; the socket is paused while nobody pulls. */
  readonly pull: Effect.Effect<ReadonlyArray<Message>, StreamClosed>
  /** Sends texts in one go: see {@link mediaText}, {@link markText}, {@link clearText}. */
  readonly send: (texts: ReadonlyArray<string>) => Effect.Effect<void, StreamClosed>
  /** Bytes that were sent but have not left this process: what a peer that does not read makes grow. */
  readonly unsentBytes: () => number
  /** Closes with a WebSocket close code and a reason of at most 123 bytes. */
  readonly close: (code: number, reason: string) => Effect.Effect<void>
}

/** The parts of a `media` text before and after the base64. */
export const mediaText = (streamSid: StreamSid) => {
  const before = `{"event":"media","streamSid":"${streamSid}","media":{"payload":"`
  return (mulaw: Uint8Array): string =>
    `${before}${Buffer.from(mulaw.buffer, mulaw.byteOffset, mulaw.byteLength).toString("base64")}"}}`
}

export const markText = (streamSid: StreamSid, name: string): string =>
  encodeOutbound({ event: "mark", streamSid, mark: { name } })

export const clearText = (streamSid: StreamSid): string => encodeOutbound({ event: "clear", streamSid })

const closed = (reason: StreamClosed["reason"], code: number) => new StreamClosed({ reason, code })

/** `ws` reports a message above `maxPayload` as an error with this code, having sent 1009. */
const isTooLarge = (error: Socket.SocketError): boolean => {
  const reason = error.reason
  if (reason._tag === "SocketCloseError") return reason.code === 1009
  const cause = "cause" in reason ? reason.cause as { readonly error?: unknown } | undefined : undefined
  const inner = cause?.error as { readonly code?: unknown } | undefined
  return inner?.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"
}

const fromSocketError = (error: Socket.SocketError): StreamClosed =>
  isTooLarge(error)
    ? closed("tooLarge", 1009)
    : closed("lost", error.reason._tag === "SocketCloseError" ? error.reason.code : 1006)

/** Keeps the account of bad messages of one stream. */
const makeAuditor = Effect.fnUntraced(function*(limits: Limits) {
  let debt = 0
  let isLogged = false
  const reject = Effect.fnUntraced(function*(reason: string) {
    yield* Metric.update(Metrics.badMessages(reason), 1)
    if (!isLogged) {
      isLogged = true
      yield* Effect.logWarning("A message of a media stream could not be read; further ones are only counted").pipe(
        Effect.annotateLogs({ reason })
      )
    }
    // Twilio adds events without notice: they are counted, and are no debt.
    if (reason !== "unknownEvent" && ++debt > limits.badMessages) return yield* closed("rubbish", 1008)
  })
  const good = () => {
    if (debt > 0) debt--
  }
  return { reject, good }
})

/**
 * Accepts the upgrade and waits for `start`.
 *
 * The socket belongs to the scope. A failure here has been answered with its close code already.
 */
export const accept = Effect.fnUntraced(function*(
  socket: Socket.Socket,
  limits: Limits,
  unsentBytes: () => number
): Effect.fn.Return<MediaStream, StreamClosed, Scope.Scope> {
  const reader = yield* Effect.mapError(socket.reader, fromSocketError)
  const writer = yield* socket.writer
  const auditor = yield* makeAuditor(limits)

  const close = (code: number, reason: string) =>
    Effect.ignore(writer.write(new Socket.CloseEvent(code, reason)))

  const closing = <A>(self: Effect.Effect<A, StreamClosed>) =>
    Effect.tapError(self, (error) => error.reason === "lost" ? Effect.void : close(error.code, explanations[error.reason]))

  const frames = Effect.mapError(reader.pull, fromSocketError)

  // What came in one batch with `start`, behind it.
  let early: ReadonlyArray<Uint8Array | string> = []

  const awaitStart = Effect.gen(function*() {
    while (true) {
      const batch = yield* frames
      for (let index = 0; index < batch.length; index++) {
        const frame = batch[index]
        const message = typeof frame === "string" ? decodeInbound(frame) : binary
        if (Result.isFailure(message)) {
          yield* auditor.reject(message.failure)
          continue
        }
        if (message.success.event === "start") {
          early = batch.slice(index + 1)
          return message.success
        }
        if (message.success.event !== "connected") {
          yield* Metric.update(Metrics.badMessages("beforeStart"), 1)
          return yield* closed("mediaBeforeStart", 1002)
        }
      }
    }
  })

  const { start, streamSid } = yield* awaitStart.pipe(
    Effect.timeoutOrElse({ duration: limits.start, orElse: () => Effect.fail(closed("noStart", 1002)) }),
    closing
  )

  const decodeBatch = Effect.fnUntraced(function*(batch: ReadonlyArray<Uint8Array | string>) {
    const messages: Array<Message> = []
    for (const frame of batch) {
      const decoded = typeof frame === "string" ? decodeInbound(frame) : binary
      if (Result.isFailure(decoded)) {
        yield* auditor.reject(decoded.failure)
        continue
      }
      const message = decoded.success
      if (message.event === "start" || message.event === "connected") yield* auditor.reject("secondStart")
      else if (message.streamSid !== streamSid) yield* auditor.reject("foreignStream")
      else {
        auditor.good()
        messages.push(message)
      }
    }
    return messages
  })

  const pull = Effect.suspend(() => {
    if (early.length === 0) return Effect.flatMap(frames, decodeBatch)
    const batch = early
    early = []
    return decodeBatch(batch)
  })

  return {
    streamSid,
    start,
    pull: closing(pull),
    send: (texts) =>
      texts.length === 0
        ? Effect.void
        : Effect.mapError(writer.writeAll(texts as unknown as readonly [string, ...Array<string>]), fromSocketError),
    unsentBytes,
    close
  }
})

const binary: Result.Result<never, "binary"> = Result.fail("binary")
