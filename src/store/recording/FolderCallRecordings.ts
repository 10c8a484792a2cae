/**
 * Recordings in a folder and, if one is set, in a bucket.
 */
import { Duration, Effect, FileSystem, Layer, Option, Path } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import type { CallSid } from "../../domain/Sid.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import { CallStore } from "../CallStore.ts"
import { Database } from "../Database.ts"
import { Sealing } from "../encryption/Sealing.ts"
import { CallRecordings, type Part, RecordingUnreachable } from "./CallRecordings.ts"
import * as FolderCare from "./FolderCare.ts"
import * as MulawWav from "./MulawWav.ts"
import * as PartFiles from "./PartFiles.ts"
import { RecordingBucket } from "./RecordingBucket.ts"
import * as RecordingReader from "./RecordingReader.ts"
import * as RecordingRows from "./RecordingRows.ts"
import * as RenumberedPart from "./RenumberedPart.ts"
import * as Uploads from "./Uploads.ts"

const make = Effect.gen(function*() {
  const { dataDir, recording, store: { retention } } = yield* AppConfig
  const path = yield* Path.Path
  const files = yield* FileSystem.FileSystem
  const store = yield* CallStore
  const rows = RecordingRows.make(yield* Database)
  const bucket = yield* RecordingBucket
  const sealing = yield* Sealing
  const complaints = yield* SampledLog.make
  const folder = Option.getOrElse(recording.dir, () => path.join(dataDir, "recordings"))
  const reader = RecordingReader.make({ folder, bucket, rows, sealing, complaints, files })
  const renumber = (row: RecordingRows.Row) =>
    Effect.tap(RenumberedPart.make({ folder, reader, sealing }, row), (renumbered) => Effect.sync(() => store.write(RecordingRows.written(renumbered))))
  const uploads = Option.isNone(bucket) ? undefined : yield* Uploads.make({ folder, bucket: bucket.value, rows, store, files, renumber })
  /** Files that this process writes to now. */
  const open = new Set<string>()
  const isOpen = (file: string) => open.has(file)

  const begin = Effect.fnUntraced(function*({ callSid, part, startedAt }: Part) {
    const rowOf = ({ file, part }: { readonly file: string; readonly part: number }, duration: number | null): RecordingRows.Row =>
      ({ call_sid: callSid, part, started_at: startedAt, duration, file, place: "folder" })
    const growing = yield* PartFiles.create(folder, sealing.sealer, { callSid, part }, (closed) =>
      Effect.suspend(() => {
        open.delete(closed.file)
        const row = rowOf(closed, closed.size / MulawWav.bytesPerMilli)
        store.write(RecordingRows.written(row))
        return uploads === undefined ? Effect.void : uploads.begin(row)
      }))
    open.add(growing.file)
    store.write(RecordingRows.written(rowOf(growing, null)))
    return growing
  })

  const erase = Effect.fnUntraced(function*(callSid: CallSid) {
    if (uploads !== undefined) yield* uploads.stop(callSid)
    for (const found of yield* PartFiles.list(folder)) {
      if (found.callSid === callSid) yield* PartFiles.remove(folder, found.file)
    }
    if (Option.isNone(bucket)) return
    // The names come from the bucket, because the database may not have them any more.
    for (const file of yield* bucket.value.list(callSid)) yield* bucket.value.remove(file)
  }, Effect.mapError((cause) => new RecordingUnreachable({ cause })))

  // A recording is not kept longer than its call's figures: the database would not know where it is.
  const kept = Duration.min(recording.kept, Duration.days(retention.figuresDays))
  yield* Effect.forkScoped(FolderCare.run({ folder, kept, bucket, uploads, rows, sealing, store, isOpen }))

  return CallRecordings.of({ begin, find: reader.find, erase })
})

export const layer = Layer.effect(CallRecordings, make).pipe(Layer.provide([RecordingBucket.layer, Sealing.layer]))
