/**
 * The `media` messages of a WebSocket bypass `ws`. Every call has fifty of them a second in each direction, and `ws` would cost three times
 * as much as the work on the message itself (docs/adr/0002).
 *
 * Outbound, the frames of one `write` leave the process together, while `ws` makes two writes for each frame. Inbound, a function gets each
 * text before `ws`. If the function takes the text, `ws` does not get it. All other bytes go to `ws` unchanged and in order. They are texts
 * that the function does not take, and frames of other kinds or forms: fragmented, cut by the end of a packet, too long or not masked.
 *
 * `ws` gets its bytes in slices, each in a later turn of the event loop. The reason is that a read of 64 KiB can hold ten thousand empty
 * frames, for which `ws` takes 80 ms. While a slice waits, the connection is not read.
 *
 * RFC 6455, section 5.2, defines the form of a frame.
 */
import type { Socket } from "node:net"
import * as FrameBoundaries from "./FrameBoundaries.ts"
import * as SharedReadBuffer from "./SharedReadBuffer.ts"

/**
 * Gets the text in `bytes` from `from` to before `end`, and returns whether it took the text. The bytes are valid until it returns.
 */
type TakeText = (bytes: Buffer, from: number, end: number) => boolean

export interface WebSocketFastPath {
  /**
   * Writes whole frames. They never come between the parts of a frame of `ws`, because `ws` compresses nothing here and writes each frame at
   * once. Returns whether all bytes have left the process. If not, the caller must not change the bytes.
   */
  readonly write: (frames: Buffer) => boolean
  /** From now on, `take` gets every text that comes in one whole frame. `undefined`: all texts go to `ws`. */
  readonly takeTexts: (take: TakeText | undefined) => void
}

const masked = 0x80
/** A frame's first byte: FIN and the opcode of text. */
const wholeText = 0x81

/** The shortest header of a masked frame: two bytes, and four bytes of the mask. */
const minHeaderBytes = 6

/** Longer frames have a length field of 64 bits. They are left to `ws`. */
const maxTextBytes = 65_535

/** How many bytes `ws` gets in one turn of the event loop: about 700 frames at most. */
const sliceBytes = 4096

/** Runs a step of this connection in a later turn of the event loop, in turn with the steps of other connections. */
type RunLater = (step: () => void) => void

/**
 * Removes a frame's mask from the bytes from `from` to before `end`. A second call puts the mask back. `key`: the position of the mask.
 *
 * `words` is a view of the same bytes. Steps of sixteen bytes take a sixth of the time of steps of one byte (docs/adr/0002).
 */
const applyMask = (bytes: Buffer, words: DataView, key: number, from: number, end: number): void => {
  const mask = words.getInt32(key)
  let at = from
  for (; at + 15 < end; at += 16) {
    words.setInt32(at, words.getInt32(at) ^ mask)
    words.setInt32(at + 4, words.getInt32(at + 4) ^ mask)
    words.setInt32(at + 8, words.getInt32(at + 8) ^ mask)
    words.setInt32(at + 12, words.getInt32(at + 12) ^ mask)
  }
  for (let index = 0; at < end; at++, index++) bytes[at] ^= bytes[key + (index & 3)]
}

/** Passes the texts at the beginning of the bytes to `take`. Returns the position of the first byte that was not taken. */
const takeLeadingTexts = (bytes: Buffer, words: DataView, length: number, maxBytes: number, take: TakeText): number => {
  let at = 0
  while (at + minHeaderBytes <= length && bytes[at] === wholeText && (bytes[at + 1] & masked) !== 0) {
    const shortLength = bytes[at + 1] & 127
    if (shortLength === 127) return at
    const key = at + (shortLength < 126 ? 2 : 4)
    const textBytes = shortLength < 126 ? shortLength : (bytes[at + 2] << 8) | bytes[at + 3]
    const from = key + 4
    const end = from + textBytes
    if (textBytes > maxBytes || end > length) return at
    applyMask(bytes, words, key, from, end)
    if (!take(bytes, from, end)) {
      applyMask(bytes, words, key, from, end)
      return at
    }
    at = end
  }
  return at
}

