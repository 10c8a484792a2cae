/**
 * Reads a connection into memory that all connections share, instead of memory that Node makes for each read.
 *
 * For every read Node reserves 64 KiB, gives back what was not filled, and hands the rest to its collector: at ten thousand
 * reads a second that is a tenth of the thread (docs/adr/0002). Node can read into memory of the program's own (`onread`
 * of `net.connect`), but offers that for connections which the program opens itself, not for those that a server
 * accepts. So the same is set here by its inner names; where a version of Node has them no more, nothing is changed.
 *
 * https://nodejs.org/api/net.html#socketconnectoptions-connectlistener
 */
import type { Socket } from "node:net"

/** What the operating system is asked for at once, in bytes: what Node asks for by itself. */
const size = 65_536

/** A read and what is done with it are over before the next read of any connection. */
const memory = Buffer.allocUnsafeSlow(size)

/** What `net.Socket` has of `onread`, for each its description. */
const names = ["kBuffer", "kBufferCb", "kBufferGen"] as const

interface Handle {
  readonly useUserBuffer?: (memory: Buffer) => void
}

/**
 * From now on `onRead` is given what comes, in place of `socket.push`: the bytes from 0 to before `length`, good until it
 * returns. It answers whether more may be read now; after `false` the stream's own `read` begins again, as after `push`.
 *
 * Answers whether that could be set. To be called once for a connection, between two of its reads.
 */
export const start = (socket: Socket, onRead: (bytes: Buffer, length: number) => boolean): boolean => {
  const fields = socket as unknown as Record<symbol, unknown> & { readonly _handle?: Handle | null }
  const symbols = Object.getOwnPropertySymbols(socket)
  const [buffer, callback, generate] = names.map((name) => symbols.find(({ description }) => description === name))
  const { _handle: handle } = fields
  if (buffer === undefined || callback === undefined || generate === undefined || typeof handle?.useUserBuffer !== "function") return false
  handle.useUserBuffer(memory)
  fields[buffer] = memory
  fields[generate] = null
  fields[callback] = (length: number, bytes: Buffer) => onRead(bytes, length)
  return true
}
