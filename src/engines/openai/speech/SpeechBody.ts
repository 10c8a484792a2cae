/**
 * What a speech server answers, read while it comes: raw samples, or a WAV file whose lengths are false because it was
 * begun before its end was known. Pure: bytes cut anywhere in, 16-bit mono samples of the body's own rate out.
 *
 * The first bytes say better what a body is than its type: some servers send a WAV file as `audio/pcm`, begin another
 * one for each sentence, or send MP3 or an error's text under the type of raw samples. Whatever is no sound is a failure
 * before a sample of it is given.
 */
import { type Array as Arr, Result } from "effect"
import * as Pcm from "../../../audio/Pcm.ts"
import { bytesPerFrame, readMono, type SampleFormat } from "../../../audio/SampleFormat.ts"
import * as SoundSignature from "../../../audio/SoundSignature.ts"
import * as WavFormat from "../../../audio/WavFormat.ts"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { SpeechChunk } from "../../../conversation/ports/TextToSpeech.ts"
import * as RawPcmFormat from "./RawPcmFormat.ts"

/** Why a body is no sound for a call; the advice is for the operator. */
export interface Fault {
  readonly reason: Extract<EngineFailed["reason"], "refused" | "broken">
  readonly advice: string
  /** It is sound in a format that can't be read: the server may have another one. */
  readonly isCompressed?: true
  /** The body where it is text, as far as it was read: the server's own words, which may quote ours. */
  readonly text?: string
}

const broken = (advice: string): Fault => ({ reason: "broken", advice })

export const compressed = (what: string): Fault => ({
  reason: "refused",
  advice: `The speech engine sends ${what} where PCM was asked for. Use a server that has response_format "pcm" or "wav".`,
  isCompressed: true
})

const unreadable = (what: string): Fault => ({
  reason: "refused",
  advice: `The speech engine sends ${what}, which can't be played. Choose a model or a voice in TTS_MODEL or TTS_VOICE that sends PCM of ` +
    `${Pcm.lowestRate} to ${Pcm.highestRate} Hz.`
})

const notSound = broken("The speech engine answered something that is no sound. Check that TTS_URL names an OpenAI-compatible server.")

/** Why a body that is not told by its first bytes can't be raw samples. */
const faultOf = (raw: Exclude<RawPcmFormat.RawPcmFormat, { readonly _tag: "Samples" }>): Fault => {
  switch (raw._tag) {
    case "Compressed":
      return compressed(raw.name)
    case "NoSound":
      return notSound
    case "Unreadable":
      return unreadable(raw.reason)
  }
}

/** Bytes that are carried over, as one piece with those that follow. */
const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  if (first.length === 0) return second
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

const nameAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))

/** Bytes of a `fmt ` chunk; real ones have 16 to 40. */
const maxFormatBytes = 1024

/** Bytes of any other chunk before the samples or behind them. */
const maxChunkBytes = 1024 * 1024

/** Bytes of a text that are kept for its words. */
const maxTextBytes = 4096

const fileNames = new Set(["RIFF", "RIFX", "RF64", "BW64"])

/** How samples go on: so many bytes of them, and whether a byte of padding follows. */
interface Samples {
  readonly _tag: "Samples"
  readonly format: SampleFormat
  readonly left: number
  readonly padding: number
}

/** Among the chunks of a WAV file. */
interface Chunks {
  readonly _tag: "Chunks"
  readonly isBigEndian: boolean
  readonly format: SampleFormat | undefined
  readonly isBehindSamples: boolean
}

/**
 * Where in a body the reader is. A file's last samples go on to the body's end where it does not say how many they are.
 */
type Place =
  | { readonly _tag: "Start" }
  | { readonly _tag: "Text" }
  /** In raw samples whose format the first sound is to tell. */
  | { readonly _tag: "Undecided"; readonly formats: Arr.NonEmptyReadonlyArray<SampleFormat> }
  | Chunks
  | { readonly _tag: "Skip"; readonly left: number; readonly next: Chunks }
  | Samples

const endless = (format: SampleFormat): Samples => ({ _tag: "Samples", format, left: Infinity, padding: 0 })

export interface Reader {
  /** What of the sound is complete with these bytes. After a failure it is not to be asked again. */
  readonly push: (bytes: Uint8Array) => Result.Result<ReadonlyArray<SpeechChunk>, Fault>
  /** No more bytes will come: the sound that was held back, because it might have been something else. */
  readonly end: () => Result.Result<ReadonlyArray<SpeechChunk>, Fault>
}

/** What a step has come to: it needs more bytes, may go on, or has failed. */
type Step = "wait" | "next" | Fault

