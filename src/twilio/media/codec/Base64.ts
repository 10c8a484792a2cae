/**
 * Reads and writes base64 (RFC 4648, section 4) in the bytes of a larger message, without making strings.
 */

const alphabet = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "latin1")

/** The value of each character. -1: the character is not base64. */
const values = new Int8Array(256).fill(-1)
for (let value = 0; value < 64; value++) values[alphabet[value]] = value

/** The character `=`. */
const padding = 0x3d

/** How many characters of base64 `bytes` bytes take, padding included. */
export const encodedLength = (bytes: number): number => Math.ceil(bytes / 3) * 4

/** Writes the bytes from `from` to before `end` as base64 into `out`, beginning at `outFrom`. */
export const write = (bytes: Uint8Array, from: number, end: number, out: Buffer, outFrom: number): void => {
  let at = outFrom
  let index = from
  for (; index + 2 < end; index += 3) {
    const group = (bytes[index] << 16) | (bytes[index + 1] << 8) | bytes[index + 2]
    out[at] = alphabet[group >> 18]
    out[at + 1] = alphabet[(group >> 12) & 63]
    out[at + 2] = alphabet[(group >> 6) & 63]
    out[at + 3] = alphabet[group & 63]
    at += 4
  }
  const lastBytes = end - index
  if (lastBytes === 0) return
  const group = (bytes[index] << 16) | (lastBytes === 2 ? bytes[index + 1] << 8 : 0)
  out[at] = alphabet[group >> 18]
  out[at + 1] = alphabet[(group >> 12) & 63]
  out[at + 2] = lastBytes === 2 ? alphabet[(group >> 6) & 63] : padding
  out[at + 3] = padding
}

/** Decodes the characters from `from` to before `end`. Returns `undefined` if they are not base64 with its padding. */
export const read = (text: Buffer, from: number, end: number): Buffer | undefined => {
  const length = end - from
  if (length % 4 !== 0) return undefined
  const paddingCount = length === 0 || text[end - 1] !== padding ? 0 : text[end - 2] === padding ? 2 : 1
  const bytes = Buffer.allocUnsafe((length / 4) * 3 - paddingCount)
  const wholeGroupsEnd = paddingCount === 0 ? end : end - 4
  /** The bitwise OR of all groups. A character that is not base64 makes its group negative, and so `allGroups`, too. */
  let allGroups = 0
  let out = 0
  let at = from
  for (; at < wholeGroupsEnd; at += 4) {
    const group = (values[text[at]] << 18) | (values[text[at + 1]] << 12) | (values[text[at + 2]] << 6) | values[text[at + 3]]
    allGroups |= group
    bytes[out] = group >> 16
    bytes[out + 1] = group >> 8
    bytes[out + 2] = group
    out += 3
  }
  if (paddingCount > 0) {
    const third = paddingCount === 1 ? values[text[at + 2]] : 0
    const group = (values[text[at]] << 18) | (values[text[at + 1]] << 12) | (third << 6)
    allGroups |= group
    bytes[out] = group >> 16
    if (paddingCount === 1) bytes[out + 1] = group >> 8
  }
  return allGroups < 0 ? undefined : bytes
}
