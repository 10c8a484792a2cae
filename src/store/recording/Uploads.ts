/**
 * Moves finished parts from the folder to the bucket, one after the other. A part stays in the folder until the bucket has all of it and
 * the database knows that. While the bucket refuses the part, the move is tried again, less and less often.
 *
 * No object is replaced. If the bucket has an object of the part's name already, the bytes are compared. If they are equal, an earlier upload
 * wrote the object. If they differ, another process that also had the call wrote it, and this part gets a new number.
 */
import { Effect, Exit, FiberMap, type FileSystem, Metric, Option, Schedule, type Scope, Semaphore, Stream } from "effect"
import { createHash } from "node:crypto"
import { join } from "node:path"
import type { CallSid } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import type { CallStore } from "../CallStore.ts"
import * as PartFiles from "./PartFiles.ts"
import { type Bucket, BucketFailed } from "./RecordingBucket.ts"
import { type RecordingRows, type Row, toWrite } from "./RecordingRows.ts"

/** Waits one second, then twice as long each time, up to five minutes. */
const retrySchedule = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("5 minutes")]).pipe(Schedule.jittered)

export interface Uploads {
  /** Begins to move a part, unless its move has begun already. */
  readonly begin: (row: Row) => Effect.Effect<void>
  /** Stops the moves of this call's parts. */
  readonly stop: (callSid: CallSid) => Effect.Effect<void>
}

const hashOf = <E>(bytes: Stream.Stream<Uint8Array, E>): Effect.Effect<string, E> =>
  Effect.suspend(() => {
    const hash = createHash("sha256")
    return Effect.map(Stream.runForEach(bytes, (piece) => Effect.sync(() => void hash.update(piece))), () => hash.digest("hex"))
  })

export const make = Effect.fnUntraced(function*(options: {
  readonly folder: string
  readonly bucket: Bucket
  readonly rows: RecordingRows
  readonly store: Pick<CallStore["Service"], "save" | "whenSettled">
  readonly files: FileSystem.FileSystem
  /** Gives a part of the folder a number of its own, and returns its new row. The file of the old number is removed. */
  readonly renumber: (row: Row) => Effect.Effect<Row, { readonly message: string }>
}): Effect.fn.Return<Uploads, never, Scope.Scope> {
  const { bucket, files, folder, renumber, rows, store } = options
  const running = yield* FiberMap.make<string>()
  const oneAtATime = yield* Semaphore.make(1)
  const failureLog = yield* SampledLog.make

  /** Whether the bucket's object has the bytes of the folder's file. */
  const isSame = Effect.fnUntraced(function*(file: string, size: number) {
    if (!Option.contains(yield* bucket.sizeOf(file), size)) return false
    const [here, there] = yield* Effect.all([hashOf(files.stream(join(folder, file))), hashOf(bucket.get(file, 0, size))])
    return here === there
  })

  /** Moves a part to the bucket. If another part has its name there, the part gets another number. Returns its new row then. */
  const send = Effect.fnUntraced(function*(row: Row) {
    const { call_sid, file, part } = row
    const size = yield* PartFiles.sizeOf(folder, file)
    if (size === undefined) return undefined
    const result = yield* bucket.put(file, size, files.stream(join(folder, file)))
    if (result === "exists") {
      if (!(yield* isSame(file, size))) return yield* renumber(row)
    } else if (!Option.contains(yield* bucket.sizeOf(file), size)) return yield* new BucketFailed({ operation: "head", cause: "it has another size" })
    yield* store.save(toWrite({ ...row, place: "bucket", duration: PartFiles.durationOf(file, size) }))
    yield* store.whenSettled(call_sid)
    const stored = (yield* rows.ofCall(call_sid)).find((other) => other.part === part)
    // If the row is gone, the call was erased meanwhile.
    if (stored?.file !== file) yield* bucket.remove(file)
    else if (stored.place !== "bucket") return yield* new BucketFailed({ operation: "put", cause: "the database has not stored the new place" })
    yield* PartFiles.remove(folder, file)
    return undefined
  })

  const logFailure = ({ call_sid: callSid }: Row, why: string) =>
    failureLog.write("upload", Effect.annotateLogs(Effect.logWarning(`A recording could not be moved to the bucket. The service tries again. ${why}`), { callSid }))

  const attempt = (row: Row) =>
    oneAtATime.withPermits(1)(send(row)).pipe(
      Effect.onExit((exit) => Exit.hasInterrupts(exit) ? Effect.void : Metric.update(Metrics.recordingUploads(Exit.isSuccess(exit) ? "done" : "failed"), 1)),
      Effect.tapError(({ message }) => logFailure(row, message))
    )

  const begin = (row: Row): Effect.Effect<void> => Effect.asVoid(FiberMap.run(running, row.file, move(row), { onlyIfMissing: true }))

  const move = (row: Row) =>
    Effect.retry(attempt(row), retrySchedule).pipe(
      Effect.flatMap((renumbered) => renumbered === undefined ? Effect.void : begin(renumbered)),
      Effect.ignore
    )

  return {
    begin,
    stop: (callSid) =>
      Effect.suspend(() => {
        const names = Array.from(running, ([file]) => file).filter((file) => PartFiles.partOf(file)?.callSid === callSid)
        return Effect.forEach(names, (file) => FiberMap.remove(running, file), { discard: true })
      })
  }
})

