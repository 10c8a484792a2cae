/**
 * The last samples of the caller's: an utterance has begun before it is noticed.
 */
import type { Pcm } from "../audio/Pcm.ts"

export interface SoundRing {
  readonly push: (pcm: Pcm<8000>) => void
  /** A copy of the last so many, oldest first; shorter while there are not as many. */
  readonly read: (most: number) => Pcm<8000>
}

/** `length`: in samples. */
export const make = (length: number): SoundRing => {
  const samples = new Int16Array(length)
  let next = 0
  let count = 0
  return {
    push: (pcm) => {
      const piece = pcm.length > length ? pcm.subarray(pcm.length - length) : pcm
      const head = Math.min(piece.length, length - next)
      samples.set(piece.subarray(0, head), next)
      samples.set(piece.subarray(head), 0)
      next = (next + piece.length) % length
      count = Math.min(length, count + piece.length)
    },
    read: (most) => {
      const wanted = Math.min(count, most)
      const out = new Int16Array(wanted)
      const from = (next - wanted + length) % length
      const head = Math.min(wanted, length - from)
      out.set(samples.subarray(from, from + head))
      out.set(samples.subarray(0, wanted - head), head)
      return out
    }
  }
}
