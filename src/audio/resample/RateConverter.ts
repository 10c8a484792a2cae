/** What the filters behind `Resampler` have in common: their shape, the band that they pass, and rounding. */

/** One stream's state and its step. */
export interface RateConverter {
  /** Converts the next piece, of any length; answers how many samples it wrote to `out`. */
  readonly process: (input: Int16Array, out: Int16Array) => number
  /** How many samples the next `samples` of input will give. */
  readonly outputLength: (samples: number) => number
  /** Forgets all input. */
  readonly reset: () => void
  /** Group delay in seconds. */
  readonly delay: number
  /** How many samples of silence push the last sample out. */
  readonly tail: number
}

/** The end of the pass band as a fraction of the lower rate. The stop band begins at 1 minus this fraction. */
export const passBandEdge = 0.425

/** The width of the transition band as a fraction of the lower rate. */
export const transition = 1 - 2 * passBandEdge

/** dB that filters are designed for. */
export const attenuation = 81

export const greatestCommonDivisor = (a: number, b: number): number => b === 0 ? a : greatestCommonDivisor(b, a % b)

/** The nearest 16-bit sample. Halves are rounded up, and values beyond 16 bits are clipped. */
export const toSample = (value: number): number =>
  // `| 0` rounds a positive number down; `Math.round` would be slower.
  value >= 32_767 ? 32_767 : value <= -32_768 ? -32_768 : ((value + 32_768.5) | 0) - 32_768
