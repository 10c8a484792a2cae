/**
 * The sound of one media stream: in from Twilio to the agent, out from the agent to Twilio.
 *
 * ```text
 * pull ─▶ sliding queue (50 frames) ─▶ μ-law, 8→rate ─▶ agent ─▶ rate→8, μ-law, 20 ms ─▶ bounded queue ─▶ pacer ─▶ send
 *   └───▶ signals (marks, digits) ─▶ agent
 * ```
 *
 * Sound that the agent has no time for is dropped, the oldest first, and counted: old speech is worth
 * less than new. Signals have a queue of their own and are never dropped. Outbound, the agent waits
 * when more than `replyFrames` are queued. See docs/adr/0002.
 *
 * One fiber reads, one runs the agent, one sends; the pure steps between are fused, so that a frame
 * costs no stream stage of its own.
 */
import { type Cause, Clock, Deferred, Duration, Effect, Metric, Queue, type Scope, Stream } from "effect"
import { type Agent, type AgentFailed, type Reply, Signal } from "../agent/Agent.ts"
import * as Framer from "../audio/Framer.ts"
import * as Mulaw from "../audio/Mulaw.ts"
import * as Pacer from "../audio/Pacer.ts"
import type { Pcm, SampleRate } from "../audio/Pcm.ts"
import * as Resampler from "../audio/Resampler.ts"
import * as Metrics from "../observability/Metrics.ts"
import { clearText, markText, mediaText, type MediaStream, type Message, type StreamClosed } from "../twilio/MediaStream.ts"
import type { EndReason, StreamEnd } from "./CallState.ts"

/** Inbound frames that wait for the agent: one second. */
export const inboundFrames = 50

/** Outbound frames that wait for the pacer: 400 ms. */
export const replyFrames = 20

/** How far ahead of playback sound is sent, in ms. */
export const leadMillis = 200

/** One frame: 20 ms of μ-law at 8 kHz. */
const frameBytes = 160
const bytesPerMilli = 8

/** Unsent bytes at which a peer is too slow: about nine seconds of sound. */
export const maxUnsentBytes = 131_072

/** The mark behind the agent's last sound; its return lets the call end. */
const lastMark = "client-caller/last"

/** How long the last sound may take to be played before the call is ended all the same. */
const lastMarkTimeout = Duration.seconds(30)

/** Frames between two reports to the metrics: a second. */
const reportEvery = 50

export interface CallMedia {
  /** How the stream ended; the first reason wins. */
  readonly ended: Effect.Effect<StreamEnd>
  readonly close: (reason: EndReason) => Effect.Effect<void>
}

const toEnd = (error: StreamClosed): StreamEnd =>
  error.reason === "lost" ? { _tag: "Lost" } : { _tag: "Closed", reason: "badMessages" }

/** A piece of the reply on its way to the pacer: a frame of μ-law, or the name of a mark. */
type Outgoing = Uint8Array | string

/** The caller's sound at the agent's rate: μ-law and resampler in one pure step. */
const makeHear = (sampleRate: SampleRate): (mulaw: Uint8Array) => Pcm => {
  const resampler = Resampler.make(8000, sampleRate)
  let scratch = new Int16Array(frameBytes)
  return sampleRate === 8000 ? Mulaw.decode : (mulaw) => {
    if (scratch.length < mulaw.length) scratch = new Int16Array(mulaw.length)
    Mulaw.decodeInto(mulaw, scratch)
    return resampler.process(scratch.subarray(0, mulaw.length))
  }
}

