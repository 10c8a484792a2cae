import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Queue, Redacted, type Scope, Stream } from "effect"
import { HttpClient } from "effect/http"
import * as Mulaw from "../../../../../src/audio/Mulaw.ts"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import type { EngineSettings } from "../../../../../src/config/EngineSettings.ts"
import type { RecognitionHints } from "../../../../../src/definition/RecognitionHints.ts"
import { TextToSpeech } from "../../../../../src/conversation/ports/TextToSpeech.ts"
import * as Flite from "../../../../../src/engines/embedded/flite/FliteTextToSpeech.ts"
import * as EngineHttpClient from "../../../../../src/engines/openai/client/EngineHttpClient.ts"
import * as OpenAiSpeechToText from "../../../../../src/engines/openai/transcription/OpenAiSpeechToText.ts"
import * as FakeSpeechServers from "../../../../support/engines/FakeSpeechServers.ts"

const settingsAt = (url: string, model: string | undefined = "whisper", key?: string): EngineSettings => ({
  url: new URL(`${url}/v1`),
  model: Option.fromUndefinedOr(model),
  apiKey: Option.map(Option.fromUndefinedOr(key), (key) => Redacted.make(key)),
  voice: Option.none()
})

const english: RecognitionHints = { language: "en", phrases: ["i would like to see {doctor}"], slots: { doctor: ["[doctor] kowalczyk"] } }

const silence = (millis: number): Pcm<8000> => new Int16Array(millis * 8)

/** A tone as loud as a voice. The fake recognizer needs no words. */
const voice = (millis: number): Pcm<8000> =>
  Int16Array.from({ length: millis * 8 }, (_, index) => 8000 * Math.sin(2 * Math.PI * 440 * index / 8000))

const utterance = Effect.fnUntraced(function*(
  settings: EngineSettings,
  options: OpenAiSpeechToText.Options = {},
  hints = english
) {
  const engine = yield* OpenAiSpeechToText.make(settings, options)
  const recognizer = yield* engine.prepare(hints)
  return yield* recognizer.begin
})

/** An utterance at a server that hears "At nine, please." unless the test sets `hears`. */
const setUp = Effect.fnUntraced(function*(
  server: Partial<FakeSpeechServers.TranscriptionOptions> = {},
  options: OpenAiSpeechToText.Options = {},
  hints = english
) {
  const fake = yield* FakeSpeechServers.transcription({ hears: () => "At nine, please.", ...server })
  const heard = yield* utterance(settingsAt(fake.url), options, hints)
  return { ...fake, ...heard }
})

const live = <A, E>(test: () => Effect.Effect<A, E, HttpClient.HttpClient | Scope.Scope>) => () =>
  Effect.provide(Effect.scoped(test()), EngineHttpClient.layer)

