/**
 * Implements `CallRecordings` with a folder and, if a bucket is set, with the bucket.
 */
import { Clock, Data, Duration, Effect, FileSystem, Layer, Option, Path, Stream } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import type { CallSid } from "../../domain/Sid.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import { CallStore } from "../CallStore.ts"
import * as TakeoverNumbers from "../TakeoverNumbers.ts"
import { Database } from "../Database.ts"
import { Sealing } from "../encryption/Sealing.ts"
import { CallRecordings, type Part, RecordingUnreachable } from "./CallRecordings.ts"
import * as MulawWav from "./MulawWav.ts"
import * as PartFiles from "./PartFiles.ts"
import { RecordingBucket } from "./RecordingBucket.ts"
import * as RecordingMaintenance from "./RecordingMaintenance.ts"
import * as RecordingReader from "./RecordingReader.ts"
import * as RecordingRows from "./RecordingRows.ts"
import * as SealedFormat from "./SealedFormat.ts"
import * as Uploads from "./Uploads.ts"

class NotRenumbered extends Data.TaggedError("NotRenumbered")<{ readonly file: string; readonly why: string }> {
  override get message() {
    return `The bucket has other sound under the name ${this.file}, and the file can't get another name: ${this.why}.`
  }
}

interface RenumberOptions {
  readonly folder: string
  readonly reader: Pick<ReturnType<typeof RecordingReader.make>, "inFolder">
  readonly sealing: Sealing["Service"]
  readonly store: Pick<CallStore["Service"], "save">
}

/**
 * Gives a finished part of the folder another number, because the bucket has sound of another process under its number. Returns its new row.
 *
 * The sound is copied into a new file and not renamed: the blocks of a sealed file open only under its name. The old file is removed once
 * the store has the new row.
 */
const renumber = Effect.fnUntraced(function*({ folder, reader, sealing: { sealer }, store }: RenumberOptions, row: RecordingRows.Row) {
  const { call_sid: callSid, file } = row
  const found = yield* reader.inFolder(row)
  if (found === undefined) return yield* new NotRenumbered({ file, why: "it is gone" })
  if (sealer === undefined && SealedFormat.isSealed(file)) return yield* new NotRenumbered({ file, why: "STORE_ENCRYPTION_KEYS has no key to seal it with" })
  const sound = yield* found.read(0, found.size)
  const part = TakeoverNumbers.partAt(yield* Clock.currentTimeMillis)
  const orRemove = <A, E>(copy: string, effect: Effect.Effect<A, E>) => Effect.onError(effect, () => Effect.ignore(PartFiles.remove(folder, copy)))
  const copy = yield* Effect.scoped(Effect.gen(function*() {
    const copy = yield* PartFiles.create(folder, sealer, { callSid, part }, () => Effect.void)
    yield* orRemove(copy.file, Stream.runForEach(sound, copy.append))
    return copy
  }))
  const renumbered: RecordingRows.Row = { ...row, file: copy.file, part: copy.part, duration: found.size / MulawWav.bytesPerMilli }
  yield* orRemove(copy.file, store.save(RecordingRows.toWrite(renumbered)))
  yield* PartFiles.remove(folder, file)
  return renumbered
})

const make = Effect.gen(function*() {
  const { dataDir, recording, store: { retention } } = yield* AppConfig
  const path = yield* Path.Path
  const files = yield* FileSystem.FileSystem
  const store = yield* CallStore
  const rows = RecordingRows.make(yield* Database)
  const bucket = yield* RecordingBucket
  const sealing = yield* Sealing
  const failureLog = yield* SampledLog.make
  const folder = Option.getOrElse(recording.dir, () => path.join(dataDir, "recordings"))
  const reader = RecordingReader.make({ folder, bucket, rows, sealing, failureLog, files })
  const uploads = Option.isNone(bucket) ? undefined : yield* Uploads.make({ folder, bucket: bucket.value, rows, store, files, renumber: (row) => renumber({ folder, reader, sealing, store }, row) })
  /** Files that this process writes to now. */
  const open = new Set<string>()
  const isOpen = (file: string) => open.has(file)

  const begin = Effect.fnUntraced(function*({ callSid, part, startedAt }: Part) {
    const rowOf = ({ file, part }: { readonly file: string; readonly part: number }, duration: number | null): RecordingRows.Row =>
      ({ call_sid: callSid, part, started_at: startedAt, duration, file, place: "folder" })
    const partFile = yield* PartFiles.create(folder, sealing.sealer, { callSid, part }, (closed) =>
      Effect.suspend(() => {
        open.delete(closed.file)
        const row = rowOf(closed, closed.size / MulawWav.bytesPerMilli)
        store.write(RecordingRows.toWrite(row))
        return uploads === undefined ? Effect.void : uploads.begin(row)
      }))
    open.add(partFile.file)
    store.write(RecordingRows.toWrite(rowOf(partFile, null)))
    return partFile
  })

  const erase = Effect.fnUntraced(function*(callSid: CallSid) {
    if (uploads !== undefined) yield* uploads.stop(callSid)
    for (const found of yield* PartFiles.list(folder)) {
      if (found.callSid === callSid) yield* PartFiles.remove(folder, found.file)
    }
    if (Option.isNone(bucket)) return
    // The file names are listed from the bucket, because the database may not have them any more.
    for (const file of yield* bucket.value.list(callSid)) yield* bucket.value.remove(file)
  }, Effect.mapError((cause) => new RecordingUnreachable({ cause })))

  // A recording is deleted at the latest with the call's figures. Without the call's rows the database does not know where the recording is.
  const keepFor = Duration.min(recording.keptFor, Duration.days(retention.figuresDays))
  yield* Effect.forkScoped(RecordingMaintenance.run({ folder, keepFor, bucket, uploads, rows, sealing, store, isOpen }))

  return CallRecordings.of({ begin, find: reader.find, erase })
})

export const layer = Layer.effect(CallRecordings, make).pipe(Layer.provide([RecordingBucket.layer, Sealing.layer]))
