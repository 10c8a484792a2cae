/**
 * Sample rate conversion between two rates whose ratio has small whole numbers, such as 24,000 and 8,000 Hz (3 : 1). `PolyphasePlan` has the
 * filter, and explains period, place, stream and phase.
 *
 * The arithmetic is in 64-bit floats. When the rate grows by a whole factor, each input sample also appears unchanged in the output, because
 * one phase is a pure delay.
 */
import type { SampleRate } from "../Pcm.ts"
import { convolve, convolveFolded, outputsAtOnce } from "./Convolution.ts"
import { padding, PolyphaseInput } from "./PolyphaseInput.ts"
import * as PolyphasePlan from "./PolyphasePlan.ts"
import { type RateConverter, toSample } from "./RateConverter.ts"

/** `a / b`, rounded up. `Math.ceil` alone may give -0, which is not a machine integer, and would make all inner loops count in floats. */
const ceilDivide = (a: number, b: number): number => Math.ceil(a / b) | 0

/** Copies `count` samples of `x`, from index `atX` on, to every `step`-th index of `out`, from index `at` on. */
const copy = (out: Int16Array, at: number, step: number, count: number, x: Float64Array, atX: number): void => {
  for (let i = 0, to = at; i < count; i++, to += step) out[to] = x[atX + i]
}

/** Rounds `count` sums and writes them to every `step`-th index of `out`, from index `at` on. */
const store = (out: Int16Array, at: number, step: number, count: number, sum: Float64Array): void => {
  for (let i = 0, to = at; i < count; i++, to += step) out[to] = toSample(sum[i])
}

/** The sums of one phase in one block. They are not needed afterwards, so all resamplers share the array. */
let sums = new Float64Array(0)

/** `from` and `to` are in whole Hz. */
export const make = (from: SampleRate, to: SampleRate): RateConverter => {
  const { delay, down, history, phases, tail, up } = PolyphasePlan.of(from, to)
  // A block has 20 ms, like a frame of the telephone. Longer input is cut into blocks, so that the arrays stay in the processor's cache.
  const blockLength = Math.ceil(from / 50)
  const blockPeriods = Math.ceil(blockLength / down) + 1
  const input = new PolyphaseInput(down, history, blockPeriods)
  if (sums.length < blockPeriods + padding) sums = new Float64Array(blockPeriods + padding)

  /**
   * Computes the output of one phase for `periods` periods. The first period is at index `at` of the streams. The first output is written to
   * index `outAt` of `out`.
   */
  const convertPhase = (streams: ReadonlyArray<Float64Array>, phase: number, at: number, periods: number, out: Int16Array, outAt: number): void => {
    const terms = phases[phase]
    if (terms.length === 1 && PolyphasePlan.isCopy(terms[0])) {
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

  /** Converts one block, and writes its output to `out` from index `written` on. Returns the index at which the next block's output begins. */
  const convert = (samples: Int16Array, start: number, count: number, out: Int16Array, written: number): number => {
    const streams = input.load(samples, start, count)
    const { samplesInPeriod } = input
    // Inputs and outputs are counted from the beginning of the current period: `n` inputs give `ceil(n · up / down)` outputs.
    const firstOutput = ceilDivide(samplesInPeriod * up, down)
    const endOutput = ceilDivide((samplesInPeriod + count) * up, down)
    for (let phase = 0; phase < up; phase++) {
      // The first period in which this phase has a new output, and the number of such periods.
      const period = ceilDivide(firstOutput - phase, up)
      const periods = ceilDivide(endOutput - phase, up) - period
      if (periods > 0) convertPhase(streams, phase, history + period, periods, out, written + period * up + phase - firstOutput)
    }
    input.save(count, Math.floor((samplesInPeriod + count) / down))
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
    outputLength: (samples) => ceilDivide((input.samplesInPeriod + samples) * up, down) - ceilDivide(input.samplesInPeriod * up, down),
    reset: () => input.reset(),
    delay,
    tail
  }
}
