/**
 * One call's sound between the line and the agent. The line has μ-law of 8 kHz in frames of 20 ms; the agent has samples at its
 * own rate. Each direction is one pure step of codec, resampler and framer, in memory that is used again and again.
 */
import * as Framer from "../../audio/Framer.ts"
import * as Mulaw from "../../audio/Mulaw.ts"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import * as Resampler from "../../audio/resample/Resampler.ts"

/** One frame of the line: 160 bytes of μ-law at 8 kHz, 20 ms. */
export const frameBytes = 160
export const frameMillis = 20

/**
 * Work arrays, shared by all calls: each step is done with them before the next one begins. New arrays for each piece would be garbage
 * outside the heap, and V8 would collect the whole heap for it.
 */
let workPcm = new Int16Array(4096)
let workMulaw = new Uint8Array(4096)
/** The same for the usual length, so that no view is made for each frame. */
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

/** The caller's direction. */
export interface LineDecoder {
  /** The pieces so far are no longer needed: the next ones may overwrite them. Without this call, pieces stay as they are. */
  readonly reuse: () => void
  /** One piece of sound, of any length, at the agent's rate. */
  readonly decode: (mulaw: Uint8Array) => Pcm
}

/** The caller's sound at the agent's rate (Hz): μ-law and resampler in one step. */
export const makeDecoder = (sampleRate: SampleRate): LineDecoder => {
  const resampler = Resampler.make(8000, sampleRate)
  /** Memory for the pieces. Without `reuse` it holds up to a second of them, because arrays outside the heap are expensive. */
  let room = new Int16Array(resampler.outputLength(frameBytes))
  /** Samples of `room` that belong to pieces. */
  let used = 0
  /** A prepared view of `room` for a first piece of the usual length: usually one frame comes at a time. */
  let first: Pcm = room
  const take = (length: number): Pcm => {
    if (used === 0 && length === first.length) {
      used = length
      return first
    }
    if (used + length > room.length) {
      room = new Int16Array(Math.max(length, Math.min(2 * room.length, sampleRate)))
      first = room.subarray(0, first.length)
      used = 0
    }
    const piece = room.subarray(used, used + length)
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

/** The agent's direction. Gives whole frames of μ-law in one array, which is valid only until the next step of any call. */
interface LineEncoder {
  /** The frames that this sound, of any length, completes. */
  readonly push: (pcm: Pcm) => Uint8Array
  /** The part of a frame that waits for more sound, filled up to a frame. */
  readonly pad: () => Uint8Array
  /** All that is still in the resampler and the framer, filled up to a frame: for the end of the sound. */
  readonly flush: () => Uint8Array
  /** Forgets all sound so far. */
  readonly reset: () => void
}

/** The agent's sound (`sampleRate`, Hz) as frames for the line: resampler, μ-law and framer in one step. */
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
 * Designs the filters of a rate (Hz) and runs them on a second of silence. The first call of the process then does not pay for design and
 * compilation while another call's sound waits.
 */
export const warmUp = (sampleRate: SampleRate): void => {
  const decoder = makeDecoder(sampleRate)
  const encoder = makeEncoder(sampleRate)
  const silence = new Uint8Array(frameBytes).fill(Mulaw.silence)
  for (let frame = 0; frame < 50; frame++) encoder.push(decoder.decode(silence))
}
