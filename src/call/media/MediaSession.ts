/**
 * Carries the sound of one media stream from Twilio to the agent, and from the agent to Twilio.
 *
 * ```text
 *   MediaStream.media ─▶ InboundSound (gaps, μ-law, resampler) ─▶ agent        marks, keys ─▶ agent; stop ─▶ end of the stream
 *   agent ─▶ OutboundSound (resampler, μ-law, frames) ─▶ PacedQueue ─▶ LineSender ─▶ MediaStream
 * ```
 *
 * Sound that the network delayed still reaches the agent, complete and in order. Only sound beyond `MEDIA_BACKLOG` is dropped, the oldest
 * first, and counted by its cause. Marks, keys and `stop` are never dropped. See docs/adr/0002 and 0011.
 *
 * All steps of a frame run in the agent's own fiber, so that a frame costs only one wake-up.
 */
import { Clock, Deferred, Duration, Effect, type Scope, Stream } from "effect"
import type { Agent, AgentFailed } from "../../agent/Agent.ts"
import type { ActionKeeper } from "../../conversation/ports/Actions.ts"
import { type CallSide, type OutboundMark, type Resumption, Signal } from "../../conversation/ports/AudioPort.ts"
import type { Control } from "../../twilio/media/MediaMessage.ts"
import type { MediaStream } from "../../twilio/media/MediaStream.ts"
import type { StreamClosed } from "../../twilio/media/StreamClosed.ts"
import * as ProcessHalt from "../../twilio/media/ProcessHalt.ts"
import type { StreamEnd } from "../CallState.ts"
import type { CallEvents } from "../CallEvents.ts"
import type { ConversationFeed } from "../ConversationFeed.ts"
import * as InboundSound from "./InboundSound.ts"
import * as LineCodec from "./LineCodec.ts"
import type { LineListener } from "./LineListener.ts"
import * as LineSender from "./LineSender.ts"
import * as MediaCounts from "./MediaCounts.ts"
import * as OutboundSound from "./OutboundSound.ts"
import * as SilenceFiller from "./SilenceFiller.ts"

/** The mark after the agent's last sound. The call ends when Twilio returns this mark. */
const lastMark: OutboundMark = { _tag: "Mark", name: "client-caller/last" }

/** How long to wait for the return of `lastMark`. After that the call is ended anyway. */
const lastMarkTimeout = Duration.seconds(30)

/** How often the counts are added to the metrics. */
const reportMillis = 1000

