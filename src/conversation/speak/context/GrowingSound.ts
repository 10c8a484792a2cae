/**
 * Sound that grows up to a limit. Beyond the limit all of the sound is dropped, since a voice can't use sound without its beginning.
 */
import * as Pcm from "../../../audio/Pcm.ts"

/** Memory is allocated for this many samples at once: a second at 8 kHz. */
const allocationLength = 8000

export interface GrowingSound {
  readonly sampleRate: Pcm.SampleRate
  /** How many samples were added before the limit. */
  readonly length: () => number
  readonly isDropped: () => boolean
  /** Appends a copy of the sound. On one object, use only one of `copy` and `add`. */
  readonly copy: (pcm: Pcm.Pcm) => void
  /** Appends the array itself. The array must not be changed afterwards. */
  readonly add: (pcm: Pcm.Pcm) => void
  /** Drops all sound. Later sound is dropped, too. */
  readonly drop: () => void
  /** The first `length` samples, in pieces. The pieces do not change while the sound grows. */
  readonly firstSamples: (length: number) => ReadonlyArray<Pcm.Pcm>
}

/** `limit`: ms. */
export const make = (sampleRate: Pcm.SampleRate, limit: number): GrowingSound => {
  let pieces: Array<Pcm.Pcm> = []
  let length = 0
  let isDropped = false

  const drop = () => {
    pieces = []
    isDropped = true
  }

  /** Whether `more` samples fit within the limit. If not, drops all sound. */
  const hasRoom = (more: number): boolean => {
    if (!isDropped && ((length + more) * 1000) / sampleRate > limit) drop()
    return !isDropped
  }

  return {
    sampleRate,
    length: () => length,
    isDropped: () => isDropped,
    copy: (pcm) => {
      if (!hasRoom(pcm.length)) return
      for (let at = 0; at < pcm.length;) {
        const used = length % allocationLength
        if (used === 0) pieces.push(new Int16Array(allocationLength))
        const count = Math.min(pcm.length - at, allocationLength - used)
        Pcm.copy(pcm, at, count, pieces[pieces.length - 1], used)
        length += count
        at += count
      }
    },
    add: (pcm) => {
      if (pcm.length === 0 || !hasRoom(pcm.length)) return
      pieces.push(pcm)
      length += pcm.length
    },
    drop,
    firstSamples: (wanted) => {
      const first: Array<Pcm.Pcm> = []
      let left = Math.min(wanted, length)
      for (const piece of pieces) {
        if (left <= 0) break
        first.push(piece.length <= left ? piece : piece.subarray(0, left))
        left -= piece.length
      }
      return first
    }
  }
}
