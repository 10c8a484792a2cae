/**
 * Converts one call's sound between the telephone line and the agent. The line carries μ-law at 8 kHz, in frames of 20 ms. The agent uses
 * samples at its own rate. Each direction is converted in one step, in memory that is reused.
 */
import * as Framer from "../../audio/Framer.ts"
import * as Mulaw from "../../audio/Mulaw.ts"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import * as Resampler from "../../audio/resample/Resampler.ts"

/** One frame of the line: 160 bytes of μ-law at 8 kHz, 20 ms. */
export const frameBytes = 160
export const frameMillis = 20

/**
 * Work arrays, shared by all calls. Each step is done with them before the next step begins. A new array for each piece would be garbage
 * outside the heap, and such garbage makes V8 collect the whole heap.
 */
let workPcm = new Int16Array(4096)
let workMulaw = new Uint8Array(4096)
/** Work arrays for one frame, the usual length. A part of a longer array would need a new view for each frame. */
const framePcm = new Int16Array(frameBytes)
const frameMulaw = new Uint8Array(frameBytes)

const pcmOf = (length: number): Pcm<8000> => {
  if (length === frameBytes) return framePcm
  if (workPcm.length < length) workPcm = new Int16Array(length)
  return workPcm.subarray(0, length)
}

const mulawOf = (length: number): Uint8Array => {
  if (length === frameBytes) return frameMulaw
  if (workMulaw.length < length) workMulaw = new Uint8Array(length)
  return workMulaw.subarray(0, length)
}

/** Converts the caller's sound for the agent. */
export interface LineDecoder {
  /** Allows the next pieces to overwrite the pieces returned so far. Without this call, pieces keep their content. */
  readonly reuse: () => void
  /** Converts a piece of any length to the agent's rate. */
  readonly decode: (mulaw: Uint8Array) => Pcm
}

/** `sampleRate`: the agent's rate, Hz. */
export const makeDecoder = (sampleRate: SampleRate): LineDecoder => {
  const resampler = Resampler.make(8000, sampleRate)
  /**
   * The pieces are parts of this array. Without `reuse` the array grows to a second of sound, because new arrays outside the heap are expensive.
   */
  let block = new Int16Array(resampler.outputLength(frameBytes))
  /** Samples of `block` that belong to pieces. */
  let used = 0
  /** A prepared view of `block` for a first piece of one frame. Usually one frame comes at a time. */
  let firstPiece: Pcm = block
  const take = (length: number): Pcm => {
    if (used === 0 && length === firstPiece.length) {
      used = length
      return firstPiece
    }
    if (used + length > block.length) {
      block = new Int16Array(Math.max(length, Math.min(2 * block.length, sampleRate)))
      firstPiece = block.subarray(0, firstPiece.length)
      used = 0
    }
    const piece = block.subarray(used, used + length)
    used += length
    return piece
  }
  return {
    reuse: () => {
      used = 0
    },
    decode: (mulaw) => {
      const piece = take(resampler.outputLength(mulaw.length))
      if (sampleRate === 8000) Mulaw.decodeInto(mulaw, piece as Pcm<8000>)
      else {
        const scratch = pcmOf(mulaw.length)
        Mulaw.decodeInto(mulaw, scratch)
        resampler.processInto(scratch, piece)
      }
      return piece
    }
  }
}

/**
 * Converts the agent's sound for the line. Each method returns whole frames of μ-law in one array. The array is valid only until the next
 * step of any call.
 */
interface LineEncoder {
  /** Adds sound of any length. Returns the frames that are complete now. */
  readonly push: (pcm: Pcm) => Uint8Array
  /** Fills the incomplete frame up with silence. Returns that frame; nothing if there is none. */
  readonly pad: () => Uint8Array
  /** Returns the sound that is still in the resampler and the framer, filled up with silence to whole frames. */
  readonly flush: () => Uint8Array
  /** Drops the sound that is still in the resampler and the framer. */
  readonly reset: () => void
}

/** `sampleRate`: the agent's rate, Hz. */
export const makeEncoder = (sampleRate: SampleRate): LineEncoder => {
  const resampler = Resampler.make(sampleRate, 8000)
  const framer = Framer.make(frameBytes)
  return {
    push: (pcm) => {
      const length = resampler.outputLength(pcm.length)
      const bytes = mulawOf(length)
      if (sampleRate === 8000) Mulaw.encodeInto(pcm as Pcm<8000>, bytes)
      else {
        const scratch = pcmOf(length)
        resampler.processInto(pcm, scratch)
        Mulaw.encodeInto(scratch, bytes)
      }
      return framer.push(bytes)
    },
    pad: framer.flush,
    flush: () => {
      const tail = Mulaw.encode(resampler.flush())
      const length = Math.ceil((framer.pending + tail.length) / frameBytes) * frameBytes - framer.pending
      const bytes = new Uint8Array(length).fill(Mulaw.silence)
      bytes.set(tail)
      return framer.push(bytes)
    },
    reset: () => {
      resampler.reset()
      framer.reset()
    }
  }
}

/**
 * Designs the filters of a rate (Hz) and runs them on a second of silence. Otherwise the process would do this work in its first call, while
 * the sound of other calls waits.
 */
export const warmUp = (sampleRate: SampleRate): void => {
  const decoder = makeDecoder(sampleRate)
  const encoder = makeEncoder(sampleRate)
  const silence = new Uint8Array(frameBytes).fill(Mulaw.silence)
  for (let frame = 0; frame < 50; frame++) encoder.push(decoder.decode(silence))
}