describe("a request", () => {
  it.live("holds all of the sound as a 16 kHz file, the language, the rare words, and a temperature of 0", live(() =>
    Effect.gen(function*() {
      const { asked, push, transcribe } = yield* setUp()
      const sound = voice(777)
      for (let at = 0; at < sound.length; at += 160) yield* push(sound.subarray(at, at + 160))
      yield* transcribe
      const [{ fields, file, sound: sent }] = asked
      assert.deepStrictEqual(fields, {
        model: "whisper",
        language: "en",
        prompt: "doctor, kowalczyk.",
        temperature: "0",
        response_format: "verbose_json"
      })
      assert.deepStrictEqual(file, { name: "utterance.wav", type: "audio/wav" })
      assert.strictEqual(sent.length, 2 * sound.length)
      // Every second sample is an original one, after the filter's delay of 31 samples.
      const shift = 31
      for (let index = 0; 2 * index + shift < sent.length; index++) assert.strictEqual(sent[2 * index + shift], sound[index])
    })))

  it.live("has no prompt if none is wanted, or if the agent has no rare words", live(() =>
    Effect.gen(function*() {
      const plain = yield* setUp({}, {}, { language: "de-DE", phrases: ["ja"], slots: {} })
      yield* plain.push(voice(500))
      yield* plain.transcribe
      assert.notProperty(plain.asked[0].fields, "prompt")
      assert.strictEqual(plain.asked[0].fields.language, "de")
      const unbiased = yield* setUp({}, { isBiased: false })
      yield* unbiased.push(voice(500))
      yield* unbiased.transcribe
      assert.notProperty(unbiased.asked[0].fields, "prompt")
    })))

  it.live("has the server's own model if none is configured, and the key", live(() =>
    Effect.gen(function*() {
      const fake = yield* FakeSpeechServers.transcription({ hears: () => "Yes.", model: "turbo", key: "sk-test" })
      const { push, transcribe } = yield* utterance({ ...settingsAt(fake.url, "", "sk-test"), model: Option.none() })
      yield* push(voice(500))
      assert.strictEqual((yield* transcribe).text, "Yes.")
      assert.strictEqual(fake.asked[0].fields.model, "turbo")
      const stranger = yield* utterance(settingsAt(fake.url, "turbo", "sk-other"))
      yield* stranger.push(voice(500))
      const error = yield* Effect.flip(stranger.transcribe)
      assert.strictEqual(error.reason, "refused")
      assert.include(error.advice, "STT_API_KEY")
    })))

  it.live("is never made for silence", live(() =>
    Effect.gen(function*() {
      const { asked, push, transcribe } = yield* setUp({ hears: () => "Thank you." })
      assert.deepStrictEqual(yield* transcribe, { text: "", ending: "unknown" })
      yield* push(silence(1500))
      assert.deepStrictEqual(yield* transcribe, { text: "", ending: "unknown" })
      yield* push(voice(40))
      assert.deepStrictEqual(yield* transcribe, { text: "", ending: "unknown" })
      assert.strictEqual(asked.length, 0)
      yield* push(voice(600))
      yield* transcribe
      assert.strictEqual(asked.length, 1)
    })))

  it.live("is made again for all sound after a pause that was not the end", live(() =>
    Effect.gen(function*() {
      const { asked, push, transcribe } = yield* setUp({
        hears: ({ sound }) => sound.length < 16_000 ? "I would like to" : "I would like to come at nine."
      })
      yield* push(voice(700))
      const first = yield* transcribe
      yield* push(silence(100))
      yield* push(voice(700))
      const second = yield* transcribe
      assert.deepStrictEqual([first.text, first.ending], ["I would like to", "trailing"])
      assert.deepStrictEqual([second.text, second.ending], ["I would like to come at nine.", "complete"])
      assert.deepStrictEqual(asked.map(({ sound }) => sound.length), [700 * 16, 1500 * 16])
    })))

  it.live("holds no silence after the utterance, however late it is made again", live(() =>
    Effect.gen(function*() {
      const { asked, faults, push, transcribe } = yield* setUp()
      const noise = (millis: number) => Int16Array.from({ length: millis * 8 }, (_, index) => 40 * Math.sin(index * index))
      yield* push(noise(480))
      yield* push(voice(2000))
      yield* push(noise(120))
      faults.next({ status: 500, pieces: ["no"] })
      yield* Effect.flip(transcribe)
      for (let second = 0; second < 10; second++) yield* push(noise(1000))
      yield* transcribe
      const [first, second] = asked.map(({ sound }) => sound.length / 16)
      assert.strictEqual(first, 2600)
      assert.isAtLeast(second, 2480 + 200)
      assert.isAtMost(second, 2480 + 300)
      // Later speech belongs to the utterance again, together with the pause.
      yield* push(voice(500))
      yield* transcribe
      assert.strictEqual(asked[2].sound.length / 16, 480 + 2000 + 120 + 10_000 + 500)
    })))

  it.live("holds a minute of sound at most", live(() =>
    Effect.gen(function*() {
      const { asked, push, transcribe } = yield* setUp()
      for (let second = 0; second < 70; second++) yield* push(voice(1000))
      yield* transcribe
      assert.strictEqual(asked[0].sound.length, 60 * 16_000)
    })))
})

