/**
 * The arithmetic of the half-band filter. `SimdKernel` does it in WebAssembly. `PlainKernel` does it in plain loops if that is not possible.
 *
 * The filter has 63 taps: 30 are zero, one is the centre, and 32 form 16 symmetric pairs. The two samples of a pair are added before they are
 * multiplied. A kernel stores nothing between two steps, so all streams of sound share its arrays.
 */

/** The number of symmetric pairs of taps. */
export const tapPairs = 16

/** How many earlier samples of a phase the filter needs for a new sample. A phase is every second sample at the higher rate. */
export const phaseHistory = 2 * tapPairs - 1

/** The largest number of new samples in one step of a kernel: 20 ms at 16 kHz. */
export const maxStepSamples = 320

export interface Kernel {
  /** The history, followed by the new samples. */
  readonly input: Int16Array
  readonly output: Int16Array
  /**
   * Doubles the rate: reads `phaseHistory + count` samples of `input` and writes `2 * count` samples of `output`. The filter computes every
   * other output sample. The samples between them are unchanged input samples.
   */
  readonly double: (count: number) => void
  /**
   * Halves the rate: writes `count` samples of `output`. The first output sample uses `input[start]` to `input[start + 2 * phaseHistory]`. For
   * each further output sample, this range begins two samples later.
   */
  readonly halve: (start: number, count: number) => void
}

/** One tap of each pair, and the centre tap. Doubling the rate puts a zero after each sample, which halves the level. So `doubler` is doubled. */
export const fold = (filter: Float64Array) => ({
  halver: Float64Array.from({ length: tapPairs }, (_, k) => filter[2 * k]),
  doubler: Float64Array.from({ length: tapPairs }, (_, k) => 2 * filter[2 * k]),
  centre: filter[phaseHistory]
})

/** Extra samples at the end of an array, because the last vector may reach beyond the data. */
const slackSamples = 32

/** The lengths of a kernel's arrays in samples. `phaseLength` is for one phase of the input. */
export const inputLength = 2 * phaseHistory + maxStepSamples + slackSamples
export const outputLength = 2 * maxStepSamples + slackSamples
export const phaseLength = phaseHistory + maxStepSamples + slackSamples
