import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Unopenable } from "../../../../src/store/encryption/Sealing.ts"
import * as MulawWav from "../../../../src/store/recording/MulawWav.ts"
import * as SealedFormat from "../../../../src/store/recording/SealedFormat.ts"
import * as SealedPartWriter from "../../../../src/store/recording/SealedPartWriter.ts"
import * as SealedSound from "../../../../src/store/recording/SealedSound.ts"
import { MemoryFile, noise, sealingOf, shows, together } from "../../../support/store/SealedSounds.ts"

const { blockBytes, slotBytes } = SealedFormat
const name = "CA00000000000000000000000000000001-0.wav.sealed"
const sealing = sealingOf(["2026", 1])

const Length = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 70_000 }))
const Share = Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

const append = (writer: { readonly append: (pieces: Iterable<Uint8Array>) => Promise<void> }, ...pieces: ReadonlyArray<Uint8Array>) =>
  Effect.promise(() => writer.append(pieces))

/** The sound of a file, and the damaged blocks that were met. */
const open = Effect.fnUntraced(function*(file: MemoryFile, options: { readonly size?: number; readonly isGrowing?: boolean; readonly with?: ReturnType<typeof sealingOf>; readonly read?: MemoryFile["read"] } = {}) {
  const damaged: Array<Unopenable> = []
  const size = options.size ?? SealedFormat.soundBytes(file.bytes.length)
  const sound = yield* SealedSound.open(
    options.with ?? sealing,
    { name, size, read: options.read ?? file.read, isGrowing: options.isGrowing ?? false },
    (error) => Effect.sync(() => void damaged.push(error))
  )
  return { size, damaged, read: (from: number, to: number) => together(sound(from, to)) }
})

const sealed = Effect.fnUntraced(function*(...pieces: ReadonlyArray<Uint8Array>) {
  const file = new MemoryFile()
  const writer = SealedPartWriter.make(file, name, sealing.sealer)
  for (const piece of pieces) yield* append(writer, piece)
  yield* Effect.promise(writer.finish)
  return { file, writer }
})

const slot = (file: MemoryFile, block: number) => file.bytes.subarray(SealedFormat.positionOf(block), SealedFormat.positionOf(block + 1))

