/**
 * Reads the body of a speech answer as it arrives: raw samples or a WAV file. The bytes may be cut into pieces anywhere. The result is
 * 16-bit mono samples at the body's own rate. Pure.
 *
 * The first bytes are trusted more than the content type. Some servers send WAV as `audio/pcm`, send a file for each sentence, or
 * send MP3 or an error's text as raw samples. A body that can't be played fails before its first sample.
 */
import { type Array as Arr, Result } from "effect"
import * as Bytes from "../../../audio/Bytes.ts"
import { bytesPerFrame, readMono, type SampleFormat } from "../../../audio/SampleFormat.ts"
import * as SoundSignature from "../../../audio/SoundSignature.ts"
import * as WavStream from "../../../audio/WavStream.ts"
import type { SpeechChunk } from "../../../conversation/ports/TextToSpeech.ts"
import * as RawPcmFormat from "./RawPcmFormat.ts"
import * as SpeechFault from "./SpeechFault.ts"

/** The most bytes of a text body that are kept. */
const maxTextBytes = 4096

/** The kind of the body, as far as its bytes have shown it. */
type Kind =
  | { readonly _tag: "Unknown" }
  | { readonly _tag: "Text" }
  | { readonly _tag: "Wave"; readonly stream: WavStream.WavStream }
  /** Raw samples in one of these formats. The first samples that are not silent decide. */
  | { readonly _tag: "Undecided"; readonly formats: Arr.NonEmptyReadonlyArray<SampleFormat> }
  | { readonly _tag: "Samples"; readonly format: SampleFormat }

interface State {
  readonly raw: RawPcmFormat.RawPcmFormat
  kind: Kind
  /** Bytes that are not read yet. */
  unread: Uint8Array
  /** The sound of the newest bytes. */
  chunks: Array<SpeechChunk>
}

/** The result of a step. `wait`: more bytes are needed. `next`: the next step can follow at once. */
type Step = "wait" | "next" | SpeechFault.SpeechFault

const recognize = (state: State, isWhole: boolean): Step => {
  const { raw, unread } = state
  const signature = SoundSignature.of(unread, isWhole)
  if (signature === undefined) return "wait"
  switch (signature._tag) {
    case "Wave":
      state.kind = { _tag: "Wave", stream: WavStream.make() }
      return "next"
    case "Text":
      state.kind = { _tag: "Text" }
      return "next"
    case "Foreign":
      return SpeechFault.compressed(signature.name)
    case "None":
      if (unread.length === 0) return "wait"
      if (raw._tag !== "Samples") return SpeechFault.ofHead(raw)
      state.kind = raw.formats.length === 1 ? { _tag: "Samples", format: raw.formats[0] } : { _tag: "Undecided", formats: raw.formats }
      return "next"
  }
}

const readText = ({ unread }: State, isWhole: boolean): Step =>
  !isWhole && unread.length < maxTextBytes ? "wait" : SpeechFault.notSound(new TextDecoder().decode(unread.subarray(0, maxTextBytes)))

const faultOf = ({ detail, part }: WavStream.WavStreamError): SpeechFault.SpeechFault => {
  switch (part) {
    case "structure":
      return SpeechFault.notSound()
    case "format":
      return SpeechFault.compressed(`WAV of ${detail}`)
    case "rate":
      return SpeechFault.unreadable(`sound at ${detail}`)
  }
}

const readWave = (state: State, stream: WavStream.WavStream): Step => {
  const read = stream.push(state.unread)
  state.unread = new Uint8Array(0)
  if (read._tag === "WavStreamError") return faultOf(read)
  state.chunks.push(...read.sounds)
  return "wait"
}

/** Reads the first `length` bytes, which must be whole frames, as sound. */
const readFrames = (state: State, format: SampleFormat, length: number): void => {
  if (length > 0) state.chunks.push({ pcm: readMono(format, state.unread.subarray(0, length)), sampleRate: format.sampleRate })
  state.unread = state.unread.subarray(length)
}

const decideFormat = (state: State, formats: Arr.NonEmptyReadonlyArray<SampleFormat>, isWhole: boolean): Step => {
  const frame = bytesPerFrame(formats[0])
  const firstByte = state.unread.findIndex((byte) => byte !== 0)
  // Zero bytes are silence in every format.
  const silent = Math.floor((firstByte < 0 ? state.unread.length : firstByte) / frame) * frame
  readFrames(state, formats[0], silent)
  const needed = RawPcmFormat.framesToDecide * frame
  if (state.unread.length < needed && !isWhole) return "wait"
  state.kind = { _tag: "Samples", format: RawPcmFormat.likeliest(formats, state.unread.subarray(0, needed)) }
  return "next"
}

const readSamples = (state: State, format: SampleFormat): Step => {
  const frame = bytesPerFrame(format)
  readFrames(state, format, Math.floor(state.unread.length / frame) * frame)
  return "wait"
}

const step = (state: State, isWhole: boolean): Step => {
  const { kind } = state
  switch (kind._tag) {
    case "Unknown":
      return recognize(state, isWhole)
    case "Text":
      return readText(state, isWhole)
    case "Wave":
      return readWave(state, kind.stream)
    case "Undecided":
      return decideFormat(state, kind.formats, isWhole)
    case "Samples":
      return readSamples(state, kind.format)
  }
}

const run = (state: State, isWhole: boolean): Result.Result<ReadonlyArray<SpeechChunk>, SpeechFault.SpeechFault> => {
  state.chunks = []
  while (true) {
    const result = step(state, isWhole)
    if (result === "wait") break
    if (result !== "next") return Result.fail(result)
  }
  // The copy lets the server's buffer be freed.
  state.unread = state.unread.slice()
  return Result.succeed(state.chunks)
}

interface SpeechBody {
  /** Adds bytes and returns the sound that they complete. Must not be called after a failure. */
  readonly push: (bytes: Uint8Array) => Result.Result<ReadonlyArray<SpeechChunk>, SpeechFault.SpeechFault>
  /** Ends the body and returns the sound that was held back because it might have been something else. */
  readonly end: () => Result.Result<ReadonlyArray<SpeechChunk>, SpeechFault.SpeechFault>
}

/** Makes the reader of one body. `raw`: the format of the samples if the body has no header. */
export const make = (raw: RawPcmFormat.RawPcmFormat): SpeechBody => {
  const state: State = { raw, kind: { _tag: "Unknown" }, unread: new Uint8Array(0), chunks: [] }
  return {
    push: (bytes) => {
      state.unread = Bytes.join(state.unread, bytes)
      return run(state, false)
    },
    end: () => run(state, true)
  }
}
