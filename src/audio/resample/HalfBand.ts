/**
 * Doubling and halving the sample rate by a half-band filter of 63 taps: the way of every call's sound, 8↔16 kHz.
 *
 * Of the filter's two phases one is a pure delay and the other has 32 symmetric taps, which folded are 16
 * multiplications for an output sample; `HalfBandKernel` does them. What a stream keeps for itself is its history,
 * some hundred bytes; the work is done in arrays that all streams share, so that hundreds of calls in turn stay in
 * the processor's cache.
 */
import { back, block, type Kernel } from "./HalfBandKernel.ts"

/** A converter's state and its step; `process` answers how many samples it wrote. */
export interface HalfBand {
  readonly process: (input: Int16Array, out: Int16Array) => number
  readonly reset: () => void
  /** How many samples the next `samples` of input will give. */
  readonly outputLength: (samples: number) => number
}

/** The kernel's input: the history, then `count` samples from `start` on. */
const load = (kernel: Kernel, history: Int16Array, input: Int16Array, start: number, count: number): void => {
  kernel.input.set(history)
  // A whole frame, which is the rule, is copied without a view of it.
  kernel.input.set(count === input.length ? input : input.subarray(start, start + count), history.length)
}

const save = (kernel: Kernel, history: Int16Array, count: number): void => {
  for (let i = 0; i < history.length; i++) history[i] = kernel.input[count + i]
}

const store = (kernel: Kernel, out: Int16Array, at: number, count: number): void => {
  for (let i = 0; i < count; i++) out[at + i] = kernel.output[i]
}

/** Twice the rate: each input gives a filtered sample and, delayed by 15, itself. */
export const makeDoubler = (kernel: Kernel): HalfBand => {
  const history = new Int16Array(back)
  return {
    process: (input, out) => {
      for (let start = 0; start < input.length; start += block) {
        const count = Math.min(block, input.length - start)
        load(kernel, history, input, start, count)
        kernel.double(count)
        store(kernel, out, 2 * start, 2 * count)
        save(kernel, history, count)
      }
      return 2 * input.length
    },
    reset: () => {
      history.fill(0)
    },
    outputLength: (samples) => 2 * samples
  }
}

/** Half the rate: samples of even number are filtered, those of odd number added, delayed by 31. */
export const makeHalver = (kernel: Kernel): HalfBand => {
  const history = new Int16Array(2 * back)
  /** Whether the next input has an odd number. */
  let isOdd = false
  const lengthOf = (samples: number) => (samples + (isOdd ? 0 : 1)) >> 1
  return {
    process: (input, out) => {
      let written = 0
      for (let start = 0; start < input.length; start += block) {
        const count = Math.min(block, input.length - start)
        const length = lengthOf(count)
        load(kernel, history, input, start, count)
        kernel.halve(isOdd ? 1 : 0, length)
        store(kernel, out, written, length)
        save(kernel, history, count)
        if (count % 2 === 1) isOdd = !isOdd
        written += length
      }
      return written
    },
    reset: () => {
      history.fill(0)
      isOdd = false
    },
    outputLength: lengthOf
  }
}
