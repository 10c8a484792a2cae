import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import * as Wav from "../../../../../src/audio/Wav.ts"
import * as SpeechEnergy from "../../../../../src/engines/openai/transcription/SpeechEnergy.ts"

/** The same noise every time. `dbfs`: its power. */
const noise = (millis: number, dbfs: number): Pcm<8000> => {
  let seed = 1
  const amplitude = 32_768 * 10 ** (dbfs / 20) * Math.sqrt(3)
  return Int16Array.from({ length: millis * 8 }, () => {
    seed = (seed * 48_271) % 2_147_483_647
    return amplitude * (2 * seed / 2_147_483_647 - 1)
  })
}

const measure = (...pieces: ReadonlyArray<Pcm<8000>>): SpeechEnergy.Measurement => {
  const loudness = SpeechEnergy.make()
  for (const piece of pieces) loudness.push(piece)
  return loudness.measure()
}

describe("speech energy", () => {
  it("finds no voice in silence and in the line's hiss", () => {
    assert.deepStrictEqual(measure(), { millis: 0, voicedMillis: 0, voicedUntil: 0, overFloor: 0 })
    assert.strictEqual(measure(new Int16Array(16_000)).voicedMillis, 0)
    assert.strictEqual(measure(noise(2000, -60)).voicedMillis, 0)
    assert.strictEqual(measure(noise(2000, -45)).voicedMillis, 0)
  })

  it("measures how long the voice is, and how far above the noise", () => {
    const { millis, overFloor, voicedMillis } = measure(noise(500, -50), noise(300, -20), noise(200, -50))
    assert.strictEqual(millis, 1000)
    assert.approximately(voicedMillis, 300, 20)
    assert.approximately(overFloor, 30, 1)
  })

  it("tells where the voice ends", () => {
    assert.approximately(measure(noise(500, -50), noise(300, -20), noise(5000, -50)).voicedUntil, 800, 20)
    assert.approximately(measure(noise(500, -50), noise(300, -20), noise(5000, -50), noise(100, -20)).voicedUntil, 5900, 20)
  })

  it("counts loud sound as voice even if nothing is quiet", () => {
    assert.strictEqual(measure(noise(1000, -20)).voicedMillis, 1000)
  })

  it("does not depend on how the sound is cut", () => {
    const all = Int16Array.from([...noise(333, -50), ...noise(250, -25), ...noise(111, -50)])
    const cut = Array.from({ length: Math.ceil(all.length / 37) }, (_, index) => all.subarray(index * 37, (index + 1) * 37))
    assert.deepStrictEqual(measure(...cut), measure(all))
  })

  it("finds voice in at least half of recorded speech", () => {
    const wav = Wav.decode(readFileSync("test/fixtures/speech-8k.wav"))
    assert(wav._tag === "Wav")
    const { millis, overFloor, voicedMillis } = measure(wav.channels[0])
    assert.isAbove(voicedMillis, millis / 2)
    assert.isAbove(overFloor, 15)
  })
})