/** The reply's sound as frames of μ-law: resampler, μ-law and framer in one pure step. */
const makeSay = (sampleRate: SampleRate) => {
  const resampler = Resampler.make(sampleRate, 8000)
  const framer = Framer.make(frameBytes)
  return {
    push: (pcm: Pcm): ReadonlyArray<Uint8Array> => framer.push(Mulaw.encode(resampler.process(pcm))),
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
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  const ended = yield* Deferred.make<StreamEnd>()
  const end = (how: StreamEnd) => Effect.asVoid(Deferred.succeed(ended, how))

  const inbox = yield* Queue.sliding<Uint8Array, Cause.Done>(inboundFrames)
  const signals = yield* Queue.bounded<Signal, Cause.Done>(64)
  const outbox = yield* Queue.bounded<Outgoing>(replyFrames)

  const hear = makeHear(agent.sampleRate)
  const say = makeSay(agent.sampleRate)
  const pacer = Pacer.make({ leadMillis })
  const toText = mediaText(stream.streamSid)

  const tally = { received: 0, sent: 0, dropped: 0, otherTrack: 0 }
  /** One frame in fifty is timed; `index` counts the inbound frames that were queued. */
  const sample = { index: -1, arrivedAt: 0 }
  let queued = 0
  let taken = 0
  let left = 0
  let reported = { ...tally }
  /** Raised by `clear`: what was taken for sending before is thrown away. */
  let generation = 0

  const report = Effect.suspend(() => {
    const before = reported
    reported = { ...tally }
    const add = (metric: Metric.Counter<number>, amount: number) => amount > 0 ? Metric.update(metric, amount) : Effect.void
    return Effect.all([
      add(Metrics.framesReceived, tally.received - before.received),
      add(Metrics.framesSent, tally.sent - before.sent),
      add(Metrics.framesDropped("agentSlow"), tally.dropped - before.dropped),
      add(Metrics.framesDropped("outboundTrack"), tally.otherTrack - before.otherTrack)
    ], { discard: true })
  })

  // -- in -------------------------------------------------------------------------------------

  const enqueue = (payload: Uint8Array) => {
    if (++tally.received % reportEvery === 1) {
      sample.index = queued
      sample.arrivedAt = now()
    }
    if (Queue.sizeUnsafe(inbox) >= inboundFrames) {
      tally.dropped++
      taken++
    }
    queued++
    Queue.offerUnsafe(inbox, payload)
  }

  const handle = (message: Exclude<Message, { readonly event: "media" }>): Effect.Effect<unknown> => {
    switch (message.event) {
      case "mark":
        return Queue.offer(signals, Signal.MarkReturned({ name: message.mark.name }))
      case "dtmf":
        return Queue.offer(signals, Signal.Digit({ digit: message.dtmf.digit }))
      case "stop":
        return end({ _tag: "Stopped" })
    }
  }

  const read = Effect.gen(function*() {
    while (true) {
      const messages = yield* stream.pull
      for (let index = 0; index < messages.length; index++) {
        const message = messages[index]
        if (message.event !== "media") yield* handle(message)
        else if (message.media.track === "inbound") enqueue(message.media.payload)
        else tally.otherTrack++
      }
      if (tally.received - reported.received >= reportEvery) yield* report
    }
  }).pipe(
    Effect.catch((error) => Effect.andThen(Effect.logDebug(error.message), end(toEnd(error))))
  )

  const audio = Stream.fromQueue(inbox).pipe(
    Stream.map((payload) => {
      if (taken++ === sample.index) {
        Metrics.queueLatency.updateUnsafe((now() - sample.arrivedAt) / 1000, context)
      }
      return hear(payload)
    })
  )
  const context = yield* Effect.context<never>()

  // -- out ------------------------------------------------------------------------------------

  const clear = Effect.gen(function*() {
    generation++
    const unsent = yield* Queue.clear(outbox)
    say.reset()
    pacer.clear(now())
    yield* Metric.update(Metrics.framesDropped("cleared"), unsent.filter((item) => typeof item !== "string").length)
    yield* Effect.ignore(stream.send([clearText(stream.streamSid)]))
  })

  const transmit = (texts: ReadonlyArray<string>) =>
    Effect.andThen(
      stream.send(texts),
      Effect.suspend(() =>
        stream.unsentBytes() > maxUnsentBytes ? end({ _tag: "Closed", reason: "slowPeer" }) : Effect.void
      )
    )

  const speak = Effect.gen(function*() {
    while (true) {
      const items = yield* Queue.takeBetween(outbox, 1, replyFrames)
      const current = generation
      let texts: Array<string> = []
      for (let index = 0; index < items.length && current === generation; index++) {
        const item = items[index]
        if (typeof item === "string") {
          texts.push(markText(stream.streamSid, item))
          continue
        }
        const wait = pacer.reserve(now(), item.length / bytesPerMilli)
        if (wait > 0) {
          yield* transmit(texts)
          texts = []
          yield* Effect.sleep(wait)
          if (current !== generation) break
        }
        texts.push(toText(item))
        tally.sent++
        if (left++ === sample.index && tally.dropped === 0 && agent.name === "echo") {
          yield* Metric.update(Metrics.echoLatency, (now() - sample.arrivedAt) / 1000)
        }
      }
      yield* transmit(texts)
    }
  }).pipe(Effect.catch(() => end({ _tag: "Lost" })))

  const offerReply = (replies: ReadonlyArray<Reply>): Effect.Effect<unknown> => {
    if (replies.length === 1 && replies[0] instanceof Int16Array) return offerFrames(say.push(replies[0]))
    return Effect.forEach(replies, (reply) =>
      reply instanceof Int16Array
        ? offerFrames(say.push(reply))
        : Queue.offer(outbox, (reply as { readonly name: string }).name), { discard: true })
  }
  const offerFrames = (frames: ReadonlyArray<Uint8Array>): Effect.Effect<unknown> =>
    frames.length === 1 ? Queue.offer(outbox, frames[0]) : Queue.offerAll(outbox, frames)

  // -- the agent ------------------------------------------------------------------------------

  const lastMarkReturned = yield* Deferred.make<void>()
  const conversation = yield* agent.answer({ audio, clear })

  const signalAgent = Stream.fromQueue(signals).pipe(
    Stream.runForEach((signal) =>
      signal._tag === "MarkReturned" && signal.name === lastMark
        ? Deferred.succeed(lastMarkReturned, undefined)
        : conversation.signal(signal)
    )
  )

  const converse = conversation.reply.pipe(
    Stream.runForEachArray(offerReply),
    Effect.andThen(Effect.suspend(() => Queue.offerAll(outbox, [...say.flush(), lastMark]))),
    Effect.andThen(Effect.timeoutOption(Deferred.await(lastMarkReturned), lastMarkTimeout)),
    Effect.andThen(end({ _tag: "Closed", reason: "agentLeft" })),
    Effect.catchCause((cause) =>
      Effect.andThen(
        Effect.logError("The agent failed; the call is ended", cause),
        end({ _tag: "Closed", reason: "agentFailed" })
      )
    )
  )

  const watch = Effect.gen(function*() {
    while (true) {
      const before = tally.received + tally.otherTrack
      yield* Effect.sleep(limits.media)
      if (tally.received + tally.otherTrack === before) return yield* end({ _tag: "Closed", reason: "mediaTimeout" })
    }
  })

  yield* Effect.addFinalizer(() => report)
  yield* Effect.forkScoped(speak)
  yield* Effect.forkScoped(signalAgent)
  yield* Effect.forkScoped(converse)
  yield* Effect.forkScoped(watch)
  yield* Effect.forkScoped(read)

  return {
    ended: Deferred.await(ended),
    close: (reason) => end({ _tag: "Closed", reason })
  }
})
