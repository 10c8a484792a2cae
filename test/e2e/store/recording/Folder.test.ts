import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Option } from "effect"
import { readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { CallStore } from "../../../../src/store/CallStore.ts"
import { Database } from "../../../../src/store/Database.ts"
import { CallRecordings } from "../../../../src/store/recording/CallRecordings.ts"
import * as MulawWav from "../../../../src/store/recording/MulawWav.ts"
import { until } from "../../../support/service/Service.ts"
import { bytesOf, loudest, record, recordingsOf, soundIn, stereo } from "../../../support/store/Recordings.ts"
import { sidOf } from "../../../support/store/Writes.ts"

const folder = Effect.gen(function*() {
  return yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
})

const call = sidOf(7)

const inDatabase = Effect.gen(function*() {
  const { query, sql } = yield* Database
  return yield* query(sql<{ file: string; duration: number | null }>`SELECT file, duration FROM recordings ORDER BY part`)
})

layer(NodeServices.layer, { excludeTestServices: true })("recordings in a folder", (it) => {
  it.effect("are WAV files of two channels for this user alone", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* folder
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(500, 8000, 0), stereo(500, 0, 4000))
        const { agent, caller, seconds } = soundIn(yield* bytesOf(call))
        assert.strictEqual(seconds, 1)
        assert.deepStrictEqual([loudest(caller, 0, 500), loudest(caller, 500, 1000)].map((level) => level > 7000), [true, false])
        assert.deepStrictEqual([loudest(agent, 0, 500), loudest(agent, 500, 1000)].map((level) => level > 3500), [false, true])
        const file = join(DATA_DIR, "recordings", `${call}-0.wav`)
        assert.strictEqual(statSync(file).mode & 0o777, 0o600)
        assert.strictEqual(statSync(join(DATA_DIR, "recordings")).mode & 0o777, 0o700)
        assert.deepStrictEqual(yield* inDatabase, [{ file: `${call}-0.wav`, duration: 1000 }])
      }).pipe(Effect.provide(recordingsOf({ DATA_DIR })))
    }))

  it.effect("are joined, with silence where the line was away, and given in ranges", () =>
    Effect.gen(function*() {
      const env = { DATA_DIR: yield* folder, RECORDING_DIR: yield* folder }
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(1000, 8000, 8000))
        yield* record({ callSid: call, part: 1, startedAt: 3500 }, stereo(1500, 4000, 4000))
        const whole = yield* bytesOf(call)
        const { caller, seconds } = soundIn(whole)
        assert.strictEqual(seconds, 5)
        assert.isAbove(loudest(caller, 0, 1000), 7000)
        assert.strictEqual(loudest(caller, 1000, 3500), 0)
        assert.isAbove(loudest(caller, 3500, 5000), 3000)
        for (const [from, to] of [[0, 1], [0, 58], [57, 59], [58, 16_058], [16_000, 60_001], [whole.length - 1, whole.length], [30_000, 30_000]]) {
          assert.deepStrictEqual(yield* bytesOf(call, from, to), whole.subarray(from, to), `${from}-${to}`)
        }
        assert.isTrue(Option.isNone(yield* (yield* CallRecordings).find(sidOf(8))))
      }).pipe(Effect.provide(recordingsOf(env)))
    }))

  it.effect("are as long as they were when they were asked for, even if they grow meanwhile", () =>
    Effect.gen(function*() {
      const env = { DATA_DIR: yield* folder }
      yield* Effect.scoped(Effect.gen(function*() {
        const recordings = yield* CallRecordings
        const file = yield* recordings.begin({ callSid: call, part: 0, startedAt: 0 })
        yield* (yield* CallStore).whenSettled(call)
        yield* file.append(stereo(1000, 8000, 8000))
        const { length } = Option.getOrThrow(yield* recordings.find(call))
        yield* file.append({ silentBytes: 16 * 500 })
        assert.strictEqual(length, 58 + 16_000)
        assert.strictEqual(soundIn(yield* bytesOf(call)).seconds, 1.5)
      })).pipe(Effect.provide(recordingsOf(env)))
    }))

  it.effect("are repaired by the next process if their process died", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* folder
      const file = join(DATA_DIR, "recordings", `${call}-0.wav`)
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(12_000, 8000, 8000))
        const { query, sql } = yield* Database
        yield* query(sql`UPDATE recordings SET duration = NULL`)
      }).pipe(Effect.provide(recordingsOf({ DATA_DIR })))
      // The file as kill -9 leaves it: the head gives too short a length, and half a sample is at the end.
      const head = MulawWav.header(16_000)
      writeFileSync(file, head, { flag: "r+" })
      truncateSync(file, 58 + 16_000 * 11 + 1)
      yield* Effect.gen(function*() {
        yield* until("the duration", inDatabase, ([row]) => row.duration !== null)
        assert.strictEqual(Math.round((yield* inDatabase)[0].duration ?? 0), 11_000)
        assert.strictEqual(soundIn(yield* bytesOf(call)).seconds, 11)
      }).pipe(Effect.provide(recordingsOf({ DATA_DIR })))
    }))

  it.effect("are deleted after RECORDING_DAYS, and not before", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* folder
      const old = join(DATA_DIR, "recordings", `${call}-0.wav`)
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(100, 1, 1))
        yield* record({ callSid: sidOf(8), part: 0, startedAt: 0 }, stereo(100, 1, 1))
        const { query, sql } = yield* Database
        yield* query(sql`UPDATE recordings SET written_at = written_at - ${3 * 86_400_000} WHERE call_sid = ${call}`)
      }).pipe(Effect.provide(recordingsOf({ DATA_DIR })))
      const threeDaysAgo = statSync(old).mtimeMs / 1000 - 3 * 86_400
      utimesSync(old, threeDaysAgo, threeDaysAgo)
      writeFileSync(join(DATA_DIR, "recordings", "notes.txt"), "mine")
      utimesSync(join(DATA_DIR, "recordings", "notes.txt"), threeDaysAgo, threeDaysAgo)
      yield* Effect.gen(function*() {
        yield* until("the sweep", inDatabase, (rows) => rows.length === 1)
        assert.deepStrictEqual(readdirSync(join(DATA_DIR, "recordings")).sort(), [`${sidOf(8)}-0.wav`, "notes.txt"])
        assert.isTrue(Option.isNone(yield* (yield* CallRecordings).find(call)))
      }).pipe(Effect.provide(recordingsOf({ DATA_DIR, RECORDING_DAYS: "2" })))
    }))

  it.effect("are erased with all their parts", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* folder
      yield* Effect.gen(function*() {
        for (const part of [0, 1]) yield* record({ callSid: call, part, startedAt: 5000 * part }, stereo(100, 1, 1))
        yield* record({ callSid: sidOf(8), part: 0, startedAt: 0 }, stereo(100, 1, 1))
        const recordings = yield* CallRecordings
        yield* recordings.erase(call)
        yield* recordings.erase(call)
        assert.deepStrictEqual(readdirSync(join(DATA_DIR, "recordings")), [`${sidOf(8)}-0.wav`])
        assert.isTrue(Option.isNone(yield* recordings.find(call)))
      }).pipe(Effect.provide(recordingsOf({ DATA_DIR })))
    }))

  it.effect("never overwrite each other", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* folder
      yield* Effect.gen(function*() {
        for (const level of [8000, 4000]) yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(100, level, level))
        assert.deepStrictEqual(readdirSync(join(DATA_DIR, "recordings")).sort(), [`${call}-0.wav`, `${call}-1.wav`])
      }).pipe(Effect.provide(recordingsOf({ DATA_DIR })))
    }))

  it.effect("of a process that knows nothing of the sound before are heard after that sound, sealed or not", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* folder
      const key = Buffer.alloc(32, 1).toString("base64")
      yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(100, 8000, 8000)).pipe(Effect.provide(recordingsOf({ DATA_DIR })))
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(100, 4000, 4000))
        const { caller } = soundIn(yield* bytesOf(call))
        assert.strictEqual(caller.length, 8 * 200)
        assert.closeTo(loudest(caller, 0, 100), 8000, 300)
        assert.closeTo(loudest(caller, 100, 200), 4000, 300)
      }).pipe(Effect.provide(recordingsOf({ DATA_DIR, STORE_ENCRYPTION_KEYS: `2026:${key}` })))
    }))

  it.effect("can't be begun if the folder can't be made, and the error says so", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* folder
      const file = join(DATA_DIR, "a-file")
      writeFileSync(file, "")
      yield* Effect.gen(function*() {
        const { message } = yield* Effect.flip(Effect.scoped((yield* CallRecordings).begin({ callSid: call, part: 0, startedAt: 0 })))
        assert.include(message, "can't be written: a part of its path is not a folder")
      }).pipe(Effect.provide(recordingsOf({ DATA_DIR, RECORDING_DIR: join(file, "recordings") })))
    }))
})

