import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Queue, type Scope, Stream } from "effect"
import type { HttpClient } from "effect/http"
import type { SampleRate } from "../../../../../src/audio/Pcm.ts"
import * as Resampler from "../../../../../src/audio/resample/Resampler.ts"
import type { EngineSettings } from "../../../../../src/config/EngineSettings.ts"
import type { SpeechChunk, SpokenTurn, TextToSpeech } from "../../../../../src/conversation/ports/TextToSpeech.ts"
import * as FallbackTextToSpeech from "../../../../../src/engines/failover/FallbackTextToSpeech.ts"
import * as EngineHttpClient from "../../../../../src/engines/openai/client/EngineHttpClient.ts"
import * as OpenAiTextToSpeech from "../../../../../src/engines/openai/speech/OpenAiTextToSpeech.ts"
import * as FakeSpeechServers from "../../../../support/engines/FakeSpeechServers.ts"

const { tone } = FakeSpeechServers

const settingsAt = (url: string, settings: Partial<EngineSettings> = {}): EngineSettings => ({
  url: new URL(`${url}/v1`),
  model: Option.some("kokoro"),
  apiKey: Option.none(),
  voice: Option.none(),
  ...settings
})

const setUp = Effect.fnUntraced(function*(
  server: FakeSpeechServers.SpeechOptions = {},
  settings: Partial<EngineSettings> = {},
  options: OpenAiTextToSpeech.MakeOptions = {}
) {
  const fake = yield* FakeSpeechServers.speech(server)
  const engine = yield* OpenAiTextToSpeech.make(settingsAt(fake.url, settings), options)
  return { ...fake, engine }
})

const live = <A, E>(test: () => Effect.Effect<A, E, HttpClient.HttpClient | Scope.Scope>) => () =>
  Effect.provide(Effect.scoped(test()), EngineHttpClient.layer)

const text = "Sure, one moment."

const speak = (engine: TextToSpeech["Service"], said = text, more: { readonly voice?: string; readonly context?: ReadonlyArray<SpokenTurn> } = {}) =>
  engine.speak({ text: said, language: "en", ...more })

const all = (chunks: ReadonlyArray<SpeechChunk>) => ({
  rates: [...new Set(chunks.map(({ sampleRate }) => sampleRate))],
  samples: chunks.flatMap(({ pcm }) => [...pcm])
})

const spoken = (engine: TextToSpeech["Service"], said?: string) => Effect.map(Stream.runCollect(speak(engine, said)), all)

const failure = (engine: TextToSpeech["Service"], said?: string) => Effect.flip(Stream.runCollect(speak(engine, said)))

const turn = (role: SpokenTurn["role"], said: string, millis: number): SpokenTurn => ({
  role,
  text: said,
  sound: [tone("x".repeat(Math.round(millis / 60)), 8000)],
  sampleRate: 8000
})

