/**
 * Whether what a caller heard is what they said, and how much later.
 *
 * Both sounds are on the same time axis. The lag is found on the loudness first, in steps of 5 ms, and
 * then on the samples around the best places: a search over all lags, sample by sample, would take long.
 */
import type { Pcm } from "../audio/Pcm.ts"
import { samplesPerMilli } from "./Timeline.ts"

export interface Comparison {
  /** From the sound leaving the caller's mouth to its return, ms. */
  readonly lagMillis: number
  /** Of the samples at that lag, -1…1; 1 is the same sound, however loud. 0 when one of the two is silent. */
  readonly correlation: number
}

const step = 5 * samplesPerMilli

/** The mean magnitude of each 5 ms. */
const loudness = (sound: Pcm<8000>): Float64Array => {
  const out = new Float64Array(Math.ceil(sound.length / step))
  for (const [index, sample] of sound.entries()) out[Math.floor(index / step)]! += Math.abs(sample) / step
  return out
}

/** Normalised correlation of `a[from…to)` with `b`, `lag` later. */
const correlate = (a: ArrayLike<number>, b: ArrayLike<number>, lag: number, from: number, to: number): number => {
  let product = 0
  let powerA = 0
  let powerB = 0
  for (let index = from; index < to; index++) {
    const x = a[index] ?? 0
    const y = b[index + lag] ?? 0
    product += x * y
    powerA += x * x
    powerB += y * y
  }
  return powerA === 0 || powerB === 0 ? 0 : product / Math.sqrt(powerA * powerB)
}

/** The level of a sound in dB of full scale; -Infinity for silence. */
export const level = (sound: Pcm<8000>): number => {
  let power = 0
  for (const sample of sound) power += sample * sample
  return 10 * Math.log10(power / Math.max(1, sound.length) / 32768 ** 2)
}

/** Compares; the heard sound may be up to `longest` ms later. */
export const compare = (said: Pcm<8000>, heard: Pcm<8000>, longest = 3000): Comparison => {
  const saidLoudness = loudness(said)
  const heardLoudness = loudness(heard)
  const coarse = Array.from({ length: Math.floor(longest * samplesPerMilli / step) + 1 }, (_, lag) => ({
    lag: lag * step,
    correlation: correlate(saidLoudness, heardLoudness, lag, 0, saidLoudness.length)
  })).toSorted((a, b) => b.correlation - a.correlation).slice(0, 5)

  let best: Comparison = { lagMillis: 0, correlation: 0 }
  for (const { lag: around } of coarse) {
    for (let lag = Math.max(0, around - step); lag <= around + step; lag++) {
      const correlation = correlate(said, heard, lag, 0, said.length)
      if (correlation > best.correlation) best = { lagMillis: lag / samplesPerMilli, correlation }
    }
  }
  return best
}

/** The value below which the given share (0…1) of the values lies; NaN of none. */
export const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
