import { assert, describe, it } from "@effect/vitest"
import * as LeadingSilence from "../../../../../src/engines/embedded/soundswallower/LeadingSilence.ts"

const samplesPerMilli = 8

/** A hum of this amplitude: its power is the same in each frame of 20 ms. */
const hum = (millis: number, amplitude: number): ReadonlyArray<number> =>
  Array.from({ length: millis * samplesPerMilli }, (_, index) => amplitude * Math.sin((2 * Math.PI * index) / 16))

const skippedMillis = (...parts: ReadonlyArray<ReadonlyArray<number>>): number => LeadingSilence.lengthOf(Float32Array.from(parts.flat())) / samplesPerMilli

describe("the silence that the recognizer does not decode", () => {
  it("ends 300 ms before the voice", () => {
    assert.strictEqual(skippedMillis(hum(480, 0), hum(700, 0.3), hum(120, 0)), 180)
    assert.strictEqual(skippedMillis(hum(960, 0), hum(700, 0.3), hum(120, 0)), 660)
  })

  it("may be a hiss 25 dB below the voice", () => assert.strictEqual(skippedMillis(hum(480, 0.017), hum(700, 0.3), hum(120, 0.017)), 180))

  it("ends before a consonant that is 30 dB softer than the vowel", () =>
    assert.strictEqual(skippedMillis(hum(400, 0), hum(100, 0.01), hum(700, 0.3), hum(120, 0)), 100))

  it("is none if the voice begins at once, if all is silent, and in the shortest sounds", () => {
    assert.strictEqual(skippedMillis(hum(700, 0.3), hum(120, 0)), 0)
    assert.strictEqual(skippedMillis(hum(1000, 0)), 0)
    assert.strictEqual(skippedMillis(hum(1000, 0.3)), 0)
    for (const millis of [0, 5, 20, 50]) assert.strictEqual(skippedMillis(hum(millis, 0.3)), 0)
  })
})
