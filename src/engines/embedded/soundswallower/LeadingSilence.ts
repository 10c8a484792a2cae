/**
 * The silence at the beginning of an utterance, which is not decoded. An utterance begins 480 ms before its voice was detected, over an
 * echo 960 ms. To decode this silence takes as long as to decode speech, and over a hissing line the decoder hears words in it
 * (docs/measurements/embedded-engines.md).
 */

/** 20 ms at 8 kHz. */
const frameLength = 160

/** Frames (300 ms) that are kept before the first loud frame. The decoder needs some silence to learn the line's tone. */
const keptFrames = 15

/** A frame is loud if its power is 6 dB above the noise, and at most 35 dB below the loudest frame. */
const minAboveNoise = 10 ** 0.6
const minShareOfPeak = 10 ** -3.5

/** The share of an utterance's frames whose power counts as the noise, and the least number of such frames. */
const quietShare = 0.15
const minQuietFrames = 3

const powersOf = (sound: Float32Array): Float64Array =>
  Float64Array.from({ length: Math.floor(sound.length / frameLength) }, (_, frame) => {
    let power = 0
    for (let index = frame * frameLength; index < (frame + 1) * frameLength; index++) power += sound[index] * sound[index]
    return power
  })

/** The number of samples at the beginning of `sound` (8 kHz, any scale) that need not be decoded. */
export const lengthOf = (sound: Float32Array): number => {
  const powers = powersOf(sound)
  const ascending = powers.toSorted()
  const quiet = ascending.subarray(0, Math.max(minQuietFrames, Math.floor(ascending.length * quietShare)))
  const noise = quiet.reduce((sum, power) => sum + power, 0) / quiet.length
  const peak = ascending.at(-1) ?? 0
  const minLoudPower = Math.max(noise * minAboveNoise, peak * minShareOfPeak)
  const firstLoud = powers.findIndex((power) => power > minLoudPower)
  return Math.max(0, firstLoud - keptFrames) * frameLength
}
