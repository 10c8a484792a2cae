/**
 * The media streams of one call. Each stream runs with the call's agent, in a fiber of the call's scope. While a new stream replaces an old
 * one, both run for a moment.
 */
import { Deferred, Effect, Fiber, Scope } from "effect"
import { EngineMeter } from "../conversation/ports/EngineMeter.ts"
import type { StreamSid } from "../domain/Sid.ts"
import type { MediaStream } from "../twilio/media/MediaStream.ts"
import type { CallInfo } from "./CallInfo.ts"
import type { CallLifecycle } from "./CallLifecycle.ts"
import { CallEvent, type EndReason, isDecided, type StreamEnd } from "./CallState.ts"
import type { CallHistory } from "./history/CallHistory.ts"
import * as MediaSession from "./media/MediaSession.ts"
import * as EndedReason from "./EndedReason.ts"

/** The WebSocket's close code and reason (RFC 6455, section 7.4) when this service ends the stream. */
const closeFor = (reason: EndReason): readonly [code: number, text: string] => {
  switch (reason) {
    case "badMessages":
      return [1008, "too many messages could not be read"]
    case "mediaAhead":
      return [1008, "more sound came than time has passed"]
    case "oversizedMessage":
      return [1009, "a message was too large"]
    case "mediaTimeout":
      return [1008, "no media came"]
    case "slowPeer":
      return [1008, "the peer does not read"]
    case "shutdown":
      return [1001, "the service is stopping"]
    case "agentFailed":
      return [1011, "the agent failed"]
    default:
      return [1000, ""]
  }
}

const agentFailed: StreamEnd = { _tag: "Closed", reason: "agentFailed" }

interface CallStreams {
  /** Runs a media stream until it ends. Returns `false` at once if the call does not accept the stream. */
  readonly run: (stream: MediaStream) => Effect.Effect<boolean>
  /** Ends this stream, if it is open. */
  readonly close: (streamSid: StreamSid, reason: EndReason) => Effect.Effect<void>
}

/** `scope`: the call's scope. When it closes, the streams end. */
export const make = (
  info: CallInfo,
  lifecycle: CallLifecycle,
  history: Pick<CallHistory, "streamBegan" | "record" | "isRecorded" | "remember" | "actions" | "used" | "endDecided">,
  sessionOptions: Omit<MediaSession.Options, "whyEnded">,
  scope: Scope.Scope
): CallStreams => {
  /** The open streams. A stream is closed when its deferred gets a reason. */
  const open = new Map<StreamSid, Deferred.Deferred<EndReason>>()
  let newest: StreamSid | undefined

  /** Runs the session until the stream ends or, even while the agent is starting, until `closeReason` gives a reason. */
  const runSession = (stream: MediaStream, isAfterTransfer: boolean, closeReason: Effect.Effect<EndReason>): Effect.Effect<StreamEnd> => {
    const resumption = history.streamBegan(isAfterTransfer, stream)
    newest = stream.streamSid
    let closedFor: EndReason | undefined
    const options: MediaSession.Options = {
      ...sessionOptions,
      // A tool's late answer may change the memory of an earlier stream's conversation. That memory is outdated, so it is not stored.
      remember: (memory) => newest === stream.streamSid ? history.remember(memory) : undefined,
      actions: history.actions,
      isRecorded: history.isRecorded,
      ...(resumption === undefined ? {} : { resumption }),
      whyEnded: (end) => EndedReason.ofStream(closedFor === undefined ? end : { _tag: "Closed", reason: closedFor }, lifecycle.transfer())
    }
    const run = Effect.flatMap(history.record(stream, info.agent), (listener) =>
      MediaSession.run(stream, info.agent, listener === undefined ? options : { ...options, listener }))
    return Effect.raceFirst(
      Effect.scoped(Effect.provideService(run, EngineMeter, history.used)),
      Effect.map(closeReason, (reason): StreamEnd => {
        closedFor = reason
        return { _tag: "Closed", reason }
      })
    ).pipe(
      Effect.catchTag("AgentFailed", (error) => Effect.as(Effect.logError(error.message, error.cause), agentFailed)),
      Effect.catchDefect((defect) => Effect.as(Effect.logError("The agent failed; the call is ended", defect), agentFailed))
    )
  }

  const serve = Effect.fnUntraced(
    function*(stream: MediaStream, isAfterTransfer: boolean, closeReason: Effect.Effect<EndReason>) {
      const { streamSid } = stream
      yield* Effect.logInfo("stream started")
      const end = yield* runSession(stream, isAfterTransfer, closeReason)
      yield* Effect.logInfo("stream ended").pipe(
        Effect.annotateLogs({ end: end._tag === "Closed" ? end.reason : end._tag })
      )
      // The state must change before the socket is closed: Twilio requests TwiML as soon as the socket closes.
      yield* lifecycle.dispatch(CallEvent.StreamEnded({ streamSid, end }))
      if (end._tag !== "Closed") return
      // Twilio's next request may reach another process, which must know that the call ends.
      const { phase, resumptions } = yield* lifecycle.state
      if (phase._tag === "Ending" && isDecided(phase.reason)) yield* history.endDecided(phase.reason, resumptions)
      yield* stream.close(...closeFor(end.reason))
    },
    (effect, { streamSid }) =>
      effect.pipe(
        Effect.ensuring(Effect.sync(() => open.delete(streamSid))),
        Effect.annotateLogs({ callSid: info.callSid, streamSid })
      )
  )

  return {
    run: Effect.fnUntraced(function*(stream) {
      const { streamSid } = stream
      // An open stream has this SID already. A second stream with the same SID is not accepted.
      if (open.has(streamSid)) return false
      const closeReason = yield* Deferred.make<EndReason>()
      open.set(streamSid, closeReason)
      const isAfterTransfer = lifecycle.isBackFromTransfer()
      const { phase } = yield* lifecycle.dispatch(CallEvent.StreamStarted({ streamSid }))
      if (phase._tag !== "Streaming" || phase.streamSid !== streamSid) {
        open.delete(streamSid)
        return false
      }
      yield* Effect.flatMap(Effect.forkIn(serve(stream, isAfterTransfer, Deferred.await(closeReason)), scope), Fiber.await)
      return true
    }),
    close: (streamSid, reason) =>
      Effect.suspend(() => {
        const closeReason = open.get(streamSid)
        return closeReason === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(closeReason, reason))
      })
  }
}
