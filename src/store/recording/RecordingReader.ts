/**
 * Finds the parts of a call's recording, in the folder and in the bucket, and joins them. A part whose file or object is gone is silence of
 * its length, plain or sealed, as long as another part of the call is there.
 */
import { Effect, type FileSystem, Option, type PlatformError, Stream } from "effect"
import { join } from "node:path"
import type { CallSid } from "../../domain/Sid.ts"
import type * as SampledLog from "../../observability/SampledLog.ts"
import type { BlockOpener, Unopenable } from "../encryption/Sealing.ts"
import { type Recording, RecordingGone, RecordingUnreachable } from "./CallRecordings.ts"
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

/** A part of a call's recording. */
interface FoundPart extends JoinedParts.SoundOfPart<RecordingUnreachable> {
  /** Whether its file or its object is there. */
  readonly isThere: Effect.Effect<boolean, RecordingUnreachable>
}

type ReadSound = JoinedParts.ReadSound<RecordingUnreachable>

type ReadFile<E> = (from: number, to: number) => Stream.Stream<Uint8Array, E>

const bytesOfDuration = (duration: number) => duration * MulawWav.bytesPerMilli

/** Stands for the bucket if none is set: it has no objects. */
const noBucket: Pick<Bucket, "get" | "sizeOf"> = { get: () => Stream.empty, sizeOf: () => Effect.succeedNone }

/** Whether none of the parts is there. Looks for one part after the other, until it finds one. */
const areAllGone = (parts: ReadonlyArray<FoundPart>): Effect.Effect<boolean, RecordingUnreachable> =>
  Effect.gen(function*() {
    for (const part of parts) if (yield* part.isThere) return false
    return true
  })

/** Reads the rest elsewhere if the file or object is gone when the stream opens it, which may be long after the answer has begun. */
const orRestElsewhere = <E>(sound: Stream.Stream<Uint8Array, E>, isNotFound: (error: E) => boolean, elsewhere: ReadSound, from: number, to: number) =>
  Stream.suspend(() => {
    let at = from
    return sound.pipe(
      Stream.map((piece) => {
        at += piece.length
        return piece
      }),
      Stream.catch((error) => isNotFound(error) ? Stream.unwrap(elsewhere(at, to)) : Stream.fail(unreachable(error)))
    )
  })

/** Makes the reader of a part from a file or an object with `size` bytes of sound. `elsewhere` reads the part if the file or object is gone. */
const makeSoundOf = (sealing: BlockOpener, failureLog: SampledLog.SampledLog) => {
  const logDamaged = ({ call_sid: callSid, file }: Row) => ({ message }: Unopenable) =>
    failureLog.write("damaged", Effect.annotateLogs(Effect.logWarning(`A part of a recording can't be opened; it is silence. ${message}`), { callSid, file }))

  /** Opens the sound of a file. `size`: bytes of sound. `read` reads bytes of the file. Returns a function that reads bytes of the sound. */
  const open = <E>(row: Row, size: number, read: ReadFile<E>): Effect.Effect<ReadFile<E>, E | HeaderUnknown | Unopenable> => {
    if (!SealedFormat.isSealed(row.file)) return Effect.succeed((from, to) => read(MulawWav.headerBytes + from, MulawWav.headerBytes + to))
    if (size === 0) return Effect.succeed(() => Stream.empty)
    return SealedSound.open(sealing, { name: row.file, size, read, isGrowing: row.duration === null && row.place === "folder" }, logDamaged(row))
  }

  return <E extends BucketFailed | PlatformError.PlatformError>(
    row: Row,
    size: number,
    read: ReadFile<E>,
    isNotFound: (error: E) => boolean,
    elsewhere: ReadSound
  ): ReadSound =>
  (from, to) =>
    open(row, size, read).pipe(
      Effect.map((sound) => orRestElsewhere(sound(from, to), isNotFound, elsewhere, from, to)),
      Effect.catch((error) =>
        error._tag === "Unopenable" || error._tag === "HeaderUnknown"
          ? Effect.fail(unopenable(error))
          : isNotFound(error) ? elsewhere(from, to) : Effect.fail(unreachable(error))
      )
    )
}