describe("a request", () => {
  it.live("asks for raw samples as they come, with the model and the voice", live(() =>
    Effect.gen(function*() {
      const { asked, engine } = yield* setUp({}, { voice: Option.some("af_heart") })
      yield* spoken(engine)
      yield* Stream.runDrain(speak(engine, text, { voice: "bm_lewis" }))
      const [{ body }, second] = asked
      assert.deepStrictEqual(body, {
        model: "kokoro",
        input: text,
        voice: "af_heart",
        response_format: "pcm",
        stream: true,
        stream_format: "audio"
      })
      assert.strictEqual(second.body.voice, "bm_lewis")
    })))

  it.live("leaves out what the server refuses, and remembers", live(() =>
    Effect.gen(function*() {
      const { asked, engine } = yield* setUp({ refuses: ["stream"] })
      assert.strictEqual((yield* spoken(engine)).samples.length, tone(text, 24_000).length)
      yield* spoken(engine)
      assert.deepStrictEqual(asked.map(({ body }) => "stream" in body), [true, false, false])
      assert.isTrue(asked.every(({ body }) => body.stream_format === "audio"))
    })))

  it.live("keeps its fields after a refusal for another reason", live(() =>
    Effect.gen(function*() {
      const { asked, engine, faults } = yield* setUp()
      const refusal = { status: 400, headers: { "content-type": "application/json" }, pieces: ["{\"error\":{\"message\":\"No such voice.\"}}"] }
      for (let count = 0; count < 4; count++) faults.next(refusal)
      const error = yield* failure(engine)
      assert.strictEqual(error.reason, "refused")
      assert.include(error.advice, "No such voice")
      yield* spoken(engine)
      assert.isTrue(asked.at(-1)?.body.stream)
      faults.next(refusal)
      const before = asked.length
      yield* failure(engine)
      assert.strictEqual(asked.length, before + 1)
    })))

  for (const lacksPcm of ["refuses", "sendsMp3"] as const) {
    it.live(`asks a server without PCM for WAV, and from then on at once: ${lacksPcm}`, live(() =>
      Effect.gen(function*() {
        const { asked, engine, open, until } = yield* setUp({ lacksPcm, sampleRate: 22_050 })
        for (let count = 0; count < 2; count++) {
          assert.deepStrictEqual(yield* spoken(engine), { rates: [22_050], samples: [...tone(text, 22_050)] })
        }
        assert.deepStrictEqual(asked.map(({ body }) => [body.response_format, body.stream]), [["pcm", true], ["wav", true], ["wav", true]])
        yield* until(() => open() === 0)
      })))
  }

  it.live("is not made for text without a letter or digit", live(() =>
    Effect.gen(function*() {
      const { asked, engine } = yield* setUp()
      for (const said of ["", "…", " — ", "?!"]) assert.deepStrictEqual((yield* spoken(engine, said)).samples, [])
      assert.strictEqual(asked.length, 0)
    })))
})

