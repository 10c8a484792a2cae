import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { receptionistFile } from "../../../src/agent/Agents.ts"
import * as Pcm from "../../../src/audio/Pcm.ts"
import { CallSid } from "../../../src/domain/Sid.ts"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { CallerSpeech } from "../../../src/simulator/caller/CallerSpeech.ts"
import * as SpeakingTurns from "../../../src/simulator/report/SpeakingTurns.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import * as MulawWav from "../../../src/store/recording/MulawWav.ts"
import { converse, those, words } from "../../support/service/Conversing.ts"
import * as Process from "../../support/service/Process.ts"
import { apiKey, somebody, until, withService } from "../../support/service/Service.ts"
import { awaitFrames, likeness, place, sentence, speaker } from "../../support/service/Talk.ts"
import { bytesOf, loudest, recordingsOf, soundIn } from "../../support/store/Recordings.ts"
import { keysOf } from "../../support/store/SealedSounds.ts"

const { AwaitSpeech, HangUp, Play, Silence } = Caller.Step

const newFolder = Effect.gen(function*() {
  return yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
})

/** A call's recording, as the next process with this folder reads it. */
const recorded = (DATA_DIR: string, sid: string) =>
  Effect.map(bytesOf(CallSid.make(sid)), soundIn).pipe(Effect.provide(recordingsOf({ DATA_DIR })))

const say = (text: string) => Caller.Step.Speak({ text, voice: "rms" })

const patient = "timeouts: { transcript: 30s, reply: 30s, speech: 30s }\nidle: { after: 1m, hangUpAfter: 2m }\n"

