/**
 * Records media streams. For each stream, a fiber writes the new sound to a file every two seconds.
 *
 * The disk never delays a frame, because sound waits in a buffer of limited size. Sound that a slow or full disk does not take becomes
 * silence in the recording, and is counted.
 */
import { Clock, Context, Deferred, Duration, Effect, Fiber, Layer, Metric, Random, type Scope } from "effect"
import type { Agent } from "../../agent/Agent.ts"
import { AppConfig } from "../../config/AppConfig.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import { CallRecordings, type Part, type PartFile } from "../../store/recording/CallRecordings.ts"
import * as MulawWav from "../../store/recording/MulawWav.ts"
import type { MediaStream } from "../../twilio/media/MediaStream.ts"
import type { CallSettings } from "../CallInfo.ts"
import type { LineListener } from "../media/LineListener.ts"
import * as LineRecorder from "./LineRecorder.ts"
import type { Taken } from "./StereoBuffer.ts"

/** A short write costs as much CPU time as a long one, and writes cost most of a recording's CPU time. So there are few writes. */
const writeIntervalMillis = 2000

/** Enough for the sound of one write, even if the write is a little late. */
const writeBufferBytes = 1.25 * writeIntervalMillis * MulawWav.bytesPerMilli

/** Usually few calls write at the same moment. */
const maxSpareBuffers = 16

const retryAfterMillis = 1000

/** How long the end of a stream waits for the disk. */
const lastWritesTimeout = Duration.seconds(2)

export class CallRecorder extends Context.Service<CallRecorder, {
  /** A call is recorded if its request, its agent or the configuration says so. A call of which only figures are stored is never recorded. */
  readonly isRecorded: (info: { readonly agent: Pick<Agent, "isRecorded">; readonly settings: Pick<CallSettings, "keepsWords" | "isRecorded"> }) => boolean
  /** Records a media stream until the scope closes. Only the stream's end waits for the disk, two seconds at most. */
  readonly listen: (
    part: Part,
    stream: Pick<MediaStream, "openedAt">,
    agent: Pick<Agent, "maxBacklogFrames">
  ) => Effect.Effect<LineListener, never, Scope.Scope>
}>()("client-caller/call/recording/CallRecorder") {
  static readonly layer = Layer.effect(
    CallRecorder,
    Effect.gen(function*() {
      const { limits, recording } = yield* AppConfig
      const recordings = yield* CallRecordings
      const clock = yield* Clock.Clock
      const scope = yield* Effect.scope
      const warningLog = yield* SampledLog.make
      const spareBuffers: Array<Uint8Array> = []
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

      return CallRecorder.of({
        isRecorded: ({ agent, settings }) => settings.keepsWords && (recording.recordsAllCalls || agent.isRecorded === true || settings.isRecorded),
        listen: Effect.fnUntraced(function*(part, { openedAt }, { maxBacklogFrames }) {
          const backlog = maxBacklogFrames === undefined ? Duration.toMillis(limits.backlog) : undefined
          const recorder = LineRecorder.make({ beginsAt: openedAt, now, backlog })
          const ended = yield* Deferred.make<number>()
          // The fiber runs in the service's scope, so it can write the remaining sound after the stream's end, even while the service stops.
          const writing = yield* Effect.forkIn(write({ recordings, warningLog, spareBuffers }, part, recorder, now, Deferred.await(ended)), scope)
          yield* Effect.addFinalizer(() =>
            Effect.andThen(
              Effect.sync(() => Deferred.doneUnsafe(ended, Effect.succeed(now()))),
              Effect.timeoutOption(Fiber.await(writing), lastWritesTimeout)
            ))
          return recorder
        })
      })
    })
  )
}

/** Writes until the stream has ended. `ended` gives the moment of the end, monotonic ms. */
const write = (
  { recordings, spareBuffers, warningLog }: {
    readonly recordings: CallRecordings["Service"]
    readonly warningLog: SampledLog.SampledLog
    /** Buffers of earlier writes that no write uses now. */
    readonly spareBuffers: Array<Uint8Array>
  },
  part: Part,
  recorder: LineRecorder.LineRecorder,
  now: () => number,
  ended: Effect.Effect<number>
): Effect.Effect<void> => {
  const annotated = Effect.annotateLogs({ callSid: part.callSid })
  const warn = (reason: string) =>
    warningLog.write("recording", annotated(Effect.logWarning(`A recording can't be written: ${reason}. The call goes on, and its sound is lost meanwhile.`)))

  /** Bytes of silence to write in place of sound that the disk did not take. */
  let missingBytes = 0
  const append = (file: PartFile, { silentBytes, sound }: Taken) =>
    Effect.gen(function*() {
      missingBytes += silentBytes
      if (missingBytes > 0) {
        yield* file.append({ silentBytes: missingBytes })
        missingBytes = 0
      }
      if (sound.length > 0) yield* file.append(sound)
    }).pipe(
      Effect.catch(({ reason }) =>
        Effect.suspend(() => {
          missingBytes += sound.length
          return Effect.andThen(Metric.update(Metrics.recordingLost, sound.length / MulawWav.bytesPerSecond), warn(reason))
        })
      )
    )

  /** Waits until the stream has ended, at most `millis`. Returns the moment of the end; `undefined`: the stream goes on. */
  const waitForEnd = (millis: number) => Effect.raceFirst(Effect.as(Effect.sleep(millis), undefined), ended)

  /**
   * Writes the settled sound. All calls use the same buffers again and again: a new buffer for each write would be much work for V8's
   * garbage collector.
   */
  const appendSettled = (file: PartFile) =>
    Effect.suspend(() => {
      const buffer = spareBuffers.pop() ?? new Uint8Array(writeBufferBytes)
      return Effect.ensuring(
        append(file, recorder.take(now(), buffer)),
        Effect.sync(() => {
          if (spareBuffers.length < maxSpareBuffers) spareBuffers.push(buffer)
        })
      )
    })

  const writeFile = Effect.gen(function*() {
    const file = yield* recordings.begin(part)
    // The first pause is random, so that streams that began together are not written at the same moment.
    let pauseMillis = writeIntervalMillis * (yield* Random.nextBetween(0.5, 1))
    while (true) {
      const endedAt = yield* waitForEnd(pauseMillis)
      pauseMillis = writeIntervalMillis
      if (endedAt === undefined) {
        yield* appendSettled(file)
        continue
      }
      for (const taken of recorder.finish(endedAt)) yield* append(file, taken)
      return
    }
  }).pipe(Effect.scoped)

  /** Tries again after a failure: a folder that can't be written to now may become writable later in the call. */
  const writeFileWithRetries: Effect.Effect<void> = Effect.catch(writeFile, ({ reason }) =>
    Effect.andThen(warn(reason), Effect.flatMap(waitForEnd(retryAfterMillis), (endedAt) => endedAt === undefined ? writeFileWithRetries : Effect.void)))

  return writeFileWithRetries.pipe(
    Effect.ensuring(Effect.suspend(() => Metric.update(Metrics.recordingLost, recorder.lostMillis() / 1000))),
    annotated
  )
}
