/**
 * Writes sound to a sealed file (see `SealedFormat`). The last block is sealed again, with a new nonce, each time that it grows.
 *
 * The bytes behind the old end are written first. So a full disk leaves the block that grows as it was. A process that dies while it
 * overwrites that block can make it unreadable: then at most one second that was on the disk is lost.
 */
import { Result } from "effect"
import type { FileHandle } from "node:fs/promises"
import type { BlockOpener, Sealer } from "../encryption/Sealing.ts"
import * as MulawWav from "./MulawWav.ts"
import { type PartWriter, type WritableFile, writeAll } from "./PartWriter.ts"
import * as SealedFormat from "./SealedFormat.ts"

const { blockBytes } = SealedFormat

/** `name`: the file's name without its folder, to which the blocks are bound. */
export const make = (file: WritableFile, name: string, sealer: Sealer): PartWriter => {
  let size = 0
  /** The sound of the last block while it is not full. */
  let unfinished: Uint8Array = new Uint8Array(0)
  let hasHead = false
  /** A failed write may have changed the last block. */
  let isOverwritten = false
  /** A failed write may have left bytes behind the sound. They must be cut off: the length of the sound follows from the file's size. */
  let hasRest = false

  const writeHead = async (): Promise<void> => {
    if (!hasHead) await writeAll(file, SealedFormat.head(sealer, name), 0)
    hasHead = true
  }

  const appendPiece = async (sound: Uint8Array): Promise<void> => {
    if (size + sound.length > MulawWav.maxSize) return
    await writeHead()
    const plain = Buffer.concat([unfinished, sound])
    const block = Math.floor(size / blockBytes)
    const sealed = SealedFormat.seal(sealer, name, block, plain)
    const position = SealedFormat.positionOf(block)
    /** Bytes that overwrite the last block; all others are behind the file's end. */
    const overwriting = SealedFormat.fileBytes(size) - position
    await writeAll(file, sealed.subarray(overwriting), position + overwriting)
    isOverwritten = true
    await writeAll(file, sealed.subarray(0, overwriting), position)
    size += sound.length
    unfinished = plain.subarray(plain.length - (size % blockBytes))
  }

  const cutRest = async (): Promise<void> => {
    if (hasRest) await file.truncate(SealedFormat.fileBytes(size))
    hasRest = false
  }

  const mend = async (): Promise<void> => {
    await cutRest()
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
        await cutRest()
        isOverwritten = false
      } catch (cause) {
        ;({ size, unfinished } = before)
        hasRest = true
        // Readers of the live call need the last block. If this fails, the next write tries again.
        if (hasHead) await mend().catch(() => {})
        throw cause
      }
    },
    finish: async () => {
      await writeHead()
      await mend()
    }
  }
}

/**
 * Cuts off the blocks at the end that a crash has left unreadable. Gives the bytes of sound that are left. A file whose head can't be opened
 * stays as it is: its key may come back.
 */
export const repair = async (handle: FileHandle, file: string, bytes: number, sealing: BlockOpener): Promise<number> => {
  const readAt = async (from: number, to: number): Promise<Uint8Array> => {
    const into = new Uint8Array(to - from)
    const { bytesRead } = await handle.read(into, 0, into.length, from)
    return into.subarray(0, bytesRead)
  }
  let size = SealedFormat.soundBytes(bytes)
  const keyId = SealedFormat.readHead(sealing, file, await readAt(0, SealedFormat.headBytes))
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
