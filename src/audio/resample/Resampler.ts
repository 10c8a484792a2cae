/**
 * Streaming sample rate conversion between any two rates in whole Hz, with polyphase linear-phase FIR filters.
 *
 * `low` is the lower of the two rates. The pass band is 0…0.425 `low` (3.4 kHz at 8 kHz), flat within 0.001 dB. The stop band
 * begins at 0.575 `low` (4.6 kHz) and is attenuated by 80 dB. In the transition band between them, the attenuation rises from 0 to 80 dB
 * (6 dB at `low` / 2). Aliases and images of sound in the transition band stay in the transition band. Only sound of the stop band, weaker by
 * 80 dB, can fold into the pass band.
 *
 * | pair | filter | delay |
 * | --- | --- | --- |
 * | 8↔16 | half-band, equiripple, 63 taps at 16 kHz | 1.94 ms |
 * | 24↔48 | the same at 48 kHz | 0.65 ms |
 * | other pairs of 2 : 1 (16↔32) | the same at the higher rate | 31 samples of the higher rate |
 * | 8↔24 | Kaiser-windowed sinc, 101 taps at 24 kHz | 2.08 ms |
 * | 8↔48 | Kaiser-windowed sinc, 203 taps at 48 kHz | 2.10 ms |
 * | 16↔48, 16↔24 | Kaiser-windowed sinc, 101 taps at 48 kHz | 1.04 ms |
 * | other pairs whose ratio has no number above 6 (32→8 is 4 : 1, 12→8 is 3 : 2) | Kaiser-windowed sinc | 17 samples of the lower rate |
 * | all others (22.05→8, 44.1→48) | Kaiser-windowed sinc by `RationalResampler` | 17 samples of the lower rate |
 *
 * Results are rounded to the nearest 16-bit sample and clipped. If the new rate is a whole multiple of the old one, the output contains every
 * input sample unchanged, `delay` later.
 */
import * as HalfBand from "./HalfBand.ts"
import type { Pcm, SampleRate } from "../Pcm.ts"
import * as PolyphaseResampler from "./PolyphaseResampler.ts"
import { greatestCommonDivisor, type RateConverter } from "./RateConverter.ts"
import * as RationalResampler from "./RationalResampler.ts"

/**
 * The resampler for one direction of one call. It keeps the last few milliseconds of its input, so two different sounds must not share one
 * resampler.
 */
export interface Resampler<From extends SampleRate, To extends SampleRate> {
  readonly from: From
  readonly to: To
  /** The group delay in seconds. It is the same at every frequency: an event at `t` in the input is at `t + delay` in the output. */
  readonly delay: number
  /**
   * Converts the next piece, which may have any length.
   *
   * In total, `n` samples of input give exactly `ceil(n · to / from)` samples of output. The output is the same, bit for bit, for any cut of
   * the input into pieces. The result is a new array, except at equal rates, where it is the input itself.
   */
  process(input: Pcm<From>): Pcm<To>
  /** How many output samples the next `samples` input samples will give. */
  outputLength(samples: number): number
  /**
   * Like `process`, but allocates nothing: writes to `out`, and returns how many samples were written. `out` must have room for
   * `outputLength(input.length)` samples.
   */
  processInto(input: Pcm<From>, out: Pcm<To>): number
  /** Returns the rest of the output (about `2 · delay` seconds), as if silence followed the input. Then forgets all input. */
  flush(): Pcm<To>
  /** Forgets all input. The resampler is then like a new one. */
  reset(): void
}

/**
 * The largest factor, up or down, for which `PolyphaseResampler` is used. Its table grows with the square of the factor. 6 is enough for
 * 8, 16, 24 and 48 kHz.
 */
const maxPolyphaseFactor = 6

const makeIdentity = <Rate extends SampleRate>(rate: Rate): Resampler<Rate, Rate> => ({
  from: rate,
  to: rate,
  delay: 0,
  process: (input) => input,
  outputLength: (samples) => samples,
  processInto: (input, out) => {
    out.set(input)
    return input.length
  },
  flush: () => new Int16Array(0),
  reset: () => {}
})

const converterFor = (from: SampleRate, to: SampleRate): RateConverter => {
  if (from === 2 * to || to === 2 * from) return HalfBand.make(from, to)
  const factor = Math.max(from, to) / greatestCommonDivisor(from, to)
  return factor <= maxPolyphaseFactor ? PolyphaseResampler.make(from, to) : RationalResampler.make(from, to)
}

const makeConverting = <From extends SampleRate, To extends SampleRate>(from: From, to: To): Resampler<From, To> => {
  const converter = converterFor(from, to)

  const process = (input: Int16Array): Pcm<To> => {
    const out: Pcm<To> = new Int16Array(converter.outputLength(input.length))
    converter.process(input, out)
    return out
  }

  return {
    from,
    to,
    delay: converter.delay,
    process,
    outputLength: converter.outputLength,
    processInto: converter.process,
    flush: () => {
      const out = process(new Int16Array(converter.tail))
      converter.reset()
      return out
    },
    reset: converter.reset
  }
}

/** Makes a resampler. At equal rates it returns the samples unchanged. */
export const make = <From extends SampleRate, To extends SampleRate>(from: From, to: To): Resampler<From, To> =>
  from as SampleRate === to ? makeIdentity(from) as Resampler<SampleRate, SampleRate> as Resampler<From, To> : makeConverting(from, to)
