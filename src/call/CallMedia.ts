/**
 * The sound of one media stream: in from Twilio to the agent, out from the agent to Twilio.
 *
 * ```text
 * media, sliding queue (50) ─▶ μ-law, 8→rate ─▶ agent ─▶ rate→8, μ-law, 20 ms ─▶ pacer ─▶ send
 * control (marks, digits, stop) ─▶ agent                                          │ ahead by 200 ms:
 *                                                                bounded queue (20) ◀┘ wait here
 * ```
 *
 * Sound that the agent has no time for is dropped, the oldest first, and counted: old speech is worth
 * less than new. Control is never dropped. Outbound, a frame that may leave leaves at once; one that is
 * ahead of playback waits in a bounded queue, and when that is full the agent waits. See docs/adr/0002.
 *
 * The pure steps are fused and run in the agent's own fiber, so that a frame costs one wake-up.
 */
import { Array, Clock, Deferred, Duration, Effect, Metric, Queue, type Scope, Stream } from "effect"
import { type Agent, type AgentFailed, type Reply, Signal } from "../agent/Agent.ts"
import * as Framer from "../audio/Framer.ts"
import * as Mulaw from "../audio/Mulaw.ts"
import * as Pacer from "../audio/Pacer.ts"
import type { Pcm, SampleRate } from "../audio/Pcm.ts"
import * as Resampler from "../audio/Resampler.ts"
import * as Metrics from "../observability/Metrics.ts"
import type { Media } from "../twilio/MediaMessage.ts"
import { clearText, type Control, markText, mediaCapacity, mediaText, type MediaStream, type StreamClosed } from "../twilio/MediaStream.ts"
import type { EndReason, StreamEnd } from "./CallState.ts"

/** Outbound frames that wait for the pacer: 400 ms. */
export const replyFrames = 20

/** How far ahead of playback sound is sent, in ms. */
export const leadMillis = 200

/** One frame: 20 ms of μ-law at 8 kHz. */
const frameBytes = 160
const frameMillis = 20

/** Unsent bytes at which a peer is too slow: about nine seconds of sound. */
export const maxUnsentBytes = 131_072

/** The mark behind the agent's last sound; its return lets the call end. */
const lastMark = "client-caller/last"

/** How long the last sound may take to be played before the call is ended all the same. */
const lastMarkTimeout = Duration.seconds(30)

/** How often what was counted is told to the metrics. */
const reportEvery = Duration.seconds(1)

export interface CallMedia {
  /** How the stream ended; the first reason wins. */
  readonly ended: Effect.Effect<StreamEnd>
  readonly close: (reason: EndReason) => Effect.Effect<void>
}

const toEnd = (error: StreamClosed): StreamEnd =>
  error.reason === "lost" ? { _tag: "Lost" } : { _tag: "Closed", reason: "badMessages" }

/** A piece of the reply that waits for the pacer: a frame of μ-law, or the name of a mark. */
type Outgoing = Uint8Array | string

/** Samples that are allocated at once, to be handed out in pieces: a typed array costs more to make than to fill. */
const slabLength = 4096

/** The caller's sound at the agent's rate: μ-law and resampler in one pure step. Each piece is the agent's to keep. */
const makeHear = (sampleRate: SampleRate): (mulaw: Uint8Array) => Pcm => {
  const resampler = Resampler.make(8000, sampleRate)
  let scratch = new Int16Array(frameBytes)
  let slab = new Int16Array(slabLength)
  let used = 0
  return (mulaw) => {
    if (scratch.length !== mulaw.length) scratch = new Int16Array(mulaw.length)
    Mulaw.decodeInto(mulaw, scratch)
    const length = resampler.outputLength(mulaw.length)
    if (used + length > slab.length) {
      slab = new Int16Array(Math.max(slabLength, length))
      used = 0
    }
    const piece = slab.subarray(used, used + length)
    used += length
    resampler.processInto(scratch, piece)
    return piece
  }
}

