/**
 * Keeps the agent's sound of the last 8 s. Each sample is found by the moment at which it is played.
 *
 * A moment is the number of samples, at 8 kHz, since the start of the conversation's clock. A moment without sound is silence.
 */
import type { Pcm } from "../../../audio/Pcm.ts"

export interface PlayedSound {
  /** Adds sound whose first sample is played at `from`. Sound is added in the order of playback. */
  readonly add: (pcm: Pcm<8000>, from: number) => void
  /** Turns all sound from this moment on into silence. */
  readonly clear: (from: number) => void
  /** The moment after the last sound. `-Infinity`: no sound was played. */
  readonly end: () => number
  /** The sample at this moment. 0: no sound is kept for it. */
  readonly at: (moment: number) => number
  /** Mean square of `length` samples. */
  readonly power: (from: number, length: number) => number
  /** Divides the time between two moments into parts of 32 ms, and returns the greatest mean square of a part. */
  readonly loudestPower: (from: number, to: number) => number
}

/** Samples that are kept: 8.2 s. The number must be a power of two. */
const capacity = 65_536

/** Samples in 32 ms. */
const loudestLength = 256

export const make = (): PlayedSound => {
  const ring = new Int16Array(capacity)
  let end = -Infinity

  const at = (moment: number): number => (moment < end && moment >= end - capacity ? ring[moment & (capacity - 1)] : 0)

  const power = (from: number, length: number): number => {
    let sum = 0
    for (let index = 0; index < length; index++) {
      const value = at(from + index)
      sum += value * value
    }
    return sum / length
  }

  return {
    add: (pcm, from) => {
      if (from >= end + capacity || end === -Infinity) ring.fill(0)
      else for (let moment = end; moment < from; moment++) ring[moment & (capacity - 1)] = 0
      for (let index = 0; index < pcm.length; index++) ring[(from + index) & (capacity - 1)] = pcm[index]
      end = from + pcm.length
    },
    clear: (from) => {
      for (let moment = Math.max(from, end - capacity); moment < end; moment++) ring[moment & (capacity - 1)] = 0
    },
    end: () => end,
    at,
    power,
    loudestPower: (from, to) => {
      let loudest = 0
      for (let start = from; start < to; start += loudestLength) loudest = Math.max(loudest, power(start, loudestLength))
      return loudest
    }
  }
}