describe("a sealed recording", () => {
  it.effect.prop("gives any range of the sound that was added in pieces of any length", [Schema.Array(Length).check(Schema.isMaxLength(8)), Share, Share], ([lengths, one, other]) =>
    Effect.gen(function*() {
      const pieces = lengths.map((length, index) => noise(length, index + 1))
      const plain = Buffer.concat(pieces)
      const { file, writer } = yield* sealed(...pieces)
      assert.deepStrictEqual([writer.size(), file.bytes.length], [plain.length, SealedFormat.fileBytes(plain.length)])
      const { damaged, read, size } = yield* open(file)
      assert.strictEqual(size, plain.length)
      const [from, to] = [one, other].map((share) => Math.round(share * size)).sort((a, b) => a - b)
      for (const [begin, end] of [[from, to], [0, size], [from, from], [from, Math.min(size, from + 1)]]) {
        assert.isTrue((yield* read(begin, end)).equals(plain.subarray(begin, end)), `${begin}-${end} of ${size}`)
      }
      assert.deepStrictEqual(damaged, [])
    }))

  it.effect("shows none of its sound, and never seals the same sound alike", () =>
    Effect.gen(function*() {
      const plain = noise(50_000)
      const [{ file }, { file: again }] = [yield* sealed(plain), yield* sealed(plain)]
      assert.isTrue(shows(plain, plain))
      assert.isFalse(shows(file.bytes, plain))
      assert.isFalse(shows(file.bytes, again.bytes.subarray(SealedFormat.headerBytes)))
    }))

  it.effect("knows the length of the sound by the size of the file", () =>
    Effect.sync(() => {
      for (const size of [0, 1, blockBytes - 1, blockBytes, blockBytes + 1, 5 * blockBytes + 77]) {
        assert.strictEqual(SealedFormat.soundBytes(SealedFormat.fileBytes(size)), size)
      }
      for (const bytes of [0, 10, SealedFormat.headerBytes - 1, SealedFormat.headerBytes + 28]) assert.strictEqual(SealedFormat.soundBytes(bytes), 0)
    }))

  it.effect("has silence for blocks that were moved, changed or cut off", () =>
    Effect.gen(function*() {
      const plain = noise(5 * blockBytes)
      const { file } = yield* sealed(plain)
      const second = Buffer.from(slot(file, 1))
      slot(file, 2).copy(file.bytes, SealedFormat.positionOf(1))
      second.copy(file.bytes, SealedFormat.positionOf(2))
      file.bytes[SealedFormat.positionOf(3) + 500] ^= 1
      file.bytes = file.bytes.subarray(0, -100)
      const { damaged, read } = yield* open(file, { size: plain.length })
      const expected = Buffer.from(plain)
      expected.fill(MulawWav.silentPiece[0], blockBytes)
      assert.isTrue((yield* read(0, plain.length)).equals(expected))
      assert.strictEqual(damaged.length, 4)
      assert.isTrue((yield* read(blockBytes - 10, 3 * blockBytes + 10)).equals(expected.subarray(blockBytes - 10, 3 * blockBytes + 10)))
    }))

  it.effect("fails where its file can't be read on, and does not take what is missing for damaged", () =>
    Effect.gen(function*() {
      const { file } = yield* sealed(noise(3 * blockBytes))
      const damaged: Array<Unopenable> = []
      const read = (from: number, to: number) =>
        from === 0 ? file.read(from, to) : Stream.concat(file.read(from, from + slotBytes), Stream.fail("the connection is lost"))
      const sound = yield* SealedSound.open(sealing, { name, size: 3 * blockBytes, read, isGrowing: false }, (error) => Effect.sync(() => void damaged.push(error)))
      let heard = 0
      const reason = yield* Effect.flip(Stream.runForEach(sound(0, 3 * blockBytes), (piece) => Effect.sync(() => void (heard += piece.length))))
      assert.deepStrictEqual([reason, heard, damaged], ["the connection is lost", blockBytes, []])
    }))

  it.effect("does not open in another recording's file", () =>
    Effect.gen(function*() {
      const { file } = yield* sealed(noise(100))
      const refused = yield* Effect.flip(SealedSound.open(sealing, { name: name.replace("-0", "-1"), size: 100, read: file.read, isGrowing: false }, () => Effect.void))
      assert.include(refused.message, "does not open")
    }))

  it.effect("names the key that it needs, and tells a wrong key and a changed head from sound", () =>
    Effect.gen(function*() {
      const { file } = yield* sealed(noise(100))
      const messageOf = (sealing: ReturnType<typeof sealingOf>) => Effect.map(Effect.flip(open(file, { with: sealing })), ({ message }) => message)
      assert.strictEqual(yield* messageOf(sealingOf(["2027", 2])), "It is sealed with the key \"2026\", which STORE_ENCRYPTION_KEYS does not have. Add that key as the last one.")
      assert.include(yield* messageOf(sealingOf(["2026", 2])), "STORE_ENCRYPTION_KEYS has another key with the same id")
      assert.isTrue((yield* (yield* open(file, { with: sealingOf(["2027", 2], ["2026", 1]) })).read(0, 100)).equals(noise(100)))
      file.bytes[8] = 2
      assert.include(yield* messageOf(sealing), "a newer version of this service has sealed it")
    }))

  it.effect("is read again if its last block was overwritten meanwhile", () =>
    Effect.gen(function*() {
      const plain = noise(blockBytes + 900)
      const { file } = yield* sealed(plain)
      let reads = 0
      /** The first read of the last block finds half of an older one. */
      const read: MemoryFile["read"] = (from, to) =>
        Stream.suspend(() => {
          if (from === 0 || ++reads > 1) return file.read(from, to)
          const torn = Buffer.from(file.bytes)
          torn.fill(0, torn.length - 400)
          return Stream.make(torn.subarray(from, to))
        })
      const { damaged, read: readSound } = yield* open(file, { read, isGrowing: true })
      const reading = yield* Effect.forkChild(readSound(0, plain.length))
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* Fiber.join(reading)).equals(plain))
      assert.deepStrictEqual(damaged, [])
    }))
})

