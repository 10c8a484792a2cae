/** The half-band filter in plain loops of 64-bit floats: where WebAssembly is missing (an old processor, a browser that forbids it). */
import { back, fold, half, inputLength, type Kernel, outputLength, phaseLength } from "./HalfBandKernel.ts"
import { toSample } from "./RateConverter.ts"

/** `filter`: the 63 taps. */
export const make = (filter: Float64Array): Kernel => {
  const { centre, doubler, halver } = fold(filter)
  const input = new Int16Array(inputLength)
  const output = new Int16Array(outputLength)
  const even = new Float64Array(phaseLength)
  const sums = new Float64Array(phaseLength)

  /** `sums[i] = Σ taps[k] · (even[i + k] + even[i + 31 - k])`, four side by side; the last group may run over the end. */
  const convolve = (taps: Float64Array, count: number): void => {
    for (let i = 0; i < count; i += 4) {
      let sum0 = 0
      let sum1 = 0
      let sum2 = 0
      let sum3 = 0
      let x0 = even[i]
      let x1 = even[i + 1]
      let x2 = even[i + 2]
      let y1 = even[i + back + 1]
      let y2 = even[i + back + 2]
      let y3 = even[i + back + 3]
      for (let k = 0; k < half; k++) {
        const tap = taps[k]
        const x3 = even[i + k + 3]
        const y0 = even[i + back - k]
        sum0 += tap * (x0 + y0)
        sum1 += tap * (x1 + y1)
        sum2 += tap * (x2 + y2)
        sum3 += tap * (x3 + y3)
        x0 = x1
        x1 = x2
        x2 = x3
        y3 = y2
        y2 = y1
        y1 = y0
      }
      sums[i] = sum0
      sums[i + 1] = sum1
      sums[i + 2] = sum2
      sums[i + 3] = sum3
    }
  }

  return {
    input,
    output,
    double: (count) => {
      for (let i = 0; i < back + count; i++) even[i] = input[i]
      convolve(doubler, count)
      for (let i = 0; i < count; i++) {
        output[2 * i] = toSample(sums[i])
        output[2 * i + 1] = input[i + half]
      }
    },
    halve: (start, count) => {
      for (let i = 0; i < back + count; i++) even[i] = input[start + 2 * i]
      convolve(halver, count)
      for (let i = 0; i < count; i++) output[i] = toSample(sums[i] + centre * input[start + back + 2 * i])
    }
  }
}
