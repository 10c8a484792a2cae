/**
 * Convolution for resamplers: sums of products of taps and samples, in 64-bit floats.
 */

/**
 * How many neighbouring outputs the inner loops compute together. These outputs share their taps and nearly all samples, which stay in
 * registers. This is twice as fast as one output at a time. The last group may run past `count`, into the padding at the end of the arrays.
 */
export const outputsAtOnce = 4

/** `sum[i] += Σ taps[k] · x[at + i + k]` for `i` in 0…count-1. */
export const convolve = (sum: Float64Array, count: number, taps: Float64Array, x: Float64Array, at: number): void => {
  const length = taps.length
  for (let i = 0; i < count; i += outputsAtOnce) {
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
export const convolveFolded = (
  sum: Float64Array,
  count: number,
  taps: Float64Array,
  x: Float64Array,
  atX: number,
  y: Float64Array,
  atY: number
): void => {
  const length = taps.length
  for (let i = 0; i < count; i += outputsAtOnce) {
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
