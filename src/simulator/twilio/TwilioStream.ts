/**
 * Twilio's side of one Media Stream: the person's sound goes out every 20 ms, what comes back is played to
 * them in real time, and marks go back when their sound has been played.
 *
 * Frames lie on a grid from the stream's `start` on, on the monotonic clock: a late one does not make the
 * next late. The frame that ends at 20 ms is sent at 20 ms.
 */
import { Clock, Data, Duration, Effect, Queue, Random, Result, Schema } from "effect"
import type { AccountSid, CallSid, StreamSid } from "../../domain/Sid.ts"
import * as Mulaw from "../../audio/Mulaw.ts"
import * as MediaMessage from "../../twilio/media/MediaMessage.ts"
import type { StreamEnd, Untimed } from "../report/SimulatedCallEvent.ts"
import { frameSamples, type Line } from "../caller/Caller.ts"
import * as DebuggerCodes from "./DebuggerCodes.ts"
import { type Faults, type RubbishKind, rubbishKinds, stallEveryMillis } from "./Faults.ts"
import { PlaybackBuffer } from "./PlaybackBuffer.ts"
import * as Acoustics from "../caller/Acoustics.ts"
import { samplesPerMilli, type Timeline } from "../report/Timeline.ts"
import type { Incoming, WebSocketClient } from "./WebSocketClient.ts"

/** What the service sent and when it came: ms since the call was answered. */
export interface Arrival {
  readonly at: number
  /** μ-law bytes: 160 are 20 ms. */
  readonly bytes: number
}

/** What went over the wire so far; changes while the stream runs. */
export interface Traffic {
  /** Media messages to the service, and when (ms since the call was answered) each was sent. */
  readonly sentAt: Array<number>
  readonly arrivals: Array<Arrival>
  /** Media messages that a fault swallowed. */
  lost: number
}

export interface Options {
  readonly wire: WebSocketClient
  readonly accountSid: AccountSid
  readonly callSid: CallSid
  readonly streamSid: StreamSid
  /** The `<Parameter>`s as they are sent in `start`. */
  readonly parameters: Readonly<Record<string, string>>
  /** Who speaks and listens. */
  readonly line: Line
  /** What the person said and heard, from the moment `answeredAt` (monotonic, ns) on. */
  readonly said: Timeline
  readonly heard: Timeline
  readonly answeredAt: bigint
  readonly traffic: Traffic
  readonly faults: Faults
  readonly note: (event: Untimed) => Effect.Effect<void>
  /** Why the stream ends, should it be interrupted. */
  readonly whyInterrupted: () => StreamEnd
}

/** How a stream ended; `code` is the WebSocket's close code when the service closed. */
export interface Ended {
  readonly why: StreamEnd
  readonly code: number | undefined
}

const { accountSid, ...otherStartFields } = MediaMessage.Start.fields.start.fields

/** `start` as Twilio sends it: the stream's SID is in it twice. The order of the fields is Twilio's. */
const encodeStart = Schema.encodeSync(Schema.fromJsonString(Schema.Struct({
  ...MediaMessage.Start.fields,
  start: Schema.Struct({ accountSid, streamSid: Schema.String, ...otherStartFields })
})))

/** Twilio's timestamps do not begin at zero; captures begin at 52, 102 or 155. */
const firstTimestamp = 52

const frameMillis = frameSamples / samplesPerMilli
const frameNanos = BigInt(frameMillis) * 1_000_000n
const nanosPerSample = 125_000

const silence = new Uint8Array(frameSamples).fill(Mulaw.silence)

const rubbish: Record<Exclude<RubbishKind, "binary">, string> = {
  notJson: "{\"event\":\"media\",",
  unknownEvent: "{\"event\":\"weather\",\"weather\":{\"sky\":\"blue\"}}",
  wrongShape: "{\"event\":\"media\",\"sequenceNumber\":{},\"media\":{\"payload\":17}}"
}

