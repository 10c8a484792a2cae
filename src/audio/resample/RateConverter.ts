/** Shared by all converters of `Resampler`: the interface, the limits of the low-pass filters, and the rounding to 16 bits. */

/** Converts one stream of sound to another sample rate. It keeps the newest input samples, because the next output depends on them. */
export interface RateConverter {
  /** Converts the next piece, which may have any length. Returns how many samples were written to `out`. */
  readonly process: (input: Int16Array, out: Int16Array) => number
  /** How many output samples the next call of `process` will write for this many input samples. */
  readonly outputLength: (inputLength: number) => number
  /** Forgets all input. */
  readonly reset: () => void
  /** The group delay in seconds. */
  readonly delay: number
  /** How many input samples of silence must follow the last sample to get all of its output. */
  readonly tail: number
}

/** The end of the pass band as a fraction of the lower rate. The stop band begins at 1 minus this fraction. */
export const passBandEdge = 0.425

/** The width of the transition band as a fraction of the lower rate. */
export const transition = 1 - 2 * passBandEdge

/** The attenuation of the stop band for which all filters are designed, in dB. */
export const attenuation = 81

export const greatestCommonDivisor = (a: number, b: number): number => b === 0 ? a : greatestCommonDivisor(b, a % b)

/** The nearest 16-bit sample. Halves are rounded up, and values beyond 16 bits are clipped. */
export const toSample = (value: number): number =>
  // `| 0` rounds a positive number down; `Math.round` would be slower.
  value >= 32_767 ? 32_767 : value <= -32_768 ? -32_768 : ((value + 32_768.5) | 0) - 32_768
