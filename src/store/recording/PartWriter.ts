/**
 * Writes the sound of one media stream to its file: here as a WAV file, in `SealedPartWriter` as a sealed one.
 *
 * Positions are explicit, so the next write overwrites what a failed one left.
 */
import type { FileHandle } from "node:fs/promises"
import * as MulawWav from "./MulawWav.ts"

/** A file that is written at explicit positions. */
export interface WritableFile {
  readonly write: (bytes: Uint8Array, offset: number, length: number, position: number) => Promise<{ readonly bytesWritten: number }>
  readonly truncate: (length: number) => Promise<void>
}

export interface PartWriter {
  /** Bytes of sound in the file. */
  readonly size: () => number
  /** Adds sound. If a piece fails, none of them is added. */
  readonly append: (pieces: Iterable<Uint8Array>) => Promise<void>
  /** Cuts off what a failed write has left behind the sound, and completes the head. */
  readonly finish: () => Promise<void>
}

export const writeAll = async (file: WritableFile, bytes: Uint8Array, position: number): Promise<void> => {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten
  }
}

/** How many bytes of sound the head may lack: ten seconds. */
const headEveryBytes = 10_000 * MulawWav.bytesPerMilli

export const wav = (file: WritableFile): PartWriter => {
  let size = 0
  let sizeInHead = -1

  const appendPiece = async (sound: Uint8Array): Promise<void> => {
    const after = size + sound.length
    if (after > MulawWav.maxSize) return
    await writeAll(file, sound, MulawWav.headerBytes + size)
    if (sizeInHead < 0 || after - sizeInHead >= headEveryBytes) {
      await writeAll(file, MulawWav.header(after), 0)
      sizeInHead = after
    }
    size = after
  }

  return {
    size: () => size,
    append: async (pieces) => {
      const before = size
      try {
        for (const piece of pieces) await appendPiece(piece)
      } catch (cause) {
        size = before
        throw cause
      }
    },
    finish: async () => {
      await file.truncate(MulawWav.headerBytes + size)
      await writeAll(file, MulawWav.header(size), 0)
    }
  }
}

/** Corrects the head of a file of `bytes` bytes. Gives the bytes of its sound. */
export const repairWav = async (handle: FileHandle, bytes: number): Promise<number> => {
  const size = Math.max(0, bytes - MulawWav.headerBytes)
  const head = new Uint8Array(MulawWav.headerBytes)
  await handle.read(head, 0, head.length, 0)
  const right = MulawWav.header(size & ~1)
  if (head.some((byte, at) => byte !== right[at])) await writeAll(handle, right, 0)
  return size
}
