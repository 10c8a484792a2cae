/**
 * Sound files as the telephone needs them: one channel at 8 kHz.
 */
import { Result, Schema } from "effect"
import * as Pcm from "../audio/Pcm.ts"
import * as Resampler from "../audio/Resampler.ts"
import * as Wav from "../audio/Wav.ts"

/** The bytes are no sound file that can be read. */
export class SoundError extends Schema.TaggedError<SoundError>()("SoundError", {
  message: Schema.String
}) {}

const mix = (channels: ReadonlyArray<Int16Array>): Int16Array => {
  const [first = new Int16Array(0), ...rest] = channels
  if (rest.length === 0) return first
  return first.map((sample, index) =>
    rest.reduce((sum, channel) => sum + (channel[index] ?? 0), sample) / channels.length
  )
}

/** Zero crossings of the sinc on each side: enough for speech on a telephone. */
const lobes = 16

/**
 * Resamples a whole recording of a rate that the streaming resampler does not know (44.1 kHz and such):
 * a Hann-windowed sinc, cut off at 3.6 kHz or at 0.45 of a lower rate. Slow and simple; for files only.
 */
const resampleFile = (input: Int16Array, from: number): Int16Array => {
  const cutoff = Math.min(3600, 0.45 * from) / from
  const reach = Math.ceil(lobes / (2 * cutoff))
  return new Int16Array(Math.ceil(input.length * 8000 / from)).map((_, index) => {
    const centre = index * from / 8000
    let sum = 0
    for (let at = Math.max(0, Math.ceil(centre - reach)); at <= Math.min(input.length - 1, centre + reach); at++) {
      const x = at - centre
      const phase = 2 * Math.PI * cutoff * x
      const sinc = x === 0 ? 2 * cutoff : Math.sin(phase) / (Math.PI * x)
      sum += (input[at] ?? 0) * sinc * (0.5 + 0.5 * Math.cos(Math.PI * x / reach))
    }
    return Math.max(-32768, Math.min(32767, Math.round(sum)))
  })
}

const isSampleRate = (rate: number): rate is Pcm.SampleRate =>
  rate === 8000 || rate === 16000 || rate === 24000 || rate === 48000

/** Any sound as telephone sound. */
export const toTelephone = (samples: Int16Array, rate: number): Pcm.Pcm<8000> => {
  if (!isSampleRate(rate)) return Pcm.of(8000, resampleFile(samples, rate))
  const resampler = Resampler.make(rate, 8000)
  return resampler.process(Pcm.of(rate, samples))
}

/** Reads a WAV file; several channels are mixed to one. */
export const fromWav = (bytes: Uint8Array): Result.Result<Pcm.Pcm<8000>, SoundError> => {
  const wav = Wav.decode(bytes)
  return wav._tag === "WavError"
    ? Result.fail(new SoundError({ message: `${wav.reason}.` }))
    : Result.succeed(toTelephone(mix(wav.channels), wav.sampleRate))
}

/** A mono WAV file of telephone sound. */
export const toWav = (sound: Pcm.Pcm<8000>): Uint8Array => Wav.encode({ sampleRate: 8000, channels: [sound] })
