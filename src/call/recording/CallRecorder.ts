/**
 * Records media streams: for each, a fiber writes the new sound to a file every two seconds.
 *
 * The disk never delays a frame: sound waits in memory of a bounded size. Sound that a slow or full disk does not take becomes silence in
 * the recording, and is counted.
 */
import { Clock, Context, Deferred, Duration, Effect, Fiber, Layer, Metric, Random, type Scope } from "effect"
import type { Agent } from "../../agent/Agent.ts"
import { AppConfig } from "../../config/AppConfig.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import { CallRecordings, type Part, type PartFile } from "../../store/recording/CallRecordings.ts"
import * as MulawWav from "../../store/recording/MulawWav.ts"
import type { MediaStream } from "../../twilio/media/MediaStream.ts"
import type { CallKeeping } from "../CallInfo.ts"
import type { LineListener } from "../media/LineListener.ts"
import * as LineRecorder from "./LineRecorder.ts"
import type { Taken } from "./StereoBuffer.ts"

/** Most of a recording's CPU time is the writes to its file, whatever their length. */
const writeEveryMillis = 2000

/** Bytes for the sound of one write, also if the write comes a little late. */
const writeMemoryBytes = 1.25 * writeEveryMillis * MulawWav.bytesPerMilli

/** Usually few calls write at the same moment. */
const maxSpareMemories = 16

const retryAfterMillis = 1000

/** How long the end of a stream waits for the disk. */
const lastWritesTimeout = Duration.seconds(2)

export class CallRecorder extends Context.Service<CallRecorder, {
  /** A call is recorded if its request, its agent or the configuration wants it, and if more than figures is kept of it. */
  readonly isRecorded: (info: { readonly agent: Pick<Agent, "isRecorded">; readonly keeping: Pick<CallKeeping, "words" | "isRecorded"> }) => boolean
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
      const complaints = yield* SampledLog.make
      const spareMemories: Array<Uint8Array> = []
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

      return CallRecorder.of({
        isRecorded: ({ agent, keeping }) => keeping.words && (recording.all || agent.isRecorded === true || keeping.isRecorded),
        listen: Effect.fnUntraced(function*(part, { openedAt }, { maxBacklogFrames }) {
          const backlog = maxBacklogFrames === undefined ? Duration.toMillis(limits.backlog) : undefined
          const recorder = LineRecorder.make({ beginsAt: openedAt, now, backlog })
          const ended = yield* Deferred.make<number>()
          // A fiber of the service: it writes the remaining sound when the stream is over, even while the service stops.
          const writing = yield* Effect.forkIn(write({ recordings, complaints, spareMemories }, part, recorder, now, Deferred.await(ended)), scope)
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

/** Writes until the stream has ended, at the moment (monotonic ms) that `ended` gives. */
const write = (
  { complaints, recordings, spareMemories }: {
    readonly recordings: CallRecordings["Service"]
    readonly complaints: SampledLog.SampledLog
    /** Memory of earlier writes that none uses now. */
    readonly spareMemories: Array<Uint8Array>
  },
  part: Part,
  recorder: LineRecorder.LineRecorder,
  now: () => number,
  ended: Effect.Effect<number>
): Effect.Effect<void> => {
  const annotated = Effect.annotateLogs({ callSid: part.callSid })
  const tell = (reason: string) =>
    complaints.tell("recording", annotated(Effect.logWarning(`A recording can't be written: ${reason}. The call goes on, and its sound is lost meanwhile.`)))

  /** Bytes of silence in place of sound that the disk did not take. */
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
          return Effect.andThen(Metric.update(Metrics.recordingLost, sound.length / MulawWav.bytesPerSecond), tell(reason))
        })
      )
    )

  const after = (millis: number) => Effect.raceFirst(Effect.as(Effect.sleep(millis), undefined), ended)

  /** Writes the settled sound, in memory that the next write of any call uses again: new memory for each write would busy V8's collector. */
  const appendSettled = (file: PartFile) =>
    Effect.suspend(() => {
      const memory = spareMemories.pop() ?? new Uint8Array(writeMemoryBytes)
      return Effect.ensuring(
        append(file, recorder.take(now(), memory)),
        Effect.sync(() => {
          if (spareMemories.length < maxSpareMemories) spareMemories.push(memory)
        })
      )
    })

  const toFile = Effect.gen(function*() {
    const file = yield* recordings.begin(part)
    // Streams that began together are written at different moments.
    let pauseMillis = writeEveryMillis * (yield* Random.nextBetween(0.5, 1))
    while (true) {
      const endedAt = yield* after(pauseMillis)
      pauseMillis = writeEveryMillis
      if (endedAt === undefined) {
        yield* appendSettled(file)
        continue
      }
      for (const taken of recorder.finish(endedAt)) yield* append(file, taken)
      return
    }
  }).pipe(Effect.scoped)

  /** Tries again: a folder that can't be written to now may become writable later in the call. */
  const persistently: Effect.Effect<void> = Effect.catch(toFile, ({ reason }) =>
    Effect.andThen(tell(reason), Effect.flatMap(after(retryAfterMillis), (endedAt) => endedAt === undefined ? persistently : Effect.void)))

  return persistently.pipe(
    Effect.ensuring(Effect.suspend(() => Metric.update(Metrics.recordingLost, recorder.lostMillis() / 1000))),
    annotated
  )
}
