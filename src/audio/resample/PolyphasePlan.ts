/**
 * The filter between two rates whose ratio has small whole numbers, such as 3 : 2. It is arranged so that the inner loops of
 * `PolyphaseResampler` read arrays in order.
 *
 * - Period: the shortest time with whole numbers of samples at both rates, `down` inputs and `up` outputs. From 24 to 16 kHz, a period is
 *   125 µs: 3 inputs and 2 outputs.
 * - Place: the number of an input sample in its period, 0…down-1. The samples with the same place, one from each period, are a stream (a
 *   polyphase component of the input).
 * - Phase: the number of an output sample in its period, 0…up-1. Each phase has taps of its own.
 */
import { kaiserNyquist } from "./FirDesign.ts"
import type { SampleRate } from "../Pcm.ts"
import { attenuation, greatestCommonDivisor, transition } from "./RateConverter.ts"

/**
 * The part of an output that comes from one stream: `Σ taps[k] · x[k]`, where `x` is a run of the stream's samples.
 *
 * A folded term is the sum for two runs with mirrored taps: `Σ taps[k] · (x[k] + y[K - 1 - k])` with `K` taps. It needs half of the
 * multiplications.
 */
interface Term {
  readonly taps: Float64Array
  /** The place of the stream that contains `x`. */
  readonly stream: number
  /** The period of `x[0]`, counted from the output's own period. 0 or less. */
  readonly offset: number
  /** The same for `y`. Unset if the term is not folded. */
  readonly folded: { readonly stream: number; readonly offset: number } | undefined
}

interface PolyphasePlan {
  /** `up / down` is `to / from` in lowest terms. */
  readonly up: number
  readonly down: number
  /** The terms of each output of a period. */
  readonly phases: ReadonlyArray<ReadonlyArray<Term>>
  /** How many periods the filter looks back. */
  readonly history: number
  /** How many input samples of silence must follow the last sample to get all of its output. */
  readonly tail: number
  /** The group delay in seconds. */
  readonly delay: number
}

const isReverse = (a: Float64Array, b: Float64Array): boolean =>
  a.length === b.length && a.every((tap, i) => tap === b[b.length - 1 - i])

/** Folds each pair of terms whose taps mirror each other, and each term whose taps are symmetric. */
const fold = (terms: ReadonlyArray<Term>): ReadonlyArray<Term> => {
  const unpaired = [...terms]
  const folded: Array<Term> = []
  for (let term = unpaired.shift(); term !== undefined; term = unpaired.shift()) {
    const { offset, stream, taps } = term
    const half = taps.length / 2
    const mirror = unpaired.findIndex((other) => taps.length > 1 && isReverse(taps, other.taps))
    if (Number.isInteger(half) && isReverse(taps, taps)) {
      folded.push({ stream, offset, taps: taps.slice(0, half), folded: { stream, offset: offset + half } })
    } else if (mirror >= 0) {
      folded.push({ ...term, folded: unpaired.splice(mirror, 1)[0] })
    } else {
      folded.push(term)
    }
  }
  return folded
}

/**
 * Resampling by `up / down` has three steps: put `up - 1` zeros after each input sample (which gives `u`), filter, and use every `down`-th
 * sample.
 *
 * So output `p` of period `i` is `Σ filter[k] · u[(i · up + p) · down - k]`. Most products are zero: tap `k` meets an input sample only if
 * `n = (p · down - k) / up` is a whole number. Then the sample is input `n`, counted from the first input of period `i`: it is at the place
 * `n mod down` of the same period (`floor(n / down)` is 0) or of an earlier one (negative). The taps that meet one stream are a contiguous
 * run. Each tap is multiplied by `up`, because the zeros have lowered the level by this factor.
 */
const makePlan = (from: SampleRate, to: SampleRate): PolyphasePlan => {
  const common = greatestCommonDivisor(from, to)
  const up = to / common
  const down = from / common
  const factor = Math.max(up, down)
  const filter = kaiserNyquist(factor, transition / factor, attenuation)
  const phases = Array.from({ length: up }, (_, phase) => {
    const streams = Array.from({ length: down }, () => new Map<number, number>())
    for (let k = 0; k < filter.length; k++) {
      const n = (phase * down - k) / up
      if (filter[k] === 0 || !Number.isInteger(n)) continue
      const period = Math.floor(n / down)
      streams[n - period * down].set(period, filter[k] * up)
    }
    return fold(streams.flatMap((taps, stream): ReadonlyArray<Term> => {
      if (taps.size === 0) return []
      const offset = Math.min(...taps.keys())
      const length = Math.max(...taps.keys()) - offset + 1
      return [{
        taps: Float64Array.from({ length }, (_, i) => taps.get(offset + i) ?? 0),
        stream,
        offset,
        folded: undefined
      }]
    }))
  })
  return {
    up,
    down,
    phases,
    history: Math.max(...phases.flat().map((term) => -Math.min(term.offset, term.folded?.offset ?? 0))),
    tail: Math.ceil((filter.length - 1) / up),
    delay: (filter.length - 1) / 2 / (from * up)
  }
}

/** Whether the term is an unchanged input sample. */
export const isCopy = ({ folded, taps }: Term): boolean => folded === undefined && taps.length === 1 && taps[0] === 1

/** The plans by their pairs of rates, kept because the design of a filter takes some milliseconds. */
const plans = new Map<string, PolyphasePlan>()

/** The plan for two rates in whole Hz. Its cost in time and memory grows with the square of the larger of `up` and `down`. */
export const of = (from: SampleRate, to: SampleRate): PolyphasePlan => {
  const key = `${from}:${to}`
  const plan = plans.get(key) ?? makePlan(from, to)
  plans.set(key, plan)
  return plan
}