describe("an answer", () => {
  for (const dialect of ["asked", "openai", "speaches", "vllm"] as const) {
    it.live(`is read as ${dialect === "asked" ? "JSON" : `the events of ${dialect}`}`, live(() =>
      Effect.gen(function*() {
        const { push, transcribe } = yield* setUp({ dialect })
        yield* push(voice(900))
        const { ending, text } = yield* transcribe
        assert.deepStrictEqual([text, ending], ["At nine, please.", "complete"])
      })))
  }

  it.live("is always asked for as plain JSON after the server refused verbose JSON", live(() =>
    Effect.gen(function*() {
      const fake = yield* FakeSpeechServers.transcription({ hears: () => "At nine, please.", refuses: ["verbose_json"] })
      const engine = yield* OpenAiSpeechToText.make(settingsAt(fake.url))
      const recognizer = yield* engine.prepare(english)
      for (let count = 0; count < 2; count++) {
        const { push, transcribe } = yield* recognizer.begin
        yield* push(voice(900))
        const { confidence, text } = yield* transcribe
        assert.deepStrictEqual([text, confidence], ["At nine, please.", undefined])
      }
      assert.deepStrictEqual(fake.asked.map(({ fields }) => fields.response_format), ["verbose_json", "json", "json"])
    })))

  it.live("of status 400 for another reason keeps verbose JSON", live(() =>
    Effect.gen(function*() {
      const { asked, faults, push, transcribe } = yield* setUp()
      const invalid = { status: 400, headers: { "content-type": "application/json" }, pieces: ["{\"error\":{\"message\":\"Invalid or unsupported audio file.\"}}"] }
      faults.next(invalid)
      faults.next(invalid)
      yield* push(voice(900))
      const error = yield* Effect.flip(transcribe)
      assert.strictEqual(error.reason, "refused")
      assert.include(error.advice, "Invalid or unsupported audio file")
      yield* transcribe
      assert.strictEqual(asked.at(-1)?.fields.response_format, "verbose_json")
    })))

  it.live("may be bare text, but no web page", live(() =>
    Effect.gen(function*() {
      const { faults, push, transcribe } = yield* setUp()
      yield* push(voice(900))
      faults.next({ headers: { "content-type": "text/plain; charset=utf-8" }, pieces: [" At ten", ", please.\n"] })
      assert.strictEqual((yield* transcribe).text, "At ten, please.")
      for (
        const page of [
          { headers: { "content-type": "text/html" }, pieces: ["<html>hello</html>"] },
          { headers: { "content-type": "application/json" }, pieces: ["{\"words\":[]}"] },
          { headers: { "content-type": "audio/wav" }, pieces: ["RIFF"] },
          { headers: { "content-type": "text/event-stream" }, pieces: ["data: {\"type\":\"transcript.text.delta\",\"delta\":\"At\"}\n\ndata: {\"error\":{\"message\":\"CUDA\"}}\n\n"] }
        ]
      ) {
        faults.next(page)
        assert.strictEqual((yield* Effect.flip(transcribe)).reason, "broken", page.pieces[0])
      }
    })))

  it.live("has the model's confidence, without invented words", live(() =>
    Effect.gen(function*() {
      const heard: Array<FakeSpeechServers.Heard> = [
        { text: "Thank you." },
        { text: "Thank you.", noSpeech: 0.7, logProbability: -0.6 },
        { text: "Thanks for watching!" },
        { text: "Blorg the vermin.", logProbability: -1.9 },
        { text: "Blorg the vermin.", logProbability: -0.99 }
      ]
      const { push, transcribe } = yield* setUp({ hears: () => heard.shift() ?? "" })
      yield* push(silence(200))
      yield* push(voice(1000))
      assert.deepStrictEqual(yield* transcribe, { text: "Thank you.", ending: "complete", confidence: Math.exp(-0.2) })
      assert.deepStrictEqual(yield* transcribe, { text: "", ending: "unknown" })
      assert.deepStrictEqual(yield* transcribe, { text: "", ending: "unknown" })
      assert.deepStrictEqual(yield* transcribe, { text: "", ending: "unknown", isUnintelligible: true })
      assert.deepStrictEqual(yield* transcribe, { text: "Blorg the vermin.", ending: "complete", isDoubtful: true, confidence: Math.exp(-0.99) })
    })))

  it.live("is doubtful only below the configured confidence", live(() =>
    Effect.gen(function*() {
      const fake = yield* FakeSpeechServers.transcription({ hears: () => ({ text: "Blorg the vermin.", logProbability: -0.99 }) })
      for (const [leastConfidence, isDoubtful] of [[0, undefined], [0.2, undefined], [0.45, true]] as const) {
        const { push, transcribe } = yield* utterance({ ...settingsAt(fake.url), leastConfidence })
        yield* push(voice(1000))
        assert.strictEqual((yield* transcribe).isDoubtful, isDoubtful)
      }
    })))
})

