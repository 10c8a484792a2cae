/** A media stream without a socket. The test decides which messages come in, and can read the sent messages with their times. */
import { type Cause, Clock, Deferred, Effect, Queue, Result, Stream } from "effect"
import { AccountSid } from "../../../src/domain/Sid.ts"
import type { Silence } from "../../../src/twilio/media/inbound/InboundMedia.ts"
import { type Control, decodeOutbound, type Media, type Outbound } from "../../../src/twilio/media/MediaMessage.ts"
import type { MediaStream } from "../../../src/twilio/media/MediaStream.ts"
import { StreamClosed } from "../../../src/twilio/media/StreamClosed.ts"
import { accountSid, callSid, streamSid as streamSidOf } from "../conversation/Samples.ts"

export interface Sent {
  /** In ms of the test's clock. */
  readonly at: number
  readonly message: Outbound
}

export interface FakeMediaStream {
  readonly stream: MediaStream
  readonly sent: ReadonlyArray<Sent>
  /** The messages that were sent, frames of sound as their count: `["media 10", "mark a", "clear"]`. */
  readonly story: () => ReadonlyArray<string>
  /** All sound that was sent, in frames. */
  readonly frames: () => ReadonlyArray<Uint8Array>
  /** Close codes that this side asked for. */
  readonly closes: ReadonlyArray<number>
  /** Brings one message of the caller's sound: this byte, by default 160 times. */
  readonly hear: (byte: number, length?: number) => void
  /** Loses the caller's next `frames` frames. */
  readonly skip: (frames: number) => void
  /** How many pings were sent. */
  readonly pings: () => number
  /** Answers the last ping. */
  readonly pong: () => void
  readonly mark: (name: string) => void
  readonly press: (digit: "1" | "2" | "#") => void
  /** Brings Twilio's `stop`. The socket stays open. */
  readonly stop: () => void
  /** Ends the socket. */
  readonly lose: (reason?: StreamClosed["reason"]) => void
  /** Sets how many bytes the peer has not read. */
  readonly setUnsent: (bytes: number) => void
}

export const make = Effect.fnUntraced(function*(options: {
  readonly call?: number
  readonly stream?: number
  /** A peer that answers every mark at once, as Twilio does with an empty queue. */
  readonly echoesMarks?: boolean
} = {}) {
  const clock = yield* Clock.Clock
  const streamSid = streamSidOf(options.stream)
  const media = yield* Queue.unbounded<Media | Silence, Cause.Done>()
  const control = yield* Queue.unbounded<Control, Cause.Done>()
  const gone = yield* Deferred.make<StreamClosed>()
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const tally = { received: 0, scanned: 0, lastAt: now(), lost: 0, ahead: 0, surplusMillis: 0, burst: 0, untaken: 0, sampleIndex: -1, sampleAt: 0 }
  const sent: Array<Sent> = []
  const closes: Array<number> = []
  let sequenceNumber = 1
  let unsent = 0
  let chunk = 0
  let pings = 0
  let onPong: (() => void) | undefined

  const lose = (reason: StreamClosed["reason"] = "lost", code = 1006) => {
    if (!Deferred.doneUnsafe(gone, Effect.succeed(new StreamClosed({ reason, code })))) return
    Queue.endUnsafe(media)
    Queue.endUnsafe(control)
  }
  const mark = (name: string) => {
    Queue.offerUnsafe(control, { event: "mark", sequenceNumber: ++sequenceNumber, streamSid, mark: { name } })
  }
  const stream: MediaStream = {
    streamSid,
    openedAt: tally.lastAt,
    start: {
      accountSid: AccountSid.make(accountSid),
      callSid: callSid(options.call),
      tracks: ["inbound"],
      mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
      customParameters: {}
    },
    media: Stream.fromQueue(media),
    forEachMedia: (use) => Stream.runForEachArray(Stream.fromQueue(media), use),
    control: Stream.fromQueue(control),
    tally,
    closed: Deferred.await(gone),
    sendMedia: (mulaw) => {
      const at = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      for (let from = 0; from < mulaw.length; from += 160) {
        sent.push({ at, message: { event: "media", streamSid, media: { payload: mulaw.slice(from, from + 160) } } })
      }
    },
    send: (text) => {
      const message = Result.getOrThrow(decodeOutbound(text))
      if (message.streamSid !== streamSid) throw new Error("a message for another stream")
      sent.push({ at: Number(clock.monotonicTimeNanosUnsafe()) / 1e6, message })
      if (message.event === "mark" && options.echoesMarks === true) mark(message.mark.name)
    },
    addSilence: (millis) => void Queue.offerUnsafe(media, { event: "silence", millis }),
    ping: Effect.callback((resume) => {
      pings++
      onPong = () => resume(Effect.void)
    }),
    unsentBytes: () => unsent,
    close: (code) =>
      Effect.sync(() => {
        closes.push(code)
        lose("lost", code)
      })
  }

  const frames = () => sent.flatMap(({ message }) => message.event === "media" ? [message.media.payload] : [])

  const story = () => {
    const summary: Array<string> = []
    let count = 0
    const flush = () => {
      if (count > 0) summary.push(`media ${count}`)
      count = 0
    }
    for (const { message } of sent) {
      if (message.event === "media") {
        count++
        continue
      }
      flush()
      summary.push(message.event === "mark" ? `mark ${message.mark.name}` : "clear")
    }
    flush()
    return summary
  }

  const fake: FakeMediaStream = {
    stream,
    sent,
    story,
    frames,
    closes,
    hear: (byte, length = 160) => {
      tally.received++
      tally.lastAt = now()
      chunk++
      tally.scanned++
      Queue.offerUnsafe(media, {
        event: "media",
        sequenceNumber: ++sequenceNumber,
        media: {
          track: "inbound",
          chunk,
          timestamp: chunk * 20,
          payload: new Uint8Array(length).fill(byte)
        },
        streamSid
      })
    },
    skip: (frames) => {
      chunk += frames
    },
    pings: () => pings,
    pong: () => onPong?.(),
    mark,
    press: (digit) => {
      Queue.offerUnsafe(control, {
        event: "dtmf",
        streamSid,
        sequenceNumber: ++sequenceNumber,
        dtmf: { track: "inbound_track", digit }
      })
    },
    stop: () => {
      Queue.offerUnsafe(control, {
        event: "stop",
        sequenceNumber: ++sequenceNumber,
        streamSid,
        stop: { accountSid: AccountSid.make(accountSid), callSid: callSid(options.call) }
      })
    },
    lose,
    setUnsent: (bytes) => {
      unsent = bytes
    }
  }
  return fake
})