/** Reads one body, whose raw samples are as `raw` says. */
export const make = (raw: RawPcmFormat.RawPcmFormat): Reader => {
  let place: Place = { _tag: "Start" }
  let rest: Uint8Array = new Uint8Array(0)

  const start = (isWhole: boolean): Step => {
    const signature = SoundSignature.of(rest, isWhole)
    if (signature === undefined) return "wait"
    switch (signature._tag) {
      case "Wave":
        place = { _tag: "Chunks", isBigEndian: false, format: undefined, isBehindSamples: false }
        return "next"
      case "Text":
        place = { _tag: "Text" }
        return "next"
      case "Foreign":
        return compressed(signature.name)
      case "None":
        if (rest.length === 0) return "wait"
        if (raw._tag !== "Samples") return faultOf(raw)
        place = raw.formats.length === 1 ? endless(raw.formats[0]) : { _tag: "Undecided", formats: raw.formats }
        return "next"
    }
  }

  const readText = (isWhole: boolean): Step => {
    if (!isWhole && rest.length < maxTextBytes) return "wait"
    return { ...notSound, text: new TextDecoder().decode(rest.subarray(0, maxTextBytes)) }
  }

  const decide = ({ formats }: Extract<Place, { readonly _tag: "Undecided" }>, chunks: Array<SpeechChunk>, isWhole: boolean): Step => {
    const step = bytesPerFrame(formats[0])
    const firstByte = rest.findIndex((byte) => byte !== 0)
    // Silence is silence in every format.
    const silent = Math.floor((firstByte < 0 ? rest.length : firstByte) / step) * step
    give(chunks, formats[0], silent)
    const needed = RawPcmFormat.framesToDecide * step
    if (rest.length < needed && !isWhole) return "wait"
    place = endless(RawPcmFormat.likeliest(formats, rest.subarray(0, needed)))
    return "next"
  }

  const readFile = (): Step => {
    if (rest.length < 12) return "wait"
    if (nameAt(rest, 8) !== "WAVE") return notSound
    place = { _tag: "Chunks", isBigEndian: nameAt(rest, 0) === "RIFX", format: undefined, isBehindSamples: false }
    rest = rest.subarray(12)
    return "next"
  }

  const readChunk = (chunks: Chunks): Step => {
    if (rest.length < 8) return "wait"
    const name = nameAt(rest, 0)
    if (fileNames.has(name)) return readFile()
    const { format, isBehindSamples, isBigEndian } = chunks
    const size = new DataView(rest.buffer, rest.byteOffset, 8).getUint32(4, !isBigEndian)
    if (name === "data") {
      if (format === undefined) return notSound
      rest = rest.subarray(8)
      // Of unknown length is one of 0, and one of so many gigabytes that its end never comes.
      place = size === 0 ? endless(format) : { _tag: "Samples", format, left: size, padding: size % 2 }
      return "next"
    }
    if (isBehindSamples && format !== undefined && (size > maxChunkBytes || !/^[ -~]{4}$/.test(name))) {
      // No chunk: the file's data are longer than it says.
      place = endless(format)
      return "next"
    }
    if (size > (name === "fmt " ? maxFormatBytes : maxChunkBytes)) return notSound
    if (name !== "fmt ") {
      rest = rest.subarray(8)
      place = { _tag: "Skip", left: size + size % 2, next: chunks }
      return "next"
    }
    if (rest.length < 8 + size) return "wait"
    const read = WavFormat.read(rest.subarray(8, 8 + size), isBigEndian)
    if ("reason" in read) return compressed(`WAV of ${read.reason}`)
    if (read.sampleRate < Pcm.lowestRate || read.sampleRate > Pcm.highestRate) return unreadable(`sound at ${read.sampleRate} Hz`)
    rest = rest.subarray(8 + size)
    place = { _tag: "Skip", left: size % 2, next: { ...chunks, format: read, isBehindSamples: false } }
    return "next"
  }

  const skip = ({ left, next }: Extract<Place, { readonly _tag: "Skip" }>): Step => {
    const length = Math.min(left, rest.length)
    rest = rest.subarray(length)
    place = length === left ? next : { _tag: "Skip", left: left - length, next }
    return length === left ? "next" : "wait"
  }

  /** Gives the first bytes as sound: whole frames. */
  const give = (chunks: Array<SpeechChunk>, format: SampleFormat, length: number): void => {
    if (length > 0) chunks.push({ pcm: readMono(format, rest.subarray(0, length)), sampleRate: format.sampleRate })
    rest = rest.subarray(length)
  }

  const readSamples = ({ format, left, padding }: Samples, chunks: Array<SpeechChunk>): Step => {
    const step = bytesPerFrame(format)
    const length = Math.floor(Math.min(left, rest.length) / step) * step
    give(chunks, format, length)
    const remaining = left - length
    if (remaining >= step) {
      place = { _tag: "Samples", format, left: remaining, padding }
      return "wait"
    }
    // What is left is no whole frame.
    place = {
      _tag: "Skip",
      left: remaining + padding,
      next: { _tag: "Chunks", isBigEndian: format.isBigEndian, format, isBehindSamples: true }
    }
    return "next"
  }

  const step = (chunks: Array<SpeechChunk>, isWhole: boolean): Step => {
    switch (place._tag) {
      case "Start":
        return start(isWhole)
      case "Text":
        return readText(isWhole)
      case "Undecided":
        return decide(place, chunks, isWhole)
      case "Chunks":
        return readChunk(place)
      case "Skip":
        return skip(place)
      case "Samples":
        return readSamples(place, chunks)
    }
  }

  const run = (isWhole: boolean): Result.Result<ReadonlyArray<SpeechChunk>, Fault> => {
    const chunks: Array<SpeechChunk> = []
    while (true) {
      const done = step(chunks, isWhole)
      if (done === "wait") break
      if (done !== "next") return Result.fail(done)
    }
    // The server's buffer is let go.
    rest = rest.slice()
    return Result.succeed(chunks)
  }

  return {
    push: (bytes) => {
      rest = joined(rest, bytes)
      return run(false)
    },
    end: () => run(true)
  }
}
