/**
 * What a connection sends is parsed in slices, each in its turn.
 *
 * Node parses all that came in one read, up to 64 KiB, and so makes up to two thousand pipelined requests at once: 50 ms and more in
 * which no call is heard. Here a slice ends with a request's head, or after 4 KiB, and while two requests of the connection wait
 * for their answers, the next slice waits, too: each costs some KB until it is answered. Who sends one request at a time, as all
 * clients and proxies do, notices nothing; a large body takes some turns of the event loop more.
 */
import type { Socket } from "node:net"
import * as RequestTurns from "./RequestTurns.ts"

/** Bytes. */
const longestSlice = 4096

/** Requests of one connection that may wait for their answers before no more of them are parsed. */
const maxPipelined = 2

/** Of `GET`, `POST` and the like. */
const isCapital = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x41 && byte <= 0x5a

/** Where the next slice ends: behind a head that another request follows. Where a body looks like one, it is cut in vain. */
const endOfSlice = (bytes: Buffer): number => {
  const end = Math.min(bytes.length, longestSlice)
  for (let at = bytes.indexOf("\r\n\r\n"); at >= 0 && at + 4 < end; at = bytes.indexOf("\r\n\r\n", at + 4)) {
    if (isCapital(bytes[at + 4]) && isCapital(bytes[at + 5])) return at + 4
  }
  return end
}

export interface SlicedReads {
  /** To be called when a request of the connection has been answered. */
  readonly answered: () => void
  /** The connection is no longer HTTP's. What came and has not been parsed. */
  readonly stop: () => Buffer
}

/** Node's own mark that a connection's answers are not read. It goes on by itself. */
const isHeldByNode = (socket: Socket): boolean => Reflect.get(socket, "_paused") === true

/**
 * To be called when Node's own listener for connections has run. `pipelined`: requests of the connection that were parsed and are not
 * answered.
 */
export const make = (socket: Socket, pipelined: () => number, turns: RequestTurns.RequestTurns = RequestTurns.shared): SlicedReads => {
  const [parse] = socket.listeners("data") as Array<(chunk: Buffer) => void>
  let rest: Buffer | undefined
  let isPlanned = false
  let isOver = false

  const plan = () => {
    if (isPlanned || isOver || rest === undefined) return
    isPlanned = true
    turns.run(socket, parseNext)
  }

  const parseNext = () => {
    isPlanned = false
    if (rest === undefined || isOver || socket.destroyed || isHeldByNode(socket) || pipelined() >= maxPipelined) return
    const chunk = rest
    const end = endOfSlice(chunk)
    rest = chunk.length > end ? chunk.subarray(end) : undefined
    parse.call(socket, chunk.subarray(0, end))
    if (rest !== undefined) plan()
    else if (!isOver && !isHeldByNode(socket)) socket.resume()
  }

  const onData = (chunk: Buffer) => {
    if (rest === undefined && endOfSlice(chunk) === chunk.length && pipelined() < maxPipelined && !isHeldByNode(socket)) {
      parse.call(socket, chunk)
      return
    }
    rest = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    socket.pause()
    plan()
  }

  /** Whoever reads a body has the connection go on, though what came before is not parsed yet. */
  const onResume = () => {
    if (rest === undefined) return
    socket.pause()
    plan()
  }

  // Node's parser reads past all listeners until somebody else listens, too.
  socket.on("data", onData)
  socket.off("data", parse)
  socket.on("resume", onResume)
  return {
    answered: plan,
    stop: () => {
      isOver = true
      socket.off("data", onData)
      socket.off("resume", onResume)
      return rest ?? Buffer.alloc(0)
    }
  }
}
