/**
 * Recognizes the kind of a body by its first bytes: a WAV file, compressed sound, text, or none of these (for example raw samples). A body is
 * the content of a server's answer or of a file.
 *
 * Raw samples may begin with any bytes, so two or three bytes prove nothing. Compressed sound without a container must have three frame
 * headers of one kind, each exactly where the previous frame ends. Text must be 256 bytes of characters, or characters to the end of the
 * body. Raw 16-bit samples do not look like text, because their low bytes are practically random.
 */

type Signature =
  | { readonly _tag: "Wave" }
  /** Compressed sound. `name` is for error messages. */
  | { readonly _tag: "Foreign"; readonly name: string }
  | { readonly _tag: "Text" }
  | { readonly _tag: "None" }

const wave: Signature = { _tag: "Wave" }
const text: Signature = { _tag: "Text" }
const none: Signature = { _tag: "None" }
const foreign = (name: string): Signature => ({ _tag: "Foreign", name })

/** Whether the bytes fit a rule; `undefined` while more bytes are needed. */
type Verdict = boolean | undefined

/** Stands for any byte in a pattern. */
const anyByte = -1

/** The bytes of these characters, one byte each. A `?` stands for any byte. */
const pattern = (characters: string): ReadonlyArray<number> =>
  Array.from(characters, (character) => character === "?" ? anyByte : character.charCodeAt(0))

const containers: ReadonlyArray<readonly [pattern: ReadonlyArray<number>, signature: Signature]> = [
  [pattern("RIFF????WAVE"), wave],
  [pattern("RIFX????WAVE"), wave],
  [pattern("RF64????WAVE"), wave],
  [pattern("BW64????WAVE"), wave],
  [pattern("RIFF????AVI "), foreign("AVI")],
  [pattern("OggS\u0000"), foreign("Ogg")],
  [pattern("fLaC\u0000\u0000\u0000\u0022"), foreign("FLAC")],
  [pattern("\u001a\u0045\u00df\u00a3"), foreign("WebM")],
  [pattern("\u0000\u0000\u0000?ftyp"), foreign("MP4")],
  [pattern("FORM????AIFF"), foreign("AIFF")],
  [pattern("FORM????AIFC"), foreign("AIFF")],
  [pattern("caff\u0000\u0001"), foreign("Core Audio")],
  [pattern(".snd\u0000\u0000"), foreign("AU")],
  [pattern("#!AMR"), foreign("AMR")],
  [pattern("wvpk"), foreign("WavPack")],
  [pattern("riff\u002e\u0091\u00cf\u0011"), foreign("Wave64")],
  [pattern("\u0030\u0026\u00b2\u0075\u008e\u0066\u00cf\u0011"), foreign("WMA")],
  [pattern("PK\u0003\u0004"), foreign("ZIP")]
]

const startsWith = (bytes: Uint8Array, pattern: ReadonlyArray<number>): Verdict => {
  for (let i = 0; i < pattern.length; i++) {
    if (i === bytes.length) return undefined
    if (pattern[i] !== anyByte && pattern[i] !== bytes[i]) return false
  }
  return true
}

/**
 * Whether the bytes begin with an ID3v2 tag (id3.org): version 2 to 4, and a size whose bytes have seven bits each. MP3
 * files begin with this tag.
 */
const hasId3Tag = (bytes: Uint8Array): Verdict => {
  const begins = startsWith(bytes, pattern("ID3"))
  if (begins !== true) return begins
  for (let i = 3; i < 10; i++) {
    if (i === bytes.length) return undefined
    const byte = bytes[i]
    if (i === 3 ? byte < 2 || byte > 4 : i === 4 ? byte === 0xff : i >= 6 && byte >= 0x80) return false
  }
  return true
}

/** The content of a frame's header. Frames of one stream have the same `kind`. `length`: the frame's length in bytes. */
interface Frame {
  readonly kind: number
  readonly length: number
}

/** Reads the frame header at byte `at`. `undefined` if no header is there. */
type ReadFrame = (bytes: Uint8Array, at: number) => Frame | undefined

/**
 * Bit rates in kbit/s, in the order of the header's index. Rows 1 to 3 are for layers 1 to 3 of MPEG-1. Row 4 is for layer 1 of MPEG-2, row 5
 * for its layers 2 and 3.
 */
