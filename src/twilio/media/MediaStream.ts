/**
 * One Media Streams WebSocket: from the upgrade to the close, as Effect streams of decoded messages.
 *
 * It reads `connected` and `start`, then hands out two streams: `media` over a sliding queue that holds what a stalled network
 * brings at once, and `control` over a bounded one, whose fullness pauses the socket, for nothing of it may be lost. What is not a good message is counted by its reason, the first of each
 * stream is logged, and a stream of mostly rubbish is closed.
 *
 * Messages are decoded in the socket's own callback, not by a fiber that pulls: at 50 messages a second
 * and call, a fiber's suspension and resumption cost more than all else here (docs/adr/0002). The `media` of
 * both directions goes by `MediaCodec` and `WebSocketFastPath`, past `ws`; the schemas decode all that is not of its usual form.
 *
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages
 */
import { type Cause, Clock, Data, Deferred, Duration, Effect, Queue, Result, type Scope, Stream } from "effect"
import type { WebSocket } from "ws"
import type { StreamSid } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as ProcessHalt from "./ProcessHalt.ts"
import * as MediaCodec from "./MediaCodec.ts"
import * as MediaLead from "./MediaLead.ts"
import { decodeInbound, encodeOutbound, type Inbound, type Media, type Start } from "./MediaMessage.ts"
import type { WebSocketFastPath } from "./WebSocketFastPath.ts"
import * as FrameQueue from "./FrameQueue.ts"

/** What comes beside the sound. */
export type Control = Extract<Inbound, { readonly event: "mark" | "dtmf" | "stop" }>

/** Why a stream is over; none of these is a fault of this program. */
export class StreamClosed extends Data.TaggedError("StreamClosed")<{
  /**
   * - `lost`: the socket is gone without `stop`;
   * - `tooLarge`: a message above the limit, or in too many pieces (the peer has been told 1009, 1008);
   * - `rubbish`: too many bad messages;
   * - `ahead`: much more sound than time has passed, see `MediaLead`;
   * - `noStart`: `start` did not come in time;
   * - `mediaBeforeStart`: the peer does not speak the protocol.
   */
  readonly reason: "lost" | "tooLarge" | "rubbish" | "ahead" | "noStart" | "mediaBeforeStart"
  /** The WebSocket's close code (RFC 6455, section 7.4): received, or sent. */
  readonly code: number
}> {
  override get message() {
    return `${explanations[this.reason]} (${this.code})`
  }
}

const explanations: Record<StreamClosed["reason"], string> = {
  lost: "The media WebSocket is gone",
  tooLarge: "A message was larger than MAX_MESSAGE_BYTES, or came in too many pieces",
  rubbish: "Too many messages could not be read; see client_caller_bad_messages_total",
  ahead: "More sound came than time has passed; see client_caller_media_surplus_seconds_total",
  noStart: "The start message did not come in time",
  mediaBeforeStart: "Media came before the start message"
}

export interface Limits {
  /** From the upgrade to `start`. */
  readonly start: Duration.Duration
  /** How much sound may wait for the agent. */
  readonly backlog: Duration.Duration
  /** Bad messages, less the good ones since, before the stream is closed. */
  readonly badMessages: number
}

/** Bytes of μ-law in a ms. */
const bytesPerMilli = 8

/** ms of a `media` message, as Twilio cuts the sound. */
const messageMillis = 20

/** Inbound control messages that wait before the socket is paused. */
export const controlCapacity = 64

/** One message in fifty is timed: once a second. */
export const sampleEvery = 50

/** No sound was sent for so long (ms): nothing that is on its way belongs here. */
export interface Silence {
  readonly event: "silence"
  readonly millis: number
}

const millisOf = (sound: Media | Silence): number =>
  sound.event === "media" ? sound.media.payload.length / bytesPerMilli : sound.millis

