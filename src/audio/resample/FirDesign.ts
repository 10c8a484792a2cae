/**
 * Design of linear-phase low-pass Nyquist filters (M-th-band FIR filters). With these filters, a sample rate can be changed by a whole factor
 * while some samples pass through unchanged.
 *
 * The taps give unit gain at 0 Hz. Frequencies are fractions of the sample rate at which the filter runs.
 */

/** Solves `matrix · x = right` in place by Gaussian elimination with partial pivoting. Returns `x`. */
const solve = (matrix: ReadonlyArray<Float64Array>, right: Float64Array): Float64Array => {
  const rows = [...matrix]
  const n = rows.length
  for (let column = 0; column < n; column++) {
    let pivot = column
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row
    }
    const swapped = rows[column]
    rows[column] = rows[pivot]
    rows[pivot] = swapped
    const value = right[column]
    right[column] = right[pivot]
    right[pivot] = value
    for (let row = column + 1; row < n; row++) {
      const factor = rows[row][column] / rows[column][column]
      for (let k = column; k < n; k++) rows[row][k] -= factor * rows[column][k]
      right[row] -= factor * right[column]
    }
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) right[row] -= rows[row][k] * right[k]
    right[row] /= rows[row][row]
  }
  return right
}

/**
 * The indices of the extremes of `error`, with alternating signs. Of neighbours with the same sign, only the largest is used. While there are
 * more than `limit` extremes, the smaller one of the first and the last is dropped.
 */
const alternation = (error: Float64Array, limit: number): Array<number> => {
  const extremes: Array<number> = []
  for (let i = 0; i < error.length; i++) {
    const size = Math.abs(error[i])
    if (i > 0 && Math.abs(error[i - 1]) > size && error[i - 1] * error[i] > 0) continue
    if (i + 1 < error.length && Math.abs(error[i + 1]) > size && error[i + 1] * error[i] > 0) continue
    const last = extremes.at(-1)
    if (last !== undefined && error[last] * error[i] > 0) {
      if (size > Math.abs(error[last])) extremes[extremes.length - 1] = i
    } else {
      extremes.push(i)
    }
  }
  while (extremes.length > limit) {
    if (Math.abs(error[extremes[0]]) < Math.abs(error[extremes[extremes.length - 1]])) extremes.shift()
    else extremes.pop()
  }
  return extremes
}

/** The most steps of a Remez exchange. It ends earlier if the extremes stay the same. */
const maxExchanges = 40

/**
 * The equiripple half-band filter of `4 · pairs - 1` taps. Its pass band is 0…`edge`, its stop band begins at 0.5 - `edge`, and both have the
 * same ripple. The centre tap is exactly 0.5, and every second tap counted from it is exactly 0. `edge` is between 0 and 0.25.
 *
 * The design uses the one-band trick (Vaidyanathan and Nguyen, "A trick for the design of FIR half-band filters", IEEE Trans. Circuits Syst.
 * 34, 1987). The Remez exchange finds a filter of even length that approximates 1 on 0…2·`edge`. Its taps become the taps beside the centre.
 */
export const halfBand = (pairs: number, edge: number): Float64Array => {
  const gridSize = 32 * pairs
  const top = 4 * Math.PI * edge
  const frequencies = Float64Array.from({ length: gridSize }, (_, i) => (top * i) / (gridSize - 1))
  let extremes = Array.from({ length: pairs + 1 }, (_, i) =>
    // The search begins at the nodes of Chebyshev's polynomial. They are close to the solution, so few exchanges are needed.
    Math.round((gridSize - 1) * (1 - Math.cos((Math.PI * i) / pairs)) / 2))
  let coefficients = new Float64Array(pairs)
  for (let exchange = 0; exchange < maxExchanges; exchange++) {
    const matrix = extremes.map((at, row) => {
      const line = new Float64Array(pairs + 1)
      for (let k = 0; k < pairs; k++) line[k] = Math.cos((k + 0.5) * frequencies[at])
      line[pairs] = row % 2 === 0 ? 1 : -1
      return line
    })
    const solution = solve(matrix, new Float64Array(pairs + 1).fill(1))
    coefficients = solution.slice(0, pairs)
    const error = frequencies.map((frequency) => {
      let gain = 0
      for (let k = 0; k < pairs; k++) gain += coefficients[k] * Math.cos((k + 0.5) * frequency)
      return 1 - gain
    })
    const next = alternation(error, pairs + 1)
    if (next.every((at, i) => at === extremes[i])) break
    extremes = next
  }
  const taps = new Float64Array(4 * pairs - 1)
  const centre = 2 * pairs - 1
  taps[centre] = 0.5
  for (let k = 0; k < pairs; k++) {
    taps[centre - 1 - 2 * k] = coefficients[k] / 4
    taps[centre + 1 + 2 * k] = coefficients[k] / 4
  }
  return taps
}

/** The modified Bessel function of the first kind and order 0, by its power series. */
const besselI0 = (x: number): number => {
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

/** Kaiser's window for an attenuation of 50 dB or more. The result gives the window's value at `x`, from -1 to 1. */
export const kaiserWindow = (attenuation: number): (x: number) => number => {
  const beta = 0.1102 * (attenuation - 8.7)
  const scale = besselI0(beta)
  return (x) => besselI0(beta * Math.sqrt(Math.max(0, 1 - x ** 2))) / scale
}

/** How many samples a Kaiser-windowed filter reaches to each side, by Kaiser's formula. `transition`: a fraction of the sample rate. */
export const kaiserWidth = (transition: number, attenuation: number): number =>
  (attenuation - 7.95) / (2 * 2.285 * 2 * Math.PI * transition)

/**
 * A windowed sinc. Its cut-off is at 0.5 / `factor`, in the middle of a transition band of width `transition`. Its stop band is attenuated by
 * about `attenuation` dB, which must be 50 or more. The number of taps is odd. The centre tap is exactly 1 / `factor`, and every `factor`-th
 * tap counted from it is exactly 0.
 *
 * Source of the window and of its formulas: Oppenheim and Schafer, "Discrete-Time Signal Processing", 7.5.3 (Kaiser window).
 */
export const kaiserNyquist = (factor: number, transition: number, attenuation: number): Float64Array => {
  const window = kaiserWindow(attenuation)
  const width = Math.ceil(kaiserWidth(transition, attenuation))
  // An outermost tap of 0 would add a sample of delay and no attenuation.
  const centre = width % factor === 0 ? width - 1 : width
  const taps = new Float64Array(2 * centre + 1)
  taps[centre] = 1 / factor
  for (let k = 1; k <= centre; k++) {
    // The sine is zero here, except for rounding. Exact zeros let `PolyphasePlan` leave taps out.
    if (k % factor === 0) continue
    const tap = window(k / width) * Math.sin((Math.PI * k) / factor) / (Math.PI * k)
    taps[centre - k] = tap
    taps[centre + k] = tap
  }
  return taps
}
