/**
 * Finds the format of the samples in an answer without a file header. The answer's HTTP head names the format: `audio/pcm`,
 * `audio/L16;rate=22050;channels=2`, `X-Sample-Rate`. If the head allows several formats, the samples decide.
 *
 * By RFC 2586 `audio/L16` is big-endian, but services with this type (Gemini's voices, Lex, Watson by default) send little-endian
 * samples. Samples of 32 bits may be integers or floats.
 */
import { Option, type Array } from "effect"
import * as Pcm from "../../../audio/Pcm.ts"
import { bytesPerFrame, isReadable, type SampleFormat, sampleReader } from "../../../audio/SampleFormat.ts"

/** The HTTP head of an answer. */
interface Head {
  /** In lower case and without parameters. */
  readonly contentType: string
  readonly headers: Readonly<Record<string, string | undefined>>
}

export type RawPcmFormat =
  /** The samples have one of these formats; see {@link likeliest}. All these formats have the same width. */
  | { readonly _tag: "Samples"; readonly formats: Array.NonEmptyReadonlyArray<SampleFormat> }
  /** Compressed sound; `name` is for the operator. */
  | { readonly _tag: "Compressed"; readonly name: string }
  /** The body is text. */
  | { readonly _tag: "NoSound" }
  /** Samples that can't be read. `reason`: their unusual property in words for the operator, such as "65 channels". */
  | { readonly _tag: "Unreadable"; readonly reason: string }

/** Types of compressed sound. */
const compressedTypes = /^(?:audio|video|application)\/(mpeg|mp3|x-mp3|x-mpeg|ogg|opus|aac|aacp|x-aac|mp4|x-m4a|flac|x-flac|webm)$/

const mulawTypes = new Set(["audio/basic", "audio/pcmu", "audio/mulaw", "audio/x-mulaw", "audio/ulaw", "audio/x-ulaw"])
const alawTypes = new Set(["audio/pcma", "audio/alaw", "audio/x-alaw"])

/** By RFC 3551 and RFC 3190, `audio/L8` is unsigned and wider samples are signed. */
const linearType = /^audio\/(?:x-)?l(8|16|24)$/

/** The parameters of a media type (RFC 9110, 8.3.1), with names in lower case and without `-` and `_`. */
const parametersOf = (contentType: string): ReadonlyMap<string, string> =>
  new Map(contentType.split(";").slice(1).flatMap((part): ReadonlyArray<readonly [string, string]> => {
    const at = part.indexOf("=")
    return at < 0 ? [] : [[part.slice(0, at).trim().toLowerCase().replaceAll(/[-_]/g, ""), part.slice(at + 1).trim().replaceAll("\"", "").toLowerCase()]]
  }))

const firstOf = (parameters: ReadonlyMap<string, string>, ...names: ReadonlyArray<string>): string | undefined =>
  names.map((name) => parameters.get(name)).find((value) => value !== undefined)

/** Undefined for anything but a positive number. */
const numberOf = (value: string | undefined): number | undefined => {
  const number = Number(value ?? "")
  return Number.isFinite(number) && number > 0 ? number : undefined
}

/** The encoding of a sample, as far as it is known. */
interface SampleKind {
  readonly encoding?: SampleFormat["encoding"]
  readonly bits?: number
  readonly isBigEndian?: boolean
}

/** Reads the name of an encoding, as ffmpeg, Deepgram and others write it: `s16le`, `pcm_f32le`, `linear16`, `mulaw`. */
const encodingOf = (name: string): SampleKind => {
  const parts = /^(?:pcm[-_]?)?([suf])(8|16|24|32|64)[-_]?(le|be)?$/.exec(name)
  if (parts !== null) {
    const [, letter, bits, order] = parts
    return {
      encoding: letter === "s" ? "signed" : letter === "u" ? "unsigned" : "float",
      bits: Number(bits),
      ...(order === undefined ? {} : { isBigEndian: order === "be" })
    }
  }
  if (/^(?:pcm[-_]?)?(?:mu-?law|ulaw|pcmu)$/.test(name)) return { encoding: "mulaw", bits: 8 }
  if (/^(?:pcm[-_]?)?(?:a-?law|pcma)$/.test(name)) return { encoding: "alaw", bits: 8 }
  if (/^(?:ieee-?)?float(?:ing-?point)?(32|64)?$/.test(name)) return { encoding: "float", bits: name.endsWith("64") ? 64 : 32 }
  if (/^linear16$/.test(name)) return { encoding: "signed", bits: 16 }
  return {}
}

/** Whether the bytes are big-endian; undefined if the parameters do not say. */
const isBigEndianIn = (parameters: ReadonlyMap<string, string>): boolean | undefined => {
  const order = firstOf(parameters, "endianness", "endian", "byteorder", "bigendian", "isbigendian")
  return order === undefined ? undefined : /^(?:big|be|true|1)/.test(order)
}

