/**
 * Streaming sample rate conversion between any two rates of whole Hz: polyphase linear-phase FIR.
 *
 * With `low` the lower of the two rates: the pass band is 0…0.425 `low` (3.4 kHz at 8 kHz) within 0.001 dB, the stop band
 * begins at 0.575 `low` (4.6 kHz) and is 80 dB down. Whatever would fall into the pass band as an alias or an
 * image comes from the stop band. Between the two is the transition band: what lies there is attenuated by 0 to
 * 80 dB (6 dB at `low` / 2) and its aliases and images fall into the transition band again, above the telephone's.
 *
 * | pair | filter | delay |
 * | --- | --- | --- |
 * | 8↔16 | half-band, equiripple, 63 taps at 16 kHz | 1.94 ms |
 * | 24↔48 | the same at 48 kHz | 0.65 ms |
 * | 8↔24 | Kaiser-windowed sinc, 101 taps at 24 kHz | 2.08 ms |
 * | 8↔48 | Kaiser-windowed sinc, 203 taps at 48 kHz | 2.10 ms |
 * | 16↔48, 16↔24 | Kaiser-windowed sinc, 101 taps at 48 kHz | 1.04 ms |
 * | others of a small ratio (32→8, 12→8) | the same, as long as the lower rate needs it | 17 samples of the lower rate |
 * | all others (22.05→8, 44.1→48) | Kaiser-windowed sinc by `RationalResampler` | 17 samples of the lower rate |
 *
 * Arithmetic is in 64-bit floats, rounded to the nearest 16-bit sample and saturated. Going up by a whole factor, every
 * input sample comes out again unchanged, `delay` later: one phase of the filter is a pure delay.
 */
import { halfBand, kaiserNyquist } from "./FirDesign.ts"
import * as HalfBandKernel from "./HalfBandKernel.ts"
import { makeDoubler, makeHalver } from "./HalfBand.ts"
import type { Pcm, SampleRate } from "../Pcm.ts"
import * as RationalResampler from "./RationalResampler.ts"

/** One direction of one call: it remembers the last milliseconds of its input, so each stream needs its own. */
export interface Resampler<From extends SampleRate, To extends SampleRate> {
  readonly from: From
  readonly to: To
  /** Group delay in seconds, the same at every frequency: an event at `t` in the input is at `t + delay` in the output. */
  readonly delay: number
  /**
   * Converts the next piece, of any length.
   *
   * After `n` samples of input in all, exactly `ceil(n · to / from)` have come out in all; how the input was cut
   * changes nothing, bit for bit. The result is a new array, except at equal rates, where it is the input itself.
   */
  process(input: Pcm<From>): Pcm<To>
  /** How many samples the next `samples` of input will give. */
  outputLength(samples: number): number
  /**
   * As `process`, into an array of the caller's that has room for `outputLength(input.length)` samples; answers how
   * many it wrote. For a frame path that allocates nothing.
   */
  processInto(input: Pcm<From>, out: Pcm<To>): number
  /** The tail that is still in the filter (twice `delay`), as if silence followed; then as after `reset`. */
  flush(): Pcm<To>
  /** Forgets all input, as if newly made. */
  reset(): void
}

/**
 * A part of one phase's sum: `Σ taps[k] · first[k]`, or folded `Σ taps[k] · (first[k] + second[K - 1 - k])`, which
 * needs half the multiplications where the filter's symmetry meets itself. `first` and `second` are windows into the
 * streams, relative to the current period.
 */
interface Term {
  readonly taps: Float64Array
  readonly stream: number
  readonly offset: number
  readonly folded: { readonly stream: number; readonly offset: number } | undefined
}

/** The filter of a pair of rates, cut up so that the inner loops run over adjacent samples. */
interface Plan {
  /** Interpolation and decimation, without a common factor. A period is `down` inputs and `up` outputs. */
  readonly up: number
  readonly down: number
  /** For each of a period's outputs its terms. */
  readonly phases: ReadonlyArray<ReadonlyArray<Term>>
  /** How many periods back the filter looks. */
  readonly history: number
  /** How many samples of silence push the last sample out. */
  readonly tail: number
  /** Seconds. */
  readonly delay: number
}

const passBandEdge = 0.425
const attenuation = 81

