import { assert, describe, it } from "@effect/vitest"
import * as Pcm from "../../../../src/audio/Pcm.ts"
import * as AudioSimilarity from "../../../../src/simulator/report/AudioSimilarity.ts"

/** Noise with syllables, by Park and Miller's generator (1988). */
const speech = (millis: number) => {
  let state = 20_261
  return Pcm.of(8000, Int16Array.from({ length: millis * 8 }, (_, index) => {
    state = (state * 48_271) % 2_147_483_647
    return (state / 1_073_741_823.5 - 1) * 8000 * Math.sin(index / 900) ** 2
  }))
}

/** The sound `said`, delayed by `lagMillis`, with silence from `from` to `to`. */
const echoOf = (said: Pcm.Pcm<8000>, lagMillis: number, from: number, to: number) => {
  const heard = new Int16Array(said.length + lagMillis * 8)
  heard.set(said, lagMillis * 8)
  heard.fill(0, (from + lagMillis) * 8, (to + lagMillis) * 8)
  return Pcm.of(8000, heard)
}

describe("a sound that came back", () => {
  const said = speech(4000)
  // The sound of the last 250 ms before each loss was on its way, and is missing.
  const lostAt = [1000, 2000, 3000]
  const heard = lostAt.reduce((sound, at) => {
    const cut = Int16Array.from(sound)
    cut.fill(0, (at - 250 + 100) * 8, (at + 100) * 8)
    return Pcm.of(8000, cut)
  }, echoOf(said, 100, 0, 0))

  it("is the same if only sound that was on its way at a loss is missing", () => {
    assert.isBelow(AudioSimilarity.compare(said, heard).correlation, 0.9)
    const { correlation, lagMillis } = AudioSimilarity.compare(said, heard, { lostAt })
    assert.isAbove(correlation, 0.99)
    assert.strictEqual(lagMillis, 100)
  })

  it("is not the same if more is missing than the losses explain", () => {
    assert.isBelow(AudioSimilarity.compare(said, echoOf(said, 100, 1200, 2800), { lostAt: [1000] }).correlation, 0.8)
  })
})