layer(Layer.provideMerge(CallerSpeech.layer, NodeServices.layer), { excludeTestServices: true, timeout: "60 seconds" })("a recording", (it) => {
  it.effect("has both sides as they were heard, the announcement included, without what an interruption cut", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      const file = join(DATA_DIR, "desk.yaml")
      const receptionist = readFileSync(receptionistFile, "utf8").replace(/^greeting: .*$/m, "greeting: Hello.\nrecording: true")
      writeFileSync(file, `${receptionist}\n${patient}`)
      const { call, published } = yield* withService({ env: { AGENT: file, DATA_DIR } }, (both) =>
        Effect.gen(function*() {
          const conversation = yield* converse(both, ({ heardOut, published }) => [
            heardOut(),
            say("What are your opening hours?"),
            published("CallerSaid"),
            AwaitSpeech({ atMost: "20 seconds" }),
            Silence({ duration: "600 millis" }),
            say("Where are you?"),
            heardOut(),
            HangUp()
          ])
          return { call: conversation.call, published: yield* conversation.over }
        }))
      assert.strictEqual(words(published)[0], "agent: This call is recorded. Hello.")
      assert.strictEqual(those(published, "BargeIn").length, 1)

      const { agent, caller } = yield* recorded(DATA_DIR, call.sid)
      const [first, interruption] = SpeakingTurns.speeches(Pcm.of(8000, caller))
      const said = SpeakingTurns.speeches(yield* call.said)
      assert.closeTo(interruption.from - first.from, said[1].from - said[0].from, 25, "the caller's sound is at its time")
      /** ms from the call's answer to the recording's beginning. */
      const offset = said[1].from - interruption.from
      const events = yield* call.events
      const answeredAt = events.find((event) => event._tag === "Status" && event.status === "in-progress")?.at ?? 0
      const clearedAt = (events.find(({ _tag }) => _tag === "Cleared")?.at ?? 0) - answeredAt - offset
      assert.isAbove(loudest(agent, clearedAt - 300, clearedAt - 60), 500, "the agent is there before the clear")
      assert.isBelow(loudest(agent, clearedAt + 60, interruption.to), 200, "and not after it")
      const heard = (yield* call.heard).subarray(8 * offset)
      const spoken = SpeakingTurns.speeches(Pcm.of(8000, agent)).at(-1) ?? { from: 0, to: 0 }
      assert.isAbove(likeness(agent.subarray(8 * spoken.from, 8 * spoken.to), heard.subarray(8 * spoken.from - 1600)), 0.8, "the agent's last words")
    }), { timeout: 120_000, retry: 2 })

  it.effect("of a lost line has both streams, with silence between them", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      const call = yield* withService({ env: { RECORDING: "on", DATA_DIR } }, (both) =>
        Effect.gen(function*() {
          const steps = Array.from({ length: 4 }, () => Play({ sound: sentence }))
          const call = yield* place(both, { caller: Caller.make(...steps, HangUp()), faults: { suddenClose: { atMillis: 2000 }, onlyFirstStream: true } })
          yield* call.settled
          return call
        }))
      const { agent, caller, seconds } = yield* recorded(DATA_DIR, call.sid)
      assert.closeTo(seconds, 6, 1)
      for (const side of [caller, agent]) {
        assert.isAbove(loudest(side, 300, 1500), 1000)
        assert.isAbove(loudest(side, 8 * seconds * 100, 1000 * seconds), 1000)
      }
      assert.isTrue(existsSync(join(DATA_DIR, "recordings", `${call.sid}-1.wav`)), "two parts")
    }), 60_000)

  it.effect("that a request asks for can be fetched in ranges, even during the call, and is erased with the call", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      yield* withService({ env: { DATA_DIR } }, ({ service, simulator }) =>
        Effect.gen(function*() {
          const { json } = yield* service.dial({ to: somebody, recording: true })
          const { call_sid: sid } = json as { readonly call_sid: string }
          const url = `${service.url}/calls/${sid}`
          const headers = { authorization: `Bearer ${apiKey}` }
          const get = (more: Record<string, string> = {}, method = "GET") =>
            Effect.promise(async () => {
              const response = await fetch(`${url}/recording.wav`, { method, headers: { ...headers, ...more } })
              return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) }
            })
          const live = yield* until("three seconds of a live call", get(), ({ bytes, status }) => status === 200 && bytes.length > 48_000)
          assert.isAtLeast(soundIn(live.bytes).seconds, 2.9)
          const call = (yield* simulator.calls).find((other) => other.sid === sid) ?? assert.fail("no such call")
          yield* call.hangUp
          yield* call.settled
          yield* until("the end", service.ask(`/calls/${sid}`, { headers }), ({ json }) => (json as { readonly live: boolean }).live === false)

          const whole = yield* get()
          assert.deepStrictEqual([whole.status, whole.headers.get("content-type"), whole.headers.get("accept-ranges")], [200, "audio/wav", "bytes"])
          assert.strictEqual(whole.headers.get("content-length"), String(whole.bytes.length))
          const part = yield* get({ range: "bytes=1000-20999" })
          assert.deepStrictEqual([part.status, part.headers.get("content-range")], [206, `bytes 1000-20999/${whole.bytes.length}`])
          assert.deepStrictEqual(part.bytes, whole.bytes.subarray(1000, 21_000))
          assert.deepStrictEqual((yield* get({ range: "bytes=-500" })).bytes, whole.bytes.subarray(-500))
          assert.strictEqual((yield* get({ range: `bytes=${whole.bytes.length}-` })).status, 416)
          for (const more of [{}, { range: "bytes=0-0" }]) {
            const head = yield* get(more, "HEAD")
            assert.deepStrictEqual([head.status, head.headers.get("content-length"), head.bytes.length], [200, String(whole.bytes.length), 0])
          }
          const other = yield* get({ range: "bytes=0-0", "if-range": "\"another version\"" })
          assert.deepStrictEqual([other.status, other.bytes.length], [200, whole.bytes.length])

          assert.strictEqual((yield* service.ask(`/calls/${sid}`, { method: "DELETE", headers })).status, 204)
          assert.strictEqual((yield* get()).status, 404)
          assert.isFalse(existsSync(join(DATA_DIR, "recordings", `${sid}-0.wav`)))
        }))
    }), 60_000)

  it.effect("is sealed if there is a key: the API plays it, and the files of DATA_DIR show none of it", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      const env = { RECORDING: "on", DATA_DIR, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }
      const { bytes, sid } = yield* withService({ env }, (both) =>
        Effect.gen(function*() {
          const call = yield* place(both, { caller: Caller.make(Play({ sound: sentence }), HangUp()) })
          yield* call.settled
          const bytes = yield* Effect.promise(async () => {
            const response = await fetch(`${both.service.url}/calls/${call.sid}/recording.wav`, { headers: { authorization: `Bearer ${apiKey}` } })
            return new Uint8Array(await response.arrayBuffer())
          })
          return { bytes, sid: call.sid }
        }))
      const { agent, caller } = soundIn(bytes)
      for (const side of [agent, caller]) assert.isAbove(loudest(side, 300, 2000), 1000)
      const files = readdirSync(join(DATA_DIR, "recordings"))
      assert.match(files.join(), /^CA[0-9a-f]{32}-0\.wav\.sealed$/)
      // Silence repeats itself, also elsewhere: only windows of real sound count.
      const windows = Array.from({ length: Math.floor(bytes.length / 32) }, (_, index) => bytes.subarray(32 * index, 32 * (index + 1))).filter((window) => new Set(window).size > 12)
      assert.isAbove(windows.length, 100)
      for (const file of readdirSync(DATA_DIR, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
        const content = readFileSync(join(file.parentPath, file.name))
        assert.isFalse(windows.some((window) => content.includes(Buffer.from(window))), file.name)
      }
      yield* withService({ env: { DATA_DIR } }, ({ service }) =>
        Effect.gen(function*() {
          const { json, status } = yield* service.ask(`/calls/${sid}/recording.wav`, { headers: { authorization: `Bearer ${apiKey}` } })
          assert.strictEqual(status, 503)
          assert.include(JSON.stringify(json), "STORE_ENCRYPTION_KEYS does not have")
          const shown = yield* service.ask(`/calls/${sid}`, { headers: { authorization: `Bearer ${apiKey}` } })
          assert.isAbove((shown.json as { readonly recording: { readonly duration_seconds: number } }).recording.duration_seconds, 0)
        }))
    }), 60_000)

  it.effect("is not made unless it is wanted", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      yield* withService({ env: { DATA_DIR } }, (both) =>
        Effect.gen(function*() {
          const call = yield* place(both, { caller: Caller.make(Play({ sound: sentence }), HangUp()) })
          yield* call.settled
        }))
      assert.isFalse(existsSync(join(DATA_DIR, "recordings")))
    }))

  it.effect("does not disturb the call if it can't be written", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      const file = join(DATA_DIR, "a-file")
      writeFileSync(file, "")
      yield* withService({ env: { RECORDING: "on", RECORDING_DIR: join(file, "recordings"), DATA_DIR } }, (both) =>
        Effect.gen(function*() {
          const call = yield* place(both, { caller: speaker })
          yield* awaitFrames(call, 100)
          yield* call.hangUp
          yield* call.settled
          assert.deepStrictEqual(yield* call.problems, [])
        }))
    }))
})

