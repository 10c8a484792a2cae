/** Sealed recordings for tests: a file in memory whose writes can fail, keys, and sound that never repeats. */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Stream } from "effect"
import { type Sealer, Sealing } from "../../../src/store/encryption/Sealing.ts"
import type { WritableFile } from "../../../src/store/recording/PartWriter.ts"

/** A value for `STORE_ENCRYPTION_KEYS`, with keys of one repeated byte each. */
export const keysOf = (...keys: ReadonlyArray<readonly [id: string, byte: number]>): string =>
  keys.map(([id, byte]) => `${id}:${Buffer.alloc(32, byte).toString("base64")}`).join(",")

export const sealingOf = (...keys: ReadonlyArray<readonly [id: string, byte: number]>): Sealing["Service"] & { readonly sealer: Sealer } => {
  const layer = Sealing.layerOf(keys.map(([id, byte]) => ({ id, key: Redacted.make(new Uint8Array(32).fill(byte)) })))
  const { sealer, ...others } = Context.get(Effect.runSync(Effect.scoped(Layer.build(layer))), Sealing)
  return { ...others, sealer: sealer ?? assert.fail("no key") }
}

/** Bytes that look random, the same each time. */
export const noise = (length: number, seed = 1): Uint8Array => {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

/** Whether any 32 bytes of the sound are somewhere in the file. */
export const shows = (file: Uint8Array, sound: Uint8Array): boolean => {
  const [inside, windows] = [Buffer.from(file), Buffer.from(sound)]
  for (let at = 0; at + 32 <= windows.length; at += 32) if (inside.includes(windows.subarray(at, at + 32))) return true
  return false
}

export class MemoryFile implements WritableFile {
  bytes = Buffer.alloc(0)
  /** How many bytes may still be written. Then writing fails. */
  budget = Number.POSITIVE_INFINITY
  /** Whether `truncate` fails too, as after the end of the process. */
  isDead = false

  write = async (bytes: Uint8Array, offset: number, length: number, position: number) => {
    const bytesWritten = Math.min(length, this.budget)
    if (bytesWritten === 0) throw new TypeError("no space")
    this.budget -= bytesWritten
    const end = position + bytesWritten
    if (end > this.bytes.length) this.bytes = Buffer.concat([this.bytes, Buffer.alloc(end - this.bytes.length)])
    this.bytes.set(bytes.subarray(offset, offset + bytesWritten), position)
    return { bytesWritten }
  }

  truncate = async (length: number) => {
    if (this.isDead) throw new TypeError("dead")
    this.bytes = Buffer.concat([this.bytes], length)
  }

  /** Reads in pieces of an odd size. */
  read = (from: number, to: number): Stream.Stream<Uint8Array> => {
    const part = this.bytes.subarray(from, to)
    return Stream.fromIterable(Array.from({ length: Math.ceil(part.length / 7001) }, (_, index) => part.subarray(7001 * index, 7001 * (index + 1))))
  }
}

export const together = <E>(stream: Stream.Stream<Uint8Array, E>): Effect.Effect<Buffer, E> => Effect.map(Stream.runCollect(stream), (pieces) => Buffer.concat([...pieces]))
