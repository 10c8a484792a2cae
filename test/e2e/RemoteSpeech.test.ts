/**
 * A call whose words are heard and spoken by servers: the fakes hear and speak over real HTTP, and all else is real.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import { TextToSpeech } from "../../src/conversation/TextToSpeech.ts"
import * as Flite from "../../src/engines/embedded/FliteTextToSpeech.ts"
import * as Scripted from "../../src/engines/embedded/ScriptedReplyModel.ts"
import * as Silero from "../../src/engines/embedded/SileroVoiceActivity.ts"
import * as Connections from "../../src/engines/openai/Connections.ts"
import * as OpenAiSpeechToText from "../../src/engines/openai/OpenAiSpeechToText.ts"
import * as OpenAiTextToSpeech from "../../src/engines/openai/OpenAiTextToSpeech.ts"
import * as Caller from "../../src/simulator/Caller.ts"
import * as FakeSpeechServers from "../fakes/FakeSpeechServers.ts"
import { withService } from "./Service.ts"
import { place } from "./Talk.ts"

const lines = ["What is your address?", "Goodbye."]

const settingsAt = (url: string) => ({
  url: new URL(`${url}/v1`),
  model: Option.some("m"),
  apiKey: Option.none(),
  voice: Option.none()
})

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
    const engines = Layer.mergeAll(
      Silero.layer,
      Scripted.layer,
      OpenAiSpeechToText.layer(settingsAt(ears.url)),
      OpenAiTextToSpeech.layer(settingsAt(mouth.url))
    ).pipe(Layer.provide(Connections.layer), Layer.provide(NodeServices.layer), Layer.orDie)

    yield* withService({ env: { AGENT: "receptionist" }, engines }, (both) =>
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
