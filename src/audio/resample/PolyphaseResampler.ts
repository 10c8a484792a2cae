/**
 * Sample rate conversion between two rates whose ratio is one of small whole numbers, such as 24,000 and 8,000 Hz
 * (3 : 1). `PolyphasePlan` has the filter, and explains period, place, stream and phase.
 *
 * Arithmetic is in 64-bit floats. Upsampling by a whole factor passes each input sample through unchanged, because one phase is a pure delay.
 */
import type { SampleRate } from "../Pcm.ts"
import { convolve, convolveFolded, outputsAtOnce } from "./Convolution.ts"
import { padding, PolyphaseInput } from "./PolyphaseInput.ts"
import * as PolyphasePlan from "./PolyphasePlan.ts"
import { type RateConverter, toSample } from "./RateConverter.ts"

/** `Math.ceil` alone may give -0, which is no machine integer; then all inner loops would count in floats. */
const ceilDivide = (a: number, b: number): number => Math.ceil(a / b) | 0

/** Copies `count` samples of `x`, from `atX` on, to every `step`-th index of `out`, from `at` on. */
const copy = (out: Int16Array, at: number, step: number, count: number, x: Float64Array, atX: number): void => {
  for (let i = 0, to = at; i < count; i++, to += step) out[to] = x[atX + i]
}

/** Rounds `count` sums and writes them to every `step`-th index of `out`, from `at` on. */
const store = (out: Int16Array, at: number, step: number, count: number, sum: Float64Array): void => {
  for (let i = 0, to = at; i < count; i++, to += step) out[to] = toSample(sum[i])
}

/** The sums of one phase in one block. They are not needed afterwards, so all resamplers share the array. */
let sums = new Float64Array(0)

/** `from` and `to` are whole Hz. */
export const make = (from: SampleRate, to: SampleRate): RateConverter => {
  const { delay, down, history, phases, tail, up } = PolyphasePlan.of(from, to)
  // A block is 20 ms, a frame of the telephone. Longer input is cut into blocks, so that the arrays stay in the processor's cache.
  const blockLength = Math.ceil(from / 50)
  const blockPeriods = Math.ceil(blockLength / down) + 1
  const input = new PolyphaseInput(down, history, blockPeriods)
  if (sums.length < blockPeriods + padding) sums = new Float64Array(blockPeriods + padding)

  /** Computes one phase's output of `periods` periods. The first period is at index `at` of the streams, the first output at index `outAt` of `out`. */
  const convertPhase = (streams: ReadonlyArray<Float64Array>, phase: number, at: number, periods: number, out: Int16Array, outAt: number): void => {
    const terms = phases[phase]
    if (terms.length === 1 && PolyphasePlan.isDelay(terms[0])) {
      copy(out, outAt, up, periods, streams[terms[0].stream], at + terms[0].offset)
      return
    }
    sums.fill(0, 0, periods + outputsAtOnce)
    for (const { folded, offset, stream, taps } of terms) {
      if (folded === undefined) {
        convolve(sums, periods, taps, streams[stream], at + offset)
      } else {
        convolveFolded(sums, periods, taps, streams[stream], at + offset, streams[folded.stream], at + folded.offset)
      }
    }
    store(out, outAt, up, periods, sums)
  }

  /** Converts one block, writing from index `written` of `out` on. Answers where the next block's output begins. */
  const convert = (samples: Int16Array, start: number, count: number, out: Int16Array, written: number): number => {
    const streams = input.load(samples, start, count)
    const { begun } = input
    // Inputs and outputs are counted from the beginning of the current period: `n` inputs give `ceil(n · up / down)` outputs.
    const firstOutput = ceilDivide(begun * up, down)
    const endOutput = ceilDivide((begun + count) * up, down)
    for (let phase = 0; phase < up; phase++) {
      // The first period in which the output of this phase is a new one, and how many periods have one.
      const period = ceilDivide(firstOutput - phase, up)
      const periods = ceilDivide(endOutput - phase, up) - period
      if (periods > 0) convertPhase(streams, phase, history + period, periods, out, written + period * up + phase - firstOutput)
    }
    input.save(count, Math.floor((begun + count) / down))
    return written + endOutput - firstOutput
  }

  return {
    process: (samples, out) => {
      let written = 0
      for (let start = 0; start < samples.length; start += blockLength) {
        written = convert(samples, start, Math.min(blockLength, samples.length - start), out, written)
      }
      return written
    },
    outputLength: (samples) => ceilDivide((input.begun + samples) * up, down) - ceilDivide(input.begun * up, down),
    reset: () => input.reset(),
    delay,
    tail
  }
}
