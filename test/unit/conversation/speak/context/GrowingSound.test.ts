import { assert, describe, it } from "@effect/vitest"
import * as GrowingSound from "../../../../../src/conversation/speak/context/GrowingSound.ts"

const counting = (length: number, first = 0) => Int16Array.from({ length }, (_, index) => first + index)

describe("sound that grows", () => {
  it("is copied in order, whatever the pieces are", () => {
    const sound = GrowingSound.make(8000, 10_000)
    for (let at = 0; at < 20_000; at += 163) sound.copy(counting(Math.min(163, 20_000 - at), at))
    assert.strictEqual(sound.length(), 20_000)
    assert.deepStrictEqual(sound.firstSamples(20_000).flatMap((piece) => [...piece]), [...counting(20_000)])
    assert.deepStrictEqual(sound.firstSamples(8001).map(({ length }) => length), [8000, 1])
  })

  it("does not change sound that was read before", () => {
    const sound = GrowingSound.make(8000, 10_000)
    sound.copy(counting(100))
    const [first] = sound.firstSamples(100)
    sound.copy(counting(100, 100))
    assert.deepStrictEqual([...first], [...counting(100)])
  })

  it("is kept without a copy when it is added", () => {
    const sound = GrowingSound.make(24_000, 1000)
    const piece = counting(24_000)
    sound.add(piece)
    assert.strictEqual(sound.firstSamples(24_000)[0], piece)
  })

  it("is dropped for good beyond its limit", () => {
    const sound = GrowingSound.make(8000, 1000)
    sound.copy(counting(8000))
    assert.isFalse(sound.isDropped())
    sound.copy(counting(1))
    assert.isTrue(sound.isDropped())
    sound.copy(counting(1))
    assert.deepStrictEqual(sound.firstSamples(8000), [])
    assert.strictEqual(sound.length(), 8000)
  })
})
