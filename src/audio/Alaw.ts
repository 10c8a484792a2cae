/** ITU-T G.711 A-law, 8 bits per sample. It is only decoded, from files and speech servers, because Twilio uses mu-law. */

const expand = (code: number): number => {
  // A-law inverts every other bit of a code.
  const bits = code ^ 0x55
  const segment = (bits >> 4) & 0x07
  const mantissa = ((bits & 0x0f) << 4) + 8
  const magnitude = segment === 0 ? mantissa : (mantissa + 0x100) << (segment - 1)
  return (bits & 0x80) === 0 ? -magnitude : magnitude
}

/** The 16-bit sample of each code. */
export const expanded: Int16Array = Int16Array.from({ length: 256 }, (_, code) => expand(code))
