/**
 * Compares what a caller heard with what they said: whether it is the same sound, and how much later it came.
 *
 * Both sounds are on the same time axis. The lag is found first by loudness, in steps of 5 ms, and then by samples, for each window of
 * 400 ms. When the playback buffer runs empty, part of the sound comes some milliseconds later, which nobody hears. Since each window has a lag
 * of its own, such sound still counts as the same. Sound that was on its way when a stream was lost is left out.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import { samplesPerMilli } from "./Timeline.ts"

interface AudioSimilarity {
  /** The time from the moment when the caller said a sound to the moment when they heard it, in ms: the median of the windows. */
  readonly lagMillis: number
  /**
   * The mean correlation of the windows, each at its own lag, weighted by their energy. 1: the same sound, at any loudness. About 0.5:
   * other speech. 0: one of the two is silent.
   */
  readonly correlation: number
}

const stepSamples = 5 * samplesPerMilli

/** The mean magnitude of each 5 ms. */
const loudness = (sound: Pcm<8000>): Float64Array => {
  const out = new Float64Array(Math.ceil(sound.length / stepSamples))
  for (const [index, sample] of sound.entries()) out[Math.floor(index / stepSamples)]! += Math.abs(sample) / stepSamples
  return out
}

/** The normalised correlation of `a[from…to)` with the part of `b` that is `lag` later. */
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

/** The nearest-rank percentile for this share (0…1) of the values; NaN if there are no values. */
export const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

const windowSamples = 400 * samplesPerMilli

/** How much the lag of a window may differ from the lag of the whole sound, in samples. */
const maxLagDifference = 100 * samplesPerMilli

/** Windows with less than this share of the loudest window's energy are pauses. */
const minEnergyShare = 0.01

const energy = (sound: Pcm<8000>): number => sound.reduce((sum, sample) => sum + sample * sample, 0)

interface CompareOptions {
  /** The longest lag that is looked for, in ms. Default: 3000. */
  readonly maxLagMillis?: number
  /** When streams were lost, in ms on the time axis of both sounds. */
  readonly lostAt?: ReadonlyArray<number>
}

/** Sound that the caller said in the last 300 ms before a stream was lost may not come back, so it is left out. */
const onItsWayMillis = 300

export const compare = (said: Pcm<8000>, heard: Pcm<8000>, { lostAt = [], maxLagMillis = 3000 }: CompareOptions = {}): AudioSimilarity => {
  const saidLoudness = loudness(said)
  const heardLoudness = loudness(heard)
  let coarseLag = 0
  let best = 0
  for (let lag = 0; lag * stepSamples <= maxLagMillis * samplesPerMilli; lag++) {
    const correlation = correlate(saidLoudness, heardLoudness, lag, 0, saidLoudness.length)
    if (correlation > best) {
      best = correlation
      coarseLag = lag * stepSamples
    }
  }

  const windows = Array.from({ length: Math.ceil(said.length / windowSamples) }, (_, index) => {
    const from = index * windowSamples
    const to = Math.min(said.length, from + windowSamples)
    return { from, to, energy: energy(said.subarray(from, to)) }
  }).filter(({ from, to }) =>
    lostAt.every((at) => to <= (at - onItsWayMillis) * samplesPerMilli || from >= at * samplesPerMilli))
  const loudest = Math.max(0, ...windows.map((window) => window.energy))
  const matches = windows.filter((window) => window.energy > 0 && window.energy >= minEnergyShare * loudest).map((window) => {
    const match = { lag: coarseLag, correlation: 0, energy: window.energy }
    for (let lag = Math.max(0, coarseLag - maxLagDifference); lag <= coarseLag + maxLagDifference; lag++) {
      const correlation = correlate(said, heard, lag, window.from, window.to)
      if (correlation > match.correlation) Object.assign(match, { lag, correlation })
    }
    return match
  })
  const total = matches.reduce((sum, match) => sum + match.energy, 0)
  return {
    lagMillis: matches.length === 0 ? 0 : percentile(matches.map((match) => match.lag), 0.5) / samplesPerMilli,
    correlation: total === 0 ? 0 : matches.reduce((sum, match) => sum + match.correlation * match.energy, 0) / total
  }
}
