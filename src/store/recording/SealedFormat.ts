/**
 * A sealed recording: the sound of one media stream, encrypted in blocks of one second. Each block is sealed by itself and bound to its
 * file and its number, so a reader opens only the blocks that it needs, and a block that was moved does not open.
 *
 * ```text
 * head:  "ccsealed"  version 1  length of the key's id  0 0  bytes of a block (u32, little-endian)  the key's id (32 bytes)  seal
 * block: nonce (12 bytes)  encrypted sound (16,000 bytes; the last block may have fewer)  tag (16 bytes)
 * ```
 *
 * The head's seal is an empty sealed block. It opens only with the right key and only if the head is unchanged. How much sound a file has
 * follows from the file's size. So a file is valid after a crash, and a sealed file that was cut off at its end does not show it.
 */
import { Data, Result } from "effect"
import { type BlockOpener, overheadBytes, type Sealer, type Unopenable } from "../encryption/Sealing.ts"

/** Bytes of sound in a block: a second of two channels. */
export const blockBytes = 16_000

/** Bytes of a full block in the file. */
export const slotBytes = blockBytes + overheadBytes

const magic = Buffer.from("ccsealed", "latin1")
const version = 1
const fieldsBytes = 48
const keyIdAt = 16
const keyIdBytes = fieldsBytes - keyIdAt

export const headBytes = fieldsBytes + overheadBytes

const suffix = ".sealed"

export const nameOf = (wavFile: string): string => `${wavFile}${suffix}`

export const isSealed = (file: string): boolean => file.endsWith(suffix)

/** A file does not begin with the head of a sealed recording that this service knows. */
export class HeadUnknown extends Data.TaggedError("HeadUnknown")<{ readonly file: string }> {
  override get message() {
    return `The beginning of ${this.file} was changed, or a newer version of this service has sealed it. Restore the file, or update the service.`
  }
}

/** Bytes of sound in a file of so many bytes. */
export const soundBytes = (fileBytes: number): number => {
  const behindHead = Math.max(0, fileBytes - headBytes)
  return Math.floor(behindHead / slotBytes) * blockBytes + Math.max(0, (behindHead % slotBytes) - overheadBytes)
}

/** Bytes of a file with so many bytes of sound. */
export const fileBytes = (sound: number): number => {
  const rest = sound % blockBytes
  return positionOf(Math.floor(sound / blockBytes)) + (rest === 0 ? 0 : rest + overheadBytes)
}

/** Where a block begins in the file. */
export const positionOf = (block: number): number => headBytes + block * slotBytes

export const placeOf = (file: string, block: number): string => `recording/${file}/${block}`

const placeOfHead = (file: string, fields: Uint8Array): string => `recording/${file}/head/${Buffer.from(fields).toString("hex")}`

export const head = (sealer: Sealer, file: string): Uint8Array => {
  const fields = Buffer.alloc(fieldsBytes)
  magic.copy(fields)
  fields[8] = version
  fields[9] = sealer.keyId.length
  fields.writeUInt32LE(blockBytes, 12)
  fields.write(sealer.keyId, keyIdAt, keyIdBytes, "latin1")
  return Buffer.concat([fields, sealer.sealBlock(new Uint8Array(0), placeOfHead(file, fields))])
}

/** The id of the key that opens the file's blocks. */
export const readHead = ({ openBlock }: BlockOpener, file: string, bytes: Uint8Array): Result.Result<string, HeadUnknown | Unopenable> => {
  const fields = Buffer.from(bytes.subarray(0, fieldsBytes))
  const isKnown = bytes.length >= headBytes && fields.subarray(0, magic.length).equals(magic) && fields[8] === version &&
    fields[9] <= keyIdBytes && fields.readUInt32LE(12) === blockBytes
  if (!isKnown) return Result.fail(new HeadUnknown({ file }))
  const keyId = fields.toString("latin1", keyIdAt, keyIdAt + fields[9])
  return Result.map(openBlock(bytes.subarray(fieldsBytes, headBytes), placeOfHead(file, fields), keyId), () => keyId)
}

/** Seals sound that begins with the block `first`; the last block may be short. */
export const seal = (sealer: Sealer, file: string, first: number, sound: Uint8Array): Uint8Array => {
  const blocks: Array<Uint8Array> = []
  for (let at = 0; at < sound.length; at += blockBytes) {
    blocks.push(sealer.sealBlock(sound.subarray(at, at + blockBytes), placeOf(file, first + at / blockBytes)))
  }
  return Buffer.concat(blocks)
}
