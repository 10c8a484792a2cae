/**
 * Follows the frames of a WebSocket (RFC 6455, section 5.2) through bytes that come in pieces. A piece may end inside a frame or its
 * header.
 */

const fin = 0x80
const masked = 0x80

/** Frames with this opcode or a higher one are control frames. They may come between the fragments of a message. */
const firstControlOpcode = 8

/** Two bytes, eight bytes for the length, and four bytes for the mask. */
const maxHeaderBytes = 14

export interface FrameBoundaries {
  /** Whether no frame and no fragmented message is unfinished. The next byte then begins a frame that may be a whole message. */
  readonly isBetweenMessages: () => boolean
  /** Follows the frames through the next bytes. */
  readonly follow: (bytes: Buffer) => void
}

export const make = (): FrameBoundaries => {
  const header = Buffer.alloc(maxHeaderBytes)
  let headerBytes = 0
  let payloadBytesLeft = 0
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
    isBetweenMessages: () => payloadBytesLeft === 0 && headerBytes === 0 && !isFragmented,
    follow: (bytes) => {
      let at = 0
      while (at < bytes.length) {
        if (payloadBytesLeft > 0) {
          const passed = Math.min(payloadBytesLeft, bytes.length - at)
          payloadBytesLeft -= passed
          at += passed
          continue
        }
        header[headerBytes++] = bytes[at++]
        if (headerBytes < 2 || headerBytes < headerLength()) continue
        if ((header[0] & 15) < firstControlOpcode) isFragmented = (header[0] & fin) === 0
        payloadBytesLeft = payloadLength()
        headerBytes = 0
      }
    }
  }
}
