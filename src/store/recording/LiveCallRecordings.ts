/**
 * Recordings in a folder and, where one is set, in a bucket.
 */
import { Effect, FileSystem, Layer, Option, Path } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import type { CallSid } from "../../domain/Sid.ts"
import { CallStore } from "../CallStore.ts"
import { Database } from "../Database.ts"
import { CallRecordings, type Part, RecordingNotErased } from "./CallRecordings.ts"
import * as FolderCare from "./FolderCare.ts"
import * as MulawWav from "./MulawWav.ts"
import * as PartFiles from "./PartFiles.ts"
import { RecordingBucket } from "./RecordingBucket.ts"
import * as RecordingReader from "./RecordingReader.ts"
import * as RecordingRows from "./RecordingRows.ts"
import * as Uploads from "./Uploads.ts"

const make = Effect.gen(function*() {
  const { dataDir, recording } = yield* AppConfig
  const path = yield* Path.Path
  const files = yield* FileSystem.FileSystem
  const store = yield* CallStore
  const rows = RecordingRows.make(yield* Database)
  const bucket = yield* RecordingBucket
  const folder = Option.getOrElse(recording.dir, () => path.join(dataDir, "recordings"))
  const uploads = Option.isNone(bucket) ? undefined : yield* Uploads.make({ folder, bucket: bucket.value, rows, store, files })
  /** Files that this process writes to now. */
  const open = new Set<string>()
  const isOpen = (file: string) => open.has(file)

  const begin = Effect.fnUntraced(function*({ callSid, part, startedAt }: Part) {
    const rowOf = (file: string, duration: number | null): RecordingRows.Row => ({ call_sid: callSid, part, started_at: startedAt, duration, file, place: "folder" })
    const growing = yield* PartFiles.create(folder, { callSid, part }, ({ file, size }) =>
      Effect.suspend(() => {
        open.delete(file)
        const row = rowOf(file, size / MulawWav.bytesPerMilli)
        store.write(RecordingRows.written(row))
        return uploads === undefined ? Effect.void : uploads.begin(row)
      }))
    open.add(growing.file)
    store.write(RecordingRows.written(rowOf(growing.file, null)))
    return growing
  })

  const erase = Effect.fnUntraced(function*(callSid: CallSid) {
    if (uploads !== undefined) yield* uploads.stop(callSid)
    const known = yield* rows.ofCall(callSid)
    const inFolder = (yield* PartFiles.list(folder)).filter((found) => found.callSid === callSid)
    const names = new Set([...known, ...inFolder].map(({ file }) => file))
    for (const file of names) {
      const notErased = (cause: unknown) => new RecordingNotErased({ file, cause })
      yield* Effect.mapError(PartFiles.remove(folder, file), notErased)
      if (Option.isSome(bucket)) yield* Effect.mapError(bucket.value.remove(file), notErased)
    }
  })

  yield* Effect.forkScoped(FolderCare.run({ folder, kept: recording.kept, bucket, uploads, rows, store, isOpen }))

  return CallRecordings.of({ begin, find: RecordingReader.make({ folder, bucket, rows, files, isOpen }), erase })
})

export const layerNoDeps = Layer.effect(CallRecordings, make)

export const layer = layerNoDeps.pipe(Layer.provide(RecordingBucket.layer))
