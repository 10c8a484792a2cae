/**
 * Cuts pieces of sound into windows of 32 ms, and awaits the effects of each window before the next.
 */
import { Effect } from "effect"
import * as Pcm from "../../audio/Pcm.ts"
import { eventLoopTurn } from "../../runtime/EventLoopTurn.ts"
import { windowLength } from "../ports/VoiceActivity.ts"

/**
 * Windows (half a second) that are read before other calls get a turn of the event loop. During playback a window costs up to a
 * millisecond, and a stalled network or a long message delivers hundreds of them at once.
 */
const windowsPerLoopTurn = 16

export interface MakeOptions {
  /** A piece begins: none of its samples has been read. */
  readonly onPiece: (pcm: Pcm.Pcm<8000>) => void
  /** So many samples of the piece were read. */
  readonly onSamples: (count: number) => void
  /** A window is full. It is written to again after the effect. */
  readonly onWindow: (window: Pcm.Pcm<8000>) => Effect.Effect<void> | undefined
}

export interface WindowReader {
  /** Takes the next pieces, without gaps. They are only read until the effect has ended. */
  readonly read: (pieces: ReadonlyArray<Pcm.Pcm<8000>>) => Effect.Effect<void>
  /** Leaves the current window to whoever has it, and goes on with another. */
  readonly replaceWindow: () => void
}

const cutIntoWindows = (pcm: Pcm.Pcm<8000>): ReadonlyArray<Pcm.Pcm<8000>> =>
  Array.from({ length: Math.ceil(pcm.length / windowLength) }, (_, index) => pcm.subarray(index * windowLength, (index + 1) * windowLength))

export const make = ({ onPiece, onSamples, onWindow }: MakeOptions): WindowReader => {
  let window: Pcm.Pcm<8000> = new Int16Array(windowLength)
  let filled = 0
  let windowsInTurn = 0

  /** Goes on with sample `from` of piece `first`; the windows before it are done. */
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
        if (++windowsInTurn >= windowsPerLoopTurn) {
          windowsInTurn = 0
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
        windowsInTurn = 0
        let longest = 0
        for (let index = 0; index < pieces.length; index++) longest = Math.max(longest, pieces[index].length)
        // `onPiece` must not run ahead of the windows by more than one.
        return readFrom(longest <= windowLength ? pieces : pieces.flatMap(cutIntoWindows), 0, 0)
      }),
    replaceWindow: () => {
      window = new Int16Array(windowLength)
    }
  }
}
