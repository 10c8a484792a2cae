/**
 * Maintains the recordings: finishes the files of processes that have died, and deletes old files.
 *
 * Other processes may write to the same folder. So if the store is shared, a part counts as abandoned after a minute without a write. Every
 * process may do all of this work, because doing it twice does no harm.
 */
import { Clock, Duration, Effect, Option } from "effect"
import type { CallStore, StoreUnreachable } from "../CallStore.ts"
import type { BlockOpener } from "../encryption/Sealing.ts"
import * as PartFiles from "./PartFiles.ts"
import type { Bucket } from "./RecordingBucket.ts"
import { maxExpired, type RecordingRows, toWrite } from "./RecordingRows.ts"
import type { Uploads } from "./Uploads.ts"

const abandonedAfterMillis = 60_000

/** The pause before the second round. By then, a part counts as abandoned even if its process died just before this process started. */
const secondRoundAfter = Duration.seconds(90)

const roundInterval = Duration.hours(1)

interface Options {
  readonly folder: string
  /** How long a recording is kept after its last write. */
  readonly keepFor: Duration.Duration
  readonly bucket: Option.Option<Bucket>
  readonly uploads: Uploads | undefined
  readonly rows: RecordingRows
  readonly sealing: BlockOpener
  readonly store: Pick<CallStore["Service"], "write" | "isShared">
  /** Whether this process writes to the file now. */
  readonly isOpen: (file: string) => boolean
}

/** Repairs the parts of processes that have died, stores their duration, and moves them to the bucket. */
const finishAbandoned = Effect.fnUntraced(function*({ folder, isOpen, rows, sealing, store, uploads }: Options, now: number) {
  const found = new Map((yield* PartFiles.list(folder)).map((part) => [part.file, part]))
  if (found.size === 0) return
  // With a bucket, also the finished parts, because their move may have been interrupted.
  for (const row of yield* rows.inFolder({ onlyUnfinished: uploads === undefined })) {
    const part = found.get(row.file)
    if (part === undefined || isOpen(row.file) || (store.isShared && now - part.writtenAt < abandonedAfterMillis)) continue
    const finished = { ...row, duration: row.duration ?? (yield* PartFiles.repair(folder, part, sealing)) }
    if (row.duration === null) store.write(toWrite(finished))
    if (uploads !== undefined) yield* uploads.begin(finished)
  }
})

const deleteOld = Effect.fnUntraced(function*({ bucket, folder, isOpen, keepFor, rows }: Options, now: number) {
  const before = now - Duration.toMillis(keepFor)
  for (const { file, writtenAt } of yield* PartFiles.list(folder)) {
    if (writtenAt < before && !isOpen(file)) yield* PartFiles.remove(folder, file)
  }
  yield* rows.forgetExpiredInFolder(before)
  if (Option.isNone(bucket)) return
  while (true) {
    const expired = yield* rows.expiredInBucket(before)
    for (const row of expired) yield* Effect.andThen(bucket.value.remove(row.file), rows.forget(row))
    if (expired.length < maxExpired) return
  }
})

/** Does all the work once. If some of it fails, the next round tries it again. */
const runRound = (options: Options): Effect.Effect<void> =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const logFailure = <E extends { readonly message: string }>(effect: Effect.Effect<void, E | StoreUnreachable>) =>
      Effect.catch(effect, ({ message }) => Effect.logWarning(`Old recordings could not be deleted, or recordings of ended processes could not be finished. The service tries again. ${message}`))
    yield* logFailure(deleteOld(options, now))
    yield* logFailure(finishAbandoned(options, now))
  })

export const run = (options: Options): Effect.Effect<never> =>
  runRound(options).pipe(
    Effect.andThen(Effect.sleep(secondRoundAfter)),
    Effect.andThen(Effect.forever(Effect.andThen(runRound(options), Effect.sleep(roundInterval))))
  )
