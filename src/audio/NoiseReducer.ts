/**
 * Removes steady noise from speech with a Wiener filter in the short-time spectrum. The filter's gain is the decision-directed estimate of
 * Ephraim and Malah (IEEE Trans. ASSP 32, 1984).
 *
 * The filter is for recognizers, not for people. A model that was trained on clean speech mistakes the hiss of a line for consonants. The
 * noise is measured in the quietest frames of a sound. So a few frames must be without speech: a pause, or the time before the first word.
 *
 * Frames have 256 samples (32 ms at 8 kHz). They overlap by half and are multiplied by a sine window before and after the filter.
 * Samples are floats of any scale.
 */

const frameLength = 256
const hop = frameLength / 2
const bins = hop + 1

/** The share of a sound's frames that count as noise without speech, and the least number of such frames. */
const quietShare = 0.15
const minQuietFrames = 3

/** The weight of the previous frame in the estimate of this frame's speech. */
const smoothing = 0.98

/** The gain of a bin without speech, −20 dB. With a lower gain, twittering would be heard. */
const minGain = 0.1

/** The least noise of a bin, which avoids a division by 0. */
const minPower = 1e-9

const window = Float64Array.from({ length: frameLength }, (_, index) => Math.sin((Math.PI * (index + 0.5)) / frameLength))
const cosines = Float64Array.from({ length: hop }, (_, index) => Math.cos((2 * Math.PI * index) / frameLength))
const sines = Float64Array.from({ length: hop }, (_, index) => Math.sin((2 * Math.PI * index) / frameLength))

/** An FFT in place. `direction`: −1 gives the spectrum, 1 gives the samples again, but larger by the factor `frameLength`. */
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

// Both arrays are filled and read within one step, so all sounds share them.
const real = new Float64Array(frameLength)
const imaginary = new Float64Array(frameLength)

const analyse = (sound: Float32Array, at: number): void => {
  for (let index = 0; index < frameLength; index++) real[index] = window[index] * sound[at + index]
  imaginary.fill(0)
  transform(real, imaginary, -1)
}

const powerAt = (bin: number): number => real[bin] * real[bin] + imaginary[bin] * imaginary[bin]

/** The power of steady noise in each bin of the spectrum. */
type Noise = Float64Array

/** The noise in a sound, measured in its quietest frames. 0 in all bins if the sound is shorter than a frame. */
export const noiseOf = (sound: Float32Array): Noise => {
  const frames: Array<{ readonly at: number; readonly power: number }> = []
  for (let at = 0; at + frameLength <= sound.length; at += hop) {
    let power = 0
    for (let index = at; index < at + frameLength; index++) power += sound[index] * sound[index]
    frames.push({ at, power })
  }
  const quiet = frames
    .sort((one, other) => one.power - other.power)
    .slice(0, Math.max(minQuietFrames, Math.floor(frames.length * quietShare)))
  const noise = new Float64Array(bins)
  for (const { at } of quiet) {
    analyse(sound, at)
    for (let bin = 0; bin < bins; bin++) noise[bin] += powerAt(bin) / quiet.length
  }
  return noise
}

/** The filter for one sound, which may come in pieces of any length. */
export interface NoiseReducer {
  /** Returns the samples that are ready. The output lags behind the input by up to 255 samples. */
  readonly push: (piece: Float32Array) => Float32Array
  /** Returns the remaining samples, so that as many samples are returned as were pushed. Nothing may be pushed afterwards. */
  readonly flush: () => Float32Array
}

export const make = (noise: Noise): NoiseReducer => {
  /** The frame that is being filled. The first frame begins half a frame before the sound. */
  const frame = new Float32Array(frameLength)
  let filled = hop
  /** The second half of the previous frame, which is added to the first half of this one. */
  const overlap = new Float32Array(hop)
  /** The speech in each bin of the previous frame. */
  const speechPower = new Float64Array(bins)
  let pushed = 0
  /** How many samples were returned. The count begins negative, because the first half frame is before the sound and is dropped. */
  let returned = -hop

  const filter = () => {
    analyse(frame, 0)
    for (let bin = 0; bin < bins; bin++) {
      const expected = Math.max(noise[bin], minPower)
      const power = powerAt(bin)
      const ratio = smoothing * (speechPower[bin] / expected) + (1 - smoothing) * Math.max(power / expected - 1, 0)
      const gain = Math.max(minGain, ratio / (1 + ratio))
      speechPower[bin] = gain * gain * power
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
    const beforeSound = Math.max(0, Math.min(out.length, -returned))
    returned += out.length
    return out.subarray(beforeSound)
  }

  return {
    push,
    flush: () => {
      const length = pushed - Math.max(0, returned)
      return push(new Float32Array(frameLength)).subarray(0, length)
    }
  }
}
