/**
 * A call whose words are heard and spoken by servers: the fakes hear and speak over real HTTP, and all else is real.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TextToSpeech } from "../../src/conversation/TextToSpeech.ts"
import * as Flite from "../../src/engines/embedded/FliteTextToSpeech.ts"
import * as Caller from "../../src/simulator/Caller.ts"
import * as FakeSpeechServers from "../fakes/FakeSpeechServers.ts"
import { withService } from "./Service.ts"
import { place } from "./Talk.ts"

const lines = ["What is your address?", "Goodbye."]

const { AwaitSilence, AwaitSpeech, Silence, Speak } = Caller.Step

const listen = [AwaitSpeech({ atMost: "20 seconds" }), AwaitSilence({ duration: "800 millis", atMost: "20 seconds" })]

const caller = Caller.make(
  ...listen,
  ...lines.flatMap((text) => [Speak({ text, voice: "rms" }), ...listen]),
  Silence({ duration: "10 seconds" })
)

it.live("is answered, and leaves no request open", () =>
  Effect.gen(function*() {
    const flite = yield* TextToSpeech
    const sounds = yield* Effect.forEach(lines, (text) =>
      Effect.map(Stream.runCollect(flite.speak({ text, language: "en", voice: "rms" })), (chunks) => ({
        text,
        sound: Int16Array.from(chunks.flatMap(({ pcm }) => [...pcm])),
        sampleRate: 8000 as const
      })))
    const ears = yield* FakeSpeechServers.transcription({ hears: FakeSpeechServers.bySound(sounds), latency: () => 30 })
    const mouth = yield* FakeSpeechServers.speech({ latency: () => 30, realTimeFactor: 0.1, dialect: "openEnded", refuses: ["stream"] })
    yield* withService({ env: { AGENT: "receptionist", STT_URL: `${ears.url}/v1`, TTS_URL: `${mouth.url}/v1` } }, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller })
        yield* call.ended
        assert.strictEqual(yield* call.status, "completed")
        yield* ears.until(() => ears.open() === 0)
        yield* mouth.until(() => mouth.open() === 0)
      }))
    assert.isAbove(ears.asked.length, 1)
    assert.isTrue(mouth.asked.some(({ input }) => input === "We are at twenty Maple Street."))
  }).pipe(Effect.provide(Flite.layer)), 60_000)
