/**
 * The format of a sealed recording: the sound of one media stream, encrypted in blocks of one second. Each block is sealed separately, and
 * bound to its file and its number. So a reader opens only the blocks that it needs, and a block does not open at another place.
 *
 * ```text
 * header: "ccsealed"  version 1  length of the key's id  0 0  bytes of a block (u32, little-endian)  the key's id (32 bytes)  seal
 * block:  nonce (12 bytes)  encrypted sound (16,000 bytes; the last block may have fewer)  tag (16 bytes)
 * ```
 *
 * The header's seal is an empty sealed block. It opens only with the right key and an unchanged header. The length of the sound is computed
 * from the size of the file. So a file is valid after a crash. But if somebody cuts off the end of a file, a reader can't notice it.
 */
import { Data, Result } from "effect"
import { type BlockOpener, overheadBytes, type Sealer, type Unopenable } from "../encryption/Sealing.ts"

/** Bytes of sound in a block: a second of two channels. */
export const blockBytes = 16_000

/** Bytes that a full block takes in the file. */
export const slotBytes = blockBytes + overheadBytes

const magic = Buffer.from("ccsealed", "latin1")
const version = 1
const fieldsBytes = 48
const keyIdAt = 16
const keyIdBytes = fieldsBytes - keyIdAt

export const headerBytes = fieldsBytes + overheadBytes

const suffix = ".sealed"

export const nameOf = (wavFile: string): string => `${wavFile}${suffix}`

export const isSealed = (file: string): boolean => file.endsWith(suffix)

/** The file does not begin with a header that this version of the service can read. */
export class HeaderUnknown extends Data.TaggedError("HeaderUnknown")<{ readonly file: string }> {
  override get message() {
    return `The beginning of ${this.file} was changed, or a newer version of this service has sealed it. Restore the file, or update the service.`
  }
}

/** How many bytes of sound a file of `fileBytes` bytes has. */
export const soundBytes = (fileBytes: number): number => {
  const afterHeader = Math.max(0, fileBytes - headerBytes)
  return Math.floor(afterHeader / slotBytes) * blockBytes + Math.max(0, (afterHeader % slotBytes) - overheadBytes)
}

/** How many bytes a file with `soundBytes` bytes of sound has. */
export const fileBytes = (soundBytes: number): number => {
  const lastBytes = soundBytes % blockBytes
  return positionOf(Math.floor(soundBytes / blockBytes)) + (lastBytes === 0 ? 0 : lastBytes + overheadBytes)
}

/** Where a block begins in the file. */
export const positionOf = (block: number): number => headerBytes + block * slotBytes

export const placeOf = (file: string, block: number): string => `recording/${file}/${block}`

const placeOfHeader = (file: string, fields: Uint8Array): string => `recording/${file}/head/${Buffer.from(fields).toString("hex")}`

export const header = (sealer: Sealer, file: string): Uint8Array => {
  const fields = Buffer.alloc(fieldsBytes)
  magic.copy(fields)
  fields[8] = version
  fields[9] = sealer.keyId.length
  fields.writeUInt32LE(blockBytes, 12)
  fields.write(sealer.keyId, keyIdAt, keyIdBytes, "latin1")
  return Buffer.concat([fields, sealer.sealBlock(new Uint8Array(0), placeOfHeader(file, fields))])
}

/** The id of the key that opens the file's blocks. */
export const readHeader = ({ openBlock }: BlockOpener, file: string, bytes: Uint8Array): Result.Result<string, HeaderUnknown | Unopenable> => {
  const fields = Buffer.from(bytes.subarray(0, fieldsBytes))
  const isKnown = bytes.length >= headerBytes && fields.subarray(0, magic.length).equals(magic) && fields[8] === version &&
    fields[9] <= keyIdBytes && fields.readUInt32LE(12) === blockBytes
  if (!isKnown) return Result.fail(new HeaderUnknown({ file }))
  const keyId = fields.toString("latin1", keyIdAt, keyIdAt + fields[9])
  return Result.map(openBlock(bytes.subarray(fieldsBytes, headerBytes), placeOfHeader(file, fields), keyId), () => keyId)
}

/** Seals sound as blocks. The first block has the number `first`. The last block may be short. */
export const seal = (sealer: Sealer, file: string, first: number, sound: Uint8Array): Uint8Array => {
  const blocks: Array<Uint8Array> = []
  for (let at = 0; at < sound.length; at += blockBytes) {
    blocks.push(sealer.sealBlock(sound.subarray(at, at + blockBytes), placeOf(file, first + at / blockBytes)))
  }
  return Buffer.concat(blocks)
}
