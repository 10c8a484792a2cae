/**
 * Reads sound from a sealed file (see `SealedFormat`), block by block, so that at most a few blocks are in memory. A damaged block is
 * replaced by silence of the same length.
 */
import { Effect, Result, Stream } from "effect"
import type { BlockOpener, Unopenable } from "../encryption/Sealing.ts"
import * as MulawWav from "./MulawWav.ts"
import * as SealedFormat from "./SealedFormat.ts"

const { blockBytes, slotBytes } = SealedFormat

/**
 * The last block of a live call may be read while it is overwritten. It is then read again after this pause, at most `maxReads` times in
 * all.
 */
const readAgainAfterMillis = 40
const maxReads = 5

interface SealedFile<E> {
  readonly name: string
  /** Bytes of sound. */
  readonly size: number
  /** Reads the bytes of the file from `from` to before `to`, or to the file's end if that comes first. */
  readonly read: (from: number, to: number) => Stream.Stream<Uint8Array, E>
  /** Whether sound may still be added to the last block. */
  readonly isGrowing: boolean
}

/** Cuts pieces of the file into sealed blocks. */
class Slots {
  #slot = new Uint8Array(slotBytes)
  #filled = 0
  #count = 0

  /** Adds a piece. Returns the blocks that the piece completes. */
  push(piece: Uint8Array): ReadonlyArray<Uint8Array> {
    const full: Array<Uint8Array> = []
    for (let at = 0; at < piece.length;) {
      const added = piece.subarray(at, at + slotBytes - this.#filled)
      this.#slot.set(added, this.#filled)
      this.#filled += added.length
      at += added.length
      if (this.#filled === slotBytes) full.push(this.#take())
    }
    return full
  }

  /**
   * Returns the remaining blocks at the end of the stream, so that there are `count` blocks in all. Blocks that the file does not have are
   * empty.
   */
  end(count: number): ReadonlyArray<Uint8Array> {
    const last: Array<Uint8Array> = []
    while (this.#count < count) last.push(this.#take())
    return last
  }

  #take(): Uint8Array {
    const block = this.#slot.subarray(0, this.#filled)
    this.#slot = new Uint8Array(slotBytes)
    this.#filled = 0
    this.#count++
    return block
  }
}

const collect = <E>(stream: Stream.Stream<Uint8Array, E>): Effect.Effect<Uint8Array, E> => Effect.map(Stream.runCollect(stream), (pieces) => Buffer.concat([...pieces]))

/** Reads the header. Returns a function that reads bytes of the sound. `onDamaged` runs for each damaged block that is read. */
export const open = Effect.fnUntraced(function*<E>(
  opener: BlockOpener,
  { isGrowing, name, read, size }: SealedFile<E>,
  onDamaged: (error: Unopenable) => Effect.Effect<void>
) {
  const keyId = yield* Effect.fromResult(SealedFormat.readHeader(opener, name, yield* collect(read(0, SealedFormat.headerBytes))))
  const lastBlock = Math.ceil(size / blockBytes) - 1

  const openAt = (block: number, sealed: Uint8Array, attempts: number): Effect.Effect<Uint8Array, E> =>
    Effect.suspend(() => {
      const opened = opener.openBlock(sealed, SealedFormat.placeOf(name, block), keyId)
      const expected = Math.min(blockBytes, size - block * blockBytes)
      if (Result.isSuccess(opened) && opened.success.length >= expected) return Effect.succeed(opened.success.subarray(0, expected))
      if (isGrowing && block === lastBlock && attempts > 1) {
        return Effect.sleep(readAgainAfterMillis).pipe(
          Effect.andThen(collect(read(SealedFormat.positionOf(block), SealedFormat.positionOf(block + 1)))),
          Effect.flatMap((sealedAgain) => openAt(block, sealedAgain, attempts - 1))
        )
      }
      const silence = MulawWav.silentPiece.subarray(0, expected)
      return Result.isSuccess(opened)
        ? Effect.succeed(Buffer.concat([opened.success, silence.subarray(opened.success.length)]))
        : Effect.as(onDamaged(opened.failure), silence)
    })

  return (from: number, to: number): Stream.Stream<Uint8Array, E> => {
    if (from >= to) return Stream.empty
    const first = Math.floor(from / blockBytes)
    const afterLast = Math.ceil(to / blockBytes)
    /** Not `mapAccum` with `onHalt`, which also runs when the stream fails: then blocks that could not be read would count as damaged. */
    const blocks = Stream.suspend(() => {
      const slots = new Slots()
      return read(SealedFormat.positionOf(first), SealedFormat.positionOf(afterLast)).pipe(
        Stream.flatMap((piece) => Stream.fromIterable(slots.push(piece))),
        Stream.concat(Stream.suspend(() => Stream.fromIterable(slots.end(afterLast - first))))
      )
    })
    return blocks.pipe(
      Stream.zipWithIndex,
      Stream.mapEffect(([sealed, index]) =>
        Effect.map(openAt(first + index, sealed, maxReads), (sound) => {
          const begin = (first + index) * blockBytes
          return sound.subarray(Math.max(0, from - begin), to - begin)
        })
      )
    )
  }
})
