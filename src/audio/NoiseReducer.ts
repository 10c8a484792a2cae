/**
 * Takes steady noise out of speech: a Wiener filter in the short-time spectrum, its gain by the
 * decision-directed estimate of Ephraim and Malah (IEEE Trans. ASSP 32, 1984).
 *
 * For ears that are a machine's: a recognizer that was trained on clean speech hears the hiss of a line as
 * consonants. What steady noise is, is told by the quietest frames of a sound, so it must hold a few without
 * speech: a pause, or what came before the first word.
 *
 * Frames of 256 samples (32 ms at 8 kHz), half overlapped, windowed by a sine before and after. Samples are
 * floats of any scale.
 */

const frameLength = 256
const hop = frameLength / 2
const bins = hop + 1

/** The share of a sound's frames that are taken for noise alone. */
const quietShare = 0.15
const leastQuiet = 3

/** How much of the frame before is in the estimate of the speech in this one. */
const smoothing = 0.98

/** −20 dB: what is left of a bin without speech. Less of it would be heard as twittering. */
const leastGain = 0.1

/** Of full scale 1, far under what the telephone's code can tell from silence: no division by nothing. */
const leastPower = 1e-9

const window = Float64Array.from({ length: frameLength }, (_, index) => Math.sin((Math.PI * (index + 0.5)) / frameLength))
const cosines = Float64Array.from({ length: hop }, (_, index) => Math.cos((2 * Math.PI * index) / frameLength))
const sines = Float64Array.from({ length: hop }, (_, index) => Math.sin((2 * Math.PI * index) / frameLength))

/** A plain FFT in place; `direction` −1 forth, 1 back without the division by the length. */
const transform = (real: Float64Array, imaginary: Float64Array, direction: 1 | -1): void => {
  for (let index = 1, other = 0; index < frameLength; index++) {
    let bit = frameLength >> 1
    for (; (other & bit) !== 0; bit >>= 1) other ^= bit
    other ^= bit
    if (index < other) {
      const [re, im] = [real[index], imaginary[index]]
      real[index] = real[other]
      imaginary[index] = imaginary[other]
      real[other] = re
      imaginary[other] = im
    }
  }
  for (let length = 2; length <= frameLength; length <<= 1) {
    const half = length >> 1
    const step = frameLength / length
    for (let start = 0; start < frameLength; start += length) {
      for (let index = 0; index < half; index++) {
        const cosine = cosines[index * step]
        const sine = direction * sines[index * step]
        const low = start + index
        const high = low + half
        const re = real[high] * cosine - imaginary[high] * sine
        const im = real[high] * sine + imaginary[high] * cosine
        real[high] = real[low] - re
        imaginary[high] = imaginary[low] - im
        real[low] += re
        imaginary[low] += im
      }
    }
  }
}

// Filled and read within one call each, so all may share them.
const real = new Float64Array(frameLength)
const imaginary = new Float64Array(frameLength)

const analyse = (sound: Float32Array, at: number): void => {
  for (let index = 0; index < frameLength; index++) real[index] = window[index] * sound[at + index]
  imaginary.fill(0)
  transform(real, imaginary, -1)
}

const powerAt = (bin: number): number => real[bin] * real[bin] + imaginary[bin] * imaginary[bin]

/** The power of steady noise in each bin of the spectrum. */
export type Noise = Float64Array

/** The noise in a sound, by its quietest frames; of a sound that is too short for any, none. */
export const noiseOf = (sound: Float32Array): Noise => {
  const frames: Array<{ readonly at: number; readonly power: number }> = []
  for (let at = 0; at + frameLength <= sound.length; at += hop) {
    let power = 0
    for (let index = at; index < at + frameLength; index++) power += sound[index] * sound[index]
    frames.push({ at, power })
  }
  const quiet = frames
    .sort((one, other) => one.power - other.power)
    .slice(0, Math.max(leastQuiet, Math.floor(frames.length * quietShare)))
  const noise = new Float64Array(bins)
  for (const { at } of quiet) {
    analyse(sound, at)
    for (let bin = 0; bin < bins; bin++) noise[bin] += powerAt(bin) / quiet.length
  }
  return noise
}

/** One sound, in pieces of any length. */
export interface NoiseReducer {
  /** What is ready by now: up to 255 samples less than was pushed. */
  readonly push: (piece: Float32Array) => Float32Array
  /** The rest; nothing may be pushed afterwards. All together are as long as what was pushed. */
  readonly flush: () => Float32Array
}

export const make = (noise: Noise): NoiseReducer => {
  /** The frame that is being filled; it begins half a frame before the sound. */
  const frame = new Float32Array(frameLength)
  let filled = hop
  /** The second half of the frame before, to be added to the first half of this one. */
  const overlap = new Float32Array(hop)
  const before = new Float64Array(bins)
  let pushed = 0
  let given = -hop

  const filter = () => {
    analyse(frame, 0)
    for (let bin = 0; bin < bins; bin++) {
      const expected = Math.max(noise[bin], leastPower)
      const power = powerAt(bin)
      const ratio = smoothing * (before[bin] / expected) + (1 - smoothing) * Math.max(power / expected - 1, 0)
      const gain = Math.max(leastGain, ratio / (1 + ratio))
      before[bin] = gain * gain * power
      real[bin] *= gain
      imaginary[bin] *= gain
      if (bin > 0 && bin < hop) {
        real[frameLength - bin] *= gain
        imaginary[frameLength - bin] *= gain
      }
    }
    transform(real, imaginary, 1)
  }

  const push = (piece: Float32Array): Float32Array => {
    pushed += piece.length
    const hops = Math.floor((filled - hop + piece.length) / hop)
    const out = new Float32Array(hops * hop)
    let written = 0
    for (let taken = 0; taken < piece.length;) {
      const count = Math.min(frameLength - filled, piece.length - taken)
      frame.set(piece.subarray(taken, taken + count), filled)
      filled += count
      taken += count
      if (filled < frameLength) break
      filter()
      for (let index = 0; index < hop; index++) {
        out[written + index] = overlap[index] + (window[index] * real[index]) / frameLength
        overlap[index] = (window[hop + index] * real[hop + index]) / frameLength
      }
      written += hop
      frame.copyWithin(0, hop)
      filled = hop
    }
    // The first half frame is from before the sound.
    const early = Math.max(0, Math.min(out.length, -given))
    given += out.length
    return out.subarray(early)
  }

  return {
    push,
    flush: () => {
      const length = pushed - Math.max(0, given)
      return push(new Float32Array(frameLength)).subarray(0, length)
    }
  }
}
