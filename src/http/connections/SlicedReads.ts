/**
 * Gives Node's HTTP parser the bytes of a connection in slices, each in its turn (`RequestTurns`).
 *
 * Node parses all bytes of one read, up to 64 KiB, at once. They can hold two thousand pipelined requests. Parsing these takes 50 ms or
 * more, and in this time no call's sound is read. Here a slice ends after a request's head, or after 4 KiB. While two requests of the
 * connection wait for their answers, its next slice waits as well, because a request takes some KB of memory until it is answered.
 *
 * A client that sends one request at a time, as clients and proxies do, is not delayed. Only a large body takes a few more turns of the
 * event loop.
 */
import type { Socket } from "node:net"
import * as RequestTurns from "./RequestTurns.ts"

/** The longest slice, in bytes. */
const maxSliceBytes = 4096

/** While this many requests of a connection wait for their answers, its next bytes are not parsed. */
const maxUnanswered = 2

/** A method (`GET`, `POST`) begins with capital letters. */
const isCapital = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x41 && byte <= 0x5a

/** The end of the next slice: after a head that is followed by another request, or at the limit. If a body looks like a head, the cut does no harm. */
const endOfSlice = (bytes: Buffer): number => {
  const end = Math.min(bytes.length, maxSliceBytes)
  for (let at = bytes.indexOf("\r\n\r\n"); at >= 0 && at + 4 < end; at = bytes.indexOf("\r\n\r\n", at + 4)) {
    if (isCapital(bytes[at + 4]) && isCapital(bytes[at + 5])) return at + 4
  }
  return end
}

export interface SlicedReads {
  /** Call it when a request of the connection has been answered. */
  readonly onAnswered: () => void
  /** Stops slicing, because the connection is no longer HTTP. Returns the bytes that were not parsed. */
  readonly stop: () => Buffer
}

/** Whether Node has paused the connection because its client does not read the answers. Node resumes the connection itself. */
const isHeldByNode = (socket: Socket): boolean => Reflect.get(socket, "_paused") === true

/**
 * Takes over the reading of a connection. Call it after Node's own listener for connections has run.
 *
 * @param unansweredCount returns how many parsed requests of the connection are not answered yet
 */
export const make = (socket: Socket, unansweredCount: () => number, turns: RequestTurns.RequestTurns = RequestTurns.shared): SlicedReads => {
  const [parse] = socket.listeners("data") as Array<(chunk: Buffer) => void>
  let unparsed: Buffer | undefined
  let isPlanned = false
  let isStopped = false

  const plan = () => {
    if (isPlanned || isStopped || unparsed === undefined) return
    isPlanned = true
    turns.run(socket, parseNext)
  }

  const parseNext = () => {
    isPlanned = false
    if (unparsed === undefined || isStopped || socket.destroyed || isHeldByNode(socket) || unansweredCount() >= maxUnanswered) return
    const chunk = unparsed
    const end = endOfSlice(chunk)
    unparsed = chunk.length > end ? chunk.subarray(end) : undefined
    parse.call(socket, chunk.subarray(0, end))
    if (unparsed !== undefined) plan()
    else if (!isStopped && !isHeldByNode(socket)) socket.resume()
  }

  const onData = (chunk: Buffer) => {
    if (unparsed === undefined && endOfSlice(chunk) === chunk.length && unansweredCount() < maxUnanswered && !isHeldByNode(socket)) {
      parse.call(socket, chunk)
      return
    }
    unparsed = unparsed === undefined ? chunk : Buffer.concat([unparsed, chunk])
    socket.pause()
    plan()
  }

  /** A handler that reads a body resumes the connection. While earlier bytes wait to be parsed, the connection is paused again. */
  const onResume = () => {
    if (unparsed === undefined) return
    socket.pause()
    plan()
  }

  // Node's parser reads the socket directly, without `data` events, until there is another listener.
  socket.on("data", onData)
  socket.off("data", parse)
  socket.on("resume", onResume)
  return {
    onAnswered: plan,
    stop: () => {
      isStopped = true
      socket.off("data", onData)
      socket.off("resume", onResume)
      return unparsed ?? Buffer.alloc(0)
    }
  }
}
