import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Option } from "effect"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { Database } from "../../../../src/store/Database.ts"
import { CallRecordings } from "../../../../src/store/recording/CallRecordings.ts"
import * as SealedFormat from "../../../../src/store/recording/SealedFormat.ts"
import { until } from "../../../support/service/Service.ts"
import { MotoServer } from "../../../support/store/MotoServer.ts"
import { bytesOf, loudest, record, recordingsOf, refusalOf, soundIn, stereo } from "../../../support/store/Recordings.ts"
import { keysOf, noise } from "../../../support/store/SealedSounds.ts"
import { sidOf } from "../../../support/store/Writes.ts"

const call = sidOf(9)

let buckets = 0

/** Variables of a folder and a bucket, both new. */
const fresh = Effect.gen(function*() {
  const DATA_DIR = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
  const name = `sound-${++buckets}`
  const { bucket, objects } = yield* MotoServer
  return { env: { DATA_DIR, S3_PREFIX: "calls/", ...yield* bucket(name) }, folder: join(DATA_DIR, "recordings"), objects: objects(name) }
})

const moved = (folder: string) => until("the move", Effect.sync(() => readdirSync(folder)), (files) => files.length === 0)

layer(Layer.merge(MotoServer.layer, NodeServices.layer), { excludeTestServices: true, timeout: "2 minutes" })("recordings and a bucket", (it) => {
  it.effect("a part goes to the bucket when its stream has ended, and is read from there", () =>
    Effect.gen(function*() {
      const { env, folder, objects } = yield* fresh
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(1000, 8000, 0))
        yield* record({ callSid: call, part: 1, startedAt: 2000 }, stereo(1000, 0, 8000))
        yield* moved(folder)
        assert.deepStrictEqual(yield* objects, [`calls/${call}-0.wav ${58 + 16_000}`, `calls/${call}-1.wav ${58 + 16_000}`])
        const whole = yield* bytesOf(call)
        const { agent, caller, seconds } = soundIn(whole)
        assert.strictEqual(seconds, 3)
        assert.deepStrictEqual([loudest(caller, 0, 1000) > 7000, loudest(caller, 1000, 3000)], [true, 0])
        assert.isAbove(loudest(agent, 2000, 3000), 7000)
        assert.deepStrictEqual(yield* bytesOf(call, 15_000, 33_000), whole.subarray(15_000, 33_000))
      }).pipe(Effect.provide(recordingsOf(env)))
    }))

  it.effect("a sealed part goes to the bucket as it is, and its blocks are opened by those who have the key", () =>
    Effect.gen(function*() {
      const { env, folder, objects } = yield* fresh
      const sound = noise(80_000)
      const sealed = { ...env, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, sound.subarray(0, 33_000), sound.subarray(33_000))
        yield* moved(folder)
        assert.deepStrictEqual(yield* objects, [`calls/${call}-0.wav.sealed ${SealedFormat.fileBytes(sound.length)}`])
        const whole = yield* bytesOf(call)
        assert.isTrue(whole.subarray(58).equals(sound))
        for (const [from, to] of [[0, 59], [15_000, 33_000], [58 + 32_000, 58 + 48_000], [whole.length - 1, whole.length]]) {
          assert.isTrue((yield* bytesOf(call, from, to)).equals(whole.subarray(from, to)), `${from}-${to}`)
        }
      }).pipe(Effect.provide(recordingsOf(sealed)))
      assert.include(yield* Effect.provide(refusalOf(call), recordingsOf(env)), "It is sealed with the key \"2026\", which STORE_ENCRYPTION_KEYS does not have.")
      yield* Effect.gen(function*() {
        const recordings = yield* CallRecordings
        yield* recordings.erase(call)
        assert.deepStrictEqual(yield* objects, [])
        assert.isTrue(Option.isNone(yield* recordings.find(call)))
      }).pipe(Effect.provide(recordingsOf(sealed)))
    }))

  it.effect("a part stays in the folder while the bucket answers 503, and is moved afterwards", () =>
    Effect.gen(function*() {
      const { env, folder, objects } = yield* fresh
      const { mood, requests } = yield* MotoServer
      yield* mood("busy")
      yield* Effect.gen(function*() {
        const before = requests()
        yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(1000, 8000, 0))
        yield* until("three attempts", Effect.sync(requests), (count) => count >= before + 3)
        assert.strictEqual(soundIn(yield* bytesOf(call)).seconds, 1)
        yield* mood("good")
        yield* moved(folder)
        assert.strictEqual((yield* objects).length, 1)
      }).pipe(Effect.provide(recordingsOf(env)), Effect.ensuring(mood("good")))
    }))

  it.effect("a bucket that does not answer delays nobody, and the parts are moved at the next start", () =>
    Effect.gen(function*() {
      const { env, folder, objects } = yield* fresh
      const { mood, requests } = yield* MotoServer
      yield* mood("silent")
      yield* Effect.gen(function*() {
        const before = requests()
        yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(1000, 8000, 0))
        yield* until("an attempt", Effect.sync(requests), (count) => count > before)
        assert.strictEqual(soundIn(yield* bytesOf(call)).seconds, 1)
      }).pipe(Effect.provide(recordingsOf(env)), Effect.ensuring(mood("good")))
      assert.isTrue(existsSync(join(folder, `${call}-0.wav`)))
      yield* Effect.gen(function*() {
        yield* moved(folder)
        assert.strictEqual((yield* objects).length, 1)
        assert.strictEqual(soundIn(yield* bytesOf(call)).seconds, 1)
      }).pipe(Effect.provide(recordingsOf(env)))
    }))

  it.effect("erasing a call deletes its objects, and no others", () =>
    Effect.gen(function*() {
      const { env, folder, objects } = yield* fresh
      yield* Effect.gen(function*() {
        for (const callSid of [call, sidOf(10)]) yield* record({ callSid, part: 0, startedAt: 0 }, stereo(100, 1, 1))
        yield* moved(folder)
        const recordings = yield* CallRecordings
        // An erasure deletes the row of the database first.
        const { query, sql } = yield* Database
        yield* query(sql`DELETE FROM recordings WHERE call_sid = ${call}`)
        yield* recordings.erase(call)
        assert.deepStrictEqual(yield* objects, [`calls/${sidOf(10)}-0.wav ${58 + 1600}`])
        assert.isTrue(Option.isNone(yield* recordings.find(call)))
      }).pipe(Effect.provide(recordingsOf(env)))
    }))

  it.effect("an erasure fails while the bucket fails, so that it is tried again", () =>
    Effect.gen(function*() {
      const { env, folder } = yield* fresh
      const { mood } = yield* MotoServer
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, stereo(100, 1, 1))
        yield* moved(folder)
        yield* mood("busy")
        const { message } = yield* Effect.flip((yield* CallRecordings).erase(call))
        assert.match(message, /can't be reached now/)
      }).pipe(Effect.provide(recordingsOf(env)), Effect.ensuring(mood("good")))
    }))

  it.effect("RECORDING_DAYS holds for the bucket, too", () =>
    Effect.gen(function*() {
      const { env, folder, objects } = yield* fresh
      yield* Effect.gen(function*() {
        for (const callSid of [call, sidOf(10)]) yield* record({ callSid, part: 0, startedAt: 0 }, stereo(100, 1, 1))
        yield* moved(folder)
        const { query, sql } = yield* Database
        yield* query(sql`UPDATE recordings SET written_at = written_at - ${3 * 86_400_000} WHERE call_sid = ${call}`)
      }).pipe(Effect.provide(recordingsOf(env)))
      yield* Effect.gen(function*() {
        yield* until("the sweep", objects, (names) => names.length === 1)
        assert.isTrue(Option.isNone(yield* (yield* CallRecordings).find(call)))
      }).pipe(Effect.provide(recordingsOf({ ...env, RECORDING_DAYS: "2" })))
    }))
})
