/**
 * Writes the sound of one media stream to its file. This module writes a WAV file, and `SealedPartWriter` a sealed file.
 *
 * Each write has an explicit position, so the next write overwrites the bytes that a failed write has left.
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
  /** Adds pieces of sound. If one piece can't be written, no piece is added. */
  readonly append: (pieces: Iterable<Uint8Array>) => Promise<void>
  /** Cuts off the bytes that a failed write has left after the sound, and completes the header. */
  readonly finish: () => Promise<void>
}

export const writeAll = async (file: WritableFile, bytes: Uint8Array, position: number): Promise<void> => {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten
  }
}

/** After this many bytes of sound (ten seconds) the header is written again. */
const headerEveryBytes = 10_000 * MulawWav.bytesPerMilli

export const wav = (file: WritableFile): PartWriter => {
  let size = 0
  let sizeInHeader = -1

  const appendPiece = async (sound: Uint8Array): Promise<void> => {
    const after = size + sound.length
    // The header can't hold a longer size. Further sound is lost.
    if (after > MulawWav.maxSize) return
    await writeAll(file, sound, MulawWav.headerBytes + size)
    if (sizeInHeader < 0 || after - sizeInHeader >= headerEveryBytes) {
      await writeAll(file, MulawWav.header(after), 0)
      sizeInHeader = after
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

/** Corrects the header of a file of `bytes` bytes. Returns how many bytes of sound the file has. */
export const repairWav = async (handle: FileHandle, bytes: number): Promise<number> => {
  const size = Math.max(0, bytes - MulawWav.headerBytes)
  const header = new Uint8Array(MulawWav.headerBytes)
  await handle.read(header, 0, header.length, 0)
  const correct = MulawWav.header(size & ~1)
  if (header.some((byte, at) => byte !== correct[at])) await writeAll(handle, correct, 0)
  return size
}
