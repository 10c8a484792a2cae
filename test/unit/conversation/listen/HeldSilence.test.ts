import { assert, describe, it } from "@effect/vitest"
import * as HeldSilence from "../../../../src/conversation/listen/HeldSilence.ts"

/** Samples that count up from this number, so that each shows its position. */
const from = (first: number, length: number) => Int16Array.from({ length }, (_, index) => (first + index) % 32_768)

const setUp = () => {
  let passed: Array<number> = []
  const silence = HeldSilence.make((pcm) => passed.push(...pcm))
  /** The samples that were passed on since the last call. */
  const take = () => {
    const taken = passed
    passed = []
    return taken
  }
  return { silence, take }
}

describe("the silence after words", () => {
  it("is passed on for 300 ms after the last voiced sample, and is then held", () => {
    for (const size of [80, 160, 256, 480, 8000]) {
      const { silence, take } = setUp()
      silence.push(from(0, 4000))
      assert.strictEqual(take().length, 4000)
      silence.voiceStopped(64)
      for (let at = 0; at < 80_000; at += size) silence.push(from(at, size))
      assert.strictEqual(take().length, (300 - 64) * 8, `${size}`)
    }
  })

  it("is passed on whole when the caller goes on soon", () => {
    const { silence, take } = setUp()
    silence.voiceStopped(64)
    silence.push(from(0, 4000))
    silence.push(from(4000, 4000))
    silence.voiceStarted()
    assert.deepStrictEqual(take(), [...from(0, 8000)])
    silence.push(from(8000, 4000))
    assert.strictEqual(take().length, 4000)
    silence.voiceStarted()
    assert.deepStrictEqual(take(), [])
  })

  it("is passed on with only its last second when the caller goes on late", () => {
    const { silence, take } = setUp()
    silence.voiceStopped(500)
    for (let at = 0; at < 160_000; at += 160) silence.push(from(at, 160))
    assert.deepStrictEqual(take(), [])
    silence.voiceStarted()
    const held = take()
    assert.isAtLeast(held.length, 8000)
    assert.isAtMost(held.length, 8160)
    assert.strictEqual(held.at(-1), 159_999 % 32_768)
  })

  it("is copied while it is held, since the line reuses the array", () => {
    const { silence, take } = setUp()
    silence.voiceStopped(300)
    const sound = from(0, 160)
    silence.push(sound)
    sound.fill(-1)
    silence.voiceStarted()
    assert.deepStrictEqual(take(), [...from(0, 160)])
  })
})
