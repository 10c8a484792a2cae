/**
 * What a speech server answers, read while it comes: raw samples, or a WAV file whose lengths are false because it was
 * begun before its end was known. Pure: bytes cut anywhere in, 16-bit mono samples out, none held back.
 *
 * What it is, its first bytes say better than its type: some servers send a WAV file as `audio/pcm`, and begin another
 * one for each sentence.
 */
import { Option, Result } from "effect"
import * as Pcm from "../../audio/Pcm.ts"
import type { EngineFailed } from "../../conversation/Engine.ts"
import type { SpeechChunk } from "../../conversation/TextToSpeech.ts"

/** Why a body is no sound for a call; the advice is for the operator. */
export interface Fault {
  readonly reason: Extract<EngineFailed["reason"], "refused" | "broken">
  readonly advice: string
}

/** What an answer's head says of its body. */
export interface Head {
  /** In lower case and without parameters. */
  readonly contentType: string
  readonly headers: Readonly<Record<string, string | undefined>>
}

const refused = (advice: string): Fault => ({ reason: "refused", advice })
const broken = (advice: string): Fault => ({ reason: "broken", advice })

/** The rates (Hz) that a call can be given without a loss. */
const rates: ReadonlyArray<number> = [8000, 16_000, 24_000, 48_000] satisfies ReadonlyArray<Pcm.SampleRate>

const rateOf = (hertz: number): Result.Result<Pcm.SampleRate, Fault> =>
  rates.includes(hertz)
    ? Result.succeed(hertz as Pcm.SampleRate)
    : Result.fail(refused(
      `The speech engine sends sound at ${hertz} Hz; a call takes 8000, 16000, 24000 or 48000 Hz. Choose a model or a voice in TTS_MODEL or TTS_VOICE that has one of these.`
    ))

export const compressed = (what: string): Fault =>
  refused(`The speech engine sends ${what} where 16-bit PCM was asked for. Use a server that has response_format "pcm" or "wav".`)

const notSound = broken("The speech engine answered something that is no sound. Check that TTS_URL names an OpenAI-compatible server.")

/** Types of bodies that can't be read, by what follows `audio/`. */
const compressedTypes = /^audio\/(mpeg|mp3|ogg|opus|aac|mp4|flac|x-flac|webm)$/

/**
 * The rate of raw samples: as the server says (`X-Sample-Rate` of sglang-omni and of CSM's server, `rate=` of RFC 3555),
 * else as configured. Refuses what is no 16-bit mono sound.
 */
export const readHead = ({ contentType, headers }: Head, configured: Pcm.SampleRate): Result.Result<Pcm.SampleRate, Fault> => {
  if (compressedTypes.test(contentType)) return Result.fail(compressed(contentType))
  if (contentType.startsWith("text/") || contentType.endsWith("json")) return Result.fail(notSound)
  if (Number(headers["x-bit-depth"] ?? 16) !== 16) return Result.fail(compressed(`${Number(headers["x-bit-depth"])}-bit samples`))
  if (Number(headers["x-channels"] ?? 1) !== 1) {
    return Result.fail(refused("The speech engine sends more than one channel. Use a voice that has one."))
  }
  const parameter = /;\s*(?:sample[-_]?)?rate="?(\d+)/i.exec(headers["content-type"] ?? "")?.[1]
  const named = Number(headers["x-sample-rate"] ?? parameter)
  return Number.isNaN(named) ? Result.succeed(configured) : rateOf(named)
}

/** Bytes that are carried over, as one piece with those that follow. */
const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  if (first.length === 0) return second
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const nameAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))

/** Bytes of a header before its samples that are read: real ones have 44 to a few hundred. */
const longestHeader = 65_536

/** How compressed sound and pages begin. */
const foreign: Readonly<Record<string, Fault>> = {
  OggS: compressed("Ogg"),
  fLaC: compressed("FLAC"),
  "ID3\u0003": compressed("MP3"),
  "ID3\u0004": compressed("MP3"),
  "<!do": notSound,
  "<!DO": notSound,
  "<htm": notSound
}

const formats = { pcm: 1, extensible: 0xfffe } as const

/** The sample rate of a `fmt ` chunk that holds what a call takes. */
const readFormat = (chunk: Uint8Array): Result.Result<Pcm.SampleRate, Fault> => {
  if (chunk.length < 16) return Result.fail(notSound)
  const view = viewOf(chunk)
  const tag = view.getUint16(0, true)
  // Of an extensible format the first two bytes of the sub-format are the tag.
  const format = tag === formats.extensible && chunk.length >= 26 ? view.getUint16(24, true) : tag
  const bits = view.getUint16(14, true)
  if (format !== formats.pcm || bits !== 16) return Result.fail(compressed(`WAV of format ${format} with ${bits} bits`))
  if (view.getUint16(2, true) !== 1) {
    return Result.fail(refused("The speech engine sends more than one channel. Use a voice that has one."))
  }
  return rateOf(view.getUint32(4, true))
}

