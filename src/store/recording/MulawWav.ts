/**
 * The header of a WAV file with mu-law (G.711, format tag 7) at 8 kHz in two channels: the format of call recordings.
 *
 * A format that is not PCM has a longer `fmt ` chunk and a `fact` chunk with the number of samples (Microsoft, "Multiple Channel Audio
 * Data and WAVE Files"). The samples of both channels alternate: left, right, left, right.
 */
import * as Mulaw from "../../audio/Mulaw.ts"
import * as WavFormat from "../../audio/WavFormat.ts"

export const headerBytes = 58

const channels = 2
const sampleRate = 8000

export const bytesPerSecond = channels * sampleRate
export const bytesPerMilli = bytesPerSecond / 1000

/** The most bytes of samples that a file can have, because its header holds its size in 32 bits. */
export const maxSize = 0xffff_ffff - headerBytes - 1

/** `size`: bytes of samples in the file. */
export const header = (size: number): Uint8Array => {
  const bytes = new Uint8Array(headerBytes)
  const view = new DataView(bytes.buffer)
  WavFormat.writeStart(bytes, { tag: WavFormat.mulaw, channels, sampleRate, bytesPerSample: 1, formatBytes: 18, headBytes: headerBytes, size })
  WavFormat.writeName(bytes, 38, "fact")
  view.setUint32(42, 4, true)
  view.setUint32(46, size / channels, true)
  WavFormat.writeName(bytes, 50, "data")
  view.setUint32(54, size, true)
  return bytes
}

/** 64 KiB of silent samples. */
export const silentPiece = new Uint8Array(64 * 1024).fill(Mulaw.silence)

/** Yields `bytes` bytes of silence, in pieces. */
export function* silence(bytes: number): Generator<Uint8Array> {
  for (let bytesLeft = bytes; bytesLeft > 0; bytesLeft -= silentPiece.length) yield silentPiece.subarray(0, bytesLeft)
}
