/** ITU-T G.711 A-law, 8 bits a sample, by table. It is only decoded, for files and speech servers: Twilio sends mu-law. */

const expand = (code: number): number => {
  // Every other bit is sent inverted.
  const bits = code ^ 0x55
  const segment = (bits >> 4) & 0x07
  const mantissa = ((bits & 0x0f) << 4) + 8
  const magnitude = segment === 0 ? mantissa : (mantissa + 0x100) << (segment - 1)
  return (bits & 0x80) === 0 ? -magnitude : magnitude
}

/** The 16-bit sample of each code. */
export const expanded: Int16Array = Int16Array.from({ length: 256 }, (_, code) => expand(code))
