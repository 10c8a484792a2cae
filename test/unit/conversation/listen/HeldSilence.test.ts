import { assert, describe, it } from "@effect/vitest"
import * as HeldSilence from "../../../../src/conversation/listen/HeldSilence.ts"

/** Samples from this one on, so that each tells its place. */
const from = (first: number, length: number) => Int16Array.from({ length }, (_, index) => (first + index) % 32_768)

const samples = (pieces: ReadonlyArray<Int16Array>) => pieces.flatMap((piece) => [...piece])

describe("the silence behind words", () => {
  it("is handed on for 300 ms behind the last voiced sample, and no more", () => {
    for (const size of [80, 160, 256, 480, 8000]) {
      const silence = HeldSilence.make()
      assert.strictEqual(samples(silence.pass(from(0, 4000))).length, 4000)
      silence.begin(64)
      let passed = 0
      for (let at = 0; at < 80_000; at += size) passed += samples(silence.pass(from(at, size))).length
      assert.strictEqual(passed, (300 - 64) * 8, `${size}`)
    }
  })

  it("is handed on whole when the caller goes on soon", () => {
    const silence = HeldSilence.make()
    silence.begin(64)
    const now = samples(silence.pass(from(0, 4000)))
    const later = samples(silence.pass(from(4000, 4000)))
    assert.deepStrictEqual([...now, ...later, ...samples(silence.end())], [...from(0, 8000)])
    assert.strictEqual(samples(silence.pass(from(8000, 4000))).length, 4000)
    assert.deepStrictEqual(silence.end(), [])
  })

  it("is shortened when the caller goes on late, and never by what the voice began with", () => {
    const silence = HeldSilence.make()
    silence.begin(500)
    for (let at = 0; at < 160_000; at += 160) assert.deepStrictEqual(silence.pass(from(at, 160)), [])
    const held = samples(silence.end())
    assert.isAtLeast(held.length, 8000)
    assert.isAtMost(held.length, 8160)
    assert.strictEqual(held.at(-1), 159_999 % 32_768)
  })

  it("is kept though the sound is written to afterwards", () => {
    const silence = HeldSilence.make()
    silence.begin(300)
    const sound = from(0, 160)
    silence.pass(sound)
    sound.fill(-1)
    assert.deepStrictEqual(samples(silence.end()), [...from(0, 160)])
  })
})
