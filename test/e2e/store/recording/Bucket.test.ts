import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Option, Stream } from "effect"
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Caller from "../../../../src/simulator/caller/Caller.ts"
import { Database } from "../../../../src/store/Database.ts"
import { CallRecordings } from "../../../../src/store/recording/CallRecordings.ts"
import * as MulawWav from "../../../../src/store/recording/MulawWav.ts"
import * as SealedFormat from "../../../../src/store/recording/SealedFormat.ts"
import { apiKey, until, withService } from "../../../support/service/Service.ts"
import { place, sentence } from "../../../support/service/Talk.ts"
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
  const { bucket, objects, remove } = yield* MotoServer
  return {
    env: { DATA_DIR, S3_PREFIX: "calls/", ...yield* bucket(name) },
    folder: join(DATA_DIR, "recordings"),
    objects: objects(name),
    remove: (file: string) => remove(name, `calls/${file}`)
  }
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
        assert.include(yield* refusalOf(call), "The sound of this call is gone")
      }).pipe(Effect.provide(recordingsOf(sealed)))
    }))

  for (const [kind, keys, ending] of [["plain", {}, "wav"], ["sealed", { STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }, "wav.sealed"]] as const) {
    const sounds = [noise(16_000, 1), noise(24_000, 2), noise(40_000, 3)]
    const fileOf = (part: number) => `${call}-${part}.${ending}`
    const silence = (bytes: number) => Buffer.alloc(bytes, MulawWav.silentPiece[0])
    /** Three parts of a call in the bucket. */
    const moveThree = Effect.fnUntraced(function*(folder: string) {
      for (const [part, startedAt] of [[0, 0], [1, 2000], [2, 3500]]) yield* record({ callSid: call, part, startedAt }, sounds[part])
      yield* moved(folder)
    })
    const whole = [sounds[0], silence(16_000), sounds[1], sounds[2]]

    it.effect(`${kind} sound whose object is gone is silence of its length`, () =>
      Effect.gen(function*() {
        const { env, folder, remove } = yield* fresh
        yield* Effect.gen(function*() {
          yield* moveThree(folder)
          assert.isTrue((yield* bytesOf(call)).equals(Buffer.concat([MulawWav.header(96_000), ...whole])))
          yield* remove(fileOf(2))
          assert.isTrue((yield* bytesOf(call)).equals(Buffer.concat([MulawWav.header(96_000), ...whole.slice(0, 3), silence(40_000)])), "the last part")
          yield* remove(fileOf(0))
          const left = Buffer.concat([MulawWav.header(96_000), silence(32_000), sounds[1], silence(40_000)])
          assert.isTrue((yield* bytesOf(call)).equals(left), "the first part")
          assert.isTrue((yield* bytesOf(call, 5000, 40_000)).equals(left.subarray(5000, 40_000)), "a range")
        }).pipe(Effect.provide(recordingsOf({ ...env, ...keys })))
      }))

    it.effect(`${kind} sound whose object is deleted while the parts before it are read is silence of its length`, () =>
      Effect.gen(function*() {
        const { env, folder, remove } = yield* fresh
        yield* Effect.gen(function*() {
          yield* moveThree(folder)
          const { length, read } = Option.getOrThrow(yield* (yield* CallRecordings).find(call))
          const pieces = yield* Stream.runCollect((yield* read(0, length)).pipe(Stream.tap(() => remove(fileOf(2)))))
          assert.isTrue(Buffer.concat([...pieces]).equals(Buffer.concat([MulawWav.header(96_000), ...whole.slice(0, 3), silence(40_000)])))
        }).pipe(Effect.provide(recordingsOf({ ...env, ...keys })))
      }))

    it.effect(`a ${kind} recording is refused before its first byte while the bucket fails, or if all of its objects are gone`, () =>
      Effect.gen(function*() {
        const { env, folder, remove } = yield* fresh
        const { mood } = yield* MotoServer
        yield* Effect.gen(function*() {
          yield* moveThree(folder)
          yield* mood("busy")
          assert.include(yield* refusalOf(call), "can't be reached now")
          yield* mood("good")
          for (const part of [0, 1, 2]) yield* remove(fileOf(part))
          assert.include(yield* refusalOf(call), "The sound of this call is gone")
        }).pipe(Effect.provide(recordingsOf({ ...env, ...keys })), Effect.ensuring(mood("good")))
      }))
  }

  for (const mood of ["good", "racing", "old", "older", "careless"] as const) {
    for (const [kind, keys, ending] of [["plain", {}, "wav"], ["sealed", { STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }, "wav.sealed"]] as const) {
      it.effect(`${kind} sound of a process does not replace that of another with the same number (store: ${mood})`, () =>
        Effect.gen(function*() {
          const { env, folder, objects } = yield* fresh
          const { mood: set } = yield* MotoServer
          yield* set(mood)
          const [one, other] = [noise(16_000, 1), noise(24_000, 2)]
          const joined = (sound: Uint8Array) => Buffer.concat([MulawWav.header(sound.length), sound])
          const first = recordingsOf({ ...env, ...keys })
          yield* Effect.provide(Effect.andThen(record({ callSid: call, part: 0, startedAt: 0 }, one), moved(folder)), first)
          // Another process that has the call too, with a database that does not know of the first one's part.
          const elsewhere = { ...env, ...keys, DATA_DIR: yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped() }
          yield* set(mood)
          yield* Effect.gen(function*() {
            yield* record({ callSid: call, part: 0, startedAt: 0 }, other)
            yield* moved(join(elsewhere.DATA_DIR, "recordings"))
            const { query, sql } = yield* Database
            yield* query(sql`DELETE FROM recordings WHERE part = 0`)
            assert.isTrue((yield* bytesOf(call)).equals(joined(other)), "the later sound, under another number")
          }).pipe(Effect.provide(recordingsOf(elsewhere)))
          assert.isTrue((yield* Effect.provide(bytesOf(call), first)).equals(joined(one)), "the earlier sound, under its number")
          const names = (yield* objects).map((object) => object.split(" ")[0])
          assert.match(names[1], new RegExp(`^calls/${call}-\\d{5}\\.${ending}$`))
          assert.deepStrictEqual(names, [`calls/${call}-0.${ending}`, names[1]])
        }).pipe(Effect.ensuring(Effect.flatMap(MotoServer, ({ mood }) => mood("good")))))
    }
  }

  it.effect("an upload whose process died before the database knew of it is finished without a second one", () =>
    Effect.gen(function*() {
      const { env, folder, objects } = yield* fresh
      const sound = noise(16_000)
      const file = join(folder, `${call}-0.wav`)
      yield* Effect.gen(function*() {
        yield* record({ callSid: call, part: 0, startedAt: 0 }, sound)
        yield* moved(folder)
        const { query, sql } = yield* Database
        yield* query(sql`UPDATE recordings SET place = 'folder'`)
      }).pipe(Effect.provide(recordingsOf(env)))
      writeFileSync(file, Buffer.concat([MulawWav.header(sound.length), sound]))
      const { puts } = yield* MotoServer
      const before = puts()
      yield* Effect.gen(function*() {
        yield* moved(folder)
        assert.strictEqual(puts(), before)
        assert.deepStrictEqual(yield* objects, [`calls/${call}-0.wav ${58 + 16_000}`])
        const { query, sql } = yield* Database
        assert.deepStrictEqual(yield* query(sql`SELECT part, place FROM recordings`), [{ part: 0, place: "bucket" }])
      }).pipe(Effect.provide(recordingsOf(env)))
    }))

  it.effect("the API says that sound is gone, and shows the call at once while the bucket does not answer", () =>
    Effect.gen(function*() {
      const { env, folder, objects, remove } = yield* fresh
      const { mood } = yield* MotoServer
      yield* withService({ env: { RECORDING: "on", ...env } }, (both) =>
        Effect.gen(function*() {
          const { sid, settled } = yield* place(both, { caller: Caller.make(Caller.Step.Play({ sound: sentence }), Caller.Step.HangUp()) })
          yield* settled
          yield* until("the object", objects, (names) => names.length === 1)
          yield* moved(folder)
          const ask = (path: string) => both.service.ask(`/calls/${sid}${path}`, { headers: { authorization: `Bearer ${apiKey}` } })
          yield* mood("silent")
          const shown = (yield* ask("")).json as { readonly recording: { readonly duration_seconds: number } }
          assert.isAbove(shown.recording.duration_seconds, 1)
          yield* mood("busy")
          assert.strictEqual((yield* ask("/recording.wav")).status, 503)
          yield* mood("good")
          assert.strictEqual((yield* ask("/recording.wav")).status, 200)
          yield* remove(`${sid}-0.wav`)
          const gone = yield* ask("/recording.wav")
          assert.deepStrictEqual([gone.status, (gone.json as { readonly type: string }).type], [404, "urn:client-caller:problem:no-recording"])
        })).pipe(Effect.ensuring(mood("good")))
    }), { timeout: 20_000 })

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
