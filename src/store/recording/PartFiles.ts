/**
 * The folder of recordings: a WAV file for each media stream of a call, named by the call and the stream's number.
 *
 * A file can be played at any time, even after a crash: its head is rewritten every ten seconds, with the length of the sound so far.
 * It uses `node:fs`, because Effect's `FileSystem` has no flags for "only if it is new" and "do not follow a link".
 */
import { Effect, type Scope } from "effect"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import { join } from "node:path"
import { attempt, type FileUnwritable, makeFolders, O_NOFOLLOW } from "../../config/Files.ts"
import { CallSid } from "../../domain/Sid.ts"
import type { PartFile } from "./CallRecordings.ts"
import * as MulawWav from "./MulawWav.ts"

/** How many bytes of sound the head may lack: ten seconds. */
const headEveryBytes = 10_000 * MulawWav.bytesPerMilli

/** If a part of a call was recorded twice, the later files have another number at the end. */
const pattern = /^(CA[0-9a-f]{32})-(\d{1,5})(?:-\d+)?\.wav$/

const nameOf = (callSid: CallSid, part: number, copy: number): string => `${callSid}-${part}${copy === 0 ? "" : `-${copy}`}.wav`

const maxCopies = 100

/** The call and the part of a file; `undefined`: it is not a recording. */
export const partOf = (file: string): { readonly callSid: CallSid; readonly part: number } | undefined => {
  const match = pattern.exec(file)
  return match === null ? undefined : { callSid: CallSid.make(match[1]), part: Number(match[2]) }
}

/** ms of sound in a file of so many bytes. */
export const durationOf = (bytes: number): number => Math.max(0, bytes - MulawWav.headerBytes) / MulawWav.bytesPerMilli

const writeAll = async (handle: fs.FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  for (let written = 0; written < bytes.length;) {
    written += (await handle.write(bytes, written, bytes.length - written, position + written)).bytesWritten
  }
}

const openNew = async (folder: string, callSid: CallSid, part: number): Promise<readonly [file: string, handle: fs.FileHandle]> => {
  await makeFolders(folder)
  for (let copy = 0;; copy++) {
    const file = nameOf(callSid, part, copy)
    try {
      const handle = await fs.open(join(folder, file), constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | O_NOFOLLOW, 0o600)
      await handle.chmod(0o600)
      return [file, handle]
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST" || copy >= maxCopies) throw cause
    }
  }
}

interface GrowingPart extends PartFile {
  readonly file: string
}

/** Creates a file. `onClosed` runs once all of it is on the disk. */
export const create = (
  folder: string,
  { callSid, part }: { readonly callSid: CallSid; readonly part: number },
  onClosed: (part: { readonly file: string; readonly size: number }) => Effect.Effect<void>
): Effect.Effect<GrowingPart, FileUnwritable, Scope.Scope> =>
  Effect.gen(function*() {
    let size = 0
    let sizeInHead = -1
    const close = ([file, handle]: readonly [string, fs.FileHandle]) =>
      attempt(file, async () => {
        try {
          // Cuts off the bytes that a failed write has left behind the sound.
          await handle.truncate(MulawWav.headerBytes + size)
          await writeAll(handle, MulawWav.header(size), 0)
          await handle.datasync()
        } finally {
          await handle.close()
        }
      }).pipe(Effect.ignore, Effect.andThen(onClosed({ file, size })))
    const [file, handle] = yield* Effect.acquireRelease(
      attempt(join(folder, nameOf(callSid, part, 0)), () => openNew(folder, callSid, part)),
      close
    )

    /** Writes the sound and, when it is time, the head. Positions are explicit, so the next write overwrites what a failed one left. */
    const appendSound = async (sound: Uint8Array): Promise<void> => {
      const after = size + sound.length
      if (after > MulawWav.maxSize) return
      await writeAll(handle, sound, MulawWav.headerBytes + size)
      if (sizeInHead < 0 || after - sizeInHead >= headEveryBytes) {
        await writeAll(handle, MulawWav.header(after), 0)
        sizeInHead = after
      }
      size = after
    }
    const appendSilence = async (bytes: number): Promise<void> => {
      const before = size
      try {
        for (let left = bytes; left > 0; left -= MulawWav.silentPiece.length) await appendSound(MulawWav.silentPiece.subarray(0, left))
      } catch (cause) {
        size = before
        throw cause
      }
    }

    return {
      file,
      append: (sound) => attempt(join(folder, file), () => sound instanceof Uint8Array ? appendSound(sound) : appendSilence(sound.silentBytes))
    }
  })

interface Found {
  readonly file: string
  readonly callSid: CallSid
  readonly part: number
  /** Bytes of the file, head included. */
  readonly bytes: number
  /** ms since 1970. */
  readonly writtenAt: number
}

/** All recordings of the folder; none if it can't be read. */
export const list = (folder: string): Effect.Effect<ReadonlyArray<Found>> =>
  Effect.promise(async () => {
    const found: Array<Found> = []
    for (const file of await fs.readdir(folder).catch(() => [])) {
      const part = partOf(file)
      const stats = part === undefined ? undefined : await fs.lstat(join(folder, file)).catch(() => undefined)
      if (part !== undefined && stats?.isFile() === true) found.push({ file, ...part, bytes: stats.size, writtenAt: stats.mtimeMs })
    }
    return found
  })

/** Bytes of a file with its head; `undefined`: it is not there. */
export const sizeOf = (folder: string, file: string): Effect.Effect<number | undefined> =>
  Effect.promise(() => fs.stat(join(folder, file)).then(({ size }) => size, () => undefined))

/** Corrects the head, so that it has the length of all the sound that a crash has left. The time of the last write stays. */
export const repair = (folder: string, { bytes, file, writtenAt }: Found): Effect.Effect<void, FileUnwritable> =>
  attempt(join(folder, file), async () => {
    const handle = await fs.open(join(folder, file), constants.O_RDWR | O_NOFOLLOW)
    try {
      const size = Math.max(0, bytes - MulawWav.headerBytes) & ~1
      const head = new Uint8Array(MulawWav.headerBytes)
      await handle.read(head, 0, head.length, 0)
      const right = MulawWav.header(size)
      if (head.every((byte, at) => byte === right[at])) return
      await writeAll(handle, right, 0)
      await handle.utimes(writtenAt / 1000, writtenAt / 1000)
    } finally {
      await handle.close()
    }
  })

export const remove = (folder: string, file: string): Effect.Effect<void, FileUnwritable> =>
  attempt(join(folder, file), () => fs.rm(join(folder, file), { force: true }))
