/**
 * The last samples of the caller's: an utterance has begun before it is noticed.
 */
import * as Pcm from "../../audio/Pcm.ts"

export interface PcmRingBuffer {
  readonly push: (pcm: Pcm.Pcm<8000>) => void
  /** A copy of the last so many, oldest first; shorter while there are not as many. */
  readonly read: (most: number) => Pcm.Pcm<8000>
}

/** `length`: in samples. */
export const make = (length: number): PcmRingBuffer => {
  const samples = new Int16Array(length)
  let next = 0
  let count = 0
  return {
    push: (pcm) => {
      const kept = Math.min(pcm.length, length)
      const from = pcm.length - kept
      const head = Math.min(kept, length - next)
      Pcm.copy(pcm, from, head, samples, next)
      Pcm.copy(pcm, from + head, kept - head, samples, 0)
      next = (next + kept) % length
      count = Math.min(length, count + kept)
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