/** The kinds of samples that the head may mean, the likeliest first. */
const kindsOf = (contentType: string, bits: number | undefined, named: SampleKind): ReadonlyArray<SampleKind> => {
  if (mulawTypes.has(contentType)) return [{ encoding: "mulaw", bits: 8 }]
  if (alawTypes.has(contentType)) return [{ encoding: "alaw", bits: 8 }]
  const linear = linearType.exec(contentType)
  if (linear !== null) {
    const width = Number(linear[1])
    if (width === 8) return [{ encoding: "unsigned", bits: 8 }]
    const big: SampleKind = { encoding: "signed", bits: width, isBigEndian: true }
    return width === 16 ? [{ ...big, isBigEndian: false }, big] : [big]
  }
  if (named.encoding !== undefined) return [{ ...named, bits: named.bits ?? bits ?? 16 }]
  const width = bits ?? 16
  if (width === 8) return [{ encoding: "unsigned", bits: 8 }]
  if (width === 64) return [{ encoding: "float", bits: 64 }]
  // Integers that are read as floats are noticed at once, so floats are tried first.
  return width === 32 ? [{ encoding: "float", bits: 32 }, { encoding: "signed", bits: 32 }] : [{ encoding: "signed", bits: width }]
}

/** Reads the format from the head. `configured`: the sample rate (Hz) if the head names none. G.711 without a rate has 8 kHz. */
export const read = ({ contentType, headers }: Head, configured: Pcm.SampleRate): RawPcmFormat => {
  const compressed = compressedTypes.exec(contentType)
  if (compressed !== null) return { _tag: "Compressed", name: contentType }
  if (contentType.startsWith("text/") || /[/+]json$|[/+]xml$/.test(contentType)) return { _tag: "NoSound" }
  const parameters = parametersOf(headers["content-type"] ?? "")
  const named = encodingOf(firstOf(parameters, "encoding", "codec", "codecs", "format", "sampleformat") ?? "")
  const bits = numberOf(headers["x-bit-depth"]) ?? numberOf(firstOf(parameters, "bits", "bitdepth", "bitspersample", "samplesizebits"))
  const channels = numberOf(headers["x-channels"]) ?? numberOf(firstOf(parameters, "channels", "channelcount")) ?? 1
  const isBigEndian = isBigEndianIn(parameters)
  const kinds = kindsOf(contentType, bits, named)
  const isTelephone = kinds[0].encoding === "mulaw" || kinds[0].encoding === "alaw"
  const sampleRate = numberOf(headers["x-sample-rate"]) ?? numberOf(firstOf(parameters, "rate", "samplerate")) ?? (isTelephone ? 8000 : configured)
  if (!Number.isInteger(sampleRate) || sampleRate < Pcm.lowestRate || sampleRate > Pcm.highestRate) {
    return { _tag: "Unreadable", reason: `a sample rate of ${sampleRate} Hz` }
  }
  if (!Number.isInteger(channels) || channels > 64) return { _tag: "Unreadable", reason: `${channels} channels` }
  const formats = kinds
    .filter((kind) => kinds.length === 1 || isBigEndian === undefined || kind.isBigEndian === undefined || kind.isBigEndian === isBigEndian)
    .map((kind): SampleFormat => ({
      encoding: kind.encoding ?? "signed",
      bytesPerSample: (kind.bits ?? 16) / 8,
      isBigEndian: isBigEndian ?? kind.isBigEndian ?? false,
      channels,
      sampleRate
    }))
    .filter(isReadable)
  const [first, ...others] = formats
  return first === undefined
    ? { _tag: "Unreadable", reason: `samples of ${kinds[0].bits} bits` }
    : { _tag: "Samples", formats: [first, ...others] }
}

/** Frames that {@link likeliest} needs, counted from the first frame with sound. */
export const framesToDecide = 64

/**
 * The bounds of float samples of speech other than 0, at the scale of 16 bits. Most integers that are read as floats are outside of these
 * bounds.
 */
const smallestFloat = 1e-20 * 32_768
const largestFloat = 16 * 32_768

/** The sum of the differences from sample to sample; none if the bytes can't be samples of speech in this format. */
const roughness = (format: SampleFormat, bytes: Uint8Array): Option.Option<number> => {
  const read = sampleReader(format)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const step = bytesPerFrame(format)
  let sum = 0
  for (let at = 0, before = 0; at + step <= bytes.length; at += step) {
    const value = read(view, at)
    const size = Math.abs(value)
    // `NaN` is not within the bounds either.
    if (format.encoding === "float" && size !== 0 && !(size > smallestFloat && size < largestFloat)) return Option.none()
    sum += Math.abs(value - before)
    before = value
  }
  return Option.some(sum)
}

/**
 * The likeliest format of these frames. Floats win if all samples are within the bounds of speech. Otherwise the format in which the frames
 * are smoothest wins, and the first of equally smooth formats. Speech changes little from one sample to the next, but speech with its bytes
 * in the wrong order is noise.
 */
export const likeliest = (formats: Array.NonEmptyReadonlyArray<SampleFormat>, bytes: Uint8Array): SampleFormat => {
  if (formats.length === 1) return formats[0]
  if (formats[0].encoding === "float") return Option.isSome(roughness(formats[0], bytes)) ? formats[0] : formats[1]
  let best = { format: formats[0], sum: Infinity }
  for (const format of formats) {
    const sum = Option.getOrElse(roughness(format, bytes), () => Infinity)
    if (sum < best.sum) best = { format, sum }
  }
  return best.format
}