/**
 * Up to this factor `Plan` is the faster one; its table and its inner loops grow with the square of it. All rates of
 * calls are within.
 */
const maxPlanFactor = 6

const divisor = (a: number, b: number): number => b === 0 ? a : divisor(b, a % b)

const isReverse = (a: Float64Array, b: Float64Array): boolean =>
  a.length === b.length && a.every((tap, i) => tap === b[b.length - 1 - i])

/** Joins terms whose taps mirror each other (or themselves) into folded ones. */
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
 * With `u` the input spread by `up` and `h` the filter, output `i · up + p` is `Σ h[k] · u[(i · up + p) · down - k]`.
 * Only where `p · down - k` divides by `up` is there an input sample: `n = (p · down - k) / up` after the first of period
 * `i`. Splitting `n` into period and place makes of each place of the period a stream with a contiguous run of taps.
 */
const makePlan = (from: SampleRate, to: SampleRate): Plan => {
  const common = divisor(from, to)
  const up = to / common
  const down = from / common
  const factor = Math.max(up, down)
  const filter = kaiserNyquist(factor, (1 - 2 * passBandEdge) / factor, attenuation)
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

const isDelay = ({ folded, taps }: Term): boolean => folded === undefined && taps.length === 1 && taps[0] === 1

const plans = new Map<string, Plan>()

/** Designing a filter takes some milliseconds, so each pair's is kept. */
const planFor = (from: SampleRate, to: SampleRate): Plan => {
  const key = `${from}:${to}`
  const plan = plans.get(key) ?? makePlan(from, to)
  plans.set(key, plan)
  return plan
}

/**
 * `Math.ceil` alone may answer -0, which no machine integer can hold: the compiler would then count in floats, through
 * all the inner loops.
 */
const ceilDivide = (a: number, b: number): number => Math.ceil(a / b) | 0

/**
 * How many outputs the inner loops compute side by side. Neighbours share taps and all but one sample, which stay in
 * registers: twice as fast as one by one. The last group may run over the end, into `padding` that nobody reads.
 */
const width = 4

/** What arrays that are convolved have behind their last sample. */
const padding = 2 * width

/** `sum[i] += Σ taps[k] · x[at + i + k]` for `i` in 0…count-1. */
const convolve = (sum: Float64Array, count: number, taps: Float64Array, x: Float64Array, at: number): void => {
  const length = taps.length
  for (let i = 0; i < count; i += width) {
    const start = at + i
    let sum0 = sum[i]
    let sum1 = sum[i + 1]
    let sum2 = sum[i + 2]
    let sum3 = sum[i + 3]
    let x0 = x[start]
    let x1 = x[start + 1]
    let x2 = x[start + 2]
    for (let k = 0; k < length; k++) {
      const tap = taps[k]
      const x3 = x[start + k + 3]
      sum0 += tap * x0
      sum1 += tap * x1
      sum2 += tap * x2
      sum3 += tap * x3
      x0 = x1
      x1 = x2
      x2 = x3
    }
    sum[i] = sum0
    sum[i + 1] = sum1
    sum[i + 2] = sum2
    sum[i + 3] = sum3
  }
}

/** `sum[i] += Σ taps[k] · (x[atX + i + k] + y[atY + i + K - 1 - k])` for `i` in 0…count-1, with `K` taps. */
const convolveFolded = (
  sum: Float64Array,
  count: number,
  taps: Float64Array,
  x: Float64Array,
  atX: number,
  y: Float64Array,
  atY: number
): void => {
  const length = taps.length
  for (let i = 0; i < count; i += width) {
    const start = atX + i
    const end = atY + i + length - 1
    let sum0 = sum[i]
    let sum1 = sum[i + 1]
    let sum2 = sum[i + 2]
    let sum3 = sum[i + 3]
    let x0 = x[start]
    let x1 = x[start + 1]
    let x2 = x[start + 2]
    let y1 = y[end + 1]
    let y2 = y[end + 2]
    let y3 = y[end + 3]
    for (let k = 0; k < length; k++) {
      const tap = taps[k]
      const x3 = x[start + k + 3]
      const y0 = y[end - k]
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
    sum[i] = sum0
    sum[i + 1] = sum1
    sum[i + 2] = sum2
    sum[i + 3] = sum3
  }
}

/** Every `step`-th place of `out` from `at` on gets the next of `x`, which holds whole samples, from `atX` on. */
const copy = (out: Int16Array, at: number, step: number, count: number, x: Float64Array, atX: number): void => {
  for (let i = 0, place = at; i < count; i++, place += step) out[place] = x[atX + i]
}

/** Every `step`-th place of `out` from `at` on gets the next sum, rounded (halves up) and saturated. */
const store = (out: Int16Array, at: number, step: number, count: number, sum: Float64Array): void => {
  for (let i = 0, place = at; i < count; i++, place += step) {
    const value = sum[i]
    const limited = value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value
    // Truncation of a positive number rounds down; `Math.round` would be slower.
    out[place] = ((limited + 32_768.5) | 0) - 32_768
  }
}

const makeIdentity = <Rate extends SampleRate>(rate: Rate): Resampler<Rate, Rate> => ({
  from: rate,
  to: rate,
  delay: 0,
  process: (input) => input,
  outputLength: (samples) => samples,
  processInto: (input, out) => {
    out.set(input)
    return input.length
  },
  flush: () => new Int16Array(0),
  reset: () => {}
})

/**
 * Where a block is worked on. Nothing in it outlives a call of `convert`, so all resamplers share it: what a call keeps
 * for itself is the filter's history, some hundred bytes, and 200 calls in turn stay in the processor's cache.
 */
const spaces: Array<Float64Array> = []
const workspace = (streams: number, length: number): ReadonlyArray<Float64Array> => {
  for (let place = 0; place < streams; place++) {
    if (spaces[place] === undefined || spaces[place].length < length) spaces[place] = new Float64Array(length)
  }
  return spaces
}

/** The sums of one phase of one block: nothing outlives a call of `convert`, so all resamplers share it, and the cache. */
let sum = new Float64Array(0)

const makePolyphase = <From extends SampleRate, To extends SampleRate>(from: From, to: To): Resampler<From, To> => {
  const { delay, down, history, phases, tail, up } = planFor(from, to)
  // 20 ms, the telephone's frame, is worked off in one go; longer input in blocks, so that the buffers stay in cache.
  const blockLength = Math.ceil(from / 50)
  const blockPeriods = Math.ceil(blockLength / down) + 1
  const streams = workspace(down, history + blockPeriods + padding)
  if (sum.length < blockPeriods + padding) sum = new Float64Array(blockPeriods + padding)
  // One more than the history: the period that has only begun.
  const keptLength = history + 1
  const kept = new Int16Array(down * keptLength)
  /** How many samples of the current period have come. */
  let held = 0

  const take = (input: Int16Array, start: number, count: number): void => {
    for (let place = 0; place < down; place++) {
      const stream = streams[place]
      const first = place < held ? place - held + down : place - held
      let at = history + (place < held ? 1 : 0)
      for (let i = start + first; i < start + count; i += down) {
        stream[at] = input[i]
        at += 1
      }
    }
  }

  const load = (): void => {
    for (let place = 0, from = 0; place < down; place++) {
      const stream = streams[place]
      for (let i = 0; i < keptLength; i++, from++) stream[i] = kept[from]
    }
  }

  const save = (periods: number): void => {
    for (let place = 0, to = 0; place < down; place++) {
      const stream = streams[place]
      for (let i = periods; i < periods + keptLength; i++, to++) kept[to] = stream[i]
    }
  }

  /** Answers where the next block's output goes. */
  const convert = (input: Int16Array, start: number, count: number, out: Int16Array, written: number): number => {
    load()
    take(input, start, count)
    const from = ceilDivide(held * up, down)
    const to = ceilDivide((held + count) * up, down)
    for (let phase = 0; phase < up; phase++) {
      const period = ceilDivide(from - phase, up)
      const periods = ceilDivide(to - phase, up) - period
      if (periods <= 0) continue
      const at = history + period
      const place = written + period * up + phase - from
      const terms = phases[phase]
      if (terms.length === 1 && isDelay(terms[0])) {
        copy(out, place, up, periods, streams[terms[0].stream], at + terms[0].offset)
        continue
      }
      sum.fill(0, 0, periods + width)
      for (const { folded, offset, stream, taps } of terms) {
        if (folded === undefined) {
          convolve(sum, periods, taps, streams[stream], at + offset)
        } else {
          const other = streams[folded.stream]
          convolveFolded(sum, periods, taps, streams[stream], at + offset, other, at + folded.offset)
        }
      }
      store(out, place, up, periods, sum)
    }
    const periods = ceilDivide(held + count + 1, down) - 1
    save(periods)
    held += count - periods * down
    return written + to - from
  }

  const outputLength = (samples: number): number =>
    ceilDivide((held + samples) * up, down) - ceilDivide(held * up, down)

  const processInto = (input: Int16Array, out: Int16Array): number => {
    let written = 0
    for (let start = 0; start < input.length; start += blockLength) {
      written = convert(input, start, Math.min(blockLength, input.length - start), out, written)
    }
    return written
  }

  const process = (input: Int16Array): Pcm<To> => {
    const out: Pcm<To> = new Int16Array(outputLength(input.length))
    processInto(input, out)
    return out
  }

  const reset = (): void => {
    kept.fill(0)
    held = 0
  }

  const flush = (): Pcm<To> => {
    const out = process(new Int16Array(tail))
    reset()
    return out
  }

  return { from, to, delay, process, outputLength, processInto, flush, reset }
}

let halfBandTaps: Float64Array | undefined
let halfBandKernel: HalfBandKernel.Kernel | undefined

const makeTwofold = <From extends SampleRate, To extends SampleRate>(from: From, to: To): Resampler<From, To> => {
  halfBandTaps ??= halfBand(16, passBandEdge / 2)
  halfBandKernel ??= HalfBandKernel.make(halfBandTaps)
  const converter = to > from ? makeDoubler(halfBandKernel) : makeHalver(halfBandKernel)
  const high = Math.max(from, to)
  const tail = Math.ceil(((halfBandTaps.length - 1) * from) / high)

  const process = (input: Int16Array): Pcm<To> => {
    const out: Pcm<To> = new Int16Array(converter.outputLength(input.length))
    converter.process(input, out)
    return out
  }

  return {
    from,
    to,
    delay: (halfBandTaps.length - 1) / 2 / high,
    process,
    outputLength: converter.outputLength,
    processInto: converter.process,
    flush: () => {
      const out = process(new Int16Array(tail))
      converter.reset()
      return out
    },
    reset: converter.reset
  }
}

/** The designs of the last pairs. A server names its rate itself, so the number of pairs has no other bound. */
const designs = new Map<string, RationalResampler.Design>()
const maxDesigns = 16

const designFor = (from: SampleRate, to: SampleRate): RationalResampler.Design => {
  const key = `${from}:${to}`
  const design = designs.get(key) ?? RationalResampler.design({ from, to, transition: 1 - 2 * passBandEdge, attenuation })
  designs.delete(key)
  designs.set(key, design)
  for (const oldest of designs.keys()) {
    if (designs.size <= maxDesigns) break
    designs.delete(oldest)
  }
  return design
}

const makeRational = <From extends SampleRate, To extends SampleRate>(from: From, to: To): Resampler<From, To> => {
  const converter = RationalResampler.make(from, designFor(from, to))

  const process = (input: Int16Array): Pcm<To> => {
    const out: Pcm<To> = new Int16Array(converter.outputLength(input.length))
    converter.process(input, out)
    return out
  }

  return {
    from,
    to,
    delay: converter.delay,
    process,
    outputLength: converter.outputLength,
    processInto: converter.process,
    flush: () => {
      const out = process(new Int16Array(converter.tail))
      converter.reset()
      return out
    },
    reset: converter.reset
  }
}

/** Equal rates cost nothing: the samples pass as they are. */
export const make = <From extends SampleRate, To extends SampleRate>(from: From, to: To): Resampler<From, To> => {
  if (from as SampleRate === to) {
    return makeIdentity(from) as Resampler<SampleRate, SampleRate> as Resampler<From, To>
  }
  if (from === 2 * to || to === 2 * from) return makeTwofold(from, to)
  return Math.max(from, to) / divisor(from, to) <= maxPlanFactor ? makePolyphase(from, to) : makeRational(from, to)
}