describe("a fault", () => {
  it.live("fails its request, and the next one may succeed", live(() =>
    Effect.gen(function*() {
      const { faults, push, transcribe } = yield* setUp()
      yield* push(voice(900))
      const refusal = (status: number, headers = {}) => ({ status, headers, pieces: ["{\"error\":\"x\"}"] })
      const expected = [
        [refusal(429, { "retry-after": "7" }), "unavailable"],
        [refusal(500), "broken"],
        ["cut", "broken"],
        ["rubbish", "broken"],
        ["gigabytes", "broken"]
      ] as const
      for (const [fault, reason] of expected) {
        faults.next(fault)
        const error = yield* Effect.flip(transcribe)
        assert.deepStrictEqual([error.stage, error.reason], ["speechToText", reason], JSON.stringify(fault))
      }
      assert.strictEqual((yield* transcribe).text, "At nine, please.")
    })))

  it.live("does not make words unknown", live(() =>
    Effect.gen(function*() {
      const engine = yield* OpenAiSpeechToText.make(settingsAt("http://127.0.0.1:9"))
      assert.deepStrictEqual(yield* engine.unknownWords({ ...english, phrases: ["xylophonic qwertz"] }), [])
    })))
})

describe("interruption", () => {
  it.live("closes the request, which may be made again", live(() =>
    Effect.gen(function*() {
      const { asked, faults, open, push, transcribe, until } = yield* setUp()
      faults.next("silence")
      faults.next("stall")
      yield* push(voice(900))
      for (const count of [1, 2]) {
        const fiber = yield* Effect.forkChild(transcribe)
        yield* until(() => asked.length === count)
        yield* Fiber.interrupt(fiber)
        yield* until(() => asked[count - 1].exchange.isClosedByClient())
      }
      assert.strictEqual((yield* transcribe).text, "At nine, please.")
      yield* until(() => open() === 0)
    })))
})

