/**
 * Linear sound: signed 16-bit samples, one channel, with the sample rate in the type.
 *
 * The rate is a phantom: at run time a `Pcm` is a plain `Int16Array`. It exists so that
 * 8 kHz telephone sound cannot be handed to a consumer that expects 16 kHz.
 */

/** The sample rates (Hz) that this service meets: the telephone's, Whisper's, CSM's and a sound card's. */
export type SampleRate = 8000 | 16000 | 24000 | 48000

/** Samples in -32768…32767, mono, at `Rate` Hz. */
export type Pcm<Rate extends SampleRate = SampleRate> = Int16Array & { readonly "~sampleRate"?: Rate }

/** Says, without copying, at which rate these samples were taken. */
export const of = <Rate extends SampleRate>(_rate: Rate, samples: Int16Array): Pcm<Rate> => samples as Pcm<Rate>
