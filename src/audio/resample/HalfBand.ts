/**
 * Doubles or halves a sample rate with a half-band filter of 63 taps, for example 8↔16 kHz.
 *
 * The filter has two phases: its even and its odd taps. One phase is a pure delay. The other has 16 symmetric pairs of taps, so a kernel
 * computes an output sample with 16 multiplications. Between two steps, a stream of sound stores only its history, about a hundred bytes. All
 * streams share the arrays of a step, so the data of hundreds of calls stays in the processor's cache.
 */
import { halfBand } from "./FirDesign.ts"
import type { SampleRate } from "../Pcm.ts"
import { phaseHistory, maxStepSamples, tapPairs, type Kernel } from "./HalfBandKernel.ts"
import * as PlainKernel from "./PlainKernel.ts"
import { passBandEdge, type RateConverter } from "./RateConverter.ts"
import * as SimdKernel from "./SimdKernel.ts"

export type HalfBand = Pick<RateConverter, "process" | "outputLength" | "reset">

/** Fills the kernel's input with the history, and then with `count` samples of `input` from index `start` on. */
const load = (kernel: Kernel, history: Int16Array, input: Int16Array, start: number, count: number): void => {
  kernel.input.set(history)
  // Most inputs are one frame, which needs no view.
  kernel.input.set(count === input.length ? input : input.subarray(start, start + count), history.length)
}

/** Saves the end of the kernel's input as the history of the next step. */
const save = (kernel: Kernel, history: Int16Array, count: number): void => {
  for (let i = 0; i < history.length; i++) history[i] = kernel.input[count + i]
}

/** Returns a function that copies a step's output from the kernel. Most steps have the same length, so the view of this length is reused. */
const makeStore = (kernel: Kernel) => {
  let output = kernel.output.subarray(0, 0)
  return (out: Int16Array, at: number, count: number): void => {
    if (output.length !== count) output = kernel.output.subarray(0, count)
    out.set(output, at)
  }
}

/** Doubles the rate. Each input sample gives two output samples: a filtered one, and a copy of the input sample 15 positions before. */
export const makeDoubler = (kernel: Kernel): HalfBand => {
  const history = new Int16Array(phaseHistory)
  const store = makeStore(kernel)
  return {
    process: (input, out) => {
      for (let start = 0; start < input.length; start += maxStepSamples) {
        const count = Math.min(maxStepSamples, input.length - start)
        load(kernel, history, input, start, count)
        kernel.double(count)
        store(out, 2 * start, 2 * count)
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

/**
 * Halves the rate. An output sample is a weighted sum of even-numbered input samples, plus half of the odd-numbered input sample in the
 * middle of them.
 */
export const makeHalver = (kernel: Kernel): HalfBand => {
  const history = new Int16Array(2 * phaseHistory)
  const store = makeStore(kernel)
  /** Whether the next input sample is odd-numbered, counted from 0 since the beginning or the last `reset`. */
  let isOdd = false
  const lengthOf = (samples: number) => (samples + (isOdd ? 0 : 1)) >> 1
  return {
    process: (input, out) => {
      let written = 0
      for (let start = 0; start < input.length; start += maxStepSamples) {
        const count = Math.min(maxStepSamples, input.length - start)
        const length = lengthOf(count)
        load(kernel, history, input, start, count)
        kernel.halve(isOdd ? 1 : 0, length)
        store(out, written, length)
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

/** The fastest kernel that works on this machine. */
export const makeKernel = (filter: Float64Array): Kernel => SimdKernel.make(filter) ?? PlainKernel.make(filter)

let taps: Float64Array | undefined
let kernel: Kernel | undefined

/** Makes a converter between two rates, one of which must be twice the other. */
export const make = (from: SampleRate, to: SampleRate): RateConverter => {
  taps ??= halfBand(tapPairs, passBandEdge / 2)
  kernel ??= makeKernel(taps)
  const high = Math.max(from, to)
  return {
    ...(to > from ? makeDoubler(kernel) : makeHalver(kernel)),
    delay: (taps.length - 1) / 2 / high,
    tail: Math.ceil(((taps.length - 1) * from) / high)
  }
}
