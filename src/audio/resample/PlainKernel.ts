/** The half-band filter in plain loops of 64-bit floats, for old processors without SIMD and browsers that forbid WebAssembly. */
import { convolveFolded, outputsAtOnce } from "./Convolution.ts"
import { phaseHistory, fold, tapPairs, inputLength, type Kernel, outputLength, phaseLength } from "./HalfBandKernel.ts"
import { toSample } from "./RateConverter.ts"

/** `filter`: the 63 taps. */
export const make = (filter: Float64Array): Kernel => {
  const { centre, doubler, halver } = fold(filter)
  const input = new Int16Array(inputLength)
  const output = new Int16Array(outputLength)
  const even = new Float64Array(phaseLength)
  const sums = new Float64Array(phaseLength)

  /** `sums[i] = Σ taps[k] · (even[i + k] + even[i + 31 - k])` for `i` in 0…count-1. */
  const convolve = (taps: Float64Array, count: number): void => {
    sums.fill(0, 0, count + outputsAtOnce)
    convolveFolded(sums, count, taps, even, 0, even, tapPairs)
  }

  return {
    input,
    output,
    double: (count) => {
      for (let i = 0; i < phaseHistory + count; i++) even[i] = input[i]
      convolve(doubler, count)
      for (let i = 0; i < count; i++) {
        output[2 * i] = toSample(sums[i])
        output[2 * i + 1] = input[i + tapPairs]
      }
    },
    halve: (start, count) => {
      for (let i = 0; i < phaseHistory + count; i++) even[i] = input[start + 2 * i]
      convolve(halver, count)
      for (let i = 0; i < count; i++) output[i] = toSample(sums[i] + centre * input[start + phaseHistory + 2 * i])
    }
  }
}
