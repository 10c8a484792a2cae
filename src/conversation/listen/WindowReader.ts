/**
 * Cuts pieces of sound into windows of 32 ms. The effects of each window end before the next window is read.
 */
import { Effect } from "effect"
import * as Pcm from "../../audio/Pcm.ts"
import { eventLoopTurn } from "../../runtime/EventLoopTurn.ts"
import { windowLength } from "../ports/VoiceActivity.ts"

/**
 * At most this many windows (half a second of sound) are read in one turn of the event loop. During playback the processing of a window
 * takes up to a millisecond. After a stall, or in a long message, hundreds of windows arrive at once.
 */
const windowsPerLoopTurn = 16

interface MakeOptions {
  /** Called with the next piece, before any of its samples is read. */
  readonly onPiece: (pcm: Pcm.Pcm<8000>) => void
  /** `count` more samples of the piece were read. */
  readonly onSamples: (count: number) => void
  /** Called with a full window. The array is overwritten after the effect. */
  readonly onWindow: (window: Pcm.Pcm<8000>) => Effect.Effect<void> | undefined
}

interface WindowReader {
  /** Takes the next pieces, without gaps. The arrays must not be changed before the effect has ended. */
  readonly read: (pieces: ReadonlyArray<Pcm.Pcm<8000>>) => Effect.Effect<void>
  /** Uses a new array for the next window, so that the last window is not overwritten. */
  readonly replaceWindow: () => void
}

const cutIntoWindows = (pcm: Pcm.Pcm<8000>): ReadonlyArray<Pcm.Pcm<8000>> =>
  Array.from({ length: Math.ceil(pcm.length / windowLength) }, (_, index) => pcm.subarray(index * windowLength, (index + 1) * windowLength))

export const make = ({ onPiece, onSamples, onWindow }: MakeOptions): WindowReader => {
  let window: Pcm.Pcm<8000> = new Int16Array(windowLength)
  let filled = 0
  let windowsInLoopTurn = 0

  /** Reads the pieces, beginning with sample `from` of the piece with index `first`. */
  const readFrom = (pieces: ReadonlyArray<Pcm.Pcm<8000>>, first: number, from: number): Effect.Effect<void> => {
    for (let index = first; index < pieces.length; index++) {
      const pcm = pieces[index]
      let at = index === first ? from : 0
      if (at === 0) onPiece(pcm)
      while (at < pcm.length) {
        const count = Math.min(pcm.length - at, windowLength - filled)
        Pcm.copy(pcm, at, count, window, filled)
        filled += count
        at += count
        onSamples(count)
        if (filled < windowLength) break
        filled = 0
        const processing = onWindow(window)
        if (++windowsInLoopTurn >= windowsPerLoopTurn) {
          windowsInLoopTurn = 0
          return Effect.flatMap(Effect.andThen(processing ?? Effect.void, eventLoopTurn), () => readFrom(pieces, index, at))
        }
        if (processing !== undefined) return Effect.flatMap(processing, () => readFrom(pieces, index, at))
      }
    }
    return Effect.void
  }

  return {
    read: (pieces) =>
      Effect.suspend(() => {
        windowsInLoopTurn = 0
        let longestPiece = 0
        for (let index = 0; index < pieces.length; index++) longestPiece = Math.max(longestPiece, pieces[index].length)
        // A long piece is cut, so that `onPiece` is at most one window ahead of `onWindow`.
        return readFrom(longestPiece <= windowLength ? pieces : pieces.flatMap(cutIntoWindows), 0, 0)
      }),
    replaceWindow: () => {
      window = new Int16Array(windowLength)
    }
  }
}
