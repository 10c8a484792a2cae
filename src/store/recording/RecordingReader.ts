/**
 * Finds the parts of a call's recording in the folder and in the bucket, and joins them. If a part is missing in both, there is silence at
 * its time. The other parts keep their times.
 */
import { Effect, type FileSystem, Option, type PlatformError, Stream } from "effect"
import { join } from "node:path"
import type { CallSid } from "../../domain/Sid.ts"
import type * as SampledLog from "../../observability/SampledLog.ts"
import type { BlockOpener, Unopenable } from "../encryption/Sealing.ts"
import { type Recording, RecordingUnreachable } from "./CallRecordings.ts"
import * as JoinedParts from "./JoinedParts.ts"
import * as MulawWav from "./MulawWav.ts"
import * as PartFiles from "./PartFiles.ts"
import type { Bucket, BucketFailed } from "./RecordingBucket.ts"
import type { RecordingRows, Row } from "./RecordingRows.ts"
import * as SealedFormat from "./SealedFormat.ts"
import type { HeaderUnknown } from "./SealedFormat.ts"
import * as SealedSound from "./SealedSound.ts"

const unreachable = (cause: unknown) => new RecordingUnreachable({ cause })

const unopenable = (error: HeaderUnknown | Unopenable) => new RecordingUnreachable({ cause: error, whyNotOpened: error.message })

type Sound = JoinedParts.SoundOfPart<RecordingUnreachable>

type ReadFile<E> = (from: number, to: number) => Stream.Stream<Uint8Array, E>

export const make = (options: {
  readonly folder: string
  readonly bucket: Option.Option<Bucket>
  readonly rows: Pick<RecordingRows, "ofCall">
  readonly sealing: BlockOpener
  readonly failureLog: SampledLog.SampledLog
  readonly files: FileSystem.FileSystem
}) => {
  const { bucket, failureLog, files, folder, rows, sealing } = options

  const logDamaged = ({ call_sid: callSid, file }: Row) => ({ message }: Unopenable) =>
    failureLog.tell("damaged", Effect.annotateLogs(Effect.logWarning(`A part of a recording can't be opened; it is silence. ${message}`), { callSid, file }))

  /** Opens the sound of a file. `size`: bytes of sound. `read` reads bytes of the file. Returns a function that reads bytes of the sound. */
  const open = <E>(row: Row, size: number, read: ReadFile<E>): Effect.Effect<ReadFile<E>, E | HeaderUnknown | Unopenable> => {
    if (!SealedFormat.isSealed(row.file)) return Effect.succeed((from, to) => read(MulawWav.headerBytes + from, MulawWav.headerBytes + to))
    if (size === 0) return Effect.succeed(() => Stream.empty)
    return SealedSound.open(sealing, { name: row.file, size, read, isGrowing: row.duration === null && row.place === "folder" }, logDamaged(row))
  }

  /** The sound of a file. If the file is gone when the sound is opened, `readElsewhere` reads the sound from another place. */
  const soundOf = <E extends BucketFailed | PlatformError.PlatformError>(
    row: Row,
    size: number,
    read: ReadFile<E>,
    isGone: (error: E) => boolean,
    readElsewhere: Sound["read"]
  ): Sound => ({
    startedAt: row.started_at,
    size,
    read: (from, to) =>
      open(row, size, read).pipe(
        Effect.map((sound) => Stream.mapError(sound(from, to), unreachable)),
        Effect.catch((error) =>
          error._tag === "Unopenable" || error._tag === "HeaderUnknown"
            ? Effect.fail(unopenable(error))
            : isGone(error) ? readElsewhere(from, to) : Effect.fail(unreachable(error))
        )
      )
  })

  const inBucket = Effect.fnUntraced(function*(row: Row) {
    if (Option.isNone(bucket)) return undefined
    const { get, sizeOf } = bucket.value
    // For a sealed object, the bucket is always asked for the size. The answer shows whether the object is gone, before its header is read.
    const size = row.place === "bucket" && row.duration !== null && !SealedFormat.isSealed(row.file)
      ? Option.some(row.duration * MulawWav.bytesPerMilli)
      : Option.map(yield* Effect.mapError(sizeOf(row.file), unreachable), (bytes) => PartFiles.soundBytesOf(row.file, bytes))
    return Option.isNone(size) ? undefined : soundOf(row, size.value, (from, to) => get(row.file, from, to), ({ status }) => status === 404, JoinedParts.readSilence)
  })

  const inFolder = Effect.fnUntraced(function*(row: Row) {
    const bytes = yield* PartFiles.sizeOf(folder, row.file)
    if (bytes === undefined) return undefined
    const size = PartFiles.soundBytesOf(row.file, bytes)
    return soundOf(
      row,
      size,
      (from, to) => files.stream(join(folder, row.file), { offset: from, bytesToRead: to - from }),
      ({ reason }) => reason._tag === "NotFound",
      (from, to) => Effect.flatMap(inBucket(row), (found) => (found?.read ?? JoinedParts.readSilence)(from, to))
    )
  })

  /** Searches the folder first, then the bucket, because a part may have been moved to the bucket after its row was read. */
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
      return Option.some({ ...joined, duration: (joined.length - MulawWav.headerBytes) / MulawWav.bytesPerMilli })
    })
}
