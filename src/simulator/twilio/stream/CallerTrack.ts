/**
 * Sends the caller's sound to the service: a frame every 20 ms, and keys between the frames.
 *
 * Each frame has its moment on the monotonic clock, counted from the stream's `start`. So if a frame is late, the next frame is still on
 * time. A frame is sent at the moment when its sound ends: the first one at 20 ms. Faults may delay or drop frames, but keep their order.
 */
import { Data, Effect, Queue } from "effect"
import * as Mulaw from "../../../audio/Mulaw.ts"
import * as Acoustics from "../../caller/Acoustics.ts"
import { frameMillis, frameSamples, type ActiveCaller } from "../../caller/Caller.ts"
import type { Untimed } from "../../report/SimulatedCallEvent.ts"
import { samplesPerMilli, type Timeline } from "../../report/Timeline.ts"
import type { Faults, RubbishKind } from "../Faults.ts"
import type { CallClock } from "./CallClock.ts"
import * as FrameFaults from "./FrameFaults.ts"
import type { StreamMessages } from "./StreamMessages.ts"
import type { Traffic } from "./Traffic.ts"
import type { WebSocketClient } from "./WebSocketClient.ts"

interface Options {
  readonly clock: CallClock
  readonly wire: WebSocketClient
  readonly messages: StreamMessages
  readonly activeCaller: ActiveCaller
  readonly said: Timeline
  readonly heard: Timeline
  /** Returns the marks whose sound has been played, each once. */
  readonly takePlayedMarks: () => ReadonlyArray<string>
  readonly traffic: Traffic
  readonly faults: Faults
  readonly note: (event: Untimed) => Effect.Effect<void>
}

/** 20 ms of silence in μ-law. */
export const silence = new Uint8Array(frameSamples).fill(Mulaw.silence)

const frameNanos = BigInt(frameMillis) * 1_000_000n

/** A message that waits until `at`: monotonic time, ns. */
type Outgoing = Data.TaggedEnum<{
  Frame: { readonly at: bigint; readonly chunk: number; readonly payload: Uint8Array }
  Rubbish: { readonly at: bigint; readonly kind: RubbishKind }
}>
const Outgoing = Data.taggedEnum<Outgoing>()

const toNanos = (millis: number): bigint => BigInt(Math.round(millis * 1_000_000))

/** Sends the queued messages in order. No message is sent before its time. */
const sendQueued = ({ clock, messages, traffic, wire }: Options, outbox: Queue.Dequeue<Outgoing>) =>
  Queue.take(outbox).pipe(
    Effect.tap((outgoing) => clock.sleepUntil(outgoing.at)),
    Effect.tap((outgoing) =>
      Effect.sync(() => {
        if (outgoing._tag === "Frame") {
          traffic.sentAt.push(clock.millis(clock.now()))
          messages.media(outgoing.chunk, outgoing.payload)
          return
        }
        const text = FrameFaults.rubbishText[outgoing.kind]
        if (text === undefined) wire.sendBinary(silence)
        else wire.send(text)
      })
    ),
    Effect.forever
  )

/** Runs the caller's script in steps of 20 ms until the caller hangs up. Queues the caller's sound, and sends the keys. */
const speak = Effect.fnUntraced(function*(options: Options, outbox: Queue.Enqueue<Outgoing>) {
  const { activeCaller, clock, faults, heard, messages, note, said, traffic } = options
  const microphone = Acoustics.makeMicrophone(activeCaller.room)
  const echoSamples = (activeCaller.room.echo?.delayMillis ?? 0) * samplesPerMilli
  const origin = clock.now()
  const firstSample = clock.samples(origin)
  for (let chunk = 1;; chunk++) {
    const due = origin + BigInt(chunk) * frameNanos
    yield* clock.sleepUntil(due)
    const end = firstSample + chunk * frameSamples
    const output = activeCaller.next({ heard: heard.pcm(end - frameSamples, end), marks: options.takePlayedMarks() })
    if (output.frame !== undefined) said.put(end - frameSamples, output.frame)
    const sound = microphone(output.frame, heard.pcm(end - frameSamples - echoSamples, end - echoSamples))

    const kind = FrameFaults.rubbishBefore(faults, chunk)
    if (kind !== undefined) Queue.offerUnsafe(outbox, Outgoing.Rubbish({ at: due, kind }))
    const delay = yield* FrameFaults.delayOf(faults, chunk * frameMillis)
    if (delay === undefined) traffic.lost++
    else Queue.offerUnsafe(outbox, Outgoing.Frame({ at: due + toNanos(delay), chunk, payload: sound ?? silence }))

    if (output.digit !== undefined) {
      messages.dtmf(output.digit)
      yield* note({ _tag: "Digit", digit: output.digit })
    }
    if (output.hangsUp) return
  }
})

/** Sends the caller's sound and keys until the caller hangs up. */
export const run = Effect.fnUntraced(function*(options: Options) {
  const outbox = yield* Queue.make<Outgoing>()
  yield* Effect.raceFirst(speak(options, outbox), sendQueued(options, outbox))
})