describe("writing a sealed recording", () => {
  const pieces = [noise(20_000, 1), noise(32_000, 2), noise(9000, 3), noise(30_000, 4)]

  it.effect("loses at most one block of what was written, wherever its process dies", () =>
    Effect.gen(function*() {
      const { file: whole } = yield* sealed(...pieces)
      // Some bytes are written twice, so the places are beyond the size of the file.
      for (let place = 0; place < whole.bytes.length + 40_000; place += 1499) {
        const file = new MemoryFile()
        const writer = SealedPartWriter.make(file, name, sealing.sealer)
        file.budget = place
        let written = 0
        const plain: Array<Uint8Array> = []
        for (const piece of pieces) {
          if (file.isDead) break
          plain.push(piece)
          file.isDead = true
          yield* Effect.promise(() => writer.append([piece]).then(() => void (file.isDead = false), () => {}))
          if (!file.isDead) written = writer.size()
        }
        if (SealedFormat.soundBytes(file.bytes.length) === 0) {
          assert.strictEqual(written, 0)
          continue
        }
        const { read, size } = yield* open(file)
        const expected = Buffer.concat(plain)
        const found = yield* read(0, size)
        assert.isAtLeast(size, written)
        let lost = 0
        for (let at = 0; at < written; at += blockBytes) {
          const end = Math.min(written, at + blockBytes)
          if (found.subarray(at, end).equals(expected.subarray(at, end))) continue
          lost++
          assert.isTrue(found.subarray(at, end).every((byte) => byte === MulawWav.silentPiece[0]), "silence, not noise")
        }
        assert.isAtMost(lost, 1)
      }
    }))

  it.effect("leaves the recording as it was when the disk is full, and goes on when there is room", () =>
    Effect.gen(function*() {
      for (const room of [0, 50, 3000, slotBytes, 3 * slotBytes]) {
        const { file, writer } = yield* sealed(pieces[0])
        file.budget = room
        assert.isTrue(yield* Effect.promise(() => writer.append(MulawWav.silence(200_000)).then(() => false, () => true)))
        assert.strictEqual(writer.size(), pieces[0].length)
        file.budget = Number.POSITIVE_INFINITY
        yield* append(writer, pieces[1])
        const { damaged, read, size } = yield* open(file, { size: writer.size() })
        assert.isTrue((yield* read(0, size)).equals(Buffer.concat([pieces[0], pieces[1]])), `room for ${room}`)
        assert.deepStrictEqual(damaged, [])
        yield* Effect.promise(writer.finish)
        assert.strictEqual(file.bytes.length, SealedFormat.fileBytes(size))
      }
    }))

  it.effect("ends with a whole file even if its last write failed", () =>
    Effect.gen(function*() {
      const { file, writer } = yield* sealed(pieces[0])
      // The bytes after the end fit, the grown block does not, nor can it be mended.
      file.budget = SealedFormat.fileBytes(pieces[0].length + pieces[1].length) - file.bytes.length + 100
      assert.isTrue(yield* Effect.promise(() => writer.append([pieces[1]]).then(() => false, () => true)))
      file.budget = Number.POSITIVE_INFINITY
      yield* Effect.promise(writer.finish)
      assert.isTrue((yield* (yield* open(file)).read(0, pieces[0].length)).equals(pieces[0]))
      assert.strictEqual(file.bytes.length, SealedFormat.fileBytes(pieces[0].length))
    }))
})
