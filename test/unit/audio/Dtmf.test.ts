import { assert, describe, it } from "@effect/vitest"
import * as Dtmf from "../../../src/audio/Dtmf.ts"
import * as Mulaw from "../../../src/audio/Mulaw.ts"
import type { SampleRate } from "../../../src/audio/Pcm.ts"

const groups = [697, 770, 852, 941, 1209, 1336, 1477, 1633]
const keys = "123A456B789C*0#D"
const fullScale = 32_768

/** Amplitude of one frequency by Goertzel's algorithm. */
const goertzel = (samples: Int16Array, frequency: number, rate: number): number => {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / rate)
  let one = 0
  let two = 0
  for (const sample of samples) [one, two] = [sample + coefficient * one - two, one]
  return (2 * Math.sqrt(Math.max(0, one * one + two * two - coefficient * one * two))) / samples.length
}

const toneOf = (key: string, rate: SampleRate) => Dtmf.tones(key, rate).subarray(0, (rate * Dtmf.toneMillis) / 1000)

describe("the tone of a key", () => {
  it("has its two frequencies of ITU-T Q.23 and no others, at every rate, even after μ-law", () => {
    for (const rate of [8000, 16_000, 24_000, 48_000] as const) {
      for (const [index, key] of [...keys].entries()) {
        const expected = [groups[index >> 2], groups[4 + (index & 3)]]
        const tone = toneOf(key, rate)
        for (const heard of [tone, Mulaw.decode(Mulaw.encode(tone))]) {
          const levels = groups.map((frequency) => ({ frequency, level: goertzel(heard, frequency, rate) }))
          const found = levels.toSorted((a, b) => b.level - a.level)
          assert.sameMembers(found.slice(0, 2).map(({ frequency }) => frequency), expected, key)
          // A receiver accepts a difference of 8 dB between the two. All other frequencies are far weaker.
          assert.isAbove(found[1].level / found[0].level, 0.8, key)
          assert.isBelow(found[2].level / found[1].level, 0.2, key)
        }
      }
    }
  })

  it("has a peak of −6 dBFS and each sine at −12 dBFS", () => {
    for (const key of keys) {
      const tone = toneOf(key, 8000)
      const peak = tone.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) / fullScale
      assert.isAtMost(peak, 0.5, key)
      assert.isAbove(peak, 0.4, key)
      for (const frequency of Dtmf.frequenciesOf(key)!) {
        assert.approximately(20 * Math.log10(goertzel(tone, frequency, 8000) / fullScale), -12.04, 1, key)
      }
    }
  })

  it("begins and ends without a click, and a pause follows", () => {
    const sound = Dtmf.tones("5", 8000)
    assert.strictEqual(sound.length, 1600)
    assert.isTrue(sound.subarray(800).every((sample) => sample === 0))
    const loudest = (from: number, to: number) => sound.subarray(from, to).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
    for (const [from, to] of [[0, 8], [792, 800]]) assert.isBelow(loudest(from, to), 1700)
    assert.isAbove(loudest(40, 760), 14_000)
  })
})

describe("keys", () => {
  it("follow each other, 200 ms each", () => {
    const sound = Dtmf.tones("1#", 8000)
    assert.strictEqual(sound.length / 8, Dtmf.durationOf("1#"))
    assert.deepStrictEqual(sound.subarray(1600), Dtmf.tones("#", 8000))
  })

  it("are taken from a text, without characters that no telephone has", () => {
    assert.strictEqual(Dtmf.keysIn("12-34, then #* and A"), "1234#*A")
    assert.strictEqual(Dtmf.keysIn("none"), "")
    assert.isUndefined(Dtmf.frequenciesOf("12"))
    assert.isUndefined(Dtmf.frequenciesOf(""))
  })

  it("count as pressed once their tones have begun", () => {
    assert.deepStrictEqual([0, 1, 200, 201, 5000].map((millis) => Dtmf.begunBy("123", millis)), ["", "1", "1", "12", "123"])
  })
})
