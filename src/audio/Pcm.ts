/**
 * Linear sound: signed 16-bit samples, one channel, with the sample rate in the type.
 *
 * The rate is a phantom: at run time a `Pcm` is a plain `Int16Array`. It exists so that
 * 8 kHz telephone sound cannot be handed to a consumer that expects 16 kHz.
 */

/**
 * Whole Hz. Where a rate is fixed, its type is the number itself: 8000 is the telephone's, 16000 Whisper's, 24000 CSM's and
 * 48000 a sound card's. Voices and files may have any other, such as the 22050 of Piper's.
 */
export type SampleRate = number

/** The rates that a sound of speech can sensibly have, Hz. */
export const lowestRate = 4000
export const highestRate = 192_000

/** Samples in -32768…32767, mono, at `Rate` Hz. */
export type Pcm<Rate extends SampleRate = SampleRate> = Int16Array & { readonly "~sampleRate"?: Rate }

/** Says, without copying, at which rate these samples were taken. */
export const of = <Rate extends SampleRate>(_rate: Rate, samples: Int16Array): Pcm<Rate> => samples as Pcm<Rate>

/** Whether this machine has samples in memory as nearly all files and servers have them. */
export const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/**
 * Copies `count` samples of `source`, from `from` on, to where `at` is in `target`; both must have room for them.
 *
 * For the pieces of 20 ms that come on every call: `set` of a `subarray` makes an object for each, which is garbage at once.
 */
export const copy = (source: Pcm, from: number, count: number, target: Pcm, at: number): void => {
  for (let index = 0; index < count; index++) target[at + index] = source[from + index]
}

/**
 * 16-bit little-endian samples, as files and servers have them; a last odd byte is no sample.
 *
 * Without a copy where the bytes lie in memory as samples do: who writes into `bytes` later changes the sound.
 */
export const fromBytes = (bytes: Uint8Array): Pcm => {
  const length = bytes.length >> 1
  if (isLittleEndian && bytes.byteOffset % 2 === 0) return new Int16Array(bytes.buffer, bytes.byteOffset, length)
  const samples = new Int16Array(length)
  if (isLittleEndian) {
    new Uint8Array(samples.buffer).set(bytes.subarray(0, 2 * length))
    return samples
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let index = 0; index < length; index++) samples[index] = view.getInt16(2 * index, true)
  return samples
}

/** Writes samples as 16-bit little-endian from a place on that need not be even. Throws `RangeError` without room for all. */
export const writeBytes = (samples: Pcm, out: Uint8Array, at = 0): void => {
  // Recognizers and voices are sent seconds of sound at a time: a loop would be a tenth of all work.
  if (isLittleEndian) return out.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), at)
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  for (let index = 0; index < samples.length; index++) view.setInt16(at + 2 * index, samples[index], true)
}