/** Passes bytes to `ws`, in slices and in order. */
interface SlicedPush {
  /** Whether bytes wait for a later turn. */
  readonly isWaiting: () => boolean
  /** Like the socket's own `push`: returns whether more may be read now. */
  readonly push: (bytes: Buffer) => boolean
  /** Tells `ws` that the connection has ended, after all waiting bytes. Returns whether more may be read, as `push` does. */
  readonly pushEnd: () => boolean
}

const makeSlicedPush = (socket: Socket, boundaries: FrameBoundaries.FrameBoundaries, runLater: RunLater): SlicedPush => {
  const pushToWs = socket.push
  /** The socket's own `_read`, with which Node starts the next read. */
  const readMore: (size: number) => void = Reflect.get(socket, "_read")
  let waiting: Buffer | undefined
  let isEndWaiting = false

  // Node calls `_read` after each slice. While bytes wait, the call must not start the next read.
  Reflect.set(socket, "_read", (size: number) => {
    if (waiting === undefined) readMore.call(socket, size)
  })

  const push = (bytes: Buffer): boolean => {
    if (waiting !== undefined) {
      waiting = Buffer.concat([waiting, bytes])
      return false
    }
    waiting = bytes.length > sliceBytes ? bytes.subarray(sliceBytes) : undefined
    const slice = waiting === undefined ? bytes : bytes.subarray(0, sliceBytes)
    boundaries.follow(slice)
    const wantsMore = pushToWs.call(socket, slice)
    if (waiting === undefined) return wantsMore
    runLater(pushWaiting)
    return false
  }

  const pushWaiting = () => {
    if (waiting === undefined || socket.destroyed) return
    // `ws` has paused the connection, so the bytes wait until it resumes.
    if (socket.readableFlowing === false) return void socket.once("resume", () => runLater(pushWaiting))
    const bytes = waiting
    waiting = undefined
    push(bytes)
    if (waiting !== undefined) return
    if (isEndWaiting) pushToWs.call(socket, null)
    else readMore.call(socket, 0)
  }

  return {
    isWaiting: () => waiting !== undefined,
    push,
    pushEnd: () => {
      if (waiting === undefined) return pushToWs.call(socket, null)
      isEndWaiting = true
      return false
    }
  }
}

/**
 * Puts a fast path between a connection and `ws`. Call it before the connection is upgraded, because the fast path must see every byte.
 *
 * @param maxPayload bytes; longer texts are left to `ws`, which refuses them
 */
export const make = (socket: Socket, maxPayload: number, runLater: RunLater): WebSocketFastPath => {
  let take: TakeText | undefined
  const maxBytes = Math.min(maxPayload, maxTextBytes)
  const boundaries = FrameBoundaries.make()
  const toWs = makeSlicedPush(socket, boundaries, runLater)

  /** Passes the texts at the beginning of the bytes to `take`. Returns how many bytes were taken. */
  const takeFrom = (bytes: Buffer, words: DataView, length: number): number =>
    // Nothing is taken while earlier bytes still wait for `ws`, for instance because `ws` has paused the connection.
    take !== undefined && !toWs.isWaiting() && socket.readableFlowing === true && socket.readableLength === 0 && boundaries.isBetweenMessages()
      ? takeLeadingTexts(bytes, words, length, maxBytes, take)
      : 0

  socket.push = (chunk: Buffer | null) => {
    if (chunk === null) return toWs.pushEnd()
    const taken = takeFrom(chunk, new DataView(chunk.buffer, chunk.byteOffset, chunk.length), chunk.length)
    return taken === chunk.length ? true : toWs.push(taken === 0 ? chunk : chunk.subarray(taken))
  }

  SharedReadBuffer.start(socket, (bytes, words, length) => {
    const taken = takeFrom(bytes, words, length)
    // `ws` keeps the bytes until a message is whole, so they are copied out of the shared memory.
    return taken === length ? true : toWs.push(Buffer.from(bytes.subarray(taken, length)))
  })

  return {
    write: (frames) => {
      socket.write(frames)
      return socket.writableLength === 0
    },
    takeTexts: (newTake) => {
      take = newTake
    }
  }
}
