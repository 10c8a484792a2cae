/**
 * Moves finished parts from the folder to the bucket, one after the other. A part stays in the folder until the bucket has all of it and the
 * database has stored the new place. A move that fails is tried again, after longer and longer pauses.
 */
import { Effect, Exit, FiberMap, type FileSystem, Metric, Option, Schedule, type Scope, Semaphore } from "effect"
import { join } from "node:path"
import type { CallSid } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import type { CallStore } from "../CallStore.ts"
import * as PartFiles from "./PartFiles.ts"
import { type Bucket, BucketFailed } from "./RecordingBucket.ts"
import { type RecordingRows, type Row, written } from "./RecordingRows.ts"

/** Waits one second, then twice as long each time, up to five minutes. */
const retrySchedule = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("5 minutes")]).pipe(Schedule.jittered)

export interface Uploads {
  /** Begins to move a part, unless its move has begun already. */
  readonly begin: (row: Row) => Effect.Effect<void>
  /** Stops the moves of this call's parts. */
  readonly stop: (callSid: CallSid) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function*(options: {
  readonly folder: string
  readonly bucket: Bucket
  readonly rows: RecordingRows
  readonly store: Pick<CallStore["Service"], "keep" | "settled">
  readonly files: FileSystem.FileSystem
}): Effect.fn.Return<Uploads, never, Scope.Scope> {
  const { bucket, files, folder, rows, store } = options
  const running = yield* FiberMap.make<string>()
  const oneAtATime = yield* Semaphore.make(1)
  const failureLog = yield* SampledLog.make

  const send = Effect.fnUntraced(function*(row: Row) {
    const { call_sid, file, part } = row
    const size = yield* PartFiles.sizeOf(folder, file)
    if (size === undefined) return
    yield* bucket.put(file, size, files.stream(join(folder, file)))
    if (!Option.contains(yield* bucket.sizeOf(file), size)) return yield* new BucketFailed({ operation: "head", cause: "the object has another size than the file" })
    yield* store.keep(written({ ...row, place: "bucket", duration: PartFiles.durationOf(file, size) }))
    yield* store.settled(call_sid)
    const stored = (yield* rows.ofCall(call_sid)).find((other) => other.part === part)
    // Without the row, the call was erased meanwhile.
    if (stored?.file !== file) yield* bucket.remove(file)
    else if (stored.place !== "bucket") return yield* new BucketFailed({ operation: "put", cause: "the database has not stored the new place" })
    yield* PartFiles.remove(folder, file)
  })

  const logFailure = ({ call_sid: callSid }: Row, why: string) =>
    failureLog.tell("upload", Effect.annotateLogs(Effect.logWarning(`A recording could not be moved to the bucket. The service tries again. ${why}`), { callSid }))

  const attempt = (row: Row) =>
    oneAtATime.withPermits(1)(send(row)).pipe(
      Effect.onExit((exit) => Exit.hasInterrupts(exit) ? Effect.void : Metric.update(Metrics.recordingUploads(Exit.isSuccess(exit) ? "done" : "failed"), 1)),
      Effect.tapError(({ message }) => logFailure(row, message))
    )

  const move = (row: Row) => Effect.ignore(Effect.retry(attempt(row), retrySchedule))

  return {
    begin: (row) => Effect.asVoid(FiberMap.run(running, row.file, move(row), { onlyIfMissing: true })),
    stop: (callSid) =>
      Effect.suspend(() => {
        const names = Array.from(running, ([file]) => file).filter((file) => PartFiles.partOf(file)?.callSid === callSid)
        return Effect.forEach(names, (file) => FiberMap.remove(running, file), { discard: true })
      })
  }
})

