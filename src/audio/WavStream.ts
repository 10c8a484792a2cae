/**
 * Reads a RIFF/WAVE file while it arrives. The bytes may be cut anywhere; the result is 16-bit mono samples at the file's own rate.
 *
 * Servers begin a file before they know its length. So there may be more samples than announced, the announced size may be 0 or gigabytes
 * for "to the end", and another whole file may follow.
 */
import * as Bytes from "./Bytes.ts"
import * as Pcm from "./Pcm.ts"
import { bytesPerFrame, readMono, type SampleFormat } from "./SampleFormat.ts"
import * as WavChunks from "./WavChunks.ts"
import * as WavFormat from "./WavFormat.ts"

/** Why the bytes can't be read as sound. */
export interface WavStreamError {
  readonly _tag: "WavStreamError"
  /** `structure`: these bytes are no WAVE file. `format`: the coding of the samples is not supported. `rate`: the sample rate is out of range. */
  readonly part: "structure" | "format" | "rate"
  /** A phrase for the middle of an error message; empty for `structure`. */
  readonly detail: string
}

/** Mono samples. */
interface WavSound {
  readonly pcm: Pcm.Pcm
  /** Hz. */
  readonly sampleRate: number
}

interface WavSounds {
  readonly _tag: "WavSounds"
  /** In order; one for each stretch of samples. */
  readonly sounds: ReadonlyArray<WavSound>
}

/** The most bytes of a `fmt ` chunk; real ones have 16 to 40. */
const maxFormatBytes = 1024

/** The most bytes of any other chunk, before or behind the samples. */
const maxChunkBytes = 1024 * 1024

/** The next bytes are samples (`left` bytes), and then padding. */
interface Samples {
  readonly _tag: "Samples"
  readonly format: SampleFormat
  readonly left: number
  readonly padding: number
}

/** The next bytes are a chunk's head. */
interface Chunks {
  readonly _tag: "Chunks"
  readonly isBigEndian: boolean
  readonly format: SampleFormat | undefined
  readonly isBehindSamples: boolean
}

/** The next `left` bytes are skipped. */
interface Skip {
  readonly _tag: "Skip"
  readonly left: number
  readonly next: Chunks
}

interface State {
  place: Chunks | Skip | Samples
  /** Bytes that are not read yet. */
  unread: Uint8Array
  /** The sound in the bytes of this push. */
  sounds: Array<WavSound>
}

/** `wait`: more bytes are needed. `next`: another step can be taken. */
type Step = "wait" | "next" | WavStreamError

const failure = (part: WavStreamError["part"], detail: string): WavStreamError => ({ _tag: "WavStreamError", part, detail })

const notWave = failure("structure", "")

const endless = (format: SampleFormat): Samples => ({ _tag: "Samples", format, left: Infinity, padding: 0 })

const drop = (state: State, length: number): void => {
  state.unread = state.unread.subarray(length)
}

const readFileHead = (state: State): Step => {
  const head = WavChunks.fileHead(state.unread)
  if (head === undefined) return "wait"
  if (head.kind !== "WAVE") return notWave
  state.place = { _tag: "Chunks", isBigEndian: head.isBigEndian, format: undefined, isBehindSamples: false }
  drop(state, WavChunks.fileHeadBytes)
  return "next"
}

const readFormat = (state: State, chunks: Chunks, size: number): Step => {
  const end = WavChunks.chunkHeadBytes + size
  if (state.unread.length < end) return "wait"
  const format = WavFormat.read(state.unread.subarray(WavChunks.chunkHeadBytes, end), chunks.isBigEndian)
  if ("_tag" in format) return failure("format", format.reason)
  if (format.sampleRate < Pcm.lowestRate || format.sampleRate > Pcm.highestRate) {
    return failure("rate", `${format.sampleRate} Hz`)
  }
  drop(state, end)
  state.place = { _tag: "Skip", left: WavChunks.paddingOf(size), next: { ...chunks, format, isBehindSamples: false } }
  return "next"
}

const readChunk = (state: State, chunks: Chunks): Step => {
  const head = WavChunks.chunkHead(state.unread, 0, chunks.isBigEndian)
  if (head === undefined) return "wait"
  const { name, size } = head
  if (WavChunks.isFileName(name)) return readFileHead(state)
  const { format, isBehindSamples } = chunks
  if (name === "data") {
    if (format === undefined) return notWave
    drop(state, WavChunks.chunkHeadBytes)
    // Size 0 means unknown. So do sizes of gigabytes, whose end never comes.
    state.place = size === 0 ? endless(format) : { _tag: "Samples", format, left: size, padding: WavChunks.paddingOf(size) }
    return "next"
  }
  if (isBehindSamples && format !== undefined && (size > maxChunkBytes || !/^[ -~]{4}$/.test(name))) {
    // These bytes are no chunk: the samples are longer than announced.
    state.place = endless(format)
    return "next"
  }
  if (size > (name === "fmt " ? maxFormatBytes : maxChunkBytes)) return notWave
  if (name === "fmt ") return readFormat(state, chunks, size)
  drop(state, WavChunks.chunkHeadBytes)
  state.place = { _tag: "Skip", left: size + WavChunks.paddingOf(size), next: chunks }
  return "next"
}

const skip = (state: State, { left, next }: Skip): Step => {
  const length = Math.min(left, state.unread.length)
  drop(state, length)
  state.place = length === left ? next : { _tag: "Skip", left: left - length, next }
  return length === left ? "next" : "wait"
}

const readSamples = (state: State, { format, left, padding }: Samples): Step => {
  const frame = bytesPerFrame(format)
  const length = Math.floor(Math.min(left, state.unread.length) / frame) * frame
  if (length > 0) state.sounds.push({ pcm: readMono(format, state.unread.subarray(0, length)), sampleRate: format.sampleRate })
  drop(state, length)
  const remaining = left - length
  if (remaining >= frame) {
    state.place = { _tag: "Samples", format, left: remaining, padding }
    return "wait"
  }
  // A cut frame at the end is skipped with the padding.
  state.place = { _tag: "Skip", left: remaining + padding, next: { _tag: "Chunks", isBigEndian: format.isBigEndian, format, isBehindSamples: true } }
  return "next"
}

const step = (state: State): Step => {
  const { place } = state
  switch (place._tag) {
    case "Chunks":
      return readChunk(state, place)
    case "Skip":
      return skip(state, place)
    case "Samples":
      return readSamples(state, place)
  }
}

export interface WavStream {
  /** Answers the sound that these bytes complete. It may not be called again after a failure. */
  readonly push: (bytes: Uint8Array) => WavSounds | WavStreamError
}

/** Reads from a file's first byte on. */
export const make = (): WavStream => {
  const state: State = {
    place: { _tag: "Chunks", isBigEndian: false, format: undefined, isBehindSamples: false },
    unread: new Uint8Array(0),
    sounds: []
  }
  return {
    push: (bytes) => {
      state.unread = Bytes.join(state.unread, bytes)
      state.sounds = []
      while (true) {
        const taken = step(state)
        if (taken === "wait") break
        if (taken !== "next") return taken
      }
      // A copy, so that the server's buffer is freed.
      state.unread = state.unread.slice()
      return { _tag: "WavSounds", sounds: state.sounds }
    }
  }
}
