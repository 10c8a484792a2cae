import { assert, describe, it } from "@effect/vitest"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import { UtteranceSound } from "../../../../../src/engines/openai/transcription/UtteranceSound.ts"

const silence = (millis: number): Pcm<8000> => new Int16Array(8 * millis)
const voice = (millis: number): Pcm<8000> => new Int16Array(8 * millis).fill(8000)

const soundOf = (...pieces: ReadonlyArray<Pcm<8000>>): UtteranceSound => {
  const sound = new UtteranceSound()
  for (const piece of pieces) sound.push(piece)
  return sound
}

describe("the sound of an utterance", () => {
  it("has no words in silence, or in less than 60 ms of voice", () => {
    assert.isUndefined(soundOf().speech())
    assert.isUndefined(soundOf(silence(2000)).speech())
    assert.isUndefined(soundOf(silence(500), voice(40), silence(500)).speech())
    assert.isDefined(soundOf(silence(500), voice(60), silence(500)).speech())
  })

  it("is sent up to 250 ms after the voice, with the silence before it", () => {
    const sound = soundOf(silence(300), voice(200), silence(1000))
    const speech = sound.speech()
    assert.deepStrictEqual([speech?.length, speech?.energy.millis, speech?.energy.voicedMillis], [8 * 750, 750, 200])
    assert.strictEqual(speech?.pieces.reduce((samples, { length }) => samples + length, 0), 8 * 750)
    assert.deepStrictEqual([sound.millis, sound.loudMillis, sound.voicedUntil], [1500, 200, 500])
  })

  it("is sent whole if the voice has just ended", () => {
    assert.strictEqual(soundOf(silence(300), voice(200), silence(100)).speech()?.length, 8 * 600)
  })

  it("ends after a minute", () => {
    const sound = soundOf(voice(30_000), voice(29_990), voice(20), voice(10))
    assert.strictEqual(sound.millis, 60_000)
    assert.strictEqual(sound.speech()?.length, 480_000)
  })
})
