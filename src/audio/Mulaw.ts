/**
 * The telephone's coding of sound: ITU-T G.711 mu-law, 8 bits per sample at 8 kHz, encoded and decoded by table.
 *
 * The algorithm is that of the ITU-T software tool library (Recommendation G.191, `ulaw_compress` and `ulaw_expand`): the two lowest bits of a
 * 16-bit sample are dropped, the bias is 33 (132 in 16 bits), the magnitude is limited to 8191 (the largest code decodes to 32124), and a
 * negative sample is folded by **one's** complement.
 *
 * Two well-known variants differ from this algorithm, but only for negative samples. Codecs that negate the 16-bit sample (bias 0x84, clip
 * 32635) choose the next larger code for the 127 negative samples that lie exactly on a decision value. Sun's `g711.c`, which first shifts
 * and then negates, differs for 508 samples and encodes -1 as -8. The decoding is the same in all of them.
 *
 * Both 0xff (+0) and 0x7f (-0) decode to 0, and 0 encodes to 0xff; for every other code `encode(decode(c)) = c`.
 * The samples -1…-4 encode to 0x7f, too.
 */
import type { Pcm } from "./Pcm.ts"

/** The code of a silent sample (+0). */
export const silence = 0xff

const bias = 33
const maxMagnitude = 0x1fff

const expand = (code: number): number => {
  const inverted = ~code
  const magnitude = ((((inverted & 0x0f) << 1) + bias) << ((inverted >> 4) & 0x07)) - bias
  return (code & 0x80) === 0 ? -4 * magnitude : 4 * magnitude
}

const compress = (sample: number): number => {
  const magnitude = Math.min(((sample < 0 ? ~sample : sample) >> 2) + bias, maxMagnitude)
  // Biased magnitudes run from 33 to 8191, so the leading one is bit 5 (segment 0) to bit 12 (segment 7).
  const segment = 26 - Math.clz32(magnitude)
  const code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0f)
  return (sample < 0 ? 0x7f : 0xff) ^ code
}

/** The 16-bit sample of each code. */
export const expanded: Int16Array = Int16Array.from({ length: 256 }, (_, code) => expand(code))

/** The code of each sample. The index is the sample's two's complement bits, so that negative samples need no branch. */
const compressed = Uint8Array.from({ length: 65_536 }, (_, bits) => compress((bits << 16) >> 16))

const checkRoom = (needed: number, room: number): void => {
  if (needed > room) {
    throw new RangeError(`mu-law: ${needed} samples do not fit into ${room}`)
  }
}

/**
 * Decodes into `out` from index `outOffset` on, without allocating.
 *
 * Throws `RangeError`, and writes nothing, if `out` has no room for all samples.
 */
export const decodeInto = (bytes: Uint8Array, out: Pcm<8000>, outOffset = 0): void => {
  checkRoom(bytes.length, out.length - outOffset)
  for (let i = 0; i < bytes.length; i++) {
    out[outOffset + i] = expanded[bytes[i]]
  }
}

/**
 * Encodes into `out` from index `outOffset` on, without allocating.
 *
 * Throws `RangeError`, and writes nothing, if `out` has no room for all codes.
 */
export const encodeInto = (pcm: Pcm<8000>, out: Uint8Array, outOffset = 0): void => {
  checkRoom(pcm.length, out.length - outOffset)
  for (let i = 0; i < pcm.length; i++) {
    out[outOffset + i] = compressed[pcm[i] & 0xffff]
  }
}

/** One sample for each code, in -32124…32124. */
export const decode = (bytes: Uint8Array): Pcm<8000> => {
  const pcm: Pcm<8000> = new Int16Array(bytes.length)
  decodeInto(bytes, pcm)
  return pcm
}

/** One code for each sample. Samples beyond ±32124 become the outermost codes, 0x80 and 0x00. */
export const encode = (pcm: Pcm<8000>): Uint8Array => {
  const bytes = new Uint8Array(pcm.length)
  encodeInto(pcm, bytes)
  return bytes
}