/** What has happened so far. Written by the stream, read by whoever reports. */
export interface Tally {
  /** `media` messages that came. */
  readonly received: number
  /** Of those, read by the scanner of `MediaCodec`, which costs half of what the schema does. */
  readonly scanned: number
  /** When the last of them came, or else the stream began (monotonic ms). */
  readonly lastAt: number
  /** Those that never came, by the gaps in `chunk`: at most a backlog for each gap. */
  readonly lost: number
  /** Of those that came, the ones of which nothing was taken, for they were ahead of the clock; see `MediaLead`. */
  readonly ahead: number
  /** ms of sound that was not taken for that reason. */
  readonly surplusMillis: number
  /** Of those that came, pushed out of the queue because they came faster than anybody could take them. */
  readonly burst: number
  /** Of those that came, pushed out of the queue because the agent did not take them. */
  readonly untaken: number
  /** The message that is timed, counted from 0 among those of the inbound track, and its arrival (monotonic ms). */
  readonly sampleIndex: number
  readonly sampleAt: number
}

export interface MediaStream {
  readonly streamSid: StreamSid
  /** When the WebSocket was opened (monotonic ms): no sound of it is older. */
  readonly openedAt: number
  readonly start: Start["start"]
  /** The caller's sound, and where there is known to be none. Ends with the socket. */
  readonly media: Stream.Stream<Media | Silence>
  /** In place of `media`, for what is done with it without waiting: see `FrameQueue`. */
  readonly forEachMedia: FrameQueue.FrameQueue<Media | Silence>["runForEachArray"]
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
  /** Puts silence behind the sound that has come. */
  readonly addSilence: (millis: number) => void
  /**
   * Sends a WebSocket ping and waits for its pong (RFC 6455, section 5.5.3). The pong comes behind all that the peer had sent
   * before it. To be run once at a time; to a socket that is gone it never ends.
   */
  readonly ping: Effect.Effect<void>
  /** Bytes that were sent but have not left this process: what a peer that does not read makes grow. */
  readonly unsentBytes: () => number
  /** Closes with a WebSocket close code and a reason of at most 123 bytes. */
  readonly close: (code: number, reason: string) => Effect.Effect<void>
}

export const markText = (streamSid: StreamSid, name: string): string =>
  encodeOutbound({ event: "mark", streamSid, mark: { name } })

export const clearText = (streamSid: StreamSid): string => encodeOutbound({ event: "clear", streamSid })

const closed = (reason: StreamClosed["reason"], code: number) => new StreamClosed({ reason, code })

/**
 * Messages off the fast path that are read in one turn of the event loop: each costs ten times what sound does. A telephone sends
 * a few a second; more is somebody who keeps the other calls waiting. The rest of a read (64 KiB) is still taken.
 */
const slowMessagesPerTurn = 64