describe("partials", () => {
  /** The words so far while the caller speaks. The stream runs as long as the test. */
  const listen = Effect.fnUntraced(function*(partials: Stream.Stream<string> | undefined) {
    const heard = yield* Queue.unbounded<string>()
    if (partials !== undefined) yield* Effect.forkScoped(Stream.runForEach(partials, (text) => Queue.offer(heard, text)))
    return heard
  })

  /** Makes requests to the server. A request that was sent by mistake before them has arrived after them. */
  const aWhile = (url: string) =>
    Effect.flatMap(HttpClient.HttpClient, (client) =>
      Effect.forEach(Array.from({ length: 5 }), () => Effect.flatMap(client.get(`${url}/probe`), (response) => response.text), { discard: true }))

  const bySeconds = ({ sound }: FakeSpeechServers.Asked) => ["", "At", "At nine,", "At nine, please."][Math.floor(sound.length / 16_000)]

  it.live("come with each further 600 ms of sound", live(() =>
    Effect.gen(function*() {
      const { asked, partials, push } = yield* setUp({ hears: bySeconds })
      const heard = yield* listen(partials)
      yield* push(voice(500))
      yield* push(voice(600))
      assert.strictEqual(yield* Queue.take(heard), "At")
      yield* push(voice(300))
      yield* push(voice(600))
      assert.strictEqual(yield* Queue.take(heard), "At nine,")
      assert.deepStrictEqual(asked.map(({ sound }) => sound.length / 16), [1100, 2000])
    })))

  it.live("are none if the configuration switches them off, but the transcript still comes", live(() =>
    Effect.gen(function*() {
      const fake = yield* FakeSpeechServers.transcription({ hears: bySeconds })
      const { partials, push, transcribe } = yield* utterance({ ...settingsAt(fake.url), hasPartials: false })
      assert.isUndefined(partials)
      yield* push(voice(3000))
      assert.strictEqual((yield* transcribe).text, "At nine, please.")
      assert.strictEqual(fake.asked.length, 1)
    })))

  it.live("count the voice, not the silence before it", live(() =>
    Effect.gen(function*() {
      const { asked, partials, push, url } = yield* setUp({ hears: bySeconds })
      const heard = yield* listen(partials)
      yield* push(silence(480))
      yield* push(voice(200))
      yield* aWhile(url)
      assert.strictEqual(asked.length, 0)
      yield* push(voice(400))
      assert.strictEqual(yield* Queue.take(heard), "At")
    })))

  it.live("take one request at a time, however much sound comes and however many listen", live(() =>
    Effect.gen(function*() {
      const { asked, faults, open, partials, push, until, url } = yield* setUp({ hears: bySeconds })
      faults.next("silence")
      yield* listen(partials)
      yield* listen(partials)
      yield* push(voice(700))
      yield* until(() => asked.length === 1)
      for (let count = 0; count < 20; count++) yield* push(voice(100))
      yield* aWhile(url)
      assert.strictEqual(asked.length, 1)
      assert.strictEqual(open(), 1)
    })))

  it.live("stop as soon as the transcript is asked for, and go on when the caller does", live(() =>
    Effect.gen(function*() {
      const { asked, faults, partials, push, transcribe, until } = yield* setUp({ hears: bySeconds })
      const heard = yield* listen(partials)
      faults.next("silence")
      yield* push(voice(1000))
      yield* until(() => asked.length === 1)
      yield* push(voice(100))
      assert.strictEqual((yield* transcribe).text, "At")
      yield* until(() => asked[0].exchange.isClosedByClient())
      yield* push(voice(1000))
      assert.strictEqual(yield* Queue.take(heard), "At nine,")
      assert.strictEqual(asked.length, 3)
    })))

  it.live("are not asked for while the transcript is under way", live(() =>
    Effect.gen(function*() {
      const { asked, faults, partials, push, transcribe, until, url } = yield* setUp({ hears: bySeconds })
      const heard = yield* listen(partials)
      yield* push(voice(100))
      // Now the server counts as quick.
      yield* transcribe
      faults.next("silence")
      yield* push(voice(400))
      const fiber = yield* Effect.forkChild(transcribe)
      yield* until(() => asked.length === 2)
      yield* push(voice(800))
      yield* aWhile(url)
      yield* Fiber.interrupt(fiber)
      yield* push(voice(20))
      assert.strictEqual(yield* Queue.take(heard), "At")
      // One more request, with the sound that came after the transcript's end.
      assert.deepStrictEqual(asked.map(({ sound }) => sound.length / 16), [100, 500, 1320])
    })))

  it.live("are not asked for after a failure until a transcript has come", live(() =>
    Effect.gen(function*() {
      for (const fault of [{ status: 500, pieces: ["no"] }, "hangUp", "rubbish", "cut"] as const) {
        const { asked, faults, partials, push, transcribe, until, url } = yield* setUp({ hears: bySeconds })
        const heard = yield* listen(partials)
        faults.next(fault)
        yield* push(voice(1100))
        yield* until(() => asked.length === 1 && asked[0].exchange.isOver())
        for (let count = 0; count < 10; count++) {
          yield* push(voice(100))
          yield* aWhile(url)
        }
        assert.strictEqual(asked.length, 1)
        assert.strictEqual((yield* transcribe).text, "At nine,")
        yield* push(voice(1000))
        assert.strictEqual(yield* Queue.take(heard), "At nine, please.")
        assert.strictEqual(asked.length, 3)
      }
    })))

  it.live("become the transcript if they hold all of the caller's voice", live(() =>
    Effect.gen(function*() {
      const { asked, faults, partials, push, transcribe, until } = yield* setUp({ hears: bySeconds, latency: () => 150 })
      const heard = yield* listen(partials)
      yield* push(voice(1100))
      yield* until(() => asked.length === 1)
      yield* push(silence(400))
      assert.strictEqual((yield* transcribe).text, "At")
      assert.strictEqual(yield* Queue.take(heard), "At")
      assert.strictEqual(asked.length, 1)
      // If that request fails, the transcript is asked for.
      faults.next({ status: 500, pieces: ["no"] })
      yield* push(voice(1000))
      yield* until(() => asked.length === 2)
      assert.strictEqual((yield* transcribe).text, "At nine,")
      assert.strictEqual(asked.length, 3)
    })))

  it.live("are aborted before another transcript if a transcript has waited for them in vain", live(() =>
    Effect.gen(function*() {
      const { asked, faults, partials, push, transcribe, until } = yield* setUp({ hears: bySeconds })
      yield* listen(partials)
      faults.next("silence")
      yield* push(voice(1100))
      yield* until(() => asked.length === 1)
      const fiber = yield* Effect.forkChild(transcribe, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.isFalse(asked[0].exchange.isClosedByClient())
      assert.strictEqual((yield* transcribe).text, "At")
      yield* until(() => asked[0].exchange.isClosedByClient())
      assert.strictEqual(asked.length, 2)
    })))

  it.live("are not asked for if the server answers later than the pause ends", live(() =>
    Effect.gen(function*() {
      let latency = 0
      const { asked, partials, push, transcribe, until, url } = yield* setUp({ hears: bySeconds, latency: () => latency }, {}, { ...english, pause: 80 })
      const heard = yield* listen(partials)
      latency = 100
      yield* push(voice(600))
      assert.isTrue((yield* transcribe).text === "" && asked.length === 1)
      for (let count = 0; count < 3; count++) {
        for (let piece = 0; piece < 10; piece++) {
          yield* push(voice(100))
          yield* aWhile(url)
        }
        assert.strictEqual(asked.length, count + 1)
        if (count === 2) latency = 0
        yield* transcribe
      }
      assert.strictEqual(yield* Queue.size(heard), 0)
      // The server is quick again.
      yield* push(voice(700))
      yield* until(() => asked.length === 5)
    })))

  it.live("do not pile up when they are aborted, however often the caller goes on", live(() =>
    Effect.gen(function*() {
      const fake = yield* FakeSpeechServers.transcription({ hears: bySeconds })
      const engine = yield* OpenAiSpeechToText.make(settingsAt(fake.url))
      const recognizer = yield* engine.prepare(english)
      fake.faults.always("silence")
      let transcripts = 0
      for (let utterance = 0; utterance < 5; utterance++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const { partials, push, transcribe } = yield* recognizer.begin
          yield* listen(partials)
          for (let pause = 0; pause < 3; pause++) {
            for (let piece = 0; piece < 20; piece++) {
              yield* push(voice(100))
              yield* aWhile(fake.url)
            }
            const before = fake.asked.length
            const fiber = yield* Effect.forkChild(transcribe)
            yield* fake.until(() => fake.asked.length > before || transcripts === 0)
            transcripts++
            yield* Fiber.interrupt(fiber)
          }
        }))
      }
      // The transcripts, and one request for the words so far while the server's pace was unknown.
      assert.isAtMost(fake.asked.length, transcripts + 1)
      yield* fake.until(() => fake.open() === 0)
    })))

  it.live("are not asked for if nobody listens, in silence, or if they are not wanted", live(() =>
    Effect.gen(function*() {
      const { asked, partials, push, transcribe } = yield* setUp()
      yield* push(voice(5000))
      yield* transcribe
      assert.strictEqual(asked.length, 1)
      const quiet = yield* listen(partials)
      yield* push(silence(5000))
      yield* transcribe
      assert.strictEqual(asked.length, 2)
      assert.strictEqual(yield* Queue.size(quiet), 0)
      assert.notProperty(yield* setUp({}, { partialsInterval: 0 }), "partials")
    })))

  it.live("are closed when the utterance ends", live(() =>
    Effect.gen(function*() {
      const fake = yield* FakeSpeechServers.transcription({ hears: () => "At" })
      fake.faults.always("silence")
      const engine = yield* OpenAiSpeechToText.make(settingsAt(fake.url))
      const recognizer = yield* engine.prepare(english)
      yield* Effect.scoped(Effect.gen(function*() {
        const { partials, push } = yield* recognizer.begin
        yield* Effect.forkDetach(Stream.runDrain(partials ?? Stream.empty))
        yield* push(voice(900))
        yield* fake.until(() => fake.asked.length === 1)
      }))
      yield* fake.until(() => fake.asked[0].exchange.isClosedByClient())
    })))
})