describe("context", () => {
  const context = [
    turn("caller", "Too long ago.", 6000),
    turn("agent", "How can I help, François? ☎", 4800),
    turn("caller", "Can you check my order?", 3000)
  ]

  it.live("goes to CSM with the newest turns that fit, as 24 kHz sound, and with a limit of the reply's length", live(() =>
    Effect.gen(function*() {
      const { asked, engine } = yield* setUp({}, { model: Option.some("sesame/CSM-1b"), voice: Option.some("0") })
      assert.strictEqual(engine.contextMillis, 10_000)
      yield* Stream.runDrain(speak(engine, text, { context }))
      const { body } = asked[0]
      const sent = body.context as ReadonlyArray<{ readonly speaker: string; readonly text: string; readonly audio: string }>
      assert.deepStrictEqual(sent.map(({ speaker, text }) => [speaker, text]), [
        ["0", "How can I help, François? ☎"],
        ["1", "Can you check my order?"]
      ])
      const bytes = Buffer.from(sent[1].audio, "base64")
      assert.deepStrictEqual(
        Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readInt16LE(2 * index)),
        [...Resampler.make<SampleRate, 24_000>(8000, 24_000).process(context[2].sound[0])]
      )
      assert.isAbove(body.max_audio_ms as number, 2000)
      assert.isBelow(body.max_audio_ms as number, 10_000)
    })))

  it.live("has the caller as the other speaker, whichever speaker the agent is", live(() =>
    Effect.gen(function*() {
      const { asked, engine } = yield* setUp({}, { voice: Option.some("1") }, { takesContext: true })
      yield* Stream.runDrain(speak(engine, text, { context }))
      const sent = asked[0].body.context as ReadonlyArray<{ readonly speaker: string }>
      assert.deepStrictEqual(sent.map(({ speaker }) => speaker), ["1", "0"])
    })))

  it.live("is sent with its sound once to a server that keeps sound, and again after the server has lost it", live(() =>
    Effect.gen(function*() {
      const { asked, engine, forget } = yield* setUp({ keepsSound: true, model: "sesame/csm-1b", voices: ["0", "1"] }, { model: Option.none() })
      const sounds = () =>
        asked.map(({ body }) => (body.context as ReadonlyArray<{ readonly audio?: string }>).map(({ audio }) => audio !== undefined))
      const more = [...context, turn("agent", "It is on its way.", 1000)]
      yield* Stream.runDrain(speak(engine, text, { context }))
      yield* Stream.runDrain(speak(engine, text, { context }))
      yield* Stream.runDrain(speak(engine, text, { context: more }))
      assert.deepStrictEqual(sounds(), [[true, true], [false, false], [false, false, true]])
      const [first, second] = asked.map(({ body }) => body.context as ReadonlyArray<{ readonly audio?: string; readonly sha256: string }>)
      assert.strictEqual(first[1].sha256, createHash("sha256").update(Buffer.from(first[1].audio ?? "", "base64")).digest("hex"))
      assert.strictEqual(second[1].sha256, first[1].sha256)
      forget()
      assert.isAbove((yield* Stream.runCollect(speak(engine, text, { context: more }))).length, 0)
      assert.deepStrictEqual(sounds().slice(3), [[false, false, false], [true, true, true]])
      assert.isFalse("context" in asked[0].body && asked.some(({ body }) => !("context" in body)))
    })))

  it.live("is sent at the telephone's 8 kHz to a server that keeps sound", live(() =>
    Effect.gen(function*() {
      const { asked, engine } = yield* setUp({ keepsSound: true, model: "sesame/csm-1b", voices: ["0", "1"] }, { model: Option.none() })
      const wide: SpokenTurn = { role: "agent", text: "Yes.", sound: [tone("yes.", 16_000)], sampleRate: 16_000 }
      const [, , last] = context
      yield* Stream.runDrain(speak(engine, text, { context: [last, wide] }))
      const [narrow, widened] = asked[0].body.context as ReadonlyArray<{ readonly audio: string; readonly sample_rate?: number }>
      assert.strictEqual(narrow.sample_rate, 8000)
      assert.deepStrictEqual(Buffer.from(narrow.audio, "base64"), Buffer.from(last.sound[0].buffer))
      assert.isUndefined(widened.sample_rate)
      assert.strictEqual(Buffer.from(widened.audio, "base64").length, 2 * 24 * 240)
    })))

  it.live("does not send the agent's own sound back to its server, unless the caller heard only a part", live(() =>
    Effect.gen(function*() {
      const { asked, engine, forget } = yield* setUp({ keepsSound: true, model: "sesame/csm-1b", voices: ["0", "1"] }, { model: Option.none() })
      const chunks = yield* Stream.runCollect(speak(engine, "I can do that."))
      const said = (sound: ReadonlyArray<SpeechChunk>): SpokenTurn => ({
        role: "agent",
        text: "I can do that.",
        sound: sound.map(({ pcm }) => pcm),
        sampleRate: 24_000
      })
      yield* Stream.runDrain(speak(engine, text, { context: [said(chunks)] }))
      yield* Stream.runDrain(speak(engine, text, { context: [said([{ ...chunks[0], pcm: chunks[0].pcm.subarray(0, 1000) }])] }))
      forget()
      yield* Stream.runDrain(speak(engine, text, { context: [said(chunks)] }))
      const sounds = asked.slice(1).map(({ body }) => (body.context as ReadonlyArray<object>).map((segment) => "audio" in segment))
      assert.deepStrictEqual(sounds, [[false], [true], [false], [true]])
    })))

  it.live("sends the agent's sound if it was broken off, because the server does not keep that", live(() =>
    Effect.gen(function*() {
      const { asked, engine, faults, until } = yield* setUp({ keepsSound: true, model: "sesame/csm-1b", voices: ["0", "1"] }, { model: Option.none() })
      faults.next("stall")
      const chunks: Array<SpeechChunk> = []
      const fiber = yield* Effect.forkChild(Stream.runForEach(speak(engine), (chunk) => Effect.sync(() => chunks.push(chunk))))
      yield* until(() => chunks.length > 0)
      yield* Fiber.interrupt(fiber)
      const part: SpokenTurn = { role: "agent", text: "Sure,", sound: chunks.map(({ pcm }) => pcm), sampleRate: 24_000 }
      yield* Stream.runDrain(speak(engine, text, { context: [part] }))
      assert.deepStrictEqual(asked.slice(1).map(({ body }) => (body.context as ReadonlyArray<object>).map((segment) => "audio" in segment)), [[true]])
    })))

  it.live("has all its sound, and no hashes, for a server that keeps no sound", live(() =>
    Effect.gen(function*() {
      const { asked, engine } = yield* setUp({ model: "sesame/csm-1b" }, { model: Option.none() })
      for (let time = 0; time < 2; time++) yield* Stream.runDrain(speak(engine, text, { context }))
      for (const { body } of asked) {
        for (const segment of body.context as ReadonlyArray<object>) assert.hasAllKeys(segment, ["speaker", "text", "audio"])
      }
    })))

  it.live("goes to no other server", live(() =>
    Effect.gen(function*() {
      for (const options of [{}, { takesContext: false }]) {
        const { asked, engine } = yield* setUp({}, options.takesContext === false ? { model: Option.some("csm") } : {}, options)
        assert.isUndefined(engine.contextMillis)
        yield* Stream.runDrain(speak(engine, text, { context }))
        assert.notProperty(asked[0].body, "context")
        assert.notProperty(asked[0].body, "max_audio_ms")
      }
    })))

  it.live("is the first field that is left out if the server refuses the request", live(() =>
    Effect.gen(function*() {
      const { asked, engine } = yield* setUp({ refuses: ["context"], model: "sesame/csm-1b" }, { model: Option.none() })
      yield* Stream.runDrain(speak(engine, text, { context }))
      yield* spoken(engine)
      assert.deepStrictEqual(asked.map(({ body }) => ["context" in body, body.stream]), [[true, true], [false, true], [false, true]])
    })))
})