/** How the stream ended, by the reason why its socket closed. */
const endOfSocket = ({ reason }: StreamClosed): StreamEnd => {
  switch (reason) {
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

export interface Options {
  /** Without a `media` message for this long the stream is closed. */
  readonly mediaTimeout: Duration.Duration
  /** See `CallLimits`. */
  readonly backlog: Duration.Duration
  readonly watch: Pick<CallEvents, "publish"> & Pick<ConversationFeed, "isWatched">
  readonly transfer?: CallSide["transfer"]
  readonly isOutbound?: boolean
  readonly isRecorded?: boolean
  readonly listener?: LineListener
  /** See `CallSide`. */
  readonly resumption?: Resumption
  readonly remember?: CallSide["remember"]
  readonly actions?: ActionKeeper
  /** The reason for the stream's end that the agent gets, see `EndedReason`. `end`: unset if the session was interrupted. */
  readonly whyEnded?: (end: StreamEnd | undefined) => string | undefined
}

/** The options that the agent gets. */
const agentOptions = ({ actions, isRecorded = false, remember, resumption, transfer, whyEnded, watch }: Options, end: () => StreamEnd | undefined) => ({
  publish: watch.publish,
  isWatched: watch.isWatched,
  isRecorded,
  ...(transfer === undefined ? {} : { transfer }),
  ...(resumption === undefined ? {} : { resumption }),
  ...(remember === undefined ? {} : { remember }),
  ...(actions === undefined ? {} : { actions }),
  ...(whyEnded === undefined ? {} : { whyEnded: () => whyEnded(end()) })
})

/** A decoder that also gives the listener the same bytes. */
const decoderFor = (agent: Agent, listener: LineListener | undefined): LineCodec.LineDecoder => {
  const decoder = LineCodec.makeDecoder(agent.sampleRate)
  if (listener === undefined) return decoder
  return {
    reuse: decoder.reuse,
    decode: (mulaw) => {
      listener.onCallerSound(mulaw)
      return decoder.decode(mulaw)
    }
  }
}

/** Reports the counts every second, and ends when no media has come for `timeout`. Time in which the process was halted does not count. */
const untilMediaTimeout = Effect.fnUntraced(function*(
  { tally }: MediaStream,
  counts: MediaCounts.MediaCounts,
  timeout: Duration.Duration,
  now: () => number
) {
  let silentSince = now()
  while (true) {
    const receivedBefore = tally.received
    const sleptAt = now()
    yield* Effect.sleep(reportMillis)
    silentSince += ProcessHalt.haltIn(reportMillis, now() - sleptAt)
    counts.report()
    if (tally.received > receivedBefore) silentSince = now()
    else if (now() - silentSince >= Duration.toMillis(timeout)) return
  }
})

/** Connects an agent to a stream until the stream ends. Returns how the stream ended. If there are several reasons, the first counts. */
export const run = Effect.fnUntraced(function*(
  stream: MediaStream,
  agent: Agent,
  options: Options
): Effect.fn.Return<StreamEnd, AgentFailed, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const { listener } = options
  const backlog = Duration.toMillis(options.backlog)

  const ended = yield* Deferred.make<StreamEnd>()
  let firstEnd: StreamEnd | undefined
  const endStreamNow = (end: StreamEnd) => {
    firstEnd ??= end
    return Deferred.doneUnsafe(ended, Effect.succeed(end))
  }
  const endStream = (end: StreamEnd) => Effect.sync(() => void endStreamNow(end))

  const counts = MediaCounts.make({ tally: stream.tally, now, isEcho: agent.name === "echo", context })
  const sender = LineSender.make({ stream, counts, listener, onSlowPeer: () => endStreamNow({ _tag: "Closed", reason: "slowPeer" }) })
  const outbound = yield* OutboundSound.make({ sampleRate: agent.sampleRate, sender, counts, now })

  const { decode, reuse } = decoderFor(agent, listener)
  const gapless = InboundSound.makeGapless({ decode, backlog, now, openedAt: stream.openedAt, counts })
  const { maxBacklogFrames } = agent
  const toPieces = maxBacklogFrames === undefined
    ? gapless.pieces
    : InboundSound.makeNewest({ decode, maxBacklogFrames, unsentFrames: outbound.unsentFrames, counts })
  const toBorrowedPieces = (messages: InboundSound.Messages) => {
    reuse()
    return toPieces(messages)
  }
  const borrowedAudio = Stream.mapArray(stream.media, toBorrowedPieces)

  const { outboundItems, signal } = yield* agent.answer({
    audio: Stream.mapArray(stream.media, toPieces),
    borrowedAudio,
    clear: outbound.clear,
    ...agentOptions(options, () => firstEnd),
    callId: stream.start.callSid,
    isOutbound: options.isOutbound === true
  })

  const lastMarkReturned = yield* Deferred.make<void>()
  const onControl = (message: Control): Effect.Effect<unknown> => {
    switch (message.event) {
      case "stop":
        return endStream({ _tag: "Stopped" })
      case "dtmf":
        return signal(Signal.Digit({ digit: message.dtmf.digit }))
      case "mark":
        return message.mark.name === lastMark.name
          ? Deferred.succeed(lastMarkReturned, undefined)
          : signal(Signal.MarkReturned({ name: message.mark.name }))
    }
  }
  // Control messages are handled before the socket's end. So after a `stop` just before the close the end is `Stopped`, not `Lost`.
  const handleControl = Stream.runForEach(stream.control, onControl).pipe(
    Effect.andThen(stream.closed),
    Effect.flatMap((closed) => endStream(endOfSocket(closed)))
  )

  // The echo agent returns `borrowedAudio` itself. Its sound is sent back directly, without a stream in between.
  const sendItems = outboundItems === borrowedAudio
    ? stream.forEachMedia((messages) => outbound.offer(toBorrowedPieces(messages)))
    : Stream.runForEachArray(outboundItems, outbound.offer)
  const sendItemsAndEnd = sendItems.pipe(
    Effect.andThen(outbound.finish(lastMark)),
    Effect.andThen(Effect.timeoutOption(Deferred.await(lastMarkReturned), lastMarkTimeout)),
    Effect.andThen(endStream({ _tag: "Closed", reason: "agentLeft" })),
    Effect.catchCause((cause) =>
      Effect.andThen(
        Effect.logError("The agent failed; the call is ended", cause),
        endStream({ _tag: "Closed", reason: "agentFailed" })
      )
    )
  )

  yield* Effect.addFinalizer(() => Effect.sync(counts.report))
  yield* Effect.forkScoped(handleControl)
  yield* Effect.forkScoped(sendItemsAndEnd)
  yield* Effect.forkScoped(
    Effect.andThen(untilMediaTimeout(stream, counts, options.mediaTimeout, now), endStream({ _tag: "Closed", reason: "mediaTimeout" }))
  )
  if (maxBacklogFrames === undefined) yield* Effect.forkScoped(SilenceFiller.run({ stream, sound: gapless, backlog, now }))

  return yield* Deferred.await(ended)
}, Effect.scoped)
