/**
 * RIFF/WAVE files in memory. Files with any width, number of channels and sample rate are read (`WavFormat` has the formats). Files are
 * written as 16-bit PCM.
 */
import * as Pcm from "./Pcm.ts"
import { readChannel } from "./SampleFormat.ts"
import * as WavChunks from "./WavChunks.ts"
import * as WavFormat from "./WavFormat.ts"

/** The sound of a file. */
export interface Wav {
  readonly _tag: "Wav"
  /** In Hz. It may be a rate that no call uses. */
  readonly sampleRate: number
  /** One array for each channel, all of equal length. Stereo has left and right. */
  readonly channels: ReadonlyArray<Int16Array>
}

/** The bytes can't be read as sound. `reason` is a phrase that ends an error message. */
interface WavError {
  readonly _tag: "WavError"
  readonly reason: string
}

const fail = (reason: string): WavError => ({ _tag: "WavError", reason })

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * Reads a file, with its chunks in any order. Never throws.
 *
 * Some recorders are cut off, or write into a pipe. Their files are read as far as possible: the sound may be shorter than announced, and the
 * last sample may be cut. A data size of 0 or 0xffffffff means "to the end". If there are several fmt or data chunks, the first one is used.
 * The samples are copies.
 */
export const decode = (bytes: Uint8Array): Wav | WavError => {
  const head = WavChunks.fileHead(bytes)
  if (head === undefined || !["RIFF", "RIFX"].includes(head.name) || head.kind !== "WAVE") return fail("not a RIFF/WAVE file")
  const { isBigEndian } = head
  let format: Uint8Array | undefined
  let data: Uint8Array | undefined
  for (let at = WavChunks.fileHeadBytes;;) {
    const chunkHead = WavChunks.chunkHead(bytes, at, isBigEndian)
    if (chunkHead === undefined) break
    const { name, size } = chunkHead
    const begin = at + WavChunks.chunkHeadBytes
    const isToTheEnd = name === "data" && (size === 0 || size === 0xffff_ffff)
    const end = isToTheEnd ? bytes.length : Math.min(bytes.length, begin + size)
    const chunk = bytes.subarray(begin, end)
    if (name === "fmt ") format ??= chunk
    if (name === "data") data ??= chunk
    at = end + WavChunks.paddingOf(end)
  }
  if (format === undefined) return fail("no fmt chunk")
  if (data === undefined) return fail("no data chunk")
  const read = WavFormat.read(format, isBigEndian)
  if ("_tag" in read) return fail(read.reason)
  const samples = data
  const channels = Array.from({ length: read.channels }, (_, channel) => readChannel(read, samples, channel))
  return { _tag: "Wav", sampleRate: read.sampleRate, channels }
}

/** The length of the header that `encode` and `writeHeader` write before the samples, in bytes. */
export const headerBytes = 44

/**
 * Writes the header of a 16-bit PCM file to the beginning of `bytes`. `size`: how many bytes of samples follow, below 4 GiB. `sampleRate`: in
 * whole Hz. `channels`: 1 is mono, 2 is stereo.
 */
export const writeHeader = (bytes: Uint8Array, format: { readonly sampleRate: number; readonly channels: number; readonly size: number }): void => {
  const { channels, sampleRate, size } = format
  WavFormat.writeStart(bytes, { tag: WavFormat.pcm, channels, sampleRate, bytesPerSample: 2, formatBytes: 16, headBytes: headerBytes, size })
  WavFormat.writeName(bytes, 36, "data")
  viewOf(bytes).setUint32(40, size, true)
}

/** Makes a whole 16-bit PCM file. A channel that is shorter than the others is filled up with silence. */
export const encode = ({ channels, sampleRate }: Pick<Wav, "sampleRate" | "channels">): Uint8Array => {
  const count = channels.length
  const size = 2 * count * Math.max(0, ...channels.map((samples) => samples.length))
  const bytes = new Uint8Array(headerBytes + size)
  writeHeader(bytes, { sampleRate, channels: count, size })
  if (count === 1) {
    Pcm.writeBytes(channels[0], bytes, headerBytes)
    return bytes
  }
  const view = viewOf(bytes)
  for (let channel = 0; channel < count; channel++) {
    const samples = channels[channel]
    for (let i = 0; i < samples.length; i++) view.setInt16(headerBytes + 2 * (i * count + channel), samples[i], true)
  }
  return bytes
}
