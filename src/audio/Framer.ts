/**
 * Cuts a byte stream into frames of one length: what an engine sends in chunks of any size leaves as the 20 ms that
 * the telephone expects.
 */
import { silence } from "./Mulaw.ts"

/** One direction of one call; the bytes that do not fill a frame yet are kept for the next push. */
export interface Framer {
  /** Bytes kept, in 0…frameBytes - 1. */
  readonly pending: number
  /**
   * The frames that are full now, in order, each of exactly `frameBytes`.
   *
   * A frame that lies whole in `bytes` is a view of it, not a copy: whoever writes into `bytes` later changes the frame.
   */
  push(bytes: Uint8Array): ReadonlyArray<Uint8Array>
  /** The last frame, filled up with mu-law silence, or `undefined` when nothing is kept. */
  flush(): Uint8Array | undefined
  /** Throws the kept bytes away. */
  reset(): void
}

/**
 * `frameBytes` is 160 when not given: 20 ms of mu-law at 8 kHz.
 *
 * Throws `RangeError` unless it is a positive integer.
 */
export const make = (frameBytes = 160): Framer => {
  if (!Number.isInteger(frameBytes) || frameBytes < 1) {
    throw new RangeError(`a frame cannot have ${frameBytes} bytes`)
  }
  // Handed out when full, so each frame begins a new one.
  let rest = new Uint8Array(frameBytes)
  let kept = 0

  const push = (bytes: Uint8Array): ReadonlyArray<Uint8Array> => {
    if (kept === 0 && bytes.length === frameBytes) return [bytes]
    const frames: Array<Uint8Array> = []
    let at = 0
    if (kept > 0) {
      at = Math.min(frameBytes - kept, bytes.length)
      rest.set(bytes.subarray(0, at), kept)
      kept += at
      if (kept < frameBytes) return frames
      frames.push(rest)
      rest = new Uint8Array(frameBytes)
      kept = 0
    }
    for (; at + frameBytes <= bytes.length; at += frameBytes) {
      frames.push(bytes.subarray(at, at + frameBytes))
    }
    rest.set(bytes.subarray(at))
    kept = bytes.length - at
    return frames
  }

  const flush = (): Uint8Array | undefined => {
    if (kept === 0) return undefined
    const frame = rest.fill(silence, kept)
    rest = new Uint8Array(frameBytes)
    kept = 0
    return frame
  }

  const reset = (): void => {
    kept = 0
  }

  return {
    get pending() {
      return kept
    },
    push,
    flush,
    reset
  }
}
