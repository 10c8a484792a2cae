/**
 * The formats in which files and servers write samples: integers of several widths, floats or G.711, with one channel or several. All
 * formats are read as 16-bit samples.
 */
import * as Alaw from "./Alaw.ts"
import * as Mulaw from "./Mulaw.ts"
import * as Pcm from "./Pcm.ts"

export interface SampleFormat {
  /** `unsigned`: silence is in the middle of the range, as in 8-bit WAV files. `float`: full scale is 1. */
  readonly encoding: "signed" | "unsigned" | "float" | "mulaw" | "alaw"
  readonly bytesPerSample: number
  readonly isBigEndian: boolean
  /** The number of interleaved channels, 1 or more. */
  readonly channels: number
  readonly sampleRate: Pcm.SampleRate
}

const widths: Record<SampleFormat["encoding"], ReadonlyArray<number>> = {
  signed: [1, 2, 3, 4],
  unsigned: [1, 2],
  float: [4, 8],
  mulaw: [1],
  alaw: [1]
}

/** Whether samples of this encoding and width can be read. */
export const isReadable = ({ bytesPerSample, encoding }: Pick<SampleFormat, "encoding" | "bytesPerSample">): boolean =>
  widths[encoding].includes(bytesPerSample)

/** The length of a frame, which is one sample of each channel. */
export const bytesPerFrame = ({ bytesPerSample, channels }: Pick<SampleFormat, "bytesPerSample" | "channels">): number =>
  bytesPerSample * channels

/** Reads the sample that begins at byte `at`. The result is scaled to 16 bits, but neither rounded nor clipped. */
type ReadSample = (bytes: DataView, at: number) => number

export const sampleReader = ({ bytesPerSample, encoding, isBigEndian }: Pick<SampleFormat, "encoding" | "bytesPerSample" | "isBigEndian">): ReadSample => {
  const isLittle = !isBigEndian
  switch (encoding) {
    case "mulaw":
      return (bytes, at) => Mulaw.expanded[bytes.getUint8(at)]
    case "alaw":
      return (bytes, at) => Alaw.expanded[bytes.getUint8(at)]
    case "float": {
      const scale = 32_768
      return bytesPerSample === 8
        ? (bytes, at) => scale * bytes.getFloat64(at, isLittle)
        : (bytes, at) => scale * bytes.getFloat32(at, isLittle)
    }
    case "unsigned":
      return bytesPerSample === 1
        ? (bytes, at) => (bytes.getUint8(at) - 128) * 256
        : (bytes, at) => bytes.getUint16(at, isLittle) - 32_768
    case "signed":
      switch (bytesPerSample) {
        case 1:
          return (bytes, at) => bytes.getInt8(at) * 256
        case 2:
          return (bytes, at) => bytes.getInt16(at, isLittle)
        case 3:
          return isLittle
            ? (bytes, at) => bytes.getInt16(at + 1, true) + bytes.getUint8(at) / 256
            : (bytes, at) => bytes.getInt16(at, false) + bytes.getUint8(at + 2) / 256
        default:
          return (bytes, at) => bytes.getInt32(at, isLittle) / 65_536
      }
  }
}

/** The nearest 16-bit sample. NaN becomes silence. */
const toInt16 = (value: number): number =>
  value >= 32_767 ? 32_767 : value <= -32_768 ? -32_768 : Number.isNaN(value) ? 0 : Math.floor(value + 0.5)

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The samples of one channel, from all whole frames. The result is a copy. */
export const readChannel = (format: SampleFormat, bytes: Uint8Array, channel: number): Int16Array => {
  const step = bytesPerFrame(format)
  const samples = new Int16Array(Math.floor(bytes.length / step))
  const view = viewOf(bytes)
  const read = sampleReader(format)
  const first = channel * format.bytesPerSample
  for (let i = 0, at = first; i < samples.length; i++, at += step) samples[i] = toInt16(read(view, at))
  return samples
}

/**
 * The mean of all channels, from all whole frames. For 16-bit little-endian mono, the result may be a view of `bytes` (see `Pcm.fromBytes`).
 * Otherwise it is a copy.
 */
export const readMono = (format: SampleFormat, bytes: Uint8Array): Pcm.Pcm => {
  const { bytesPerSample, channels, encoding, isBigEndian } = format
  if (channels === 1) {
    return encoding === "signed" && bytesPerSample === 2 && !isBigEndian ? Pcm.fromBytes(bytes) : readChannel(format, bytes, 0)
  }
  const step = bytesPerFrame(format)
  const samples = new Int16Array(Math.floor(bytes.length / step))
  const view = viewOf(bytes)
  const read = sampleReader(format)
  for (let i = 0, at = 0; i < samples.length; i++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++, at += bytesPerSample) sum += read(view, at)
    samples[i] = toInt16(sum / channels)
  }
  return samples
}
