/**
 * Reads a RIFF/WAVE file while it arrives. The bytes may arrive in pieces of any length. The result is 16-bit mono samples at the file's own
 * rate.
 *
 * Servers begin to send a file before its length is known. So more samples than announced may come, and an announced size of 0 or of gigabytes
 * means "to the end". Another whole file may follow.
 */
import * as Bytes from "./Bytes.ts"
import * as Pcm from "./Pcm.ts"
import { bytesPerFrame, readMono, type SampleFormat } from "./SampleFormat.ts"
import * as WavChunks from "./WavChunks.ts"
import * as WavFormat from "./WavFormat.ts"

/** The bytes can't be read as sound. */
export interface WavStreamError {
  readonly _tag: "WavStreamError"
  /** `structure`: the bytes are not a WAVE file. `format`: the coding of the samples is not supported. `rate`: the sample rate is out of range. */
  readonly part: "structure" | "format" | "rate"
  /** What was found, such as "4000 Hz", for an error message. Empty for `structure`. */
  readonly detail: string
}

/** Mono samples. */
interface WavSound {
  readonly pcm: Pcm.Pcm
  /** In Hz. */
  readonly sampleRate: number
}

interface WavSounds {
  readonly _tag: "WavSounds"
  /** The sounds in order: one for each `data` chunk of which these bytes have samples. */
  readonly sounds: ReadonlyArray<WavSound>
}

/** The most bytes of a `fmt ` chunk. Real ones have 16 to 40. */
const maxFormatBytes = 1024

/** The most bytes of any other chunk, before or after the samples. */
const maxChunkBytes = 1024 * 1024

/** The next `remaining` bytes are samples. `padding` bytes follow them. */
interface Samples {
  readonly _tag: "Samples"
  readonly format: SampleFormat
  readonly remaining: number
  readonly padding: number
}

/** The next bytes are a chunk's head. */
interface Chunks {
  readonly _tag: "Chunks"
  readonly isBigEndian: boolean
  readonly format: SampleFormat | undefined
  readonly isAfterSamples: boolean
}

/** The next `remaining` bytes are skipped. */
interface Skip {
  readonly _tag: "Skip"
  readonly remaining: number
  readonly next: Chunks
}

interface State {
  place: Chunks | Skip | Samples
  /** Bytes that are not read yet. */
  unread: Uint8Array
  /** The sounds in the bytes of this push. */
  sounds: Array<WavSound>
}

/** `wait`: more bytes are needed. `next`: another step can be taken. */
type Step = "wait" | "next" | WavStreamError

const failure = (part: WavStreamError["part"], detail: string): WavStreamError => ({ _tag: "WavStreamError", part, detail })

const notWave = failure("structure", "")

const endlessSamples = (format: SampleFormat): Samples => ({ _tag: "Samples", format, remaining: Infinity, padding: 0 })

const drop = (state: State, length: number): void => {
  state.unread = state.unread.subarray(length)
}

const readFileHead = (state: State): Step => {
  const head = WavChunks.fileHead(state.unread)
  if (head === undefined) return "wait"
  if (head.kind !== "WAVE") return notWave
  state.place = { _tag: "Chunks", isBigEndian: head.isBigEndian, format: undefined, isAfterSamples: false }
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
  state.place = { _tag: "Skip", remaining: WavChunks.paddingOf(size), next: { ...chunks, format, isAfterSamples: false } }
  return "next"
}

const readChunk = (state: State, chunks: Chunks): Step => {
  const head = WavChunks.chunkHead(state.unread, 0, chunks.isBigEndian)
  if (head === undefined) return "wait"
  const { name, size } = head
  if (WavChunks.isFileMark(name)) return readFileHead(state)
  const { format, isAfterSamples } = chunks
  if (name === "data") {
    if (format === undefined) return notWave
    drop(state, WavChunks.chunkHeadBytes)
    // Size 0 means that the size is unknown. Sizes of gigabytes mean the same, but need no special case, because their end never comes.
    state.place = size === 0 ? endlessSamples(format) : { _tag: "Samples", format, remaining: size, padding: WavChunks.paddingOf(size) }
    return "next"
  }
  if (isAfterSamples && format !== undefined && (size > maxChunkBytes || !/^[ -~]{4}$/.test(name))) {
    // These bytes are not a chunk, so there are more samples than announced.
    state.place = endlessSamples(format)
    return "next"
  }
  if (size > (name === "fmt " ? maxFormatBytes : maxChunkBytes)) return notWave
  if (name === "fmt ") return readFormat(state, chunks, size)
  drop(state, WavChunks.chunkHeadBytes)
  state.place = { _tag: "Skip", remaining: size + WavChunks.paddingOf(size), next: chunks }
  return "next"
}

const skip = (state: State, { next, remaining }: Skip): Step => {
  const length = Math.min(remaining, state.unread.length)
  drop(state, length)
  state.place = length === remaining ? next : { _tag: "Skip", remaining: remaining - length, next }
  return length === remaining ? "next" : "wait"
}

const readSamples = (state: State, { format, padding, remaining }: Samples): Step => {
  const frame = bytesPerFrame(format)
  const length = Math.floor(Math.min(remaining, state.unread.length) / frame) * frame
  if (length > 0) state.sounds.push({ pcm: readMono(format, state.unread.subarray(0, length)), sampleRate: format.sampleRate })
  drop(state, length)
  const left = remaining - length
  if (left >= frame) {
    state.place = { _tag: "Samples", format, remaining: left, padding }
    return "wait"
  }
  // If the last frame is cut, it is skipped together with the padding.
  state.place = { _tag: "Skip", remaining: left + padding, next: { _tag: "Chunks", isBigEndian: format.isBigEndian, format, isAfterSamples: true } }
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
  /** Returns the sounds in these bytes. After a failure, this method must not be called again. */
  readonly push: (bytes: Uint8Array) => WavSounds | WavStreamError
}

/** Makes a reader for one file. The first bytes that are pushed must be the file's first bytes. */
export const make = (): WavStream => {
  const state: State = {
    place: { _tag: "Chunks", isBigEndian: false, format: undefined, isAfterSamples: false },
    unread: new Uint8Array(0),
    sounds: []
  }
  return {
    push: (bytes) => {
      state.unread = Bytes.join(state.unread, bytes)
      state.sounds = []
      while (true) {
        const result = step(state)
        if (result === "wait") break
        if (result !== "next") return result
      }
      // The unread bytes are copied, so that the server's buffer can be freed.
      state.unread = state.unread.slice()
      return { _tag: "WavSounds", sounds: state.sounds }
    }
  }
}
