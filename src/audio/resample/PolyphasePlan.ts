/**
 * The filter between two rates of a small ratio, cut up for `PolyphaseResampler`: its inner loops run over adjacent samples.
 *
 * A period is the shortest stretch that holds whole numbers of input and output samples: `down` inputs, `up` outputs. The inputs at one
 * place of all periods are a stream of their own, and each output of a period has its own taps (a phase).
 */
import { kaiserNyquist } from "./FirDesign.ts"
import type { SampleRate } from "../Pcm.ts"
import { attenuation, divisor, transition } from "./RateConverter.ts"

/**
 * A part of one phase's sum: `Σ taps[k] · first[k]`, or folded `Σ taps[k] · (first[k] + second[K - 1 - k])`. Folding needs half the
 * multiplications, where taps mirror each other. `first` and `second` are windows into the streams, relative to the current period.
 */
interface Term {
  readonly taps: Float64Array
  readonly stream: number
  readonly offset: number
  readonly folded: { readonly stream: number; readonly offset: number } | undefined
}

interface PolyphasePlan {
  /** Interpolation and decimation, without a common factor. */
  readonly up: number
  readonly down: number
  /** The terms of each of a period's outputs. */
  readonly phases: ReadonlyArray<ReadonlyArray<Term>>
  /** How many periods back the filter looks. */
  readonly history: number
  /** How many samples of silence push the last sample out. */
  readonly tail: number
  /** Seconds. */
  readonly delay: number
}

const isReverse = (a: Float64Array, b: Float64Array): boolean =>
  a.length === b.length && a.every((tap, i) => tap === b[b.length - 1 - i])

/** Joins terms whose taps mirror each other, or themselves, into folded ones. */
const fold = (terms: ReadonlyArray<Term>): ReadonlyArray<Term> => {
  const rest = [...terms]
  const out: Array<Term> = []
  for (let term = rest.shift(); term !== undefined; term = rest.shift()) {
    const { offset, stream, taps } = term
    const half = taps.length / 2
    const mirror = rest.findIndex((other) => taps.length > 1 && isReverse(taps, other.taps))
    if (Number.isInteger(half) && isReverse(taps, taps)) {
      out.push({ stream, offset, taps: taps.slice(0, half), folded: { stream, offset: offset + half } })
    } else if (mirror >= 0) {
      out.push({ ...term, folded: rest.splice(mirror, 1)[0] })
    } else {
      out.push(term)
    }
  }
  return out
}

/**
 * With `u` the input with `up - 1` zeros behind each sample and `h` the filter, output `i · up + p` is
 * `Σ h[k] · u[(i · up + p) · down - k]`. An input sample is there only where `up` divides `p · down - k`: it is sample
 * `n = (p · down - k) / up` after the first of period `i`. Splitting `n` into period and place gives each stream a contiguous run of taps.
 */
const makePlan = (from: SampleRate, to: SampleRate): PolyphasePlan => {
  const common = divisor(from, to)
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

/** Whether the sum is one input sample as it is. */
export const isDelay = ({ folded, taps }: Term): boolean => folded === undefined && taps.length === 1 && taps[0] === 1

/** Designing a filter takes some milliseconds, so the plan of each pair is kept. */
const plans = new Map<string, PolyphasePlan>()

/** The plan for two whole rates in Hz. The time and memory that it takes grow with the square of the larger of `up` and `down`. */
export const of = (from: SampleRate, to: SampleRate): PolyphasePlan => {
  const key = `${from}:${to}`
  const plan = plans.get(key) ?? makePlan(from, to)
  plans.set(key, plan)
  return plan
}
