/**
 * The keys of a telephone as tones. The tone of a key is the sum of two sines, one of a low and one of a high frequency.
 *
 * ITU-T Q.23 defines the frequencies. By Q.24, a receiver accepts 40 ms of tone and 40 ms of pause. Here both last 100 ms. So a tone survives
 * a lost frame, and a voice menu at the far end recognizes it over a μ-law line.
 */
import * as Pcm from "./Pcm.ts"

/** The length of each tone in ms. */
export const toneMillis = 100

/** The silence after each tone in ms. */
const pauseMillis = 100

/** The frequencies in Hz. A key's row gives the low frequency, its column the high one. */
const lowFrequencies = [697, 770, 852, 941] as const
const highFrequencies = [1209, 1336, 1477, 1633] as const

const keypadRows = ["123A", "456B", "789C", "*0#D"]

/** The peak of each sine as a share of full scale. Both sines together reach at most a half, so the peak of a tone is at −6 dBFS. */
const sineAmplitude = 0.25

/** How long a tone rises, and later falls, along a raised cosine, in ms. Without these ramps, clicks would be heard. */
const rampMillis = 5

/** The two frequencies (Hz) of a key; `undefined` if no telephone has this key. */
export const frequenciesOf = (key: string): readonly [low: number, high: number] | undefined => {
  const row = keypadRows.findIndex((keys) => key.length === 1 && keys.includes(key))
  return row < 0 ? undefined : [lowFrequencies[row], highFrequencies[keypadRows[row].indexOf(key)]]
}

/** The keys in a text, in order, without other characters. */
export const keysIn = (text: string): string =>
  [...text].filter((key) => frequenciesOf(key) !== undefined).join("")

/** The length of the sound of these keys in ms. */
export const durationOf = (keys: string): number => keys.length * (toneMillis + pauseMillis)

/** The keys whose tones begin within the first `millis` ms. A receiver may have recognized these keys by then. */
export const begunBy = (keys: string, millis: number): string =>
  millis <= 0 ? "" : keys.slice(0, Math.ceil(millis / (toneMillis + pauseMillis)))

/** The sound of keys (see `keysIn`): a tone and a pause for each key. */
export const tones = <Rate extends Pcm.SampleRate>(keys: string, sampleRate: Rate): Pcm.Pcm<Rate> => {
  const toneLength = (sampleRate * toneMillis) / 1000
  const keyLength = (sampleRate * (toneMillis + pauseMillis)) / 1000
  const rampLength = (sampleRate * rampMillis) / 1000
  const pcm = new Int16Array(keys.length * keyLength)
  for (const [index, key] of [...keys].entries()) {
    const pair = frequenciesOf(key)
    if (pair === undefined) continue
    const [one, other] = pair.map((frequency) => (2 * Math.PI * frequency) / sampleRate)
    for (let sample = 0; sample < toneLength; sample++) {
      const edge = Math.min(sample, toneLength - 1 - sample)
      const gain = edge < rampLength ? (1 - Math.cos((Math.PI * edge) / rampLength)) / 2 : 1
      pcm[index * keyLength + sample] = Math.round(
        32_767 * sineAmplitude * gain * (Math.sin(one * sample) + Math.sin(other * sample))
      )
    }
  }
  return Pcm.of(sampleRate, pcm)
}
