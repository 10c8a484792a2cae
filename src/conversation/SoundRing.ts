/**
 * The last samples of the caller's: an utterance has begun before it is noticed.
 */
import type { Pcm } from "../audio/Pcm.ts"

export interface SoundRing {
  readonly push: (pcm: Pcm<8000>) => void
  /** A copy, oldest first; shorter than the ring while it is not full. */
  readonly read: () => Pcm<8000>
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
    read: () => {
      const out = new Int16Array(count)
      const from = (next - count + length) % length
      const head = Math.min(count, length - from)
      out.set(samples.subarray(from, from + head))
      out.set(samples.subarray(0, count - head), head)
      return out
    }
  }
}
