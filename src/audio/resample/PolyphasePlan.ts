/**
 * The filter between two rates whose ratio is one of small whole numbers, such as 3 : 2. It is arranged so that the
 * inner loops of `PolyphaseResampler` read arrays in order.
 *
 * - Period: the shortest time that holds whole numbers of samples at both rates: `down` inputs and `up` outputs. From 24 to 16 kHz it is
 *   125 µs, 3 inputs and 2 outputs.
 * - Place: which input of its period a sample is, 0…down-1. The samples with the same place, one of each period, are a stream (a
 *   polyphase component of the input).
 * - Phase: which output of its period a sample is, 0…up-1. Each phase has taps of its own.
 */
import { kaiserNyquist } from "./FirDesign.ts"
import type { SampleRate } from "../Pcm.ts"
import { attenuation, greatestCommonDivisor, transition } from "./RateConverter.ts"

/**
 * What one stream adds to an output: `Σ taps[k] · x[k]`, where `x` is a run of the stream's samples.
 *
 * A folded term adds two runs with mirrored taps: `Σ taps[k] · (x[k] + y[K - 1 - k])` with `K` taps, half the multiplications.
 */
interface Term {
  readonly taps: Float64Array
  /** The place whose stream `x` is in. */
  readonly stream: number
  /** The period of `x[0]`, counted from the output's own period; 0 or less. */
  readonly offset: number
  /** Where `y` is. */
  readonly folded: { readonly stream: number; readonly offset: number } | undefined
}

interface PolyphasePlan {
  /** `up / down` is `to / from` in lowest terms. */
  readonly up: number
  readonly down: number
  /** The terms of each of a period's outputs. */
  readonly phases: ReadonlyArray<ReadonlyArray<Term>>
  /** How many periods the filter looks back. */
  readonly history: number
  /** How many samples of silence push the last sample out. */
  readonly tail: number
  /** Seconds. */
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
 * Resampling by `up / down`: put `up - 1` zeros behind each input sample (which gives `u`), filter, keep every `down`-th sample.
 *
 * So output `p` of period `i` is `Σ filter[k] · u[(i · up + p) · down - k]`. Most terms are zero: tap `k` meets an input sample only where
 * `n = (p · down - k) / up` is whole. That is input `n`, counted from the first input of period `i`; it lies `floor(n / down)` periods
 * later (negative: before), at the place `n mod down`. The taps that meet one stream are a contiguous run.
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

/** Whether the term is an input sample as it is. */
export const isDelay = ({ folded, taps }: Term): boolean => folded === undefined && taps.length === 1 && taps[0] === 1

/** Designing a filter takes some milliseconds, so the plan of each pair is kept. */
const plans = new Map<string, PolyphasePlan>()

/** The plan for two rates in whole Hz. Making it takes time and memory that grow with the square of the larger of `up` and `down`. */
export const of = (from: SampleRate, to: SampleRate): PolyphasePlan => {
  const key = `${from}:${to}`
  const plan = plans.get(key) ?? makePlan(from, to)
  plans.set(key, plan)
  return plan
}
