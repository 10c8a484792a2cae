/**
 * The folder of recordings: a file for each media stream of a call, named by the call and the stream's number.
 *
 * The file is a WAV file, or a sealed file if there is a key (see `SealedFormat`). A WAV file can be played even after a crash, because its
 * header is rewritten every ten seconds, with the length of the sound so far.
 *
 * The module uses `node:fs`, because Effect's `FileSystem` has no flags for "only if the file is new" and "do not follow a link".
 */
import { Effect, type Scope } from "effect"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import { join } from "node:path"
import { attempt, type FileUnwritable, makeFolders, O_NOFOLLOW } from "../../config/Files.ts"
import { CallSid } from "../../domain/Sid.ts"
import type { BlockOpener, Sealer } from "../encryption/Sealing.ts"
import type { PartFile } from "./CallRecordings.ts"
import * as MulawWav from "./MulawWav.ts"
import * as PartWriter from "./PartWriter.ts"
import * as SealedFormat from "./SealedFormat.ts"
import * as SealedPartWriter from "./SealedPartWriter.ts"

/**
 * Development versions added a second number after the part's number. The pattern matches their files, so that they expire and are erased.
 */
const namePattern = /^(CA[0-9a-f]{32})-(\d{1,5})(?:-\d+)?\.wav(?:\.sealed)?$/

const nameOf = (callSid: CallSid, part: number, isSealed: boolean): string => {
  const wavFile = `${callSid}-${part}.wav`
  return isSealed ? SealedFormat.nameOf(wavFile) : wavFile
}

/** How many numbers are tried for a new file. */
const maxTries = 100

/** The call and the part in a file's name. `undefined`: the file is not a recording. */
export const partOf = (file: string): { readonly callSid: CallSid; readonly part: number } | undefined => {
  const match = namePattern.exec(file)
  return match === null ? undefined : { callSid: CallSid.make(match[1]), part: Number(match[2]) }
}

/** How many bytes of sound a file of `bytes` bytes has. */
export const soundBytesOf = (file: string, bytes: number): number =>
  SealedFormat.isSealed(file) ? SealedFormat.soundBytes(bytes) : Math.max(0, bytes - MulawWav.headerBytes)

/** How many ms of sound a file of `bytes` bytes has. */
export const durationOf = (file: string, bytes: number): number => soundBytesOf(file, bytes) / MulawWav.bytesPerMilli

interface OpenPart {
  readonly file: string
  readonly part: number
  readonly handle: fs.FileHandle
}

const isTaken = (file: string): Promise<boolean> => fs.lstat(file).then(() => true, () => false)

/** Opens a new file. Its number is the first one from `first` on that has neither a plain nor a sealed file. */
const openNew = async (folder: string, callSid: CallSid, first: number, isSealed: boolean): Promise<OpenPart> => {
  await makeFolders(folder)
  for (let part = first;; part++) {
    const isLast = part >= first + maxTries
    if (!isLast && await isTaken(join(folder, nameOf(callSid, part, !isSealed)))) continue
    const file = nameOf(callSid, part, isSealed)
    try {
      const handle = await fs.open(join(folder, file), constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | O_NOFOLLOW, 0o600)
      await handle.chmod(0o600)
      return { file, part, handle }
    } catch (cause) {
      if (isLast || (cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause
    }
  }
}

interface GrowingPart extends PartFile {
  readonly file: string
  /** The number in the file's name. */
  readonly part: number
}

/**
 * Creates a file, which is sealed if there is a `sealer`. If the number `part` has a file already, the first free number after it is used.
 *
 * @param onClosed runs after the file was finished and closed, and also if that failed; `size`: bytes of sound
 */
export const create = (
  folder: string,
  sealer: Sealer | undefined,
  { callSid, part: first }: { readonly callSid: CallSid; readonly part: number },
  onClosed: (part: { readonly file: string; readonly part: number; readonly size: number }) => Effect.Effect<void>
): Effect.Effect<GrowingPart, FileUnwritable, Scope.Scope> =>
  Effect.gen(function*() {
    const open = attempt(join(folder, nameOf(callSid, first, sealer !== undefined)), async () => {
      const { file, handle, part } = await openNew(folder, callSid, first, sealer !== undefined)
      return { file, part, handle, writer: sealer === undefined ? PartWriter.wav(handle) : SealedPartWriter.make(handle, file, sealer) }
    })
    const { file, part, writer } = yield* Effect.acquireRelease(open, ({ file, handle, part, writer }) =>
      attempt(file, async () => {
        try {
          await writer.finish()
          await handle.datasync()
        } finally {
          await handle.close()
        }
      }).pipe(Effect.ignore, Effect.andThen(Effect.suspend(() => onClosed({ file, part, size: writer.size() })))))

    return {
      file,
      part,
      // Node continues a write when its fiber is interrupted. The file must not be finished before the write has ended.
      append: (sound) =>
        Effect.uninterruptible(attempt(join(folder, file), () => writer.append(sound instanceof Uint8Array ? [sound] : MulawWav.silence(sound.silentBytes))))
    }
  })

interface FoundFile {
  readonly file: string
  readonly callSid: CallSid
  readonly part: number
  /** Bytes of the file, header included. */
  readonly bytes: number
  /** The time of the last write, ms since 1970. */
  readonly writtenAt: number
}

/** All recordings in the folder. Empty if the folder can't be read. */
export const list = (folder: string): Effect.Effect<ReadonlyArray<FoundFile>> =>
  Effect.promise(async () => {
    const found: Array<FoundFile> = []
    for (const file of await fs.readdir(folder).catch(() => [])) {
      const part = partOf(file)
      const stats = part === undefined ? undefined : await fs.lstat(join(folder, file)).catch(() => undefined)
      if (part !== undefined && stats?.isFile() === true) found.push({ file, ...part, bytes: stats.size, writtenAt: stats.mtimeMs })
    }
    return found
  })

/** The size of a file in bytes, header included. `undefined`: there is no such file. */
export const sizeOf = (folder: string, file: string): Effect.Effect<number | undefined> =>
  Effect.promise(() => fs.stat(join(folder, file)).then(({ size }) => size, () => undefined))

/**
 * Repairs a file that a crash has left. The header of a WAV file gets the length of all its sound. A sealed file loses the blocks at its end
 * that can't be opened. Returns the ms of sound. The file keeps the time of its last write.
 */
export const repair = (folder: string, { bytes, file, writtenAt }: FoundFile, sealing: BlockOpener): Effect.Effect<number, FileUnwritable> =>
  attempt(join(folder, file), async () => {
    const handle = await fs.open(join(folder, file), constants.O_RDWR | O_NOFOLLOW)
    try {
      const size = SealedFormat.isSealed(file)
        ? await SealedPartWriter.repair(handle, file, bytes, sealing)
        : await PartWriter.repairWav(handle, bytes)
      await handle.utimes(writtenAt / 1000, writtenAt / 1000)
      return size / MulawWav.bytesPerMilli
    } finally {
      await handle.close()
    }
  })

export const remove = (folder: string, file: string): Effect.Effect<void, FileUnwritable> =>
  attempt(join(folder, file), () => fs.rm(join(folder, file), { force: true }))
