/**
 * Compares the caller's newest sound with the sound that was played before, and finds the delay at which the two correlate most.
 *
 * `correlation` is the absolute value of the normalised cross-correlation, 0 to 1. `search` compares a quarter of a second with a
 * sample rate of 2 kHz, since speech has most of its power below 1 kHz, and takes about 1 ms. `follow` compares 64 ms at 8 kHz near a known
 * delay, and takes 20 µs.
 */
import type { Pcm } from "../../../audio/Pcm.ts"
import type { PlayedSound } from "./PlayedSound.ts"

/** The longest delay that is searched, in samples: 900 ms. A bad mobile line with a jitter buffer can have this delay. */
export const longestDelay = 7200

/** Samples that `search` compares: 256 ms. */
export const searchLength = 2048

/** `follow` tries delays that differ by at most this many samples (2 ms) from the known delay. */
export const followReach = 16

/** This many samples at 8 kHz become one sample at 2 kHz. */
const decimation = 4

/** Samples that `follow` compares: 64 ms. */
const followLength = 512

/** `search` ignores delays with less correlation than this. */
const minCorrelation = 0.55

/** The caller's sound compared with the played sound at one delay. */
export interface Match {
  /** 0 to 1. */
  readonly correlation: number
  /** Amplitude of the echo, as a share of the played sound's amplitude. Negative: the line inverts the sound. */
  readonly amplitude: number
  /** In samples. */
  readonly delay: number
}

export interface EchoMatcher {
  /** Takes the caller's next window. */
  readonly hear: (window: Pcm<8000>) => void
  /** The best match at delays within `followReach` of `delay`. `now`: the moment after the last sample heard. */
  readonly follow: (now: number, delay: number) => Match
  /** The best match at any delay, in steps of four samples. `undefined`: no delay has enough correlation. */
  readonly search: (now: number) => Pick<Match, "correlation" | "delay"> | undefined
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
      if (heardEnergy === 0) return { correlation: best, amplitude, delay }
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
        const correlation = Math.abs(cross) / Math.sqrt(playedEnergy * heardEnergy)
        if (correlation > best) {
          best = correlation
          amplitude = cross / playedEnergy
          delay = candidate
        }
      }
      return { correlation: best, amplitude, delay }
    },
    search: (now) => {
      const heardEnergy = decimate(now)
      const length = decimatedHeard.length
      let playedEnergy = 0
      for (let index = 0; index < length; index++) playedEnergy += decimatedPlayed[index] ** 2
      let best = minCorrelation
      let delay: number | undefined
      for (let lag = 0; lag <= longestDelay / decimation; lag++) {
        // Because of rounding, the energy may be slightly below 0 where it should be 0.
        if (lag > 0) playedEnergy += decimatedPlayed[lag + length - 1] ** 2 - decimatedPlayed[lag - 1] ** 2
        if (playedEnergy <= 0) continue
        let cross = 0
        for (let index = 0; index < length; index++) cross += decimatedHeard[index] * decimatedPlayed[lag + index]
        const correlation = Math.abs(cross) / Math.sqrt(playedEnergy * heardEnergy)
        if (correlation > best) {
          best = correlation
          delay = longestDelay - lag * decimation
        }
      }
      return delay === undefined ? undefined : { correlation: best, delay }
    }
  }
}
