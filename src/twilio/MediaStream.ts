/**
 * One Media Streams WebSocket: from the upgrade to the close, as Effect streams of decoded messages.
 *
 * It reads `connected` and `start`, then hands out two streams: `media` over a sliding queue, for old
 * sound is worth less than new, and `control` over a bounded one, whose fullness pauses the socket, for
 * nothing of it may be lost. What is not a good message is counted by its reason, the first of each
 * stream is logged, and a stream of mostly rubbish is closed.
 *
 * Messages are decoded in the socket's own callback, not by a fiber that pulls: at 50 messages a second
 * and call, a fiber's suspension and resumption cost more than all else here (docs/adr/0002). The `media` of
 * both directions goes by `MediaFrame` and `MediaWire`, past `ws`; the schemas decode all that is not of its usual form.
 *
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages
 */
import { type Cause, Clock, Data, Deferred, type Duration, Effect, Queue, Result, type Scope, Stream } from "effect"
import type { WebSocket } from "ws"
import type { StreamSid } from "../domain/Sid.ts"
import * as Metrics from "../observability/Metrics.ts"
import * as MediaFrame from "./MediaFrame.ts"
import { decodeInbound, encodeOutbound, type Inbound, type Media, type Start } from "./MediaMessage.ts"
import type { MediaWire } from "./MediaWire.ts"
import * as SlidingInbox from "./SlidingInbox.ts"

/** What comes beside the sound. */
export type Control = Extract<Inbound, { readonly event: "mark" | "dtmf" | "stop" }>

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
  /** The WebSocket's close code (RFC 6455, section 7.4): received, or sent. */
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

/** Inbound `media` messages that wait for the agent: one second. */
export const mediaCapacity = 50

/** Inbound control messages that wait before the socket is paused. */
export const controlCapacity = 64

/** One message in fifty is timed: once a second. */
export const sampleEvery = 50

/** What has happened so far. Written by the stream, read by whoever reports. */
export interface Tally {
  /** `media` messages that came. */
  readonly received: number
  /** Of those, read by the scanner of `MediaFrame`, which costs half of what the schema does. */
  readonly scanned: number
  /** Of those, pushed out of the queue by newer ones. */
  readonly dropped: number
  /** The message that is timed, counted from 0 among those of the inbound track, and its arrival (monotonic ms). */
  readonly sampleIndex: number
  readonly sampleAt: number
}

export interface MediaStream {
  readonly streamSid: StreamSid
  readonly start: Start["start"]
  /** The caller's sound. Ends with the socket. */
  readonly media: Stream.Stream<Media>
  /** Marks, digits and the stop. Ends with the socket. */
  readonly control: Stream.Stream<Control>
  readonly tally: Tally
  /** Waits for the end of the socket, and tells why. */
  readonly closed: Effect.Effect<StreamClosed>
  /**
   * Sends μ-law at 8 kHz, which it copies, to be played: a message for each 20 ms, all of them in one go. To a socket that
   * is gone it does nothing.
   */
  readonly sendMedia: (mulaw: Uint8Array) => void
  /** Sends a text, see {@link markText}, {@link clearText}; to a socket that is gone it does nothing. */
  readonly send: (text: string) => void
  /** Bytes that were sent but have not left this process: what a peer that does not read makes grow. */
  readonly unsentBytes: () => number
  /** Closes with a WebSocket close code and a reason of at most 123 bytes. */
  readonly close: (code: number, reason: string) => Effect.Effect<void>
}

export const markText = (streamSid: StreamSid, name: string): string =>
  encodeOutbound({ event: "mark", streamSid, mark: { name } })

export const clearText = (streamSid: StreamSid): string => encodeOutbound({ event: "clear", streamSid })

const closed = (reason: StreamClosed["reason"], code: number) => new StreamClosed({ reason, code })

/** `ws` reports a message above `maxPayload` as an error with this code, having sent 1009. */
const isTooLarge = (error: Error & { readonly code?: string }) => error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"

const open = 1

/** Text frames are `send`'s own kind; nothing here is compressed. */
const asText = { binary: false, compress: false }

/**
 * Takes over an upgraded socket and waits for `start`.
 *
 * The socket belongs to the scope. A failure here has been answered with its close code already.
 */