export interface Reader {
  /** What of the sound is complete with these bytes. After a failure it is not to be asked again. */
  readonly push: (bytes: Uint8Array) => Result.Result<ReadonlyArray<SpeechChunk>, Fault>
}

/**
 * Where in a body the reader is: before its first four bytes, among the chunks of a WAV file, or among its samples. A
 * file's last samples go on to the body's end where it does not say how many they are.
 */
type Place =
  | { readonly _tag: "Start" }
  | Chunks
  | { readonly _tag: "Samples"; readonly rate: Pcm.SampleRate; readonly left: number }
  | { readonly _tag: "Skip"; readonly left: number; readonly next: Chunks }

type Chunks =
  & { readonly _tag: "Chunks" }
  & (
    | { readonly isBehindSamples: false; readonly rate: Pcm.SampleRate | undefined }
    | { readonly isBehindSamples: true; readonly rate: Pcm.SampleRate }
  )

const header: Chunks = { _tag: "Chunks", isBehindSamples: false, rate: undefined }

/** `rate` is that of samples without a header. */
export const make = (rate: Pcm.SampleRate): Reader => {
  let place: Place = { _tag: "Start" }
  let rest: Uint8Array = new Uint8Array(0)

  /** Reads one step; none: more bytes are needed. */
  const step = (chunks: Array<SpeechChunk>): Option.Option<Fault | undefined> => {
    switch (place._tag) {
      case "Start": {
        if (rest.length < 4) return Option.none()
        const name = nameAt(rest, 0)
        const fault = foreign[name]
        if (fault !== undefined) return Option.some(fault)
        place = name === "RIFF" ? header : { _tag: "Samples", rate, left: Infinity }
        return Option.some(undefined)
      }
      case "Chunks": {
        if (rest.length < 8) return Option.none()
        const name = nameAt(rest, 0)
        const size = viewOf(rest).getUint32(4, true)
        if (name === "RIFF") {
          if (rest.length < 12) return Option.none()
          if (nameAt(rest, 8) !== "WAVE") return Option.some(notSound)
          rest = rest.subarray(12)
          place = header
          return Option.some(undefined)
        }
        if (name === "data") {
          if (place.rate === undefined) return Option.some(notSound)
          rest = rest.subarray(8)
          // Of unknown length is one of 0, and one of so many gigabytes that its end never comes.
          place = { _tag: "Samples", rate: place.rate, left: size === 0 ? Infinity : size }
          return Option.some(undefined)
        }
        if (place.isBehindSamples && !/^[ -~]{4}$/.test(name)) {
          // No chunk: the file's data are longer than it says.
          place = { _tag: "Samples", rate: place.rate, left: Infinity }
          return Option.some(undefined)
        }
        if (size > longestHeader) return Option.some(notSound)
        if (name !== "fmt ") {
          rest = rest.subarray(8)
          place = { _tag: "Skip", left: size + size % 2, next: place }
          return Option.some(undefined)
        }
        if (rest.length < 8 + size) return Option.none()
        const format = readFormat(rest.subarray(8, 8 + size))
        if (Result.isFailure(format)) return Option.some(format.failure)
        rest = rest.subarray(8 + size)
        place = { _tag: "Skip", left: size % 2, next: { _tag: "Chunks", isBehindSamples: false, rate: format.success } }
        return Option.some(undefined)
      }
      case "Skip": {
        const length = Math.min(place.left, rest.length)
        rest = rest.subarray(length)
        place = length === place.left ? place.next : { ...place, left: place.left - length }
        return place._tag === "Skip" ? Option.none() : Option.some(undefined)
      }
      case "Samples": {
        const length = Math.min(place.left, rest.length) & ~1
        if (length > 0) chunks.push({ pcm: Pcm.fromBytes(rest.subarray(0, length)), sampleRate: place.rate })
        rest = rest.subarray(length)
        const left = place.left - length
        if (left > 1) {
          place = { ...place, left }
          return Option.none()
        }
        // Of an odd number the last is no sample, and is followed by one that makes it even.
        place = { _tag: "Skip", left: 2 * left, next: { _tag: "Chunks", isBehindSamples: true, rate: place.rate } }
        return Option.some(undefined)
      }
    }
  }

  return {
    push: (bytes) => {
      rest = joined(rest, bytes)
      const chunks: Array<SpeechChunk> = []
      while (true) {
        const done = step(chunks)
        if (Option.isNone(done)) break
        if (done.value !== undefined) return Result.fail(done.value)
      }
      // The server's buffer is let go.
      rest = rest.slice()
      return Result.succeed(chunks)
    }
  }
}
