/**
 * Sample rate conversion between any two whole rates, such as 22,050 (Piper's voices) or 44,100 Hz to 8,000 Hz.
 *
 * `up / down` is `to / from` in lowest terms: 80 / 441 for 44,100 to 8,000 Hz. An output sample lies at one of `up` places between two
 * input samples. A table has the taps of a windowed sinc for each place. The table has at most {@link maxPlaces} places: if `up` is larger,
 * the taps are interpolated linearly between two of them, with an error of about -100 dB.
 */
import { kaiserWindow, kaiserWidth } from "./FirDesign.ts"
import type { SampleRate } from "../Pcm.ts"
import { attenuation, greatestCommonDivisor, type RateConverter, toSample, transition } from "./RateConverter.ts"

interface Design {
  /** `up / down` is `to / from` in lowest terms. */
  readonly up: number
  readonly down: number
  /** How many input samples on each side contribute to an output sample. */
  readonly reach: number
  /** For how many places between two input samples the table has taps. */
  readonly places: number
  /** The table: a row of `2 · reach` taps for each place, and a last row for the place of the next input sample. */
  readonly taps: Float64Array
}

/** The most places of a table. 640 are enough for any two rates of sound cards. */
const maxPlaces = 640

/** The most input samples that are converted in one step. */
const maxStepSamples = 1024

/** Designs the filter. The centre of its transition band is half the lower rate. */
const makeDesign = (from: SampleRate, to: SampleRate): Design => {
  const common = greatestCommonDivisor(from, to)
  const up = to / common
  const down = from / common
  // The cut-off as a fraction of the input's rate, at which the filter runs.
  const cutoff = Math.min(from, to) / 2 / from
  const reach = Math.ceil(kaiserWidth(2 * transition * cutoff, attenuation))
  const window = kaiserWindow(attenuation)
  const places = Math.min(up, maxPlaces)
  const tapsPerPlace = 2 * reach
  const taps = new Float64Array((places + 1) * tapsPerPlace)
  for (let place = 0; place <= places; place++) {
    let sum = 0
    for (let k = 0; k < tapsPerPlace; k++) {
      const x = place / places + k - reach
      const phase = 2 * Math.PI * cutoff * x
      const tap = Math.abs(x) >= reach ? 0 : (x === 0 ? 1 : Math.sin(phase) / phase) * window(x / reach)
      taps[place * tapsPerPlace + k] = tap
      sum += tap
    }
    // The taps of each place sum to 1. Places with unequal sums would be heard as a tone.
    for (let k = 0; k < tapsPerPlace; k++) taps[place * tapsPerPlace + k] /= sum
  }
  return { up, down, reach, places, taps }
}

/** The most recently used designs. Their number is limited, because speech servers choose the rates. */
const designs = new Map<string, Design>()
const maxDesigns = 16

const designFor = (from: SampleRate, to: SampleRate): Design => {
  const key = `${from}:${to}`
  const design = designs.get(key) ?? makeDesign(from, to)
  designs.delete(key)
  designs.set(key, design)
  for (const oldest of designs.keys()) {
    if (designs.size <= maxDesigns) break
    designs.delete(oldest)
  }
  return design
}

/** The history and the input of one step. The array is not needed after the step, so all streams share it. */
let work = new Float64Array(0)

/** `from` and `to` are in whole Hz. */
export const make = (from: SampleRate, to: SampleRate): RateConverter => {
  const { down, places, reach, taps, up } = designFor(from, to)
  const tapsPerPlace = 2 * reach
  const history = new Int16Array(tapsPerPlace - 1)
  /** The time from the next input sample to the next output sample, in units of 1 / `up` of the input's sample interval. */
  let ahead = 0
  const isExact = places === up

  const outputLength = (samples: number): number => Math.max(0, Math.ceil((samples * up - ahead) / down)) | 0

  /** The output sample whose newest input sample is `work[newest]`. `fraction`: its place between two input samples, 0…up-1. */
  const sampleAt = (newest: number, fraction: number): number => {
    let sum = 0
    if (isExact) {
      for (let k = 0, tap = fraction * tapsPerPlace; k < tapsPerPlace; k++, tap++) sum += taps[tap] * work[newest - k]
      return sum
    }
    const place = fraction * places / up
    const lower = Math.floor(place)
    const share = place - lower
    for (let k = 0, tap = lower * tapsPerPlace; k < tapsPerPlace; k++, tap++) {
      sum += (taps[tap] + share * (taps[tap + tapsPerPlace] - taps[tap])) * work[newest - k]
    }
    return sum
  }

  const convert = (input: Int16Array, start: number, length: number, out: Int16Array, written: number): number => {
    const historyLength = history.length
    if (work.length < historyLength + length) work = new Float64Array(historyLength + maxStepSamples)
    for (let i = 0; i < historyLength; i++) work[i] = history[i]
    for (let i = 0; i < length; i++) work[historyLength + i] = input[start + i]
    const end = length * up
    let at = written
    for (; ahead < end; ahead += down) {
      const newest = Math.floor(ahead / up)
      out[at++] = toSample(sampleAt(historyLength + newest, ahead - newest * up))
    }
    ahead -= end
    for (let i = 0; i < historyLength; i++) history[i] = work[length + i]
    return at
  }

  return {
    process: (input, out) => {
      let written = 0
      for (let start = 0; start < input.length; start += maxStepSamples) {
        written = convert(input, start, Math.min(maxStepSamples, input.length - start), out, written)
      }
      return written
    },
    outputLength,
    reset: () => {
      history.fill(0)
      ahead = 0
    },
    delay: reach / from,
    tail: tapsPerPlace
  }
}