export const accept = Effect.fnUntraced(function*(
  socket: WebSocket,
  wire: MediaWire,
  limits: Limits
): Effect.fn.Return<MediaStream, StreamClosed, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const started = yield* Deferred.make<Start>()
  const ended = yield* Deferred.make<StreamClosed>()
  const firstRejection = yield* Deferred.make<string>()
  const media = SlidingInbox.make<Media>(mediaCapacity)
  const control = yield* Queue.unbounded<Control, Cause.Done>()
  const tally = { received: 0, scanned: 0, dropped: 0, sampleIndex: -1, sampleAt: 0 }

  let streamSid: StreamSid | undefined
  let scan: ReturnType<typeof MediaFrame.makeScanner> | undefined
  let debt = 0

  const end = (why: StreamClosed) => {
    if (Deferred.doneUnsafe(ended, Effect.succeed(why))) {
      media.end()
      Queue.endUnsafe(control)
    }
  }

  const closeNow = (why: StreamClosed) => {
    // First the close: whoever waits for the end closes too, and the first code is the one that is sent.
    socket.close(why.code, explanations[why.reason])
    end(why)
  }

  const reject = (reason: string) => {
    Metrics.badMessages(reason).updateUnsafe(1, context)
    Deferred.doneUnsafe(firstRejection, Effect.succeed(reason))
    // Twilio adds events without notice: they are counted, and are no debt.
    if (reason !== "unknownEvent" && ++debt > limits.badMessages) closeNow(closed("rubbish", 1008))
  }

  const onMedia = (message: Media) => {
    if (++tally.received % sampleEvery === 1) {
      tally.sampleIndex = tally.received - 1
      tally.sampleAt = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    }
    if (!media.offer(message)) tally.dropped++
  }

  const onControl = (message: Control) => {
    Queue.offerUnsafe(control, message)
    if (Queue.sizeUnsafe(control) >= controlCapacity) socket.pause()
  }

  const onGood = (message: Media | Control) => {
    if (debt > 0) debt--
    if (message.event === "media") onMedia(message)
    else onControl(message)
  }

  /** The usual `media` never gets as far as `ws`, unless a packet ended in the middle of it. */
  const onText = (bytes: Buffer, from: number, end: number): boolean => {
    if (scan === undefined || socket.readyState !== open) return false
    const usual = scan(bytes, from, end)
    if (usual === undefined) return false
    tally.scanned++
    onGood(usual)
    return true
  }

  const onMessage = (data: Buffer, isBinary: boolean) => {
    if (isBinary) return reject("binary")
    if (onText(data, 0, data.length)) return
    const decoded = decodeInbound(data.toString())
    if (Result.isFailure(decoded)) return reject(decoded.failure)
    const message = decoded.success
    if (streamSid === undefined) {
      if (message.event === "start") {
        streamSid = message.streamSid
        scan = MediaFrame.makeScanner(streamSid)
        Deferred.doneUnsafe(started, Effect.succeed(message))
      } else if (message.event !== "connected") {
        Metrics.badMessages("beforeStart").updateUnsafe(1, context)
        closeNow(closed("mediaBeforeStart", 1002))
      }
      return
    }
    if (message.event === "start" || message.event === "connected") return reject("secondStart")
    if (message.streamSid !== streamSid) return reject("foreignStream")
    if (message.event === "media" && message.media.track !== "inbound") return reject("outboundTrack")
    onGood(message)
  }

  const onError = (error: Error) => {
    if (isTooLarge(error)) end(closed("tooLarge", 1009))
  }
  const onClose = (code: number) => end(closed("lost", code))

  yield* Effect.acquireRelease(
    Effect.sync(() => {
      wire.takeTexts(onText)
      socket.on("message", onMessage)
      socket.on("error", onError)
      socket.on("close", onClose)
    }),
    () =>
      Effect.sync(() => {
        wire.takeTexts(undefined)
        socket.off("message", onMessage)
        end(closed("lost", 1006))
        if (socket.isPaused) socket.resume()
        socket.close(1000)
      })
  )

  yield* Effect.forkScoped(
    Effect.flatMap(Deferred.await(firstRejection), (reason) =>
      Effect.logWarning("A message of a media stream could not be read; further ones are only counted").pipe(
        Effect.annotateLogs({ reason })
      ))
  )

  const start = yield* Effect.raceFirst(
    Deferred.await(started),
    Effect.flatMap(Deferred.await(ended), Effect.fail)
  ).pipe(
    Effect.timeoutOrElse({
      duration: limits.start,
      orElse: () => {
        const why = closed("noStart", 1002)
        return Effect.andThen(Effect.sync(() => closeNow(why)), Effect.fail(why))
      }
    })
  )

  const encoder = MediaFrame.makeEncoder(start.streamSid)

  return {
    streamSid: start.streamSid,
    start: start.start,
    media: media.stream,
    control: Stream.fromQueue(control).pipe(
      Stream.tap(() =>
        Effect.sync(() => {
          if (socket.isPaused && Queue.sizeUnsafe(control) < controlCapacity / 2) socket.resume()
        })
      )
    ),
    tally,
    closed: Deferred.await(ended),
    sendMedia: (mulaw) => {
      if (socket.readyState === open && !wire.write(encoder.encode(mulaw))) encoder.keep()
    },
    send: (text) => {
      if (socket.readyState === open) socket.send(text, asText)
    },
    unsentBytes: () => socket.bufferedAmount,
    close: (code, reason) => Effect.sync(() => socket.close(code, reason))
  }
})
