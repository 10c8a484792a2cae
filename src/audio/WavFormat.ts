/**
 * The `fmt ` chunk of a RIFF or RIFX file, which describes the format of the samples.
 *
 * The format tags 1 (PCM), 3 (IEEE float), 6 (A-law), 7 (mu-law) and 0xfffe (extensible, which contains one of the others) are supported.
 * Sources: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991), and `WAVEFORMATEXTENSIBLE`.
 */
import { isReadable, type SampleFormat } from "./SampleFormat.ts"

/** Samples of this format can't be read. `reason` is a phrase for the middle of an error message. */
interface WavFormatError {
  readonly _tag: "WavFormatError"
  readonly reason: string
}

const fail = (reason: string): WavFormatError => ({ _tag: "WavFormatError", reason })

export const pcm = 1
const float = 3
const alaw = 6
export const mulaw = 7
const extensible = 0xfffe

/**
 * The last 8 of the 16 bytes of an extensible format's sub-format (a GUID). The first 8 bytes are the format tag and constants. The constants
 * are not checked.
 */
const subFormat = [0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71]

/** Names of codecs in WAV files, for error messages. */
const codecs: Readonly<Record<number, string>> = {
  0x02: "Microsoft ADPCM",
  0x11: "IMA ADPCM",
  0x31: "GSM 6.10",
  0x50: "MPEG",
  0x55: "MP3",
  0xff: "AAC"
}

/** The most channels. A header with more channels counts as damaged. */
const maxChannels = 64

const encodingOf = (tag: number, bits: number): SampleFormat["encoding"] | undefined => {
  switch (tag) {
    case pcm:
      return bits <= 8 ? "unsigned" : "signed"
    case float:
      return "float"
    case alaw:
      return "alaw"
    case mulaw:
      return "mulaw"
  }
  return undefined
}

export const read = (chunk: Uint8Array, isBigEndian = false): SampleFormat | WavFormatError => {
  if (chunk.length < 16) return fail(`a fmt chunk of ${chunk.length} bytes`)
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  const isLittle = !isBigEndian
  let tag = view.getUint16(0, isLittle)
  if (tag === extensible) {
    if (chunk.length < 28) return fail(`an extensible fmt chunk of ${chunk.length} bytes`)
    if (chunk.length >= 40 && subFormat.some((byte, i) => chunk[32 + i] !== byte)) return fail("an unknown sub-format")
    tag = view.getUint32(24, isLittle) & 0xffff
  }
  const channels = view.getUint16(2, isLittle)
  const sampleRate = view.getUint32(4, isLittle)
  const bits = view.getUint16(14, isLittle)
  const encoding = encodingOf(tag, bits)
  const bytesPerSample = Math.ceil(bits / 8)
  if (encoding === undefined || bits === 0 || !isReadable({ encoding, bytesPerSample })) {
    const codec = codecs[tag]
    return fail(`format ${tag}${codec === undefined ? "" : ` (${codec})`} with ${bits} bits`)
  }
  if (channels === 0 || channels > maxChannels) return fail(`${channels} channels`)
  if (sampleRate === 0) return fail("a sample rate of 0")
  return { encoding, bytesPerSample, isBigEndian, channels, sampleRate }
}

/** Writes the four letters of a chunk's name. */
export const writeName = (bytes: Uint8Array, at: number, name: string): void => {
  for (let i = 0; i < 4; i++) bytes[at + i] = name.charCodeAt(i)
}

/**
 * Writes the first 36 bytes of a WAV file: the RIFF head, and the `fmt ` chunk's head and first 16 bytes. `formatBytes`: the length of the
 * `fmt ` chunk's content. `headBytes`: the length of everything before the samples. `size`: the length of the samples in bytes.
 */
export const writeStart = (
  bytes: Uint8Array,
  format: {
    readonly tag: number
    readonly channels: number
    readonly sampleRate: number
    readonly bytesPerSample: number
    readonly formatBytes: number
    readonly headBytes: number
    readonly size: number
  }
): void => {
  const { bytesPerSample, channels, formatBytes, headBytes, sampleRate, size, tag } = format
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  writeName(bytes, 0, "RIFF")
  view.setUint32(4, headBytes - 8 + size, true)
  writeName(bytes, 8, "WAVE")
  writeName(bytes, 12, "fmt ")
  view.setUint32(16, formatBytes, true)
  view.setUint16(20, tag, true)
  view.setUint16(22, channels, true)
  view.setUint32(24, sampleRate, true)
  view.setUint32(28, bytesPerSample * channels * sampleRate, true)
  view.setUint16(32, bytesPerSample * channels, true)
  view.setUint16(34, 8 * bytesPerSample, true)
}
