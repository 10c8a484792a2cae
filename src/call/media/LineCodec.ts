/**
 * One call's sound between the line and the agent: μ-law of 8 kHz in frames of 20 ms on one side, samples at the agent's
 * rate on the other. Pure steps, each fused from codec, resampler and framer, in memory that is used again and again.
 */
import * as Framer from "../../audio/Framer.ts"
import * as Mulaw from "../../audio/Mulaw.ts"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import * as Resampler from "../../audio/resample/Resampler.ts"

/** One frame of the line: 160 bytes of μ-law at 8 kHz, 20 ms. */
export const frameBytes = 160
export const frameMillis = 20

/**
 * The work on one piece, shared by all calls: what is in it is read before another one's turn. Memory of each piece's own
 * would be garbage outside the heap, for which V8 collects all of it.
 */
let workPcm = new Int16Array(4096)
let workMulaw = new Uint8Array(4096)
/** Of the usual length, so that no view has to be made for each frame. */
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

export interface Hearing {
  /** The pieces so far have been used: the next ones may overwrite them. Without this call all pieces stay as they are. */
  readonly reuse: () => void
  /** A piece of sound. */
  readonly hear: (mulaw: Uint8Array) => Pcm
}

/** The caller's sound at the agent's rate: μ-law and resampler in one pure step. */
export const makeHear = (sampleRate: SampleRate): Hearing => {
  const resampler = Resampler.make(8000, sampleRate)
  /** Memory for the pieces; where pieces stay, each array has room for up to a second of them, for arrays outside the heap are dear. */
  let room = new Int16Array(resampler.outputLength(frameBytes))
  let used = 0
  /** The first piece of the array, if it has the usual length: mostly one frame comes at a time. */
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
    hear: (mulaw) => {
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
 * The reply's sound as whole frames of μ-law, one behind the other: resampler, μ-law and framer in one pure step. They are
 * only good until the next step, of any call.
 */
export const makeSay = (sampleRate: SampleRate) => {
  const resampler = Resampler.make(sampleRate, 8000)
  const framer = Framer.make(frameBytes)
  return {
    push: (pcm: Pcm): Uint8Array => {
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
    /** The part of a frame that waits for more, padded to a whole one: a mark must not overtake it. */
    pad: framer.flush,
    /** What is still in the filter and the framer, padded to a frame. */
    flush: (): Uint8Array => {
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
 * Designs the filters of a rate and runs them on a second of silence, so that the first call does not pay
 * for design and compilation while another one's sound waits.
 */
export const warmUp = (sampleRate: SampleRate): void => {
  const { hear } = makeHear(sampleRate)
  const say = makeSay(sampleRate)
  const silence = new Uint8Array(frameBytes).fill(Mulaw.silence)
  for (let frame = 0; frame < 50; frame++) say.push(hear(silence))
}
