/**
 * The connection below a WebSocket of Media Streams, for the one kind of message that comes and goes fifty times a
 * second on every call.
 *
 * Whole frames that are written here leave in one piece, where `ws` writes two for each. And whoever takes texts is shown
 * each before `ws` sees its frame: what is taken never becomes a frame, a message and an event of `ws`, which costs
 * three times what is done with it (docs/adr/0002). All else (what is not taken, what is fragmented, cut by a
 * packet's end, too long, not masked, or of another kind) is `ws`'s, byte for byte and in its order.
 *
 * What is left to `ws` comes to it in slices, each in a turn of its own: a read of 64 KiB holds ten thousand empty frames, for which
 * `ws` takes 80 ms. The connection is read no further while a slice waits.
 *
 * RFC 6455, section 5.2, is the form of a frame.
 */
import type { Socket } from "node:net"
import * as SharedReadBuffer from "./SharedReadBuffer.ts"

export type TakeText = (bytes: Buffer, from: number, end: number) => boolean

export interface WebSocketFastPath {
  /**
   * Writes whole frames. `ws` compresses nothing here and writes each of its own in one go: none comes between.
   * Answers whether they have left: if not, their bytes are still needed.
   */
  readonly write: (frames: Buffer) => boolean
  /**
   * Shows every text that comes in one whole frame to `take`, which answers whether it was for it. The text lies in
   * `bytes` from `from` to before `end`; the bytes are only good until `take` returns.
   */
  readonly takeTexts: (take: TakeText | undefined) => void
}

const fin = 0x80
const masked = 0x80
/** FIN and the opcode of text. */
const wholeText = 0x81
/** Opcodes below are of data: a message's first frame, or its continuation. */
const firstControl = 8

/** Frames of a length that takes 64 bits to write are left to `ws`. */
const longest = 65_535

/** Bytes that `ws` is given in one turn of the event loop: about 700 frames at most. */
const longestSlice = 4096

/** Runs a step of this connection in a later turn of the event loop, among those of others. */
export type RunLater = (step: () => void) => void

/** Takes the mask off the bytes, or puts it on them. */
const mask = (bytes: Buffer, key: number, from: number, end: number): void => {
  const a = bytes[key]
  const b = bytes[key + 1]
  const c = bytes[key + 2]
  const d = bytes[key + 3]
  let at = from
  for (; at + 3 < end; at += 4) {
    bytes[at] ^= a
    bytes[at + 1] ^= b
    bytes[at + 2] ^= c
    bytes[at + 3] ^= d
  }
  if (at < end) bytes[at] ^= a
  if (at + 1 < end) bytes[at + 1] ^= b
  if (at + 2 < end) bytes[at + 2] ^= c
}

/** Where frames begin in what `ws` is given: it may be given the part of a frame, and then the rest. */
const makeFollower = () => {
  const header = Buffer.alloc(14)
  let had = 0
  let left = 0
  let isFragmented = false
  const headerLength = () => {
    const length = header[1] & 127
    return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + ((header[1] & masked) === 0 ? 0 : 4)
  }
  const payloadLength = () => {
    const length = header[1] & 127
    return length < 126 ? length : length === 126 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2))
  }
  return {
    /** Whether the next byte is a frame's first, and that frame may be a whole message. */
    isBetween: () => left === 0 && had === 0 && !isFragmented,
    follow: (bytes: Buffer, from: number): void => {
      let at = from
      while (at < bytes.length) {
        if (left > 0) {
          const passed = Math.min(left, bytes.length - at)
          left -= passed
          at += passed
          continue
        }
        header[had++] = bytes[at++]
        if (had < 2 || had < headerLength()) continue
        if ((header[0] & 15) < firstControl) isFragmented = (header[0] & fin) === 0
        left = payloadLength()
        had = 0
      }
    }
  }
}

/**
 * Stands between a connection and `ws`. To be made before the connection is upgraded, for it must see every byte.
 * Texts longer than `maxPayload` are not shown.
 */
export const make = (socket: Socket, maxPayload: number, runLater: RunLater): WebSocketFastPath => {
  let take: TakeText | undefined
  const follower = makeFollower()
  const limit = Math.min(maxPayload, longest)

  /** The first byte before `total` that was not taken. */
  const takeFrom = (bytes: Buffer, total: number, show: TakeText): number => {
    let at = 0
    while (at + 6 <= total && bytes[at] === wholeText && (bytes[at + 1] & masked) !== 0) {
      const short = bytes[at + 1] & 127
      if (short === 127) return at
      const key = at + (short < 126 ? 2 : 4)
      const length = short < 126 ? short : (bytes[at + 2] << 8) | bytes[at + 3]
      const from = key + 4
      const end = from + length
      if (length > limit || end > total) return at
      mask(bytes, key, from, end)
      if (!show(bytes, from, end)) {
        mask(bytes, key, from, end)
        return at
      }
      at = end
    }
    return at
  }

  const push = socket.push
  /** A stream's own way to ask for more (`readable._read`). */
  const read: (size: number) => void = Reflect.get(socket, "_read")

  /** What waits to be given to `ws`, and whether the connection's end does so behind it. */
  let held: Buffer | undefined
  let isEndHeld = false

  // Node asks for more after each slice.
  Reflect.set(socket, "_read", (size: number) => {
    if (held === undefined) read.call(socket, size)
  })

  /** So many bytes have come: those that are not taken stay. */
  const takeSome = (bytes: Buffer, length: number): number =>
    // What waits to be read, as while `ws` has paused the connection, was there before this.
    take !== undefined && held === undefined && socket.readableFlowing === true && socket.readableLength === 0 && follower.isBetween()
      ? takeFrom(bytes, length, take)
      : 0

  const passOn = (bytes: Buffer): boolean => {
    if (held !== undefined) {
      held = Buffer.concat([held, bytes])
      return false
    }
    held = bytes.length > longestSlice ? bytes.subarray(longestSlice) : undefined
    const slice = held === undefined ? bytes : bytes.subarray(0, longestSlice)
    follower.follow(slice, 0)
    const wantsMore = push.call(socket, slice)
    if (held === undefined) return wantsMore
    runLater(passNext)
    return false
  }

  const passNext = () => {
    if (held === undefined || socket.destroyed) return
    // `ws` has paused the connection.
    if (socket.readableFlowing === false) return void socket.once("resume", () => runLater(passNext))
    const bytes = held
    held = undefined
    passOn(bytes)
    if (held !== undefined) return
    if (isEndHeld) push.call(socket, null)
    else read.call(socket, 0)
  }

  socket.push = (chunk: Buffer | null, encoding) => {
    if (chunk === null && held !== undefined) {
      isEndHeld = true
      return false
    }
    if (chunk === null) return push.call(socket, chunk, encoding)
    const rest = takeSome(chunk, chunk.length)
    return rest === chunk.length ? true : passOn(rest === 0 ? chunk : chunk.subarray(rest))
  }

  // `ws` keeps what it is given until a message is whole: that needs memory of its own.
  SharedReadBuffer.start(socket, (bytes, length) => {
    const rest = takeSome(bytes, length)
    return rest === length ? true : passOn(Buffer.from(bytes.subarray(rest, length)))
  })

  return {
    write: (frames) => {
      socket.write(frames)
      return socket.writableLength === 0
    },
    takeTexts: (show) => {
      take = show
    }
  }
}
