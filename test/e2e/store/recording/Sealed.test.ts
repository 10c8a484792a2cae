import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Logger, Option, Stream } from "effect"
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Database } from "../../../../src/store/Database.ts"
import { CallRecordings } from "../../../../src/store/recording/CallRecordings.ts"
import * as MulawWav from "../../../../src/store/recording/MulawWav.ts"
import * as PartFiles from "../../../../src/store/recording/PartFiles.ts"
import * as SealedFormat from "../../../../src/store/recording/SealedFormat.ts"
import { until } from "../../../support/service/Service.ts"
import { bytesOf, record, recordingsOf, refusalOf } from "../../../support/store/Recordings.ts"
import { keysOf, noise, sealingOf, shows, together } from "../../../support/store/SealedSounds.ts"
import { sidOf } from "../../../support/store/Writes.ts"

const { blockBytes, headerBytes, slotBytes } = SealedFormat

const call = sidOf(7)
const name = `${call}-0.wav.sealed`

const newFolder = Effect.gen(function*() {
  return yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
})

const silence = (bytes: number) => Buffer.alloc(bytes, MulawWav.silentPiece[0])

/** The joined file that has this sound. */
const joined = (...sounds: ReadonlyArray<Uint8Array>) => {
  const sound = Buffer.concat(sounds)
  return Buffer.concat([MulawWav.header(sound.length), sound])
}

const durations = Effect.gen(function*() {
  const { query, sql } = yield* Database
  return (yield* query(sql<{ duration: number | null }>`SELECT duration FROM recordings ORDER BY part`)).map(({ duration }) => duration)
})

const unfinish = Effect.gen(function*() {
  const { query, sql } = yield* Database
  yield* query(sql`UPDATE recordings SET duration = NULL`)
})

