/**
 * Finds the parts of a call's recording, in the folder and in the bucket, and joins them. A part that is nowhere becomes silence; the
 * others keep their times.
 */
import { Effect, type FileSystem, Option, type PlatformError, Stream } from "effect"
import { join } from "node:path"
import type { CallSid } from "../../domain/Sid.ts"
import { type Recording, RecordingUnreachable } from "./CallRecordings.ts"
import * as JoinedParts from "./JoinedParts.ts"
import * as MulawWav from "./MulawWav.ts"
import * as PartFiles from "./PartFiles.ts"
import type { Bucket, BucketFailed } from "./RecordingBucket.ts"
import type { RecordingRows, Row } from "./RecordingRows.ts"

const unreachable = (cause: unknown) => new RecordingUnreachable({ cause })

type Sound = JoinedParts.SoundOfPart<RecordingUnreachable>

export const make = (options: {
  readonly folder: string
  readonly bucket: Option.Option<Bucket>
  readonly rows: Pick<RecordingRows, "ofCall">
  readonly files: FileSystem.FileSystem
}) => {
  const { bucket, files, folder, rows } = options

  /** The sound of a WAV file of `bytes` bytes, which `read` reads. */
  const soundOf = ({ started_at }: Row, bytes: number, read: (from: number, to: number) => Stream.Stream<Uint8Array, BucketFailed | PlatformError.PlatformError>): Sound => ({
    startedAt: started_at,
    size: Math.max(0, bytes - MulawWav.headerBytes),
    read: (from, to) =>
      Stream.mapError(read(MulawWav.headerBytes + from, MulawWav.headerBytes + to), unreachable)
  })

  const inFolder = Effect.fnUntraced(function*(row: Row) {
    const bytes = yield* PartFiles.sizeOf(folder, row.file)
    if (bytes === undefined) return undefined
    return soundOf(row, bytes, (from, to) => files.stream(join(folder, row.file), { offset: from, bytesToRead: to - from }))
  })

  const inBucket = Effect.fnUntraced(function*(row: Row) {
    if (Option.isNone(bucket)) return undefined
    const { get, sizeOf } = bucket.value
    const bytes = row.place === "bucket" && row.duration !== null
      ? Option.some(MulawWav.headerBytes + row.duration * MulawWav.bytesPerMilli)
      : yield* Effect.mapError(sizeOf(row.file), unreachable)
    return Option.isNone(bytes) ? undefined : soundOf(row, bytes.value, (from, to) => get(row.file, from, to))
  })

  /** Looks in the bucket, too: a part may be moved there meanwhile. */
  const find = (row: Row): Effect.Effect<Sound | undefined, RecordingUnreachable> =>
    row.place === "bucket" ? inBucket(row) : Effect.flatMap(inFolder(row), (found) => found === undefined ? inBucket(row) : Effect.succeed(found))

  return (callSid: CallSid): Effect.Effect<Option.Option<Recording>, RecordingUnreachable> =>
    Effect.gen(function*() {
      const parts: Array<Sound> = []
      for (const row of yield* Effect.mapError(rows.ofCall(callSid), unreachable)) {
        const part = yield* find(row)
        if (part !== undefined) parts.push(part)
      }
      if (parts.length === 0) return Option.none()
      const joined = JoinedParts.join(parts)
      return Option.some({ ...joined, duration: PartFiles.durationOf(joined.length) })
    })
}