type Outgoing = Data.TaggedEnum<{
  Frame: { readonly at: bigint; readonly chunk: number; readonly payload: Uint8Array }
  Rubbish: { readonly at: bigint; readonly kind: RubbishKind }
}>
const Outgoing = Data.taggedEnum<Outgoing>()

const toNanos = (millis: number): bigint => BigInt(Math.round(millis * 1_000_000))

/** Sleeps till a moment of the monotonic clock, never less: timers count whole milliseconds, and some are early. */
const sleepUntil = (clock: Clock.Clock, nanos: bigint): Effect.Effect<void> =>
  Effect.suspend(() => {
    const left = Number(nanos - clock.monotonicTimeNanosUnsafe()) / 1_000_000
    return left > 0
      ? Effect.andThen(Effect.sleep(Duration.millis(Math.ceil(left))), sleepUntil(clock, nanos))
      : Effect.void
  })

const afterMillis = (millis: number, effect: Effect.Effect<void>) => Effect.delay(effect, Duration.millis(millis))

/**
 * Runs a stream over an open WebSocket to its end, and closes it.
 *
 * Interruption is a redirect or a hang-up: `stop` is sent and the socket closed, as Twilio does.
 */
export const run = Effect.fn("MediaPeer.run")(function*(options: Options) {
  const { faults, heard, line, note, said, streamSid, traffic, wire } = options
  const clock = yield* Clock.Clock
  const nowNanos = () => clock.monotonicTimeNanosUnsafe()
  const toSamples = (nanos: bigint) => Math.round(Number(nanos - options.answeredAt) / nanosPerSample)
  const toMillis = (nanos: bigint) => Number(nanos - options.answeredAt) / 1_000_000

  const playback = new PlaybackBuffer(heard)
  let sequenceNumber = 0
  let playedMarks: Array<string> = []
  let soundCame = false
  let discarded = false
  let cut = false

  const send = (message: Exclude<MediaMessage.Inbound, { readonly event: "connected" | "start" }>) =>
    wire.send(MediaMessage.encodeInbound(message))

  const sendMedia = (chunk: number, payload: Uint8Array) =>
    send({
      event: "media",
      sequenceNumber: ++sequenceNumber,
      media: { track: "inbound", chunk, timestamp: firstTimestamp + (chunk - 1) * frameMillis, payload },
      streamSid
    })

  const sendStart = () => {
    wire.send(encodeStart({
      event: "start",
      sequenceNumber: ++sequenceNumber,
      start: {
        accountSid: options.accountSid,
        streamSid,
        callSid: options.callSid,
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: options.parameters
      },
      streamSid
    }))
    return note({ _tag: "StreamStarted", streamSid, parameters: options.parameters })
  }

  /** Sends frames in their order, each not before its time. */
  const outbox = yield* Queue.make<Outgoing>()
  const sender = Queue.take(outbox).pipe(
    Effect.tap((outgoing) => sleepUntil(clock, outgoing.at)),
    Effect.tap((outgoing) =>
      Effect.sync(() => {
        if (outgoing._tag === "Frame") {
          traffic.sentAt.push(toMillis(nowNanos()))
          sendMedia(outgoing.chunk, outgoing.payload)
        } else if (outgoing.kind === "binary") {
          wire.sendBinary(silence)
        } else {
          wire.send(rubbish[outgoing.kind])
        }
      })
    ),
    Effect.forever
  )

  const returnMarks = (names: ReadonlyArray<string>, cleared: boolean) =>
    Effect.forEach(names, (name) => {
      send({ event: "mark", sequenceNumber: ++sequenceNumber, streamSid, mark: { name } })
      if (!cleared) playedMarks.push(name)
      return note({ _tag: "MarkReturned", name, cleared })
    }, { discard: true })

  const returnPlayed = Effect.suspend(() => returnMarks(playback.due(toSamples(nowNanos())), false))

  const noteMalformed = (what: string) =>
    note({ _tag: "Problem", code: DebuggerCodes.streamMessageMalformed, message: `Malformed message: ${what}.` })

  /** Fulfils one frame of the service. */
  const take = Effect.fnUntraced(function*({ at, text }: Incoming) {
    if (text === undefined) return yield* noteMalformed("a binary frame")
    const decoded = MediaMessage.decodeOutbound(text)
    if (Result.isFailure(decoded)) return yield* noteMalformed(decoded.failure.reason)
    const message = decoded.success
    if (message.streamSid !== streamSid) return yield* noteMalformed("a streamSid that is not this stream's")
    const now = toSamples(at)
    switch (message.event) {
      case "media": {
        traffic.arrivals.push({ at: toMillis(at), bytes: message.media.payload.length })
        if (!soundCame) {
          soundCame = true
          yield* note({ _tag: "FirstSound", streamSid })
        }
        if (!playback.play(now, message.media.payload) && !discarded) {
          discarded = true
          yield* note({ _tag: "Problem", code: DebuggerCodes.streamMediaDiscarded, message: "More than ten minutes of sound were queued; media was discarded." })
        }
        return
      }
      case "mark": {
        yield* note({ _tag: "MarkSet", name: message.mark.name })
        const due = playback.mark(now, message.mark.name)
        yield* returnPlayed
        const dueNanos = options.answeredAt + BigInt(Math.ceil(due * nanosPerSample))
        if (playback.pending.length > 0) yield* Effect.forkChild(Effect.andThen(sleepUntil(clock, dueNanos), returnPlayed))
        return
      }
      case "clear": {
        yield* returnPlayed
        const { dropped, marks } = playback.clear(now)
        yield* note({ _tag: "Cleared", droppedMillis: dropped / samplesPerMilli })
        return yield* returnMarks(marks, true)
      }
    }
  })

  const reader = Queue.take(wire.incoming).pipe(
    Effect.flatMap(take),
    Effect.forever,
    Effect.catchTag("Done", () => wire.closed),
    Effect.map(({ code }): Ended =>
      cut
        ? { why: "fault", code: undefined }
        : { why: code === 1006 ? "connectionLost" : "closedByService", code }
    )
  )

  /** When frame `n` is to be sent, or `undefined` when a fault swallows it. `due` is its place on the grid. */
  const release = Effect.fnUntraced(function*(due: bigint, elapsed: number) {
    const { jitter, late, lost, silenceGap } = faults
    if (faults.startNever === "silent") return undefined
    if (silenceGap !== undefined && elapsed > silenceGap.atMillis && elapsed <= silenceGap.atMillis + silenceGap.forMillis) {
      return undefined
    }
    if (lost !== undefined && (yield* Random.next) < lost.probability) return undefined
    if (late !== undefined) {
      const phase = elapsed % late.everyMillis
      if (elapsed >= late.everyMillis && phase < late.holdMillis) return due + toNanos(late.holdMillis - phase)
    }
    return jitter === undefined ? due : due + toNanos((yield* Random.next) * jitter.maxMillis)
  })

  const microphone = Acoustics.makeMicrophone(line.room)
  const echoSamples = (line.room.echo?.delayMillis ?? 0) * samplesPerMilli

  const ticker = Effect.gen(function*() {
    const origin = nowNanos()
    const start = toSamples(origin)
    for (let chunk = 1;; chunk++) {
      const due = origin + BigInt(chunk) * frameNanos
      yield* sleepUntil(clock, due)
      const now = start + chunk * frameSamples
      const moment = line.next({ heard: heard.pcm(now - frameSamples, now), marks: playedMarks })
      playedMarks = []
      if (moment.frame !== undefined) said.put(now - frameSamples, moment.frame)
      const sent = microphone(moment.frame, heard.pcm(now - frameSamples - echoSamples, now - echoSamples))

      const every = faults.rubbish?.every ?? 0
      if (every > 0 && chunk % every === 0) {
        const kinds = faults.rubbish?.kinds ?? rubbishKinds
        Queue.offerUnsafe(outbox, Outgoing.Rubbish({ at: due, kind: kinds[(chunk / every - 1) % kinds.length] ?? "notJson" }))
      }
      const at = yield* release(due, chunk * frameMillis)
      if (at === undefined) traffic.lost++
      else Queue.offerUnsafe(outbox, Outgoing.Frame({ at, chunk, payload: sent ?? silence }))

      if (moment.digit !== undefined) {
        send({
          event: "dtmf",
          streamSid,
          sequenceNumber: ++sequenceNumber,
          dtmf: { track: "inbound_track", digit: moment.digit as "0" }
        })
        yield* note({ _tag: "Digit", digit: moment.digit })
      }
      if (moment.hangUp) return { why: "callerHungUp", code: undefined } as Ended
    }
  })

  /** Faults that happen once, at their time. */
  const { oversized, slowReader, stall, suddenClose } = faults
  const stallOnce = (forMillis: number) =>
    Effect.acquireUseRelease(
      Effect.sync(wire.hold),
      () => Effect.sleep(Duration.millis(forMillis)),
      () => Effect.sync(wire.release)
    )
  const once: ReadonlyArray<Effect.Effect<void>> = [
    stall === undefined
      ? Effect.void
      : stall.atMillis === undefined
      ? Effect.forever(afterMillis(stallEveryMillis, stallOnce(stall.forMillis)))
      : afterMillis(stall.atMillis, stallOnce(stall.forMillis)),
    oversized === undefined ? Effect.void : afterMillis(
      oversized.atMillis,
      Effect.sync(() => wire.send(`{"event":"media","padding":"${"x".repeat(oversized.bytes ?? 2 * 1024 * 1024)}"}`))
    ),
    suddenClose === undefined ? Effect.void : afterMillis(
      suddenClose.atMillis,
      Effect.sync(() => {
        cut = true
        wire.cut(suddenClose.midFrame === true)
      })
    ),
    slowReader === undefined ? Effect.void : afterMillis(
      slowReader.atMillis,
      Effect.sync(wire.pause).pipe(
        Effect.andThen(Number.isFinite(slowReader.forMillis) ? Effect.sleep(Duration.millis(slowReader.forMillis)) : Effect.never),
        Effect.andThen(Effect.sync(wire.resume))
      )
    )
  ]
  const misfortunes = Effect.andThen(Effect.all(once, { concurrency: "unbounded", discard: true }), Effect.never)

  /** What Twilio does when the call goes elsewhere: `stop`, then a close frame. */
  const leave = Effect.suspend(() => {
    send({
      event: "stop",
      sequenceNumber: ++sequenceNumber,
      streamSid,
      stop: { accountSid: options.accountSid, callSid: options.callSid }
    })
    return wire.close(1000)
  })

  const begin = Effect.gen(function*() {
    wire.send(MediaMessage.encodeInbound({ event: "connected", protocol: "Call", version: "1.0.0" }))
    yield* note({ _tag: "StreamConnected", streamSid })
    for (let chunk = 1; chunk <= (faults.mediaBeforeStart ?? 0); chunk++) sendMedia(chunk, silence)
    if (faults.startNever !== undefined) return
    yield* sendStart()
    if (faults.startTwice === true) yield* sendStart()
  })

  const finish = (ended: Ended) =>
    Effect.suspend(() => {
      // What was queued and not played is not heard any more.
      heard.cut(toSamples(nowNanos()))
      return note({ _tag: "StreamEnded", streamSid, why: ended.why, code: ended.code })
    })

  return yield* begin.pipe(
    Effect.andThen(Effect.raceAllFirst([reader, ticker, sender, misfortunes])),
    Effect.tap((ended) => ended.why === "callerHungUp" ? leave : Effect.void),
    Effect.tap(finish),
    Effect.onInterrupt(() =>
      Effect.andThen(leave, Effect.suspend(() => finish({ why: options.whyInterrupted(), code: undefined })))
    ),
    Random.withSeed(faults.seed ?? "simulator")
  )
})