export const make = (options: {
  readonly folder: string
  readonly bucket: Option.Option<Bucket>
  readonly rows: Pick<RecordingRows, "ofCall">
  readonly sealing: BlockOpener
  readonly failureLog: SampledLog.SampledLog
  readonly files: FileSystem.FileSystem
}) => {
  const { bucket, failureLog, files, folder, rows, sealing } = options
  const soundOf = makeSoundOf(sealing, failureLog)

  /** Asks the bucket only when the sound is read, or at once if the length of the part is not known. */
  const inBucket = Effect.fnUntraced(function*(row: Row): Effect.fn.Return<FoundPart | undefined, RecordingUnreachable> {
    const { get, sizeOf } = Option.getOrElse(bucket, () => noBucket)
    const sizeInBucket = yield* Effect.cached(
      Effect.map(Effect.mapError(sizeOf(row.file), unreachable), Option.map((bytes) => PartFiles.soundBytesOf(row.file, bytes)))
    )
    const size = row.duration === null ? Option.getOrUndefined(yield* sizeInBucket) : bytesOfDuration(row.duration)
    if (size === undefined) return undefined
    const read = Effect.fnUntraced(function*(from: number, to: number) {
      const end = Math.max(from, Math.min(to, Option.getOrElse(yield* sizeInBucket, () => 0)))
      const sound = from === end
        ? Stream.empty
        : yield* soundOf(row, size, (from, to) => get(row.file, from, to), ({ status }) => status === 404, JoinedParts.readSilence)(from, end)
      return Stream.concat(sound, yield* JoinedParts.readSilence(end, to))
    })
    return { startedAt: row.started_at, size, read, isThere: Effect.map(sizeInBucket, Option.isSome) }
  })

  /** `elsewhere` reads the rest of the part if its file is removed meanwhile. */
  const inFolder = Effect.fnUntraced(function*(row: Row, elsewhere: ReadSound): Effect.fn.Return<FoundPart | undefined, never> {
    const bytes = yield* PartFiles.sizeOf(folder, row.file)
    if (bytes === undefined) return undefined
    const size = PartFiles.soundBytesOf(row.file, bytes)
    const readFile: ReadFile<PlatformError.PlatformError> = (from, to) => files.stream(join(folder, row.file), { offset: from, bytesToRead: to - from })
    return {
      startedAt: row.started_at,
      size,
      read: soundOf(row, size, readFile, ({ reason }) => reason._tag === "NotFound", elsewhere),
      isThere: Effect.succeed(true)
    }
  })

  /** Looks in the bucket, too: a part may be moved there meanwhile. */
  const find = Effect.fnUntraced(function*(row: Row): Effect.fn.Return<FoundPart | undefined, RecordingUnreachable> {
    if (row.place === "bucket") return yield* inBucket(row)
    const readInBucket: ReadSound = (from, to) => Effect.flatMap(inBucket(row), (part) => (part?.read ?? JoinedParts.readSilence)(from, to))
    return (yield* inFolder(row, readInBucket)) ?? (yield* inBucket(row))
  })

  const findAll = (callSid: CallSid): Effect.Effect<Option.Option<Recording>, RecordingUnreachable> =>
    Effect.gen(function*() {
      const parts: Array<FoundPart> = []
      for (const row of yield* Effect.mapError(rows.ofCall(callSid), unreachable)) {
        const part = yield* find(row)
        if (part !== undefined) parts.push(part)
      }
      if (parts.length === 0 || (Option.isNone(bucket) && (yield* areAllGone(parts)))) return Option.none()
      const { length, read } = JoinedParts.join(parts)
      return Option.some({
        length,
        duration: (length - MulawWav.headerBytes) / MulawWav.bytesPerMilli,
        read: Effect.fnUntraced(function*(from: number, to: number) {
          if (yield* areAllGone(parts)) return yield* new RecordingGone()
          return yield* read(from, to)
        })
      })
    })

  return {
    find: findAll,
    /** The sound of a finished part in the folder, and only there. `undefined`: its file is not there. */
    inFolder: (row: Row) => inFolder(row, () => Effect.fail(unreachable("its file is gone")))
  }
}
