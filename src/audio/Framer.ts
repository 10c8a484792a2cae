/**
 * Cuts a byte stream into frames of equal length: engines send chunks of any size, but the telephone expects frames of 20 ms.
 */
import { silence } from "./Mulaw.ts"

/** The framer for one direction of one call. Bytes that do not fill a frame are pending until the next push. */
interface Framer {
  /** The number of pending bytes, 0 to `frameBytes - 1`. */
  readonly pending: number
  /**
   * Returns the full frames in order: a multiple of `frameBytes` bytes, or none.
   *
   * The result is valid until the framer is used again. If no bytes were pending before, the result is a view of `bytes`, and changes with
   * them.
   */
  push(bytes: Uint8Array): Uint8Array
  /**
   * Returns the pending bytes as a frame that is filled up with mu-law silence. Returns no bytes if none are pending. The result is valid
   * until the framer is used again.
   */
  flush(): Uint8Array
  /** Drops the pending bytes. */
  reset(): void
}

const none = new Uint8Array(0)

/** `frameBytes`: default 160, which is 20 ms of mu-law at 8 kHz. Throws `RangeError` unless `frameBytes` is a positive integer. */
export const make = (frameBytes = 160): Framer => {
  if (!Number.isInteger(frameBytes) || frameBytes < 1) {
    throw new RangeError(`a frame cannot have ${frameBytes} bytes`)
  }
  let buffer = new Uint8Array(frameBytes)
  /** Where the pending bytes begin in `buffer`. The frames of the last push are before them. */
  let pendingStart = 0
  let pendingLength = 0

  const moveToFront = () => {
    if (pendingStart > 0) buffer.copyWithin(0, pendingStart, pendingStart + pendingLength)
    pendingStart = 0
  }

  const push = (bytes: Uint8Array): Uint8Array => {
    const length = pendingLength + bytes.length
    const framesLength = length - length % frameBytes
    if (pendingLength === 0) {
      pendingStart = 0
      pendingLength = length - framesLength
      if (pendingLength === 0) return bytes
      buffer.set(bytes.subarray(framesLength))
      return bytes.subarray(0, framesLength)
    }
    moveToFront()
    if (buffer.length < length) {
      const smallerBuffer = buffer
      buffer = new Uint8Array(length)
      buffer.set(smallerBuffer.subarray(0, pendingLength))
    }
    buffer.set(bytes, pendingLength)
    pendingStart = framesLength
    pendingLength = length - framesLength
    return framesLength === 0 ? none : buffer.subarray(0, framesLength)
  }

  const flush = (): Uint8Array => {
    if (pendingLength === 0) return none
    moveToFront()
    buffer.fill(silence, pendingLength, frameBytes)
    pendingLength = 0
    return buffer.subarray(0, frameBytes)
  }

  const reset = (): void => {
    pendingLength = 0
  }

  return {
    get pending() {
      return pendingLength
    },
    push,
    flush,
    reset
  }
}
