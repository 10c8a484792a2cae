import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { readFileSync } from "node:fs"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import { VoiceActivity, windowLength } from "../../../../../src/conversation/ports/VoiceActivity.ts"
import * as Silero from "../../../../../src/engines/embedded/silero/SileroVoiceActivity.ts"
import * as SoundFiles from "../../../../../src/simulator/caller/SoundFiles.ts"
import * as Detectors from "../../../../support/conversation/Detectors.ts"

const speech = Result.getOrThrow(SoundFiles.fromWav(readFileSync(new URL("../../../../fixtures/speech-8k.wav", import.meta.url))))

/** Three seconds of the recording. */
const from = (start: number): Pcm<8000> => speech.slice(start, start + 24_000) as Pcm<8000>

const probabilities = Effect.fnUntraced(function*(sound: Int16Array) {
  const detector = yield* (yield* VoiceActivity).open
  const windows = Array.from({ length: Math.floor(sound.length / windowLength) }, (_, index) =>
    sound.slice(index * windowLength, (index + 1) * windowLength) as Pcm<8000>)
  return yield* Effect.forEach(windows, (window) => Detectors.probability(detector, window))
})

layer(Silero.layer.pipe(Layer.provide(NodeServices.layer)))("Silero VAD", (it) => {
  it.effect("hears each call as if it were alone, however many calls share a run", () =>
    Effect.gen(function*() {
      const sounds = [from(0), new Int16Array(24_000), from(4000), from(9000).map((sample) => sample / 8), from(0)]
      const alone = yield* Effect.forEach(sounds, probabilities)
      const together = yield* Effect.forEach(sounds, probabilities, { concurrency: "unbounded" })
      for (const [call, expected] of alone.entries()) {
        assert.strictEqual(together[call].length, expected.length)
        for (const [window, probability] of together[call].entries()) {
          assert.closeTo(probability, expected[window], 1e-3, `call ${call}, window ${window}`)
        }
      }
      assert.isAbove(Math.max(...alone[0]), 0.9)
      assert.isBelow(Math.max(...alone[1]), 0.1)
    }))
})
