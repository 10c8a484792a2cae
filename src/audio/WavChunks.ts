/**
 * Reads the structure of RIFF/WAVE files: the head of the file and of each chunk. `WavFormat` reads the `fmt ` chunk.
 *
 * Source: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991).
 */

/** Bytes of the file's head, before the first chunk. */
export const fileHeadBytes = 12

/** Bytes of a chunk's head, before its content. */
export const chunkHeadBytes = 8

/** The four letters at the beginning of a file. RIFX is big-endian. RF64 and BW64 are for files above 4 GiB. */
const fileMarks: ReadonlySet<string> = new Set(["RIFF", "RIFX", "RF64", "BW64"])

const nameAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))

interface FileHead {
  readonly isBigEndian: boolean
  /** `WAVE` for sound. */
  readonly kind: string
  /** `RIFF`, `RIFX`, `RF64` or `BW64`. */
  readonly name: string
}

/** Whether these four letters begin a file. */
export const isFileMark = (name: string): boolean => fileMarks.has(name)

/** The head of the file at byte `at`. `undefined` if there are fewer than 12 bytes, or if the name is none of the four. */
export const fileHead = (bytes: Uint8Array, at = 0): FileHead | undefined => {
  const name = nameAt(bytes, at)
  return bytes.length < at + fileHeadBytes || !isFileMark(name) ? undefined : { isBigEndian: name === "RIFX", kind: nameAt(bytes, at + 8), name }
}

interface ChunkHead {
  /** Four letters, such as `fmt ` and `data`. */
  readonly name: string
  /** Bytes of content, without the padding byte. */
  readonly size: number
}

/** The head of the chunk at byte `at`. `undefined` if there are fewer than 8 bytes. */
export const chunkHead = (bytes: Uint8Array, at: number, isBigEndian: boolean): ChunkHead | undefined =>
  bytes.length < at + chunkHeadBytes ? undefined : {
    name: nameAt(bytes, at),
    size: new DataView(bytes.buffer, bytes.byteOffset + at, chunkHeadBytes).getUint32(4, !isBigEndian)
  }

/** How many bytes of padding follow a chunk of this size. Chunks begin at even positions. */
export const paddingOf = (size: number): number => size % 2
