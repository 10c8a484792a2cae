/**
 * The sound of one media stream: in from Twilio to the agent, out from the agent to Twilio.
 *
 * ```text
 * media, sliding queue (6 s) ─▶ gaps ─▶ μ-law, 8→rate ─▶ agent ─▶ rate→8, μ-law, 20 ms ─▶ pacer ─▶ send
 * control (marks, digits, stop) ─▶ agent                                          │ ahead by 200 ms:
 *                                                            bounded queue (400 ms) ◀┘ wait here
 * ```
 *
 * Sound that was held up on the way is heard whole and in order; only what is more than `MEDIA_BACKLOG` is dropped, the oldest
 * first, and counted by its cause. Control is never dropped. Outbound, a frame that may leave leaves at once; one that is
 * ahead of playback waits in a bounded queue, and when that is full the agent waits. See docs/adr/0002.
 *
 * The pure steps are fused and run in the agent's own fiber, so that a frame costs one wake-up.
 */
import { Clock, Deferred, Duration, Effect, Fiber, Queue, type Scope, Stream } from "effect"
import type { Agent, AgentFailed } from "../../agent/Agent.ts"
import * as Pacer from "../../audio/Pacer.ts"
import type { Pcm } from "../../audio/Pcm.ts"
import { type OutboundItem, type OutboundMark, type SentNotice, Signal, type TransferFailed } from "../../conversation/ports/AudioPort.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as ProcessHalt from "../../twilio/media/ProcessHalt.ts"
import type { Silence } from "../../twilio/media/inbound/InboundMedia.ts"
import type { Control, Media } from "../../twilio/media/MediaMessage.ts"
import { clearText, markText, type MediaStream } from "../../twilio/media/MediaStream.ts"
import type { StreamClosed } from "../../twilio/media/StreamClosed.ts"
import type { StreamEnd } from "../CallState.ts"
import type { ConversationFeed } from "../ConversationFeed.ts"
import * as InboundSound from "./InboundSound.ts"
import { frameBytes, frameMillis, makeHear, makeSay } from "./LineCodec.ts"

/** Outbound frames that wait for the pacer: 400 ms, in pieces of at most 100, each of which is put there and taken in one go. */
export const replyFrames = 20
const pieceFrames = 5

/** How far ahead of playback sound is sent, in ms. */
export const leadMillis = 200

/**
 * By how much (ms) the pacer lets the lead become less before it sends again, several frames in one go: waking up for each
 * costs more than sending it.
 */
const slackMillis = 40

/** Unsent bytes at which a peer is too slow: about nine seconds of sound. */
export const maxUnsentBytes = 131_072

/** The mark behind the agent's last sound; its return lets the call end. */
const lastMark = "client-caller/last"

/** How long the last sound may take to be played before the call is ended all the same. */
const lastMarkTimeout = Duration.seconds(30)

/** How often what was counted is told to the metrics. */
const reportEvery = Duration.seconds(1)

const nothing = new Uint8Array(0)

/** A message is one as a rule; a long one is as many as it costs. */
const framesIn = (sound: Media | Silence) =>
  sound.event === "media" ? Math.max(1, Math.ceil(sound.media.payload.length / frameBytes)) : 1

/** How many of the newest messages have at most so many frames together; one at least. */
const newest = (messages: ReadonlyArray<Media | Silence>, maxFrames: number): number => {
  let frames = framesIn(messages[messages.length - 1])
  let count = 1
  while (count < messages.length) {
    frames += framesIn(messages[messages.length - 1 - count])
    if (frames > maxFrames) break
    count++
  }
  return count
}

const toEnd = (error: StreamClosed): StreamEnd => {
  switch (error.reason) {
    case "lost":
      return { _tag: "Lost" }
    case "tooLarge":
      return { _tag: "Closed", reason: "oversizedMessage" }
    case "ahead":
      return { _tag: "Closed", reason: "mediaAhead" }
    default:
      return { _tag: "Closed", reason: "badMessages" }
  }
}

/** An outbound item that waits for the pacer; of sound, whole frames of μ-law. */
interface QueuedItem {
  readonly item: Uint8Array | OutboundMark | SentNotice
  /** A `clear` begins a new generation; items of an older one are thrown away wherever they are met. */
  readonly generation: number
}

