/**
 * Twilio's side of one Media Stream, from `connected` to the stream's end. It sends the caller's sound every 20 ms. It plays the service's
 * sound to the caller in real time, and sends marks back when the sound before them has been played.
 */
import { Clock, Effect, Random } from "effect"
import type { ActiveCaller } from "../../caller/Caller.ts"
import type { StreamEnd, Untimed } from "../../report/SimulatedCallEvent.ts"
import type { Timeline } from "../../report/Timeline.ts"
import type { Faults } from "../Faults.ts"
import { CallClock } from "./CallClock.ts"
import * as CallerTrack from "./CallerTrack.ts"
import { ConnectionFaults } from "./ConnectionFaults.ts"
import { ServiceMessages } from "./ServiceMessages.ts"
import { type StreamIds, StreamMessages } from "./StreamMessages.ts"
import type { Traffic } from "./Traffic.ts"
import type { WebSocketClient } from "./WebSocketClient.ts"

export interface Options extends StreamIds {
  readonly wire: WebSocketClient
  /** The `<Parameter>`s that are sent in `start`. */
  readonly parameters: Readonly<Record<string, string>>
  /** The person who speaks and listens. */
  readonly activeCaller: ActiveCaller
  /** `said` and `heard`: the sound that the caller said and heard since the answer. `answeredAt`: the time of the answer (monotonic, ns). */
  readonly said: Timeline
  readonly heard: Timeline
  readonly answeredAt: bigint
  readonly traffic: Traffic
  readonly faults: Faults
  readonly note: (event: Untimed) => Effect.Effect<void>
  /** Why the stream ends if it is interrupted. */
  readonly whyInterrupted: () => StreamEnd
}

/** How a stream ended. `code`: the WebSocket's close code, if the service closed the WebSocket. */
export interface Ended {
  readonly why: StreamEnd
  readonly code: number | undefined
}

/** The WebSocket's close code for a connection that ended without a close handshake. */
const closedWithoutHandshake = 1006

/** Sends the first messages of a stream, with the changes that the faults require. */
const begin = Effect.fnUntraced(function*({ faults, note, parameters, streamSid }: Options, messages: StreamMessages) {
  messages.connected()
  yield* note({ _tag: "StreamConnected", streamSid })
  for (let chunk = 1; chunk <= (faults.mediaBeforeStart ?? 0); chunk++) messages.media(chunk, CallerTrack.silence)
  if (faults.startNever !== undefined) return
  for (let count = 1; count <= (faults.startTwice === true ? 2 : 1); count++) {
    messages.start(parameters)
    yield* note({ _tag: "StreamStarted", streamSid, parameters })
  }
})

/**
 * Runs a stream over an open WebSocket to its end, and closes it.
 *
 * An interruption of this effect means a redirect or a hang-up. As Twilio does, it then sends `stop` and closes the socket.
 */
export const run = Effect.fn("TwilioStream.run")(function*(options: Options) {
  const { faults, heard, note, streamSid, traffic, wire } = options
  const clock = new CallClock(yield* Clock.Clock, options.answeredAt)
  const messages = new StreamMessages(wire, options)
  const fromService = new ServiceMessages({ clock, messages, heard, traffic, streamSid, note })
  const connectionFaults = new ConnectionFaults(wire, faults)

  const untilClosed = Effect.map(fromService.run(wire), ({ code }): Ended =>
    connectionFaults.wasCut
      ? { why: "fault", code: undefined }
      : { why: code === closedWithoutHandshake ? "connectionLost" : "closedByService", code })

  const untilHangUp = CallerTrack.run({
    clock,
    wire,
    messages,
    activeCaller: options.activeCaller,
    said: options.said,
    heard,
    takePlayedMarks: () => fromService.takePlayedMarks(),
    traffic,
    faults,
    note
  }).pipe(Effect.as<Ended>({ why: "callerHungUp", code: undefined }))

  /** Sends `stop` and then a close frame, as Twilio does when the caller hangs up or the call is redirected. */
  const leave = Effect.suspend(() => {
    messages.stop()
    return wire.close(1000)
  })

  const finish = ({ code, why }: Ended) =>
    Effect.suspend(() => {
      // The caller never hears sound that was queued and not played.
      heard.cut(clock.samples(clock.now()))
      return note({ _tag: "StreamEnded", streamSid, why, code })
    })

  return yield* begin(options, messages).pipe(
    Effect.andThen(Effect.raceAllFirst([untilClosed, untilHangUp, connectionFaults.run])),
    Effect.tap((ended) => ended.why === "callerHungUp" ? leave : Effect.void),
    Effect.tap(finish),
    Effect.onInterrupt(() =>
      Effect.andThen(leave, Effect.suspend(() => finish({ why: options.whyInterrupted(), code: undefined })))
    ),
    Random.withSeed(faults.seed ?? "simulator")
  )
})