describe("an answer", () => {
  for (const dialect of ["pcm", "wav", "openEnded", "largest", "events", "speaches"] as const) {
    it.live(`as ${dialect} gives every sample, at the server's rate`, live(() =>
      Effect.gen(function*() {
        // An odd number of bytes: pieces end in the middle of a sample.
        const { engine } = yield* setUp({ dialect, sampleRate: 16_000, pieceBytes: 1111 })
        const { rates, samples } = yield* spoken(engine)
        assert.deepStrictEqual(rates, [16_000])
        assert.deepStrictEqual(samples, [...tone(text, 16_000)])
      })))
  }

  it.live("that came to its end leaves the connection open for the next request", live(() =>
    Effect.gen(function*() {
      for (const dialect of ["pcm", "wav", "openEnded", "events"] as const) {
        const { connections, engine } = yield* setUp({ dialect })
        yield* spoken(engine)
        const { accepted } = connections()
        for (let count = 0; count < 4; count++) yield* spoken(engine)
        assert.strictEqual(connections().accepted, accepted, dialect)
      }
    })))

  it.live("that does not name its rate has the configured one, or 24 kHz", live(() =>
    Effect.gen(function*() {
      const unset = yield* setUp({ isRateSilent: true })
      assert.deepStrictEqual((yield* spoken(unset.engine)).rates, [24_000])
      const set = yield* setUp({ isRateSilent: true, sampleRate: 8000 }, { sampleRate: 8000 })
      assert.deepStrictEqual((yield* spoken(set.engine)).rates, [8000])
    })))

  it.live("may have any sensible rate", live(() =>
    Effect.gen(function*() {
      for (const sampleRate of [11_025, 22_050, 44_100]) {
        for (const dialect of ["pcm", "wav", "events"] as const) {
          const { engine } = yield* setUp({ dialect, sampleRate })
          assert.deepStrictEqual(yield* spoken(engine), { rates: [sampleRate], samples: [...tone(text, sampleRate)] })
        }
      }
    })))

  it.live("at an impossible rate is refused, and its request closed", live(() =>
    Effect.gen(function*() {
      for (const dialect of ["pcm", "wav", "events"] as const) {
        const { engine, open, until } = yield* setUp({ dialect, sampleRate: 1000 })
        const error = yield* failure(engine)
        assert.strictEqual(error.reason, "refused", dialect)
        assert.include(error.advice, "1000 Hz")
        yield* until(() => open() === 0)
      }
    })))

  it.live("is passed on while the rest of it is still being made", live(() =>
    Effect.gen(function*() {
      for (const dialect of ["pcm", "openEnded", "events"] as const) {
        const { asked, engine, faults } = yield* setUp({ dialect })
        faults.next("stall")
        const chunks = yield* Queue.unbounded<SpeechChunk>()
        const fiber = yield* Effect.forkChild(Stream.runForEach(speak(engine), (chunk) => Queue.offer(chunks, chunk)))
        assert.isAbove((yield* Queue.take(chunks)).pcm.length, 0)
        assert.isFalse(asked[0].exchange.isOver())
        yield* Fiber.interrupt(fiber)
      }
    })))

  it.live("that never ends is cut off, and its request closed", live(() =>
    Effect.gen(function*() {
      const { asked, engine, faults, until } = yield* setUp()
      faults.next("gigabytes")
      const { samples } = yield* spoken(engine, "Yes.")
      assert.isAbove(samples.length, 24_000)
      assert.isBelow(samples.length, 24_000 * 10)
      yield* until(() => asked[0].exchange.isClosedByClient())
    })))

  it.live("that is no sound fails with its reason", live(() =>
    Effect.gen(function*() {
      const { asked, engine, faults } = yield* setUp()
      // The server has PCM, so no other format is asked for.
      yield* spoken(engine)
      const head = (type: string, body: string | Uint8Array) => ({ headers: { "content-type": type }, pieces: [body] })
      const events = (...data: ReadonlyArray<string>) => head("text/event-stream", data.map((json) => `data: ${json}\n\n`).join(""))
      const expected = [
        [head("audio/mpeg", Uint8Array.of(1, 2, 3, 4)), "refused"],
        [head("audio/mpeg", FakeSpeechServers.mp3), "refused"],
        [head("audio/pcm", FakeSpeechServers.mp3), "refused"],
        [head("audio/pcm", FakeSpeechServers.mp3.subarray(45)), "refused"],
        [head("audio/pcm", "OggS\0xxxx"), "refused"],
        [head("audio/pcm", "{\"error\":\"no\"}"), "broken"],
        [head("audio/pcm", "Internal Server Error"), "broken"],
        [head("text/html", "<html></html>"), "broken"],
        [head("application/json", "{\"error\":\"no\"}"), "broken"],
        [head("audio/pcm", ""), "empty"],
        [head("audio/wav", "RIFF"), "broken"],
        [events("{\"type\":\"speech.audio.delta\",\"audio\":\"AAAA\",\"response_format\":\"mp3\"}"), "refused"],
        [events("{\"type\":\"speech.audio.delta\",\"audio\":\"A!\"}"), "broken"],
        [events("{\"type\":\"speech.audio.error\",\"message\":\"CUDA\"}"), "broken"],
        [events("{\"error\":{\"message\":\"CUDA\"}}"), "broken"],
        [events("{\"type\":\"speech.audio.done\"}"), "empty"]
      ] as const
      for (const [fault, reason] of expected) {
        faults.next(fault)
        const error = yield* failure(engine)
        assert.deepStrictEqual([error.stage, error.reason], ["textToSpeech", reason], String(fault.pieces[0]).slice(0, 40))
        assert.match(error.advice, /\.$/)
      }
      assert.strictEqual(asked.length, expected.length + 1)
    })))

  it.live("that is an error's text fails with the server's words, without the words of the request", live(() =>
    Effect.gen(function*() {
      const { engine, faults } = yield* setUp()
      for (const type of ["audio/pcm", "audio/wav", "application/json"]) {
        faults.next({ headers: { "content-type": type }, pieces: ["{\"error\":{\"mess", "age\":\"The model is asleep, it can not say sure, one moment. now\"}}"] })
        const { advice } = yield* failure(engine)
        assert.include(advice, "The model is asleep")
        assert.notInclude(advice, "one moment")
        assert.match(advice, /\.$/)
      }
    })))
})

