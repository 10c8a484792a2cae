/**
 * The arithmetic of the half-band filter. `SimdKernel` does it in WebAssembly, `PlainKernel` in plain loops where WebAssembly is missing.
 *
 * The filter has 63 taps: 30 are zero, one is the centre, and 32 are in symmetric pairs, so 16 coefficients are kept. A kernel keeps nothing between
 * two calls, so all streams of sound share its arrays.
 */

/** Symmetric taps after folding. */
export const half = 16

/** Samples of one phase that the filter needs before the first new one. */
export const back = 2 * half - 1

/** The most samples of one step: 20 ms at 16 kHz. */
export const block = 320

export interface Kernel {
  /** The samples before the new ones, then the new ones. */
  readonly input: Int16Array
  readonly output: Int16Array
  /**
   * Twice the rate: from `back + count` samples of input, `2 * count` of output. In turn a filtered sample, and the input sample in the
   * middle of those that it was made of.
   */
  readonly double: (count: number) => void
  /**
   * Half the rate: `count` samples of output. The first is made of the input from `start` to `start + 2 * back`, and each further one of
   * the input two samples on.
   */
  readonly halve: (start: number, count: number) => void
}

/** The symmetric taps and the centre. The doubler's are twice as large: every other sample that it filters is a zero. */
export const fold = (filter: Float64Array) => ({
  halver: Float64Array.from({ length: half }, (_, k) => filter[2 * k]),
  doubler: Float64Array.from({ length: half }, (_, k) => 2 * filter[2 * k]),
  centre: filter[back]
})

/** Samples behind the end of an array that vectors may read or write. */
const slack = 32

/** Samples of a kernel's arrays; `phaseLength` of one phase of the input. */
export const inputLength = 2 * back + block + slack
export const outputLength = 2 * block + slack
export const phaseLength = back + block + slack