layer(NodeServices.layer, { excludeTestServices: true })("sealed recordings", (it) => {
  it.effect("are read like plain ones, for this user alone, and their files show nothing", () =>
    Effect.gen(function*() {
      const env = { DATA_DIR: yield* newFolder, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }
      const sound = noise(50_000)
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, sound.subarray(0, 20_000), sound.subarray(20_000))
        assert.isTrue((yield* bytesOf(call)).equals(joined(sound)))
        assert.isTrue((yield* bytesOf(call, 15_000, 40_001)).equals(joined(sound).subarray(15_000, 40_001)))
        assert.deepStrictEqual(yield* durations, [50_000 / 16])
      }).pipe(Effect.provide(recordingsOf(env)))
      const folder = join(env.DATA_DIR, "recordings")
      assert.deepStrictEqual(readdirSync(folder), [name])
      assert.strictEqual(statSync(join(folder, name)).mode & 0o777, 0o600)
      assert.isFalse(shows(readFileSync(join(folder, name)), sound))
    }))

  it.effect("are joined with plain parts and parts of older keys, and erased with them", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      const sounds = [noise(16_000, 1), noise(24_000, 2), noise(40_000, 3)]
      const recordingsWith = (keys: ReadonlyArray<readonly [string, number]>) => recordingsOf({ DATA_DIR, ...(keys.length === 0 ? {} : { STORE_ENCRYPTION_KEYS: keysOf(...keys) }) })
      yield* Effect.provide(record({ callSid: call, part: 0, startedAt: 0 }, sounds[0]), recordingsWith([]))
      yield* Effect.provide(record({ callSid: call, part: 1, startedAt: 2000 }, sounds[1]), recordingsWith([["2025", 2]]))
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 2, startedAt: 3500 }, sounds[2])
        const whole = yield* bytesOf(call)
        assert.isTrue(whole.equals(joined(sounds[0], silence(16_000), sounds[1], sounds[2])))
        assert.isTrue((yield* bytesOf(call, 30_000, 70_000)).equals(whole.subarray(30_000, 70_000)))
        assert.deepStrictEqual(readdirSync(join(DATA_DIR, "recordings")).sort(), [`${call}-0.wav`, `${call}-1.wav.sealed`, `${call}-2.wav.sealed`])
        const recordings = yield* CallRecordings
        yield* recordings.erase(call)
        assert.deepStrictEqual(readdirSync(join(DATA_DIR, "recordings")), [])
        assert.isTrue(Option.isNone(yield* recordings.find(call)))
      }).pipe(Effect.provide(recordingsWith([["2026", 1], ["2025", 2]])))
    }))

  it.effect("never overwrite each other", () =>
    Effect.gen(function*() {
      const env = { DATA_DIR: yield* newFolder, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }
      yield* Effect.gen(function*() {
        for (const seed of [1, 2]) yield* record({ callSid: call, part: 0, startedAt: 0 }, noise(100, seed))
        assert.isTrue((yield* bytesOf(call)).equals(joined(Buffer.concat([noise(100, 1), noise(100, 2)]))))
      }).pipe(Effect.provide(recordingsOf(env)))
      assert.deepStrictEqual(readdirSync(join(env.DATA_DIR, "recordings")).sort(), [name, `${call}-1.wav.sealed`])
    }))

  it.effect("can't be read without their key, and the error names the key", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      yield* Effect.provide(record({ callSid: call, part: 0, startedAt: 0 }, noise(100)), recordingsOf({ DATA_DIR, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }))
      for (const env of [{ DATA_DIR }, { DATA_DIR, STORE_ENCRYPTION_KEYS: keysOf(["2027", 3]) }]) {
        assert.strictEqual(
          yield* Effect.provide(refusalOf(call), recordingsOf(env)),
          "The recording can't be opened. It is sealed with the key \"2026\", which STORE_ENCRYPTION_KEYS does not have. Add that key as the last one."
        )
      }
      const file = join(DATA_DIR, "recordings", name)
      writeFileSync(file, "something else", { flag: "r+" })
      assert.include(yield* Effect.provide(refusalOf(call), recordingsOf({ DATA_DIR, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) })), `The beginning of ${name} was changed`)
    }))

  it.effect("have silence for blocks that were moved or damaged, and one line of the log tells of them", () =>
    Effect.gen(function*() {
      const env = { DATA_DIR: yield* newFolder, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }
      const sound = noise(4 * blockBytes)
      yield* Effect.provide(record({ callSid: call, part: 0, startedAt: 0 }, sound), recordingsOf(env))
      const file = join(env.DATA_DIR, "recordings", name)
      const bytes = readFileSync(file)
      bytes.copyWithin(SealedFormat.positionOf(2), SealedFormat.positionOf(0), SealedFormat.positionOf(1))
      bytes[SealedFormat.positionOf(1) + 20] ^= 1
      writeFileSync(file, bytes)
      const lines: Array<string> = []
      const logs = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
      const expected = joined(sound.subarray(0, blockBytes), silence(2 * blockBytes), sound.subarray(3 * blockBytes))
      yield* Effect.gen(function*() {
        assert.isTrue((yield* bytesOf(call)).equals(expected))
        assert.deepStrictEqual(lines.filter((line) => line.startsWith("A part of a recording can't be opened; it is silence.")).length, 1)
      }).pipe(Effect.provide(Layer.provideMerge(recordingsOf(env), logs)))
    }))

  it.effect("are cut to what can be opened, wherever a crash has ended the file", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      const folder = join(DATA_DIR, "recordings")
      const sound = noise(2 * blockBytes + 5000)
      yield* Effect.provide(record({ callSid: call, part: 0, startedAt: 0 }, sound), recordingsOf({ DATA_DIR, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }))
      const file = join(folder, name)
      const whole = readFileSync(file)
      const places: ReadonlyArray<readonly [bytes: number, sound: number]> = [
        [0, 0],
        [10, 0],
        [headerBytes, 0],
        [headerBytes + 10, 0],
        [headerBytes + 28, 0],
        [headerBytes + 5000, 0],
        [headerBytes + slotBytes - 1, 0],
        [headerBytes + slotBytes, blockBytes],
        [headerBytes + slotBytes + 1, blockBytes],
        [headerBytes + slotBytes + 9000, blockBytes],
        [headerBytes + 2 * slotBytes, 2 * blockBytes],
        [headerBytes + 2 * slotBytes + 29, 2 * blockBytes],
        [whole.length - 1, 2 * blockBytes],
        [whole.length, sound.length]
      ]
      for (const [bytes, left] of places) {
        writeFileSync(file, whole.subarray(0, bytes))
        const [part] = yield* PartFiles.list(folder)
        assert.strictEqual(yield* PartFiles.repair(folder, part, sealingOf(["2026", 1])), left / 16, `${bytes} bytes`)
        assert.strictEqual(readFileSync(file).length, bytes < headerBytes ? bytes : SealedFormat.fileBytes(left), `${bytes} bytes`)
        assert.closeTo(statSync(file).mtimeMs, part.writtenAt, 1)
      }
      // Without its key nothing is cut off.
      truncateSync(file, whole.length - 1)
      const [part] = yield* PartFiles.list(folder)
      yield* PartFiles.repair(folder, part, sealingOf(["2027", 2]))
      assert.strictEqual(statSync(file).size, whole.length - 1)
    }))

  it.effect("are repaired by the next process if their process died", () =>
    Effect.gen(function*() {
      const env = { DATA_DIR: yield* newFolder, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }
      const sound = noise(3 * blockBytes)
      yield* Effect.provide(Effect.andThen(record({ callSid: call, part: 0, startedAt: 0 }, sound), unfinish), recordingsOf(env))
      truncateSync(join(env.DATA_DIR, "recordings", name), headerBytes + 2 * slotBytes + 700)
      yield* Effect.gen(function*() {
        assert.deepStrictEqual(yield* until("the duration", durations, ([duration]) => duration !== null), [2000])
        assert.isTrue((yield* bytesOf(call)).equals(joined(sound.subarray(0, 2 * blockBytes))))
      }).pipe(Effect.provide(recordingsOf(env)))
    }))

  it.effect("grow while they are read, and are as long as they were when they were asked for", () =>
    Effect.gen(function*() {
      const env = { DATA_DIR: yield* newFolder, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }
      const sound = noise(60_000)
      yield* Effect.scoped(Effect.gen(function*() {
        const recordings = yield* CallRecordings
        const file = yield* recordings.begin({ callSid: call, part: 0, startedAt: 0 })
        const found = until("the row", recordings.find(call), Option.isSome)
        const empty = Option.getOrThrow(yield* found)
        assert.strictEqual(empty.length, MulawWav.headerBytes)
        yield* file.append(sound.subarray(0, 21_000))
        const early = Option.getOrThrow(yield* found)
        yield* file.append(sound.subarray(21_000))
        assert.strictEqual(early.length, MulawWav.headerBytes + 21_000)
        assert.isTrue((yield* bytesOf(call)).equals(joined(sound)))
        assert.isTrue((yield* together(Stream.unwrap(early.read(0, early.length)))).equals(joined(sound.subarray(0, 21_000))))
      })).pipe(Effect.provide(recordingsOf(env)))
    }))
})
