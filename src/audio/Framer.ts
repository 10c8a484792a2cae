/**
 * Cuts a byte stream into frames of one length: an engine sends chunks of any size, and the telephone expects 20 ms.
 */
import { silence } from "./Mulaw.ts"

/** One direction of one call. Bytes that do not fill a frame are kept for the next push. */
interface Framer {
  /** The number of kept bytes, 0 to `frameBytes - 1`. */
  readonly pending: number
  /**
   * Returns the full frames in order: a multiple of `frameBytes` bytes, or none.
   *
   * The result is valid until the framer is used again. If no bytes were kept before, it is a view of `bytes`, and changes with them.
   */
  push(bytes: Uint8Array): Uint8Array
  /** Returns the last frame, filled up with mu-law silence; no bytes if none are kept. It is valid until the framer is used again. */
  flush(): Uint8Array
  /** Throws the kept bytes away. */
  reset(): void
}

const none = new Uint8Array(0)

/**
 * `frameBytes`: default 160, which is 20 ms of mu-law at 8 kHz. Throws `RangeError` unless it is a positive integer.
 */
export const make = (frameBytes = 160): Framer => {
  if (!Number.isInteger(frameBytes) || frameBytes < 1) {
    throw new RangeError(`a frame cannot have ${frameBytes} bytes`)
  }
  let room = new Uint8Array(frameBytes)
  /** Where the kept bytes begin in `room`. Before them are the frames of the last push. */
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