/** Joins an agent to a stream until the stream ends, and tells how it did; the first reason counts. */
export const run = Effect.fnUntraced(function*(
  stream: MediaStream,
  agent: Agent,
  options: {
    /** Without a `media` message for this long the stream is closed. */
    readonly media: Duration.Duration
    /** How much sound may wait, and how long a gap in it may be a stall of the network. */
    readonly backlog: Duration.Duration
    readonly watch: Pick<ConversationFeed, "tell" | "isWatched">
    readonly transfer?: (to: PhoneNumber) => Effect.Effect<void, TransferFailed>
    readonly isOutbound?: boolean
  }
): Effect.fn.Return<StreamEnd, AgentFailed, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  const ended = yield* Deferred.make<StreamEnd>()
  const endNow = (how: StreamEnd) => Deferred.doneUnsafe(ended, Effect.succeed(how))
  const end = (how: StreamEnd) => Effect.sync(() => void endNow(how))

  const { streamSid, tally } = stream
  const { hear, reuse } = makeHear(agent.sampleRate)
  const say = makeSay(agent.sampleRate)
  const pacer = Pacer.make({ leadMillis })
  const waiting = yield* Queue.bounded<QueuedItem>(replyFrames / pieceFrames)

  // -- in -------------------------------------------------------------------------------------

  /** Frames that wait behind those that may leave: in the queue, for room in it, or in the pacer's hands. */
  let queued = 0
  /** Of the messages of the stream, how many the agent was given or not worth giving. */
  let taken = 0
  /** Of those, how many the agent's `maxBacklogFrames` threw away. */
  let stale = 0

  const dropped = () => tally.ahead + tally.burst + tally.untaken

  /** These messages are taken: times the one that is to be timed. */
  const take = (count: number) => {
    const sample = tally.sampleIndex - dropped()
    if (sample >= taken && sample < taken + count) Metrics.queueLatency.updateUnsafe((now() - tally.sampleAt) / 1000, context)
    taken += count
  }

  const backlog = Duration.toMillis(options.backlog)

  /** For an agent that would rather have fresh sound than all of it; nothing is put in for what is missing. */
  const freshSound = (maxBacklogFrames: number) => (messages: readonly [Media | Silence, ...Array<Media | Silence>]) => {
    const old = messages.length - newest(messages, maxBacklogFrames - queued)
    stale += old
    const pieces: Array<Pcm> = []
    for (let index = old; index < messages.length; index++) {
      const message = messages[index]
      pieces.push(hear(message.event === "media" ? message.media.payload : nothing))
    }
    take(messages.length)
    return pieces
  }

  const inbound = InboundSound.make({ hear, backlog, now, openedAt: stream.openedAt, onMessages: take })
  const { maxBacklogFrames } = agent
  const hearAll = maxBacklogFrames === undefined ? inbound.pieces : freshSound(maxBacklogFrames)

  type Messages = readonly [Media | Silence, ...Array<Media | Silence>]
  type Pieces = readonly [Pcm, ...Array<Pcm>]

  const hearKept = (messages: Messages) => hearAll(messages) as unknown as Pieces
  const hearBorrowed = (messages: Messages) => {
    reuse()
    return hearKept(messages)
  }

  const borrowedAudio = Stream.mapArray(stream.media, hearBorrowed)

  // -- out ------------------------------------------------------------------------------------

  let sent = 0
  let cleared = 0
  let generation = 0

  /** Sends whole frames in one go. */
  const emit = (mulaw: Uint8Array) => {
    if (mulaw.length === 0) return
    stream.sendMedia(mulaw)
    const sample = tally.sampleIndex - dropped() - stale
    const before = sent
    sent += mulaw.length / frameBytes
    if (agent.name === "echo" && sample >= before && sample < sent) {
      Metrics.echoLatency.updateUnsafe((now() - tally.sampleAt) / 1000, context)
    }
    if (stream.unsentBytes() > maxUnsentBytes) endNow({ _tag: "Closed", reason: "slowPeer" })
  }

  const isIdle = () => queued === 0 && Queue.sizeUnsafe(waiting) === 0

  /** Sends what may leave now; waits with the rest behind what waits already. */
  const offerFrames = (mulaw: Uint8Array, current: number): Effect.Effect<unknown> => {
    let at = 0
    if (isIdle()) {
      const moment = now()
      for (; at < mulaw.length && pacer.lead(moment) + frameMillis <= leadMillis; at += frameBytes) pacer.reserve(moment, frameMillis)
      emit(at === mulaw.length ? mulaw : mulaw.subarray(0, at))
    }
    return at === mulaw.length ? Effect.void : queueFrames(mulaw.slice(at), current)
  }

  const queueFrames = Effect.fnUntraced(function*(mulaw: Uint8Array, current: number) {
    for (let at = 0; at < mulaw.length; at += pieceFrames * frameBytes) {
      if (current !== generation) {
        cleared += (mulaw.length - at) / frameBytes
        return
      }
      const item = mulaw.subarray(at, at + pieceFrames * frameBytes)
      queued += item.length / frameBytes
      yield* Queue.offer(waiting, { item, generation: current })
    }
  })

  const offerMark = (mark: OutboundMark, current: number): Effect.Effect<unknown> =>
    Effect.andThen(
      Effect.suspend(() => offerFrames(say.pad(), current)),
      Effect.suspend((): Effect.Effect<unknown> => {
        if (current !== generation) return Effect.void
        if (!isIdle()) return Queue.offer(waiting, { item: mark, generation: current })
        return Effect.sync(() => stream.send(markText(streamSid, mark.name)))
      })
    )

  /** How many frames a piece makes, for the count of what was thrown away. */
  const framesOf = (pcm: Pcm) => Math.ceil((pcm.length * 1000) / (agent.sampleRate * frameMillis))

  const offerNotice = (notice: SentNotice, current: number): Effect.Effect<unknown> => {
    if (current !== generation) return Effect.void
    return isIdle() ? Effect.sync(notice.notify) : Queue.offer(waiting, { item: notice, generation: current })
  }

  const offerItem = (item: OutboundItem, current: number): Effect.Effect<unknown> => {
    if (!(item instanceof Int16Array)) {
      return item._tag === "Mark" ? offerMark(item, current) : offerNotice(item, current)
    }
    if (current === generation) return offerFrames(say.push(item), current)
    cleared += framesOf(item)
    return Effect.void
  }

  /** A batch keeps its generation, so a `clear` during sending drops its rest. */
  const offerItems = (items: ReadonlyArray<OutboundItem>): Effect.Effect<unknown> => {
    const current = generation
    return items.length === 1
      ? offerItem(items[0], current)
      : Effect.forEach(items, (item) => offerItem(item, current), { discard: true })
  }

  /** Frames that may leave and do so together: a write to the kernel costs more than to make what is written. */
  const leaving = new Uint8Array(2 * replyFrames * frameBytes)
  let leavingBytes = 0

  const leave = () => {
    const bytes = leavingBytes
    leavingBytes = 0
    queued -= bytes / frameBytes
    emit(leaving.subarray(0, bytes))
  }

  const pace = Effect.gen(function*() {
    while (true) {
      if (Queue.sizeUnsafe(waiting) === 0) leave()
      const { item, generation: current } = yield* Queue.take(waiting)
      if (current !== generation) continue
      if (!(item instanceof Uint8Array)) {
        leave()
        if (item._tag === "Mark") stream.send(markText(streamSid, item.name))
        else item.notify()
        continue
      }
      for (let at = 0; at < item.length; at += frameBytes) {
        const wait = pacer.reserve(now(), frameMillis)
        if (wait > 0) {
          leave()
          yield* Effect.sleep(wait + slackMillis)
        }
        if (leavingBytes === leaving.length) leave()
        for (let byte = 0; byte < frameBytes; byte++) leaving[leavingBytes + byte] = item[at + byte]
        leavingBytes += frameBytes
      }
    }
  })

  const startPacing = Effect.forkIn(pace, yield* Effect.scope)
  let pacing = yield* startPacing

  const clear = Effect.gen(function*() {
    generation++
    // It may sleep for what is thrown away now, and what is said next would wait for that.
    yield* Fiber.interrupt(pacing)
    yield* Queue.clear(waiting)
    cleared += queued
    queued = 0
    leavingBytes = 0
    pacing = yield* startPacing
    say.reset()
    pacer.clear(now())
    stream.send(clearText(streamSid))
  })

  // -- the agent ------------------------------------------------------------------------------

  const lastMarkReturned = yield* Deferred.make<void>()
  const { reply, signal } = yield* agent.answer({
    audio: Stream.mapArray(stream.media, hearKept),
    borrowedAudio,
    clear,
    tell: options.watch.tell,
    isWatched: options.watch.isWatched,
    ...(options.transfer === undefined ? {} : { transfer: options.transfer }),
    callId: stream.start.callSid,
    isOutbound: options.isOutbound === true
  })

  const onControl = (message: Control): Effect.Effect<unknown> => {
    switch (message.event) {
      case "stop":
        return end({ _tag: "Stopped" })
      case "dtmf":
        return signal(Signal.Digit({ digit: message.dtmf.digit }))
      case "mark":
        return message.mark.name === lastMark
          ? Deferred.succeed(lastMarkReturned, undefined)
          : signal(Signal.MarkReturned({ name: message.mark.name }))
    }
  }

  /** A reply that is the caller's sound itself needs no stream between the two. */
  const speak = reply === borrowedAudio
    ? stream.forEachMedia((messages) => offerItems(hearBorrowed(messages)))
    : Stream.runForEachArray(reply, offerItems)

  const converse = speak.pipe(
    Effect.andThen(Effect.suspend(() => offerFrames(say.flush(), generation))),
    Effect.andThen(Effect.suspend(() => offerMark({ _tag: "Mark", name: lastMark }, generation))),
    Effect.andThen(Effect.timeoutOption(Deferred.await(lastMarkReturned), lastMarkTimeout)),
    Effect.andThen(end({ _tag: "Closed", reason: "agentLeft" })),
    Effect.catchCause((cause) =>
      Effect.andThen(
        Effect.logError("The agent failed; the call is ended", cause),
        end({ _tag: "Closed", reason: "agentFailed" })
      )
    )
  )

  // -- around it ------------------------------------------------------------------------------

  const told = { received: 0, scanned: 0, sent: 0, surplusMillis: 0, burst: 0, untaken: 0, lost: 0, stale: 0, cleared: 0 }
  const report = Effect.sync(() => {
    Metrics.framesReceived.updateUnsafe(tally.received - told.received, context)
    Metrics.framesScanned.updateUnsafe(tally.scanned - told.scanned, context)
    Metrics.framesSent.updateUnsafe(sent - told.sent, context)
    if (tally.surplusMillis > told.surplusMillis) {
      Metrics.mediaSurplus.updateUnsafe((tally.surplusMillis - told.surplusMillis) / 1000, context)
    }
    if (tally.untaken > told.untaken) Metrics.framesDropped("agentSlow").updateUnsafe(tally.untaken - told.untaken, context)
    if (tally.burst > told.burst) Metrics.framesDropped("networkBurst").updateUnsafe(tally.burst - told.burst, context)
    if (tally.lost > told.lost) Metrics.framesDropped("networkLoss").updateUnsafe(tally.lost - told.lost, context)
    if (cleared > told.cleared) Metrics.framesDropped("cleared").updateUnsafe(cleared - told.cleared, context)
    if (stale > told.stale) Metrics.framesDropped("stale").updateUnsafe(stale - told.stale, context)
    told.received = tally.received
    told.scanned = tally.scanned
    told.sent = sent
    told.surplusMillis = tally.surplusMillis
    told.burst = tally.burst
    told.untaken = tally.untaken
    told.lost = tally.lost
    told.stale = stale
    told.cleared = cleared
  })

  /** Reports once a second, and notices that no media comes. While the process itself was halted, nothing could. */
  const watch = Effect.gen(function*() {
    let silentSince = now()
    while (true) {
      const before = tally.received
      const slept = now()
      yield* Effect.sleep(reportEvery)
      silentSince += ProcessHalt.haltIn(Duration.toMillis(reportEvery), now() - slept)
      yield* report
      if (tally.received > before) silentSince = now()
      else if (now() - silentSince >= Duration.toMillis(options.media)) {
        return yield* end({ _tag: "Closed", reason: "mediaTimeout" })
      }
    }
  })

  yield* Effect.addFinalizer(() => report)
  // The socket's end counts after the control that came before it: a `stop` just before the close is a stop.
  yield* Effect.forkScoped(
    Stream.runForEach(stream.control, onControl).pipe(
      Effect.andThen(stream.closed),
      Effect.flatMap((why) => end(toEnd(why)))
    )
  )
  yield* Effect.forkScoped(converse)
  yield* Effect.forkScoped(watch)
  if (agent.maxBacklogFrames === undefined) yield* Effect.forkScoped(InboundSound.fillGaps({ stream, sound: inbound, backlog, now }))

  return yield* Deferred.await(ended)
}, Effect.scoped)