it.live("speech to text opens connections before the first call, and requests share them", () =>
  Effect.gen(function*() {
    const fake = yield* FakeSpeechServers.transcription({ hears: () => "Yes.", model: "whisper" })
    yield* Effect.gen(function*() {
      const engine = yield* OpenAiSpeechToText.make(settingsAt(fake.url))
      yield* fake.until(() => fake.received.filter(({ path }) => path === "/v1/models").length === 2)
      assert.strictEqual(fake.connections().accepted, 2)
      const { push, transcribe } = yield* Effect.flatMap(engine.prepare(english), ({ begin }) => begin)
      yield* push(voice(500))
      yield* transcribe
      const { accepted } = fake.connections()
      yield* transcribe
      yield* transcribe
      assert.strictEqual(fake.connections().accepted, accepted)
    }).pipe(Effect.scoped, Effect.provide(EngineHttpClient.layer))
  }))

describe("the fake recognizer", () => {
  const sentences = ["I would like an appointment.", "What is your address?", "Tomorrow at nine.", "Goodbye."]

  it.live("recognizes sentences through a telephone line and after silence, and a part of a sentence", live(() =>
    Effect.gen(function*() {
      const flite = yield* TextToSpeech
      const sounds = yield* Effect.forEach(sentences, (text) =>
        Effect.map(Stream.runCollect(flite.speak({ text, language: "en", voice: "rms" })), (chunks) => ({
          text,
          sound: Int16Array.from(chunks.flatMap(({ pcm }) => [...pcm])),
          sampleRate: 8000 as const
        })))
      const fake = yield* FakeSpeechServers.transcription({ hears: FakeSpeechServers.bySound(sounds) })
      const engine = yield* OpenAiSpeechToText.make(settingsAt(fake.url))
      const recognizer = yield* engine.prepare(english)
      const hear = Effect.fnUntraced(function*(...pieces: ReadonlyArray<Pcm<8000>>) {
        const { push, transcribe } = yield* recognizer.begin
        for (const piece of pieces) yield* push(Mulaw.decode(Mulaw.encode(piece.map((sample) => sample / 2))))
        return (yield* transcribe).text
      })
      for (const { sound, text } of sounds) assert.strictEqual(yield* hear(silence(470), sound, silence(130)), text)
      const [{ sound, text }] = sounds
      const part = yield* hear(silence(470), sound.subarray(0, sound.length / 2))
      assert.isTrue(text.startsWith(part) && part.length > 0 && part.length < text.length, part)
    }).pipe(Effect.provide(Flite.layer))))
})
