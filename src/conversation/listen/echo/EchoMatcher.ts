/**
 * Compares the caller's newest sound with the sound that was played before, and finds the delay at which the two are alike.
 *
 * Likeness is the normalised cross-correlation (its absolute value, 0 to 1). A search compares a quarter of a second at 2 kHz,
 * where speech has most of its power, and takes about 1 ms. Following a known delay compares 64 ms at 8 kHz and takes 20 µs.
 */
import type { Pcm } from "../../../audio/Pcm.ts"
import type { PlayedSound } from "./PlayedSound.ts"

/** The longest delay that is searched, in samples: 900 ms. A bad mobile line with a jitter buffer has such a delay. */
export const longestDelay = 7200

/** Samples that a search compares: 256 ms. */
export const searchLength = 2048

/** A refined delay differs by at most this many samples from the delay that it refines: 2 ms. */
export const followReach = 16

/** This many samples at 8 kHz become one sample at 2 kHz. */
const decimation = 4

/** Samples that are compared when a delay is followed: 64 ms. */
const followLength = 512

/** A search ignores delays with less correlation than this. */
const minLikeness = 0.55

/** The caller's sound compared with the played sound at one delay. */
export interface Match {
  /** Correlation coefficient, 0 to 1. */
  readonly likeness: number
  /** Amplitude of the echo as a share of the played sound's. Negative: the line inverts the sound. */
  readonly amplitude: number
  /** In samples. */
  readonly delay: number
}

export interface EchoMatcher {
  /** Takes the caller's next window. */
  readonly hear: (window: Pcm<8000>) => void
  /** The best match at delays within `followReach` of `delay`. `now`: the moment after the last sample heard. */
  readonly follow: (now: number, delay: number) => Match
  /** The best match at any delay, in steps of four samples. `undefined`: none is alike. */
  readonly search: (now: number) => Pick<Match, "likeness" | "delay"> | undefined
}

export const make = (played: PlayedSound): EchoMatcher => {
  const heard = new Int16Array(searchLength)
  const decimatedHeard = new Float32Array(searchLength / decimation)
  const decimatedPlayed = new Float32Array((searchLength + longestDelay) / decimation)

  /** Fills both decimated buffers and returns the energy of the caller's sound. */
  const decimate = (now: number): number => {
    let energy = 0
    for (let index = 0; index < decimatedHeard.length; index++) {
      let sum = 0
      for (let part = 0; part < decimation; part++) sum += heard[index * decimation + part]
      decimatedHeard[index] = sum
      energy += sum * sum
    }
    const from = now - searchLength - longestDelay
    for (let index = 0; index < decimatedPlayed.length; index++) {
      let sum = 0
      for (let part = 0; part < decimation; part++) sum += played.at(from + index * decimation + part)
      decimatedPlayed[index] = sum
    }
    return energy
  }

  return {
    hear: (window) => {
      heard.copyWithin(0, window.length)
      heard.set(window, searchLength - window.length)
    },
    follow: (now, about) => {
      const offset = searchLength - followLength
      let best = 0
      let amplitude = 0
      let delay = about
      let heardEnergy = 0
      for (let index = offset; index < searchLength; index++) heardEnergy += heard[index] * heard[index]
      if (heardEnergy === 0) return { likeness: best, amplitude, delay }
      for (let candidate = Math.max(0, about - followReach); candidate <= about + followReach; candidate++) {
        const from = now - followLength - candidate
        let cross = 0
        let playedEnergy = 0
        for (let index = 0; index < followLength; index++) {
          const sample = played.at(from + index)
          cross += sample * heard[offset + index]
          playedEnergy += sample * sample
        }
        if (playedEnergy === 0) continue
        const likeness = Math.abs(cross) / Math.sqrt(playedEnergy * heardEnergy)
        if (likeness > best) {
          best = likeness
          amplitude = cross / playedEnergy
          delay = candidate
        }
      }
      return { likeness: best, amplitude, delay }
    },
    search: (now) => {
      const heardEnergy = decimate(now)
      const length = decimatedHeard.length
      let playedEnergy = 0
      for (let index = 0; index < length; index++) playedEnergy += decimatedPlayed[index] ** 2
      let best = minLikeness
      let delay: number | undefined
      for (let lag = 0; lag <= longestDelay / decimation; lag++) {
        // Because of rounding, the sum may be slightly below 0 where it should be 0.
        if (lag > 0) playedEnergy += decimatedPlayed[lag + length - 1] ** 2 - decimatedPlayed[lag - 1] ** 2
        if (playedEnergy <= 0) continue
        let cross = 0
        for (let index = 0; index < length; index++) cross += decimatedHeard[index] * decimatedPlayed[lag + index]
        const likeness = Math.abs(cross) / Math.sqrt(playedEnergy * heardEnergy)
        if (likeness > best) {
          best = likeness
          delay = longestDelay - lag * decimation
        }
      }
      return delay === undefined ? undefined : { likeness: best, delay }
    }
  }
}
