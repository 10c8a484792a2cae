/**
 * Moves finished parts from the folder to the bucket, one after the other. A part stays in the folder until the bucket has all of it and
 * the database knows that. While the bucket refuses it, the move is tried again, more and more rarely.
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
const again = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("5 minutes")]).pipe(Schedule.jittered)

export interface Uploads {
  /** Begins to move a part, unless that has begun already. */
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
  const turns = yield* Semaphore.make(1)
  const complaints = yield* SampledLog.make

  const send = Effect.fnUntraced(function*(row: Row) {
    const { call_sid, file, part } = row
    const size = yield* PartFiles.sizeOf(folder, file)
    if (size === undefined) return
    yield* bucket.put(file, size, files.stream(join(folder, file)))
    if (!Option.contains(yield* bucket.sizeOf(file), size)) return yield* new BucketFailed({ operation: "look", cause: "it has another size" })
    yield* store.keep(written({ ...row, place: "bucket", duration: PartFiles.durationOf(file, size) }))
    yield* store.settled(call_sid)
    const known = (yield* rows.ofCall(call_sid)).find((other) => other.part === part)
    // The call was erased meanwhile.
    if (known?.file !== file) yield* bucket.remove(file)
    else if (known.place !== "bucket") return yield* new BucketFailed({ operation: "look", cause: "the database does not know of it" })
    yield* PartFiles.remove(folder, file)
  })

  const tell = ({ call_sid: callSid }: Row, why: string) =>
    complaints.tell("upload", Effect.annotateLogs(Effect.logWarning(`A recording could not be moved to the bucket; it is tried again. ${why}`), { callSid }))

  const attempt = (row: Row) =>
    turns.withPermits(1)(send(row)).pipe(
      Effect.onExit((exit) => Exit.hasInterrupts(exit) ? Effect.void : Metric.update(Metrics.recordingUploads(Exit.isSuccess(exit) ? "done" : "failed"), 1)),
      Effect.tapError(({ message }) => tell(row, message))
    )

  const move = (row: Row) => Effect.ignore(Effect.retry(attempt(row), again))

  return {
    begin: (row) => Effect.asVoid(FiberMap.run(running, row.file, move(row), { onlyIfMissing: true })),
    stop: (callSid) =>
      Effect.suspend(() => {
        const names = Array.from(running, ([file]) => file).filter((file) => PartFiles.partOf(file)?.callSid === callSid)
        return Effect.forEach(names, (file) => FiberMap.remove(running, file), { discard: true })
      })
  }
})

