/**
 * Joins the parts of a recording to one WAV file. Each part is placed at its time, with silence between the parts. The module itself reads no
 * files: each part has its own `read`.
 */
import { Effect, Stream } from "effect"
import * as MulawWav from "./MulawWav.ts"

/** Opens a stream of the bytes from `from` to before `to`. */
export type ReadSound<E> = (from: number, to: number) => Effect.Effect<Stream.Stream<Uint8Array, E>, E>

/** The sound of one media stream. */
export interface SoundOfPart<E> {
  /** ms on the call's axis (see `StoreWrite`). */
  readonly startedAt: number
  /** Bytes of sound, without a header. */
  readonly size: number
  readonly read: ReadSound<E>
}

/** A range of the joined file, in bytes. `read` counts its bytes from the beginning of the piece. */
interface Piece<E> {
  readonly from: number
  readonly to: number
  readonly read: ReadSound<E>
}

export const readSilence: ReadSound<never> = (from, to) => Effect.succeed(Stream.fromIterable(MulawWav.silence(to - from)))

/** The byte position of a time, rounded to whole samples of both channels. */
const bytesAt = (millis: number): number => 2 * Math.round((millis * MulawWav.bytesPerMilli) / 2)

/** The pieces of the joined file. If a part would begin before the end of the previous part, it follows that part directly. */
const piecesOf = <E>(parts: ReadonlyArray<SoundOfPart<E>>): ReadonlyArray<Piece<E>> => {
  const pieces: Array<Piece<E>> = []
  let end = 0
  for (const { read, size, startedAt } of [...parts].sort((a, b) => a.startedAt - b.startedAt)) {
    const begin = Math.max(end, bytesAt(startedAt))
    if (begin > end) pieces.push({ from: end, to: begin, read: readSilence })
    // `& ~1`: without a last byte that only one channel has.
    end = begin + (size & ~1)
    // A part has no sound if its process was killed in the first second of the stream.
    if (end > begin) pieces.push({ from: begin, to: end, read })
  }
  const header = MulawWav.header(end)
  const afterHeader = pieces.map((piece) => ({ ...piece, from: piece.from + header.length, to: piece.to + header.length }))
  return [{ from: 0, to: header.length, read: (from, to) => Effect.succeed(Stream.make(header.subarray(from, to))) }, ...afterHeader]
}

/** `read` opens only the parts that have bytes between `from` and `to`. It opens all of these parts before it returns the stream. */
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
