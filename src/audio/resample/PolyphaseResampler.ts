/**
 * Sample rate conversion between two rates whose ratio is a fraction of small whole numbers, such as 24,000 and 8,000 Hz, by the filter of `PolyphasePlan`.
 *
 * Arithmetic is in 64-bit floats. Upsampling by a whole factor passes each input sample through unchanged, because one phase is a pure delay.
 */
import type { SampleRate } from "../Pcm.ts"
import { convolve, convolveFolded, width } from "./Convolution.ts"
import { padding, PeriodStreams } from "./PeriodStreams.ts"
import * as PolyphasePlan from "./PolyphasePlan.ts"
import { type RateConverter, toSample } from "./RateConverter.ts"

/** `Math.ceil` alone may answer -0, which is no machine integer: the compiler would then count in floats through all the inner loops. */
const ceilDivide = (a: number, b: number): number => Math.ceil(a / b) | 0

/** Every `step`-th place of `out` from `at` on gets the next of `x`, which holds whole samples, from `atX` on. */
const copy = (out: Int16Array, at: number, step: number, count: number, x: Float64Array, atX: number): void => {
  for (let i = 0, place = at; i < count; i++, place += step) out[place] = x[atX + i]
}

/** Every `step`-th place of `out` from `at` on gets the next sum. */
const store = (out: Int16Array, at: number, step: number, count: number, sum: Float64Array): void => {
  for (let i = 0, place = at; i < count; i++, place += step) out[place] = toSample(sum[i])
}

/** Scratch memory for one phase of one block. Nothing in it is needed afterwards, so all resamplers share it. */
let sums = new Float64Array(0)

/** `from` and `to` are whole Hz. */
export const make = (from: SampleRate, to: SampleRate): RateConverter => {
  const { delay, down, history, phases, tail, up } = PolyphasePlan.of(from, to)
  // A frame of the telephone, 20 ms, is one block. Longer input is cut, so that the arrays stay in the processor's cache.
  const blockLength = Math.ceil(from / 50)
  const blockPeriods = Math.ceil(blockLength / down) + 1
  const input = new PeriodStreams(down, history, blockPeriods)
  if (sums.length < blockPeriods + padding) sums = new Float64Array(blockPeriods + padding)

  /** Computes the outputs of one phase; `at` is the index of its first period in the streams, `place` that of its first sample in `out`. */
  const convertPhase = (streams: ReadonlyArray<Float64Array>, phase: number, at: number, periods: number, out: Int16Array, place: number): void => {
    const terms = phases[phase]
    if (terms.length === 1 && PolyphasePlan.isDelay(terms[0])) {
      copy(out, place, up, periods, streams[terms[0].stream], at + terms[0].offset)
      return
    }
    sums.fill(0, 0, periods + width)
    for (const { folded, offset, stream, taps } of terms) {
      if (folded === undefined) {
        convolve(sums, periods, taps, streams[stream], at + offset)
      } else {
        convolveFolded(sums, periods, taps, streams[stream], at + offset, streams[folded.stream], at + folded.offset)
      }
    }
    store(out, place, up, periods, sums)
  }

  /** Converts one block; answers where the next block's output goes. */
  const convert = (samples: Int16Array, start: number, count: number, out: Int16Array, written: number): number => {
    const streams = input.load(samples, start, count)
    const { held } = input
    const firstOutput = ceilDivide(held * up, down)
    const endOutput = ceilDivide((held + count) * up, down)
    for (let phase = 0; phase < up; phase++) {
      const period = ceilDivide(firstOutput - phase, up)
      const periods = ceilDivide(endOutput - phase, up) - period
      if (periods > 0) convertPhase(streams, phase, history + period, periods, out, written + period * up + phase - firstOutput)
    }
    input.save(count, ceilDivide(held + count + 1, down) - 1)
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
    outputLength: (samples) => ceilDivide((input.held + samples) * up, down) - ceilDivide(input.held * up, down),
    reset: () => input.reset(),
    delay,
    tail
  }
}