describe("an engine that sends no sound", () => {
  it.live("is replaced by the next engine before any of its answer is heard", live(() =>
    Effect.gen(function*() {
      const other = yield* setUp({ sampleRate: 22_050 })
      for (const body of [FakeSpeechServers.mp3, "{\"error\":\"no\"}", "<html></html>", "Internal Server Error"]) {
        const { engine, faults } = yield* setUp()
        for (let count = 0; count < 2; count++) faults.next({ headers: { "content-type": "audio/pcm" }, pieces: [body] })
        const members = [engine, other.engine].map((engine, index) => ({ name: `${index}`, engine, probe: Effect.void }))
        const together = yield* FallbackTextToSpeech.make(members, { hedgeAfter: "1 minute", answerTimeout: "1 minute" })
        assert.deepStrictEqual(yield* spoken(together), { rates: [22_050], samples: [...tone(text, 22_050)] })
      }
    })))
})

describe("a fault", () => {
  it.live("fails its request, and the next one succeeds", live(() =>
    Effect.gen(function*() {
      const { engine, faults, open, until } = yield* setUp()
      const expected = [
        [{ status: 429, headers: { "retry-after": "3" }, pieces: ["{}"] }, "unavailable"],
        [{ status: 500, pieces: ["{}"] }, "broken"],
        ["cut", "broken"]
      ] as const
      for (const [fault, reason] of expected) {
        faults.next(fault)
        assert.strictEqual((yield* failure(engine)).reason, reason)
      }
      assert.strictEqual((yield* spoken(engine)).samples.length, tone(text, 24_000).length)
      yield* until(() => open() === 0)
    })))

  it.live("in the middle comes after the sound before it", live(() =>
    Effect.gen(function*() {
      // A moment between the pieces, so that the cut does not arrive together with all of them.
      const { engine, faults } = yield* setUp({ realTimeFactor: 0.1 })
      faults.next("cut")
      let samples = 0
      const exit = yield* Effect.exit(Stream.runForEach(speak(engine), ({ pcm }) => Effect.sync(() => samples += pcm.length)))
      assert.isTrue(Exit.isFailure(exit))
      assert.isAbove(samples, 0)
    })))
})