/** The reply's sound as frames of μ-law: resampler, μ-law and framer in one pure step. */
const makeSay = (sampleRate: SampleRate) => {
  const resampler = Resampler.make(sampleRate, 8000)
  const framer = Framer.make(frameBytes)
  let scratch = new Int16Array(frameBytes)
  return {
    push: (pcm: Pcm): ReadonlyArray<Uint8Array> => {
      const length = resampler.outputLength(pcm.length)
      if (scratch.length !== length) scratch = new Int16Array(length)
      resampler.processInto(pcm, scratch)
      // Of Node's pool: a typed array of this size costs more to make than its μ-law costs to compute.
      const bytes = Buffer.allocUnsafe(length)
      Mulaw.encodeInto(scratch, bytes)
      return framer.push(bytes)
    },
    /** What is still in the filter and the framer, padded to a frame. */
    flush: (): ReadonlyArray<Uint8Array> => {
      const frames = framer.push(Mulaw.encode(resampler.flush()))
      const last = framer.flush()
      return last === undefined ? frames : [...frames, last]
    },
    reset: () => {
      resampler.reset()
      framer.reset()
    }
  }
}

/** Joins an agent to a stream, for as long as the scope lives. */
export const open = Effect.fnUntraced(function*(
  stream: MediaStream,
  agent: Agent,
  limits: { readonly media: Duration.Duration }
): Effect.fn.Return<CallMedia, AgentFailed, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  const ended = yield* Deferred.make<StreamEnd>()
  const endNow = (how: StreamEnd) => Deferred.doneUnsafe(ended, Effect.succeed(how))
  const end = (how: StreamEnd) => Effect.sync(() => void endNow(how))

  const { streamSid, tally } = stream
  const hear = makeHear(agent.sampleRate)
  const say = makeSay(agent.sampleRate)
  const pacer = Pacer.make({ leadMillis })
  const toText = mediaText(streamSid)
  const waiting = yield* Queue.bounded<Outgoing>(replyFrames)

  // -- in -------------------------------------------------------------------------------------

  const maxBacklog = agent.maxBacklog ?? mediaCapacity + replyFrames
  let taken = 0
  /** Of those taken, how many the agent's `maxBacklog` threw away. */
  let stale = 0

  const hearOne = (message: Media) => {
    if (taken++ + tally.dropped === tally.sampleIndex) {
      Metrics.queueLatency.updateUnsafe((now() - tally.sampleAt) / 1000, context)
    }
    return hear(message.media.payload)
  }

  const audio = Stream.mapArray(stream.media, (messages) => {
    const old = Math.min(messages.length - 1, messages.length + Queue.sizeUnsafe(waiting) - maxBacklog)
    if (old <= 0) return messages.length === 1 ? [hearOne(messages[0])] : Array.map(messages, hearOne)
    taken += old
    stale += old
    return Array.map(messages.slice(old) as unknown as typeof messages, hearOne)
  })

  // -- out ------------------------------------------------------------------------------------

  let sent = 0
  /** Raised by `clear`: what was taken for sending before is thrown away. */
  let generation = 0
  /** Whether the pacer's fiber holds frames that it has taken from the queue. */
  let isPacing = false

  const emit = (frame: Uint8Array) => {
    stream.send(toText(frame))
    if (sent++ + tally.dropped + stale === tally.sampleIndex && agent.name === "echo") {
      Metrics.echoLatency.updateUnsafe((now() - tally.sampleAt) / 1000, context)
    }
    if (stream.unsentBytes() > maxUnsentBytes) endNow({ _tag: "Closed", reason: "slowPeer" })
  }

  const mayLeaveNow = (at: number) =>
    !isPacing && Queue.sizeUnsafe(waiting) === 0 && pacer.lead(at) + frameMillis <= leadMillis

  /** Sends what may leave now; waits with the rest behind what waits already. */
  const offerFrames = (frames: ReadonlyArray<Uint8Array>): Effect.Effect<unknown> => {
    let index = 0
    for (; index < frames.length; index++) {
      const at = now()
      if (!mayLeaveNow(at)) break
      pacer.reserve(at, frameMillis)
      emit(frames[index])
    }
    return index === frames.length ? Effect.void : Queue.offerAll(waiting, frames.slice(index))
  }

  const offerReply = (reply: Reply): Effect.Effect<unknown> =>
    reply instanceof Int16Array ? offerFrames(say.push(reply)) : offerMark(reply.name)

  const offerMark = (name: string): Effect.Effect<unknown> =>
    isPacing || Queue.sizeUnsafe(waiting) > 0
      ? Queue.offer(waiting, name)
      : Effect.sync(() => stream.send(markText(streamSid, name)))

  const pace = Effect.gen(function*() {
    while (true) {
      const items = yield* Queue.takeBetween(waiting, 1, replyFrames)
      isPacing = true
      const current = generation
      for (const item of items) {
        if (current !== generation) break
        if (typeof item === "string") {
          stream.send(markText(streamSid, item))
          continue
        }
        const wait = pacer.reserve(now(), frameMillis)
        if (wait > 0) yield* Effect.sleep(wait)
        if (current === generation) emit(item)
      }
      isPacing = false
    }
  })

  const clear = Effect.gen(function*() {
    generation++
    const unsent = yield* Queue.clear(waiting)
    say.reset()
    pacer.clear(now())
    stream.send(clearText(streamSid))
    yield* Metric.update(Metrics.framesDropped("cleared"), unsent.filter((item) => typeof item !== "string").length)
  })

  // -- the agent ------------------------------------------------------------------------------

  const lastMarkReturned = yield* Deferred.make<void>()
  const conversation = yield* agent.answer({ audio, clear })

  const onControl = (message: Control): Effect.Effect<unknown> => {
    switch (message.event) {
      case "stop":
        return end({ _tag: "Stopped" })
      case "dtmf":
        return conversation.signal(Signal.Digit({ digit: message.dtmf.digit }))
      case "mark":
        return message.mark.name === lastMark
          ? Deferred.succeed(lastMarkReturned, undefined)
          : conversation.signal(Signal.MarkReturned({ name: message.mark.name }))
    }
  }

  const converse = conversation.reply.pipe(
    Stream.runForEachArray((replies) =>
      replies.length === 1 ? offerReply(replies[0]) : Effect.forEach(replies, offerReply, { discard: true })
    ),
    Effect.andThen(Effect.suspend(() => offerFrames(say.flush()))),
    Effect.andThen(Effect.suspend(() => offerMark(lastMark))),
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

  const told = { received: 0, sent: 0, dropped: 0, stale: 0 }
  const report = Effect.sync(() => {
    Metrics.framesReceived.updateUnsafe(tally.received - told.received, context)
    Metrics.framesSent.updateUnsafe(sent - told.sent, context)
    if (tally.dropped > told.dropped) {
      Metrics.framesDropped("agentSlow").updateUnsafe(tally.dropped - told.dropped, context)
    }
    if (stale > told.stale) Metrics.framesDropped("stale").updateUnsafe(stale - told.stale, context)
    told.received = tally.received
    told.sent = sent
    told.dropped = tally.dropped
    told.stale = stale
  })

  /** Reports once a second, and notices that no media comes. */
  const watch = Effect.gen(function*() {
    let silentSince = now()
    while (true) {
      const before = tally.received
      yield* Effect.sleep(reportEvery)
      yield* report
      if (tally.received > before) silentSince = now()
      else if (now() - silentSince >= Duration.toMillis(limits.media)) {
        return yield* end({ _tag: "Closed", reason: "mediaTimeout" })
      }
    }
  })

  yield* Effect.addFinalizer(() => report)
  yield* Effect.forkScoped(Effect.flatMap(stream.closed, (why) => end(toEnd(why))))
  yield* Effect.forkScoped(pace)
  yield* Effect.forkScoped(Stream.runForEach(stream.control, onControl))
  yield* Effect.forkScoped(converse)
  yield* Effect.forkScoped(watch)

  return {
    ended: Deferred.await(ended),
    close: (reason) => end({ _tag: "Closed", reason })
  }
})
