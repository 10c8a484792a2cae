/**
 * A ring buffer that keeps the newest samples of a sound.
 */
import * as Pcm from "../../audio/Pcm.ts"

interface PcmRingBuffer {
  /** Appends a copy of the piece. If the piece is longer than the buffer, only its end is kept. */
  readonly push: (pcm: Pcm.Pcm<8000>) => void
  /** A copy of the newest `length` samples, oldest first. The copy is shorter if the buffer has fewer samples. */
  readonly read: (length: number) => Pcm.Pcm<8000>
}

/** `capacity`: how many samples the buffer keeps. */
export const make = (capacity: number): PcmRingBuffer => {
  const samples = new Int16Array(capacity)
  let next = 0
  let count = 0
  return {
    push: (pcm) => {
      const length = Math.min(pcm.length, capacity)
      const from = pcm.length - length
      const head = Math.min(length, capacity - next)
      Pcm.copy(pcm, from, head, samples, next)
      Pcm.copy(pcm, from + head, length - head, samples, 0)
      next = (next + length) % capacity
      count = Math.min(capacity, count + length)
    },
    read: (wanted) => {
      const length = Math.min(count, wanted)
      const out = new Int16Array(length)
      const from = (next - length + capacity) % capacity
      const head = Math.min(length, capacity - from)
      out.set(samples.subarray(from, from + head))
      out.set(samples.subarray(0, length - head), head)
      return out
    }
  }
}