layer(Process.layer, { excludeTestServices: true, timeout: "60 seconds" })("a process that records", (it) => {
  it.effect("leaves a playable file when it is killed, and the next process repairs it", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      const { service, started } = yield* Process.startWithTwilio({ RECORDING: "on", DATA_DIR })
      const call = yield* place({ service, simulator: yield* Simulator }, {
        caller: Caller.make(...Array.from({ length: 20 }, () => Play({ sound: sentence })))
      })
      const file = join(DATA_DIR, "recordings", `${call.sid}-0.wav`)
      yield* until("three seconds on the disk", Effect.sync(() => existsSync(file) ? readFileSync(file).length : 0), (bytes) => bytes > 58 + 3 * MulawWav.bytesPerSecond)
      yield* started.signal("SIGKILL")
      yield* started.ended
      yield* call.hangUp
      const left = readFileSync(file)
      const size = left.readUInt32LE(54)
      assert.isAbove(size, 0)
      assert.isAtMost(size, left.length - 58)
      yield* Process.startWithTwilio({ DATA_DIR })
      yield* until("the head", Effect.sync(() => readFileSync(file).readUInt32LE(54)), (now) => now === left.length - 58)
      const { agent, caller } = soundIn(readFileSync(file))
      assert.isAbove(loudest(caller, 500, 2500), 1000)
      assert.isAbove(loudest(agent, 500, 2500), 1000)
    }).pipe(Effect.scoped), 60_000)

  it.effect("leaves a sealed file that the next process opens when it is killed", () =>
    Effect.gen(function*() {
      const env = { DATA_DIR: yield* newFolder, STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }
      const { service, started } = yield* Process.startWithTwilio({ RECORDING: "on", ...env })
      const call = yield* place({ service, simulator: yield* Simulator }, {
        caller: Caller.make(...Array.from({ length: 20 }, () => Play({ sound: sentence })))
      })
      const file = join(env.DATA_DIR, "recordings", `${call.sid}-0.wav.sealed`)
      yield* until("three seconds on the disk", Effect.sync(() => existsSync(file) ? readFileSync(file).length : 0), (bytes) => bytes > 3 * MulawWav.bytesPerSecond)
      yield* started.signal("SIGKILL")
      yield* started.ended
      yield* call.hangUp
      const { agent, caller, seconds } = soundIn(yield* bytesOf(CallSid.make(call.sid)).pipe(Effect.provide(recordingsOf(env))))
      assert.isAtLeast(seconds, 2)
      for (const side of [agent, caller]) assert.isAbove(loudest(side, 500, 2000), 1000)
    }).pipe(Effect.scoped), 60_000)

  it.effect("keeps a valid file while the system refuses to write sound, and the call goes on", () =>
    Effect.gen(function*() {
      const DATA_DIR = yield* newFolder
      const { service, started } = yield* Process.startWithTwilio({ RECORDING: "on", DATA_DIR })
      const call = yield* place({ service, simulator: yield* Simulator }, {
        caller: Caller.make(...Array.from({ length: 20 }, () => Play({ sound: sentence })))
      })
      const file = join(DATA_DIR, "recordings", `${call.sid}-0.wav`)
      const warnings = () => started.stdout().split("A recording can't be written: it may not grow any more").length - 1
      yield* until("sound on the disk", Effect.sync(() => existsSync(file) ? readFileSync(file).length : 0), (bytes) => bytes > 1.5 * MulawWav.bytesPerSecond)
      yield* started.limitFiles(readFileSync(file).length)
      yield* until("the warning", Effect.sync(warnings), (count) => count > 0)
      const before = readFileSync(file)
      yield* awaitFrames(call, 60)
      assert.strictEqual(readFileSync(file).length, before.length)
      assert.isAtMost(before.readUInt32LE(54), before.length - 58, "the head tells of sound that is there")
      yield* started.limitFiles()
      yield* awaitFrames(call, 120)
      assert.strictEqual(warnings(), 1)
      yield* call.hangUp
      yield* call.settled
      assert.deepStrictEqual(yield* call.problems, [])
      yield* started.signal("SIGTERM")
      yield* started.ended
      const { caller, seconds } = soundIn(readFileSync(file))
      assert.isAtLeast(seconds, 5)
      assert.isAbove(loudest(caller, 0, 1500), 1000, "before")
      assert.isAbove(loudest(caller, 1000 * seconds - 1000, 1000 * seconds), 1000, "afterwards")
      assert.isTrue(readFileSync(file).includes(Buffer.from(MulawWav.silentPiece.subarray(0, 0.8 * MulawWav.bytesPerSecond))), "silence between")
    }).pipe(Effect.scoped), 60_000)
})
