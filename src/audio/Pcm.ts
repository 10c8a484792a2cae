/**
 * Linear sound: signed 16-bit samples, one channel, with the sample rate in the type.
 *
 * The rate exists only in the type. At run time, a `Pcm` is a plain `Int16Array`. The compiler reports an error if 8 kHz sound of the
 * telephone is passed to a function that expects 16 kHz.
 */

/**
 * A sample rate in whole Hz. If a rate is fixed, its type is the number itself: 8000 for the telephone, 16000 for Whisper, 24000 for CSM,
 * 48000 for sound cards. Voices and files may have any other rate, such as Piper's 22050.
 */
export type SampleRate = number

/** The lowest and the highest sample rate that are accepted for speech, in Hz. */
export const lowestRate = 4000
export const highestRate = 192_000

/** Samples in -32768…32767, mono, at `Rate` Hz. */
export type Pcm<Rate extends SampleRate = SampleRate> = Int16Array & { readonly "~sampleRate"?: Rate }

/** Returns the same array, with its rate in the type. */
export const of = <Rate extends SampleRate>(_rate: Rate, samples: Int16Array): Pcm<Rate> => samples as Pcm<Rate>

/** Whether this machine is little-endian, like nearly all files and servers. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/**
 * Copies `count` samples of `source`, from index `from` on, to index `at` of `target`. Both arrays must be long enough.
 *
 * `set` with a `subarray` is not used, since it would allocate an object for each frame of each call.
 */
export const copy = (source: Pcm, from: number, count: number, target: Pcm, at: number): void => {
  for (let index = 0; index < count; index++) target[at + index] = source[from + index]
}

/**
 * Reads 16-bit little-endian samples. A last odd byte is left out.
 *
 * If the machine's byte order and the alignment allow it, the result is a view of `bytes`. Later writes to `bytes` then change the result.
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

/** Writes samples as 16-bit little-endian from byte `at` on, which need not be even. Throws `RangeError` if `out` has no room for all samples. */
export const writeBytes = (samples: Pcm, out: Uint8Array, at = 0): void => {
  // Recognizers and voices process seconds of sound at a time, for which a loop would take a tenth of all CPU time.
  if (isLittleEndian) return out.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), at)
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  for (let index = 0; index < samples.length; index++) view.setInt16(at + 2 * index, samples[index], true)
}
