/**
 * Reads and writes WAV files with telephone sound: one channel at 8 kHz.
 */
import { Result, Schema } from "effect"
import * as Pcm from "../../audio/Pcm.ts"
import * as Resampler from "../../audio/resample/Resampler.ts"
import * as Wav from "../../audio/Wav.ts"

/** The bytes can't be read as a sound file. The message ends a sentence, after a colon. */
class SoundError extends Schema.TaggedError<SoundError>()("SoundError", {
  message: Schema.String
}) {}

const mix = (channels: ReadonlyArray<Int16Array>): Int16Array => {
  const [first = new Int16Array(0), ...others] = channels
  if (others.length === 0) return first
  return first.map((sample, index) =>
    others.reduce((sum, channel) => sum + (channel[index] ?? 0), sample) / channels.length
  )
}

/** Converts sound of any rate to telephone sound. */
const toTelephone = (samples: Int16Array, rate: Pcm.SampleRate): Pcm.Pcm<8000> =>
  Resampler.make<Pcm.SampleRate, 8000>(rate, 8000).process(samples)

/** Reads a WAV file. Several channels are mixed into one. */
export const fromWav = (bytes: Uint8Array): Result.Result<Pcm.Pcm<8000>, SoundError> => {
  const wav = Wav.decode(bytes)
  if (wav._tag === "WavError") return Result.fail(new SoundError({ message: `${wav.reason}.` }))
  const { channels, sampleRate } = wav
  return sampleRate < Pcm.lowestRate || sampleRate > Pcm.highestRate
    ? Result.fail(new SoundError({ message: `its sample rate is ${sampleRate} Hz; it must be from ${Pcm.lowestRate} to ${Pcm.highestRate} Hz.` }))
    : Result.succeed(toTelephone(mix(channels), sampleRate))
}

/** A mono WAV file of telephone sound. */
export const toWav = (sound: Pcm.Pcm<8000>): Uint8Array => Wav.encode({ sampleRate: 8000, channels: [sound] })
