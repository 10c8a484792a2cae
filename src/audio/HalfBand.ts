/**
 * Doubling and halving the sample rate by a half-band filter of 63 taps: the way of every call's sound, 8↔16 kHz.
 *
 * Of the filter's two phases one is a pure delay and the other has 32 symmetric taps, which folded are 16
 * multiplications for an output sample. Two loops made for just this run in half the time of the general
 * polyphase of `Resampler`. What a stream keeps for itself is its history, some hundred bytes; the work is
 * done in arrays that all streams share, so that hundreds of calls in turn stay in the processor's cache.
 */

/** Taps of the symmetric phase, after folding; and samples that this phase looks back. */
const half = 16
const back = 2 * half - 1

/** The most samples of one phase that are worked on in one go: 20 ms at 16 kHz. */
const block = 320

/** Four outputs are computed side by side; the last group may run over the end. */
const width = 4

const even = new Float64Array(back + block + width)
const odd = new Float64Array(half + block)
const sums = new Float64Array(block + width)

/** `sums[i] = Σ taps[k] · (even[i + k] + even[i + 31 - k])` for `i` in 0…count-1. */
const convolve = (taps: Float64Array, count: number): void => {
  for (let i = 0; i < count; i += width) {
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

/** Rounded (halves up) and saturated. Truncation of a positive number rounds down; `Math.round` would be slower. */
const toSample = (value: number): number =>
  value >= 32_767 ? 32_767 : value <= -32_768 ? -32_768 : ((value + 32_768.5) | 0) - 32_768

/** A converter's state and its step; `process` answers how many samples it wrote. */
export interface HalfBand {
  readonly process: (input: Int16Array, out: Int16Array) => number
  readonly reset: () => void
  /** How many samples the next `samples` of input will give. */
  readonly outputLength: (samples: number) => number
}

/** The 16 taps that remain of a half-band filter's 63, times `gain`. */
const fold = (filter: Float64Array, gain: number): Float64Array =>
  Float64Array.from({ length: half }, (_, k) => filter[2 * k] * gain)

/** Twice the rate: each input gives a filtered sample and, delayed by 15, itself. */
export const makeDoubler = (filter: Float64Array): HalfBand => {
  const taps = fold(filter, 2)
  const history = new Int16Array(back)

  const convert = (input: Int16Array, start: number, count: number, out: Int16Array, at: number): void => {
    for (let i = 0; i < back; i++) even[i] = history[i]
    for (let i = 0; i < count; i++) even[back + i] = input[start + i]
    convolve(taps, count)
    for (let i = 0, place = at; i < count; i++, place += 2) {
      out[place] = toSample(sums[i])
      out[place + 1] = even[i + half]
    }
    for (let i = 0; i < back; i++) history[i] = even[count + i]
  }

  return {
    process: (input, out) => {
      for (let start = 0; start < input.length; start += block) {
        convert(input, start, Math.min(block, input.length - start), out, 2 * start)
      }
      return 2 * input.length
    },
    reset: () => {
      history.fill(0)
    },
    outputLength: (samples) => 2 * samples
  }
}

/** Half the rate: samples of even number are filtered, those of odd number added, delayed by 31. */
export const makeHalver = (filter: Float64Array): HalfBand => {
  const taps = fold(filter, 1)
  const centre = filter[2 * half - 1]
  const evens = new Int16Array(back)
  const odds = new Int16Array(half)
  /** Whether the next input has an odd number. */
  let isOdd = false

  const convert = (input: Int16Array, start: number, count: number, out: Int16Array, at: number): number => {
    for (let i = 0; i < back; i++) even[i] = evens[i]
    for (let i = 0; i < half; i++) odd[i] = odds[i]
    const end = start + count
    let evenCount = 0
    let oddCount = 0
    for (let i = isOdd ? start + 1 : start; i < end; i += 2) even[back + evenCount++] = input[i]
    for (let i = isOdd ? start : start + 1; i < end; i += 2) odd[half + oddCount++] = input[i]
    // An odd sample that comes first belongs behind an even one that went before: its sum was made without it,
    // for it looks 16 odd samples back.
    const first = isOdd ? 1 : 0
    convolve(taps, evenCount)
    for (let i = 0; i < evenCount; i++) out[at + i] = toSample(sums[i] + centre * odd[i + first])
    for (let i = 0; i < back; i++) evens[i] = even[evenCount + i]
    for (let i = 0; i < half; i++) odds[i] = odd[oddCount + i]
    if (count % 2 === 1) isOdd = !isOdd
    return evenCount
  }

  return {
    process: (input, out) => {
      let written = 0
      for (let start = 0; start < input.length; start += block) {
        written += convert(input, start, Math.min(block, input.length - start), out, written)
      }
      return written
    },
    reset: () => {
      evens.fill(0)
      odds.fill(0)
      isOdd = false
    },
    outputLength: (samples) => (samples + (isOdd ? 0 : 1)) >> 1
  }
}
