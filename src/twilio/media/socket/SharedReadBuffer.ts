/**
 * Reads a connection into memory that all connections share, instead of memory that Node allocates for each read.
 *
 * For each read, Node allocates 64 KiB, frees the unused part, and leaves the used part to the garbage collector. At ten thousand reads a
 * second this takes a tenth of the thread's time (docs/adr/0002). Node can read into memory of the program (`onread` of `net.connect`), but
 * not for connections that a server accepts. So this module sets the internal fields that Node uses for `onread`. In a version of Node
 * without these fields, the module changes nothing.
 *
 * https://nodejs.org/api/net.html#socketconnectoptions-connectlistener
 */
import type { Socket } from "node:net"

/** The most bytes of one read. Node's own reads have the same limit. */
const readBytes = 65_536

/** All connections share this memory. The bytes of a read are processed before the next read of any connection begins. */
const memory = Buffer.allocUnsafeSlow(readBytes)
/** The same memory, for reading and writing four bytes at a time. */
const words = new DataView(memory.buffer, memory.byteOffset, memory.length)

/** The descriptions of the symbols under which `net.Socket` keeps its `onread`. */
const symbolNames = ["kBuffer", "kBufferCb", "kBufferGen"] as const

interface Handle {
  readonly useUserBuffer?: (memory: Buffer) => void
}

/**
 * From now on, the bytes of this connection go to `onRead` instead of `socket.push`. The bytes from 0 to before `length` are valid until
 * `onRead` returns. `words` is a view of the same memory. `onRead` returns whether more may be read now. After `false`, reading continues
 * with the stream's own `read`, as after `push`.
 *
 * Call `start` once for a connection, between two of its reads. It returns false and changes nothing if Node does not have the fields.
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
