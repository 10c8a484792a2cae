/**
 * Joins the parts of a recording to one WAV file: each part at its time, with silence where the line was away. Pure: a part's bytes are
 * read by its own `read`.
 */
import { Effect, Stream } from "effect"
import * as MulawWav from "./MulawWav.ts"

/** Opens a stretch of sound: the bytes from `from` to before `to`. */
export type ReadSound<E> = (from: number, to: number) => Effect.Effect<Stream.Stream<Uint8Array, E>, E>

/** The sound of one media stream. */
export interface SoundOfPart<E> {
  /** ms on the call's axis (see `StoreWrite`). */
  readonly startedAt: number
  /** Bytes of sound, without a head. */
  readonly size: number
  readonly read: ReadSound<E>
}

/** A stretch of the joined file. */
interface Piece<E> {
  readonly from: number
  readonly to: number
  readonly read: ReadSound<E>
}

export const readSilence: ReadSound<never> = (from, to) => Effect.succeed(Stream.fromIterable(MulawWav.silence(to - from)))

/** The position of a time in bytes, in whole samples of both channels. */
const bytesAt = (millis: number): number => 2 * Math.round((millis * MulawWav.bytesPerMilli) / 2)

/** A part that would begin before the end of the part before it follows that part directly. */
const piecesOf = <E>(parts: ReadonlyArray<SoundOfPart<E>>): ReadonlyArray<Piece<E>> => {
  const pieces: Array<Piece<E>> = []
  let end = 0
  for (const { read, size, startedAt } of [...parts].sort((a, b) => a.startedAt - b.startedAt)) {
    const begin = Math.max(end, bytesAt(startedAt))
    if (begin > end) pieces.push({ from: end, to: begin, read: readSilence })
    end = begin + (size & ~1)
    // A process that was killed in its first second left a file without sound.
    if (end > begin) pieces.push({ from: begin, to: end, read })
  }
  const head = MulawWav.header(end)
  const behindHead = pieces.map((piece) => ({ ...piece, from: piece.from + head.length, to: piece.to + head.length }))
  return [{ from: 0, to: head.length, read: (from, to) => Effect.succeed(Stream.make(head.subarray(from, to))) }, ...behindHead]
}

/** Reading opens only the parts of which bytes are wanted, and all of them before the first byte. */
export const join = <E>(parts: ReadonlyArray<SoundOfPart<E>>): { readonly length: number; readonly read: ReadSound<E> } => {
  const pieces = piecesOf(parts)
  return {
    length: pieces[pieces.length - 1].to,
    read: (from, to) =>
      Effect.map(
        Effect.forEach(
          pieces.filter((piece) => piece.to > from && piece.from < to),
          (piece) => piece.read(Math.max(from, piece.from) - piece.from, Math.min(to, piece.to) - piece.from)
        ),
        (opened) => Stream.flatten(Stream.fromIterable(opened))
      )
  }
}