/** `ws` reports a message above its limits as an error with one of these codes, having sent the close code. */
const tooLargeCodes: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008
}

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
  wire: WebSocketFastPath,
  limits: Limits
): Effect.fn.Return<MediaStream, StreamClosed, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const started = yield* Deferred.make<Start>()
  const ended = yield* Deferred.make<StreamClosed>()
  const firstRejection = yield* Deferred.make<string>()
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const backlog = Duration.toMillis(limits.backlog)
  const capacity = Math.max(1, Math.round(backlog / messageMillis))
  // A message may be long: it is the sound that is bounded, and not only the count.
  const media = FrameQueue.make<Media | Silence>(capacity, millisOf, backlog)
  const control = yield* Queue.unbounded<Control, Cause.Done>()
  const openedAt = now()
  const lead = MediaLead.make(openedAt)
  const tally = { received: 0, scanned: 0, lastAt: openedAt, lost: 0, ahead: 0, surplusMillis: 0, burst: 0, untaken: 0, sampleIndex: -1, sampleAt: 0 }

  let streamSid: StreamSid | undefined
  let scan: ReturnType<typeof MediaCodec.makeScanner> | undefined
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

  /** What waited this long (ms) before it was pushed out had its time: a burst pushes out what has just come. */
  const agentsTime = (capacity * messageMillis) / 2

  const offer = (sound: Media | Silence, at: number) => {
    let waited = media.offer(sound, at) ?? media.shed(at)
    while (waited !== undefined) {
      if (waited < agentsTime) tally.burst++
      else tally.untaken++
      waited = media.shed(at)
    }
  }

  let nextChunk = 1

  const onMedia = (message: Media) => {
    const at = now()
    tally.lastAt = at
    if (++tally.received % sampleEvery === 1) {
      tally.sampleIndex = tally.received - 1
      tally.sampleAt = at
    }
    const { chunk } = message.media
    // A stream may begin with any number.
    if (chunk > nextChunk && tally.received > 1) tally.lost += Math.min(chunk - nextChunk, capacity)
    nextChunk = chunk + 1
    const { payload } = message.media
    const kept = lead.take(payload.length, at)
    if (kept === payload.length) return offer(message, at)
    tally.surplusMillis += (payload.length - kept) / bytesPerMilli
    if (kept > 0) offer({ ...message, media: { ...message.media, payload: payload.subarray(0, kept) } }, at)
    else tally.ahead++
    if (lead.isTooMuch()) closeNow(closed("ahead", 1008))
  }

  const onControl = (message: Control) => {
    Queue.offerUnsafe(control, message)
    if (Queue.sizeUnsafe(control) >= controlCapacity) socket.pause()
  }

  let slowMessages = 0

  const resumeIfRoom = (waiting: number) => {
    if (socket.isPaused && slowMessages < slowMessagesPerTurn && Queue.sizeUnsafe(control) < waiting) socket.resume()
  }

  const countSlowMessage = () => {
    slowMessages++
    if (slowMessages === 1) {
      setImmediate(() => {
        slowMessages = 0
        resumeIfRoom(controlCapacity)
      })
    }
    if (slowMessages === slowMessagesPerTurn) socket.pause()
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
    if (!isBinary && onText(data, 0, data.length)) return
    countSlowMessage()
    if (isBinary) return reject("binary")
    const decoded = decodeInbound(data.toString())
    if (Result.isFailure(decoded)) return reject(decoded.failure)
    const message = decoded.success
    if (streamSid === undefined) {
      if (message.event === "start") {
        streamSid = message.streamSid
        scan = MediaCodec.makeScanner(streamSid)
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

  const onError = (error: Error & { readonly code?: string }) => {
    const code = tooLargeCodes[error.code ?? ""]
    if (code !== undefined) end(closed("tooLarge", code))
  }
  const onClose = (code: number) => end(closed("lost", code))

  /** Each ping has a text of its own: an answer to an older one says nothing of what came since. */
  let pings = 0
  let onPong: ((text: string) => void) | undefined
  const onPongFrame = (data: Buffer) => onPong?.(data.toString("latin1"))

  const ping: Effect.Effect<void> = Effect.callback((resume) => {
    const text = `${++pings}`
    onPong = (answer) => {
      if (answer === text) resume(Effect.void)
    }
    if (socket.readyState === open) socket.ping(text)
    return Effect.sync(() => {
      onPong = undefined
    })
  })

  yield* Effect.acquireRelease(
    Effect.sync(() => {
      wire.takeTexts(onText)
      socket.on("message", onMessage)
      socket.on("error", onError)
      socket.on("close", onClose)
      socket.on("pong", onPongFrame)
    }),
    () =>
      Effect.sync(() => {
        wire.takeTexts(undefined)
        socket.off("message", onMessage)
        socket.off("pong", onPongFrame)
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

  const tooLate = Effect.suspend(() => {
    const why = closed("noStart", 1002)
    return Effect.andThen(Effect.sync(() => closeNow(why)), Effect.fail(why))
  })
  // The first of them that is there: after a halt of the process all may be.
  const start = yield* Effect.raceFirst(
    Effect.raceFirst(Deferred.await(started), Effect.flatMap(Deferred.await(ended), Effect.fail)),
    Effect.andThen(ProcessHalt.sleep(limits.start), tooLate)
  )

  const encoder = MediaCodec.makeEncoder(start.streamSid)

  return {
    streamSid: start.streamSid,
    openedAt,
    start: start.start,
    media: media.stream,
    forEachMedia: media.runForEachArray,
    control: Stream.fromQueue(control).pipe(
      Stream.tap(() => Effect.sync(() => resumeIfRoom(controlCapacity / 2)))
    ),
    tally,
    closed: Deferred.await(ended),
    sendMedia: (mulaw) => {
      if (socket.readyState === open && !wire.write(encoder.encode(mulaw))) encoder.keep()
    },
    send: (text) => {
      if (socket.readyState === open) socket.send(text, asText)
    },
    addSilence: (millis) => offer({ event: "silence", millis }, now()),
    ping,
    unsentBytes: () => socket.bufferedAmount,
    close: (code, reason) => Effect.sync(() => socket.close(code, reason))
  }
})
