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
   * The frames that are full now, in order, one behind the other: a multiple of `frameBytes`, which may be 0.
   *
   * Good until the next call, and where no bytes were kept until somebody writes into `bytes`: nothing is copied then.
   */
  push(bytes: Uint8Array): Uint8Array
  /** The last frame, filled up with mu-law silence and good until the next call; no bytes when nothing is kept. */
  flush(): Uint8Array
  /** Throws the kept bytes away. */
  reset(): void
}

const none = new Uint8Array(0)

/**
 * `frameBytes` is 160 when not given: 20 ms of mu-law at 8 kHz.
 *
 * Throws `RangeError` unless it is a positive integer.
 */
export const make = (frameBytes = 160): Framer => {
  if (!Number.isInteger(frameBytes) || frameBytes < 1) {
    throw new RangeError(`a frame cannot have ${frameBytes} bytes`)
  }
  let room = new Uint8Array(frameBytes)
  /** The kept bytes lie in `room` from here on: before them may be frames that are handed out. */
  let from = 0
  let kept = 0

  const toFront = () => {
    if (from > 0) room.copyWithin(0, from, from + kept)
    from = 0
  }

  const push = (bytes: Uint8Array): Uint8Array => {
    const length = kept + bytes.length
    const whole = length - length % frameBytes
    if (kept === 0) {
      from = 0
      kept = length - whole
      if (kept === 0) return bytes
      room.set(bytes.subarray(whole))
      return bytes.subarray(0, whole)
    }
    toFront()
    if (room.length < length) {
      const before = room
      room = new Uint8Array(length)
      room.set(before.subarray(0, kept))
    }
    room.set(bytes, kept)
    from = whole
    kept = length - whole
    return whole === 0 ? none : room.subarray(0, whole)
  }

  const flush = (): Uint8Array => {
    if (kept === 0) return none
    toFront()
    room.fill(silence, kept, frameBytes)
    kept = 0
    return room.subarray(0, frameBytes)
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
