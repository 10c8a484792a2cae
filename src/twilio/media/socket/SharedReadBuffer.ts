/**
 * Reads a connection into memory that all connections share, instead of memory that Node allocates for each read.
 *
 * For every read Node allocates 64 KiB, frees the unused part, and leaves the rest to its garbage collector. At ten thousand reads a
 * second that takes a tenth of the thread's time (docs/adr/0002). Node can read into memory of the program (`onread` of
 * `net.connect`), but not for connections that a server accepts. So this module sets Node's internal fields for that. In a version of
 * Node without these fields nothing is changed.
 *
 * https://nodejs.org/api/net.html#socketconnectoptions-connectlistener
 */
import type { Socket } from "node:net"

/** Bytes of one read at most: what Node itself asks the operating system for. */
const readBytes = 65_536

/** Shared by all reads: each read has been processed before the next read of any connection begins. */
const memory = Buffer.allocUnsafeSlow(readBytes)
/** The same memory, to be read and written four bytes at a time. */
const words = new DataView(memory.buffer, memory.byteOffset, memory.length)

/** The descriptions of the symbols under which `net.Socket` keeps its `onread`. */
const symbolNames = ["kBuffer", "kBufferCb", "kBufferGen"] as const

interface Handle {
  readonly useUserBuffer?: (memory: Buffer) => void
}

/**
 * From now on `onRead` gets the bytes that come, in place of `socket.push`. The bytes from 0 to before `length` are valid until it
 * returns; `words` views the same memory. It returns whether more may be read now; after `false`, the stream's own `read` continues, as after `push`.
 *
 * Call it once for a connection, between two of its reads. Returns false, and changes nothing, if Node does not have the fields.
 */
export const start = (socket: Socket, onRead: (bytes: Buffer, words: DataView, length: number) => boolean): boolean => {
  const fields = socket as unknown as Record<symbol, unknown> & { readonly _handle?: Handle | null }
  const symbols = Object.getOwnPropertySymbols(socket)
  const [buffer, callback, generate] = symbolNames.map((name) => symbols.find(({ description }) => description === name))
  const { _handle: handle } = fields
  if (buffer === undefined || callback === undefined || generate === undefined || typeof handle?.useUserBuffer !== "function") return false
  handle.useUserBuffer(memory)
  fields[buffer] = memory
  fields[generate] = null
  fields[callback] = (length: number, bytes: Buffer) => onRead(bytes, words, length)
  return true
}