const bitrates = {
  1: [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  4: [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  5: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
} as const

const mpegRates = [44_100, 48_000, 32_000] as const

/** Reads a frame header of MPEG-1, -2 and -2.5 audio, layers 1 to 3 (ISO/IEC 11172-3, 13818-3). Free bit rates are not supported. */
const mpegFrame: ReadFrame = (bytes, at) => {
  const [first, second, third] = [bytes[at], bytes[at + 1], bytes[at + 2]]
  if (first !== 0xff || (second & 0xe0) !== 0xe0) return undefined
  const version = (second >> 3) & 3
  const layer = 4 - ((second >> 1) & 3)
  const bitrate = third >> 4
  const rate = (third >> 2) & 3
  if (version === 1 || layer === 4 || bitrate === 0 || bitrate === 15 || rate === 3) return undefined
  const isMpeg1 = version === 3
  const row = (isMpeg1 ? layer : layer === 1 ? 4 : 5) as keyof typeof bitrates
  const bits = bitrates[row][bitrate] * 1000
  const hertz = mpegRates[rate] / (isMpeg1 ? 1 : version === 2 ? 2 : 4)
  const padding = (third >> 1) & 1
  const length = layer === 1
    ? 4 * (Math.floor((12 * bits) / hertz) + padding)
    : Math.floor(((layer === 3 && !isMpeg1 ? 72 : 144) * bits) / hertz) + padding
  return { kind: (version << 4) | (layer << 2) | rate, length }
}

/** The most bytes of an AAC frame with speech, in stereo. */
const maxAdtsLength = 2048

/** Reads a frame header of AAC in ADTS (ISO/IEC 13818-7). */
const adtsFrame: ReadFrame = (bytes, at) => {
  if (bytes[at] !== 0xff || (bytes[at + 1] & 0xf6) !== 0xf0) return undefined
  const rate = (bytes[at + 2] >> 2) & 0x0f
  const length = ((bytes[at + 3] & 0x03) << 11) | (bytes[at + 4] << 3) | (bytes[at + 5] >> 5)
  return rate > 12 || length < 8 || length > maxAdtsLength ? undefined : { kind: (bytes[at + 1] << 8) | (bytes[at + 2] & 0xfc), length }
}

const frameKinds: ReadonlyArray<readonly [name: string, read: ReadFrame, headerBytes: number]> = [
  ["MP3", mpegFrame, 4],
  ["AAC", adtsFrame, 7]
]

/** How many frames of one kind must follow each other. */
const framesNeeded = 3

/** Whether frames follow each other from the first byte on. If `isWhole`, two frames are enough, or one frame that fills the body. */
const isFramed = (bytes: Uint8Array, read: ReadFrame, headerBytes: number, isWhole: boolean): Verdict => {
  let kind: number | undefined
  for (let frames = 0, at = 0; frames < framesNeeded; frames++) {
    // Most bodies have another first byte, so the verdict need not wait for a whole header.
    if (at < bytes.length && bytes[at] !== 0xff) return false
    if (at + headerBytes > bytes.length) return isWhole ? frames > 1 || (frames === 1 && at === bytes.length) : undefined
    const frame = read(bytes, at)
    if (frame === undefined || (kind !== undefined && frame.kind !== kind)) return false
    kind = frame.kind
    at += frame.length
  }
  return true
}

/** A body that begins with this many bytes of characters counts as text. */
const textBytes = 256

/** A text has at least this many different bytes. Silence in A-law can be the letter `U` over and over. */
const minDifferentBytes = 5

/** How many bytes follow this first byte of a UTF-8 character. Negative if no character begins with this byte. */
const continuationBytes = (byte: number): number => {
  if (byte >= 0x20 && byte !== 0x7f && byte < 0x80) return 0
  if (byte === 0x09 || byte === 0x0a || byte === 0x0d) return 0
  if (byte >= 0xc2 && byte < 0xe0) return 1
  if (byte >= 0xe0 && byte < 0xf0) return 2
  return byte >= 0xf0 && byte < 0xf5 ? 3 : -1
}

/** Whether the bytes are UTF-8 without control characters. The last character may be cut. */
const isText = (bytes: Uint8Array, isWhole: boolean): Verdict => {
  const end = Math.min(bytes.length, textBytes)
  for (let at = 0, continuations = 0; at < end; at++) {
    if (continuations > 0) {
      if ((bytes[at] & 0xc0) !== 0x80) return false
      continuations--
    } else {
      continuations = continuationBytes(bytes[at])
      if (continuations < 0) return false
    }
  }
  if (end === textBytes) return new Set(bytes.subarray(0, end)).size >= minDifferentBytes
  return isWhole && end > 0 ? true : undefined
}

/**
 * The signature of a body that begins with these bytes. `undefined` while more bytes are needed. `isWhole`: the bytes are the whole body, and
 * the result is never `undefined`. The first byte is usually enough to decide `None`. At most 256 bytes are needed, or two frames of MP3.
 */
export const of = (bytes: Uint8Array, isWhole: boolean): Signature | undefined => {
  let needsMoreBytes = false
  /** Whether a rule fits. Sets `needsMoreBytes` if the rule can't be decided yet. */
  const holds = (verdict: Verdict): boolean => {
    needsMoreBytes ||= verdict === undefined
    return verdict === true
  }
  for (const [pattern, signature] of containers) {
    const verdict = startsWith(bytes, pattern)
    if (holds(verdict)) return signature
    // A body that ends within a WAV header is a damaged WAV file and not raw sound.
    if (verdict === undefined && isWhole && signature._tag === "Wave" && bytes.length >= 4) return wave
  }
  if (holds(hasId3Tag(bytes))) return foreign("MP3")
  for (const [name, read, headerBytes] of frameKinds) {
    if (holds(isFramed(bytes, read, headerBytes, isWhole))) return foreign(name)
  }
  if (holds(isText(bytes, isWhole))) return text
  return needsMoreBytes && !isWhole ? undefined : none
}
