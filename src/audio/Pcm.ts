/**
 * Linear sound: signed 16-bit samples, one channel, with the sample rate in the type.
 *
 * The rate is in the type alone: at run time a `Pcm` is a plain `Int16Array`. So the compiler does not let 8 kHz sound of the telephone pass
 * to a consumer that expects 16 kHz.
 */

/**
 * Whole Hz. Where a rate is fixed, its type is the number itself: 8000 for the telephone, 16000 for Whisper, 24000 for CSM, 48000 for
 * sound cards. Voices and files may have any other, such as Piper's 22050.
 */
export type SampleRate = number

/** The lowest and the highest sample rate (Hz) that is accepted for speech. */
export const lowestRate = 4000
export const highestRate = 192_000

/** Samples in -32768…32767, mono, at `Rate` Hz. */
export type Pcm<Rate extends SampleRate = SampleRate> = Int16Array & { readonly "~sampleRate"?: Rate }

/** The same array, with its rate in the type. */
export const of = <Rate extends SampleRate>(_rate: Rate, samples: Int16Array): Pcm<Rate> => samples as Pcm<Rate>

/** Whether this machine's byte order is that of nearly all files and servers. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/**
 * Copies `count` samples of `source`, from index `from` on, to index `at` of `target`. Both must have room for them.
 *
 * `set` with a `subarray` would allocate an object for each frame of each call.
 */
export const copy = (source: Pcm, from: number, count: number, target: Pcm, at: number): void => {
  for (let index = 0; index < count; index++) target[at + index] = source[from + index]
}

/**
 * Reads 16-bit little-endian samples. A last odd byte is left out.
 *
 * The result is a view of `bytes` where the machine's byte order and the alignment allow it, so later writes to `bytes` may change it.
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

/** Writes samples as 16-bit little-endian from index `at` on, which need not be even. Throws `RangeError` without room for all. */
export const writeBytes = (samples: Pcm, out: Uint8Array, at = 0): void => {
  // Recognizers and voices get seconds of sound at a time: a loop would take a tenth of all CPU time.
  if (isLittleEndian) return out.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), at)
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  for (let index = 0; index < samples.length; index++) view.setInt16(at + 2 * index, samples[index], true)
}
