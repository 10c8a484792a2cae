/**
 * Writes sound to a sealed file (see `SealedFormat`). The last block is sealed again, with a new nonce, each time that sound is added to it.
 *
 * The bytes after the file's old end are written first. So if the disk is full, the last block stays as it was. If the process dies while it
 * overwrites the last block, that block may be unreadable. At most one second of sound that was on the disk is then lost.
 */
import { Result } from "effect"
import type { FileHandle } from "node:fs/promises"
import type { BlockOpener, Sealer } from "../encryption/Sealing.ts"
import * as MulawWav from "./MulawWav.ts"
import { type PartWriter, type WritableFile, writeAll } from "./PartWriter.ts"
import * as SealedFormat from "./SealedFormat.ts"

const { blockBytes } = SealedFormat

/** `name`: the file's name without its folder. The blocks are bound to this name. */
export const make = (file: WritableFile, name: string, sealer: Sealer): PartWriter => {
  let size = 0
  /** The sound of the last block while it is not full. */
  let unfinished: Uint8Array = new Uint8Array(0)
  let hasHeader = false
  /** Whether a failed write may have changed the last block. */
  let isOverwritten = false
  /**
   * Whether a failed write may have left bytes after the sound. They must be cut off, because readers compute the length from the file's
   * size.
   */
  let hasExtraBytes = false

  const writeHeader = async (): Promise<void> => {
    if (!hasHeader) await writeAll(file, SealedFormat.header(sealer, name), 0)
    hasHeader = true
  }

  const appendPiece = async (sound: Uint8Array): Promise<void> => {
    // Readers get a WAV file, whose header can't hold a longer size. Further sound is lost.
    if (size + sound.length > MulawWav.maxSize) return
    await writeHeader()
    const plain = Buffer.concat([unfinished, sound])
    const block = Math.floor(size / blockBytes)
    const sealed = SealedFormat.seal(sealer, name, block, plain)
    const position = SealedFormat.positionOf(block)
    /** How many of the bytes overwrite the last block. All other bytes come after the file's end. */
    const overwriting = SealedFormat.fileBytes(size) - position
    await writeAll(file, sealed.subarray(overwriting), position + overwriting)
    isOverwritten = true
    await writeAll(file, sealed.subarray(0, overwriting), position)
    size += sound.length
    unfinished = plain.subarray(plain.length - (size % blockBytes))
  }

  const cutExtraBytes = async (): Promise<void> => {
    if (hasExtraBytes) await file.truncate(SealedFormat.fileBytes(size))
    hasExtraBytes = false
  }

  /** Restores the end of the file after a failed write. */
  const restoreEnd = async (): Promise<void> => {
    await cutExtraBytes()
    if (!isOverwritten) return
    const block = Math.floor(size / blockBytes)
    await writeAll(file, SealedFormat.seal(sealer, name, block, unfinished), SealedFormat.positionOf(block))
    isOverwritten = false
  }

  return {
    size: () => size,
    append: async (pieces) => {
      const before = { size, unfinished }
      try {
        for (const piece of pieces) await appendPiece(piece)
        await cutExtraBytes()
        isOverwritten = false
      } catch (cause) {
        ;({ size, unfinished } = before)
        hasExtraBytes = true
        // Readers of the live call need the last block. If it can't be restored now, the next write overwrites it.
        if (hasHeader) await restoreEnd().catch(() => {})
        throw cause
      }
    },
    finish: async () => {
      await writeHeader()
      await restoreEnd()
    }
  }
}

/**
 * Cuts off the blocks at the end that a crash has left unreadable. Returns how many bytes of sound remain. A file whose header can't be
 * opened stays as it is, because the operator may add its key later.
 */
export const repair = async (handle: FileHandle, file: string, bytes: number, sealing: BlockOpener): Promise<number> => {
  const readAt = async (from: number, to: number): Promise<Uint8Array> => {
    const into = new Uint8Array(to - from)
    const { bytesRead } = await handle.read(into, 0, into.length, from)
    return into.subarray(0, bytesRead)
  }
  let size = SealedFormat.soundBytes(bytes)
  const keyId = SealedFormat.readHeader(sealing, file, await readAt(0, SealedFormat.headerBytes))
  if (Result.isFailure(keyId)) return size
  while (size > 0) {
    const block = Math.ceil(size / blockBytes) - 1
    const sealed = await readAt(SealedFormat.positionOf(block), SealedFormat.fileBytes(size))
    if (Result.isSuccess(sealing.openBlock(sealed, SealedFormat.placeOf(file, block), keyId.success))) break
    size = block * blockBytes
  }
  if (SealedFormat.fileBytes(size) < bytes) await handle.truncate(SealedFormat.fileBytes(size))
  return size
}
