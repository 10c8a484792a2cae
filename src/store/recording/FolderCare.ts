/**
 * Looks after the recordings: finishes the files of processes that died, and deletes old ones.
 *
 * Other processes may write to the same folder. So if the store is shared, a part counts as left when nobody has written to it for a
 * minute. Every process may do all of this: doing it twice does no harm.
 */
import { Clock, Duration, Effect, Option } from "effect"
import type { CallStore, StoreUnreachable } from "../CallStore.ts"
import type { BlockOpener } from "../encryption/Sealing.ts"
import * as PartFiles from "./PartFiles.ts"
import type { Bucket } from "./RecordingBucket.ts"
import { expiredAtOnce, type RecordingRows, written } from "./RecordingRows.ts"
import type { Uploads } from "./Uploads.ts"

const leftAfterMillis = 60_000

/** When the second look comes. By then, a part counts as left even if its process died just before this one's start. */
const secondLookAfter = Duration.seconds(90)

const lookEvery = Duration.hours(1)

interface Options {
  readonly folder: string
  readonly kept: Duration.Duration
  readonly bucket: Option.Option<Bucket>
  readonly uploads: Uploads | undefined
  readonly rows: RecordingRows
  readonly sealing: BlockOpener
  readonly store: Pick<CallStore["Service"], "write" | "isShared">
  /** Whether this process writes to the file now. */
  readonly isOpen: (file: string) => boolean
}

/** Parts whose process has died are repaired, get their duration, and go to the bucket. */
const finishLeft = Effect.fnUntraced(function*({ folder, isOpen, rows, sealing, store, uploads }: Options, now: number) {
  const found = new Map((yield* PartFiles.list(folder)).map((part) => [part.file, part]))
  if (found.size === 0) return
  for (const row of yield* rows.inFolder({ unfinished: uploads === undefined })) {
    const part = found.get(row.file)
    if (part === undefined || isOpen(row.file) || (store.isShared && now - part.writtenAt < leftAfterMillis)) continue
    const finished = { ...row, duration: row.duration ?? (yield* PartFiles.repair(folder, part, sealing)) }
    if (row.duration === null) store.write(written(finished))
    if (uploads !== undefined) yield* uploads.begin(finished)
  }
})

const deleteOld = Effect.fnUntraced(function*({ bucket, folder, isOpen, kept, rows }: Options, now: number) {
  const before = now - Duration.toMillis(kept)
  for (const { file, writtenAt } of yield* PartFiles.list(folder)) {
    if (writtenAt < before && !isOpen(file)) yield* PartFiles.remove(folder, file)
  }
  yield* rows.forgetExpiredInFolder(before)
  if (Option.isNone(bucket)) return
  while (true) {
    const expired = yield* rows.expiredInBucket(before)
    for (const row of expired) yield* Effect.andThen(bucket.value.remove(row.file), rows.forget(row))
    if (expired.length < expiredAtOnce) return
  }
})

/** Does all of it once. What can't be done now is done the next time. */
const look = (options: Options): Effect.Effect<void> =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const told = <E extends { readonly message: string }>(effect: Effect.Effect<void, E | StoreUnreachable>) =>
      Effect.catch(effect, ({ message }) => Effect.logWarning(`The folder or the bucket of recordings could not be looked after; it is tried again. ${message}`))
    yield* told(deleteOld(options, now))
    yield* told(finishLeft(options, now))
  })

export const run = (options: Options): Effect.Effect<never> =>
  look(options).pipe(
    Effect.andThen(Effect.sleep(secondLookAfter)),
    Effect.andThen(Effect.forever(Effect.andThen(look(options), Effect.sleep(lookEvery))))
  )