describe("interruption", () => {
  it.live("closes the request: before the answer, before the first sound, in the middle", live(() =>
    Effect.gen(function*() {
      let answers = 0
      // The second answer has its head, but its first sound never comes.
      const { asked, engine, faults, open, until } = yield* setUp({ latency: () => ++answers === 2 ? 30_000 : 0 })
      faults.next("silence")
      faults.next(undefined)
      faults.next("stall")
      for (const at of [0, 1, 2]) {
        let samples = 0
        const fiber = yield* Effect.forkChild(Stream.runForEach(speak(engine), ({ pcm }) => Effect.sync(() => samples += pcm.length)))
        yield* until(() => asked.length === at + 1)
        yield* Fiber.interrupt(fiber)
        yield* until(() => asked[at].exchange.isClosedByClient())
      }
      assert.strictEqual(open(), 0)
    })))

  it.live("by a consumer that has enough closes the request, too", live(() =>
    Effect.gen(function*() {
      const { asked, engine, faults, until } = yield* setUp()
      faults.next("stall")
      yield* Stream.runDrain(Stream.take(speak(engine), 1))
      yield* until(() => asked[0].exchange.isClosedByClient())
    })))
})

describe("fixed lines", () => {
  const requests = ["One moment.", "Are you still there?", "…"].map((text) => ({ text, language: "en" }))

  it.live("are made once, and are spoken when the server is down", live(() =>
    Effect.gen(function*() {
      const { asked, engine, stop } = yield* setUp()
      yield* engine.prepare(requests)
      yield* engine.prepare(requests)
      assert.deepStrictEqual(asked.map(({ input }) => input).sort(), ["Are you still there?", "One moment."])
      stop()
      for (let count = 0; count < 2; count++) {
        assert.deepStrictEqual(yield* spoken(engine, "One moment."), { rates: [24_000], samples: [...tone("One moment.", 24_000)] })
      }
      assert.strictEqual((yield* failure(engine, "Something else.")).reason, "unavailable")
      // The same line in another voice is another line.
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Stream.runDrain(speak(engine, "One moment.", { voice: "other" })))))
    })))

  it.live("that can't be made fail, and can be made later", live(() =>
    Effect.gen(function*() {
      const { engine, faults, open, until } = yield* setUp()
      faults.next({ status: 500, pieces: ["{}"] })
      assert.strictEqual((yield* Effect.flip(engine.prepare(requests))).reason, "broken")
      yield* engine.prepare(requests)
      yield* until(() => open() === 0)
    })))
})

describe("voices", () => {
  it.live("are the server's, in whatever form; none if it has no list", live(() =>
    Effect.gen(function*() {
      const named = yield* setUp({ voices: ["af_heart", { id: "bm_lewis", name: "Lewis" }, { voice_id: "v3" }, { name: "alloy" }] })
      assert.deepStrictEqual(named.engine.voices, ["af_heart", "bm_lewis", "v3", "alloy"])
      const silent = yield* setUp()
      assert.deepStrictEqual(silent.engine.voices, [])
    })))

  it.live("are not waited for if nobody listens", live(() =>
    Effect.gen(function*() {
      const engine = yield* OpenAiTextToSpeech.make(settingsAt("http://127.0.0.1:9"))
      assert.deepStrictEqual(engine.voices, [])
    })))
})
