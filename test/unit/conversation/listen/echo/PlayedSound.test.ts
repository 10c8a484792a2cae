import { assert, describe, it } from "@effect/vitest"
import * as PlayedSound from "../../../../../src/conversation/listen/echo/PlayedSound.ts"

const constant = (length: number, value: number) => new Int16Array(length).fill(value)

describe("the played sound", () => {
  it("is found at its moment, with silence elsewhere", () => {
    const played = PlayedSound.make()
    assert.strictEqual(played.at(0), 0)
    played.add(constant(100, 3), 1000)
    played.add(constant(100, 5), 1200)
    assert.deepStrictEqual([999, 1000, 1099, 1100, 1199, 1200, 1299, 1300].map(played.at), [0, 3, 3, 0, 0, 5, 5, 0])
    assert.strictEqual(played.end(), 1300)
  })

  it("is forgotten after 8 s of other sound, and after a longer pause at once", () => {
    const played = PlayedSound.make()
    played.add(constant(100, 3), 0)
    played.add(constant(65_500, 5), 100)
    assert.deepStrictEqual([0, 63, 64, 100].map(played.at), [0, 0, 3, 5])
    played.add(constant(100, 7), 10_000_000)
    assert.deepStrictEqual([100, 10_000_000 - 1, 10_000_000].map(played.at), [0, 0, 7])
  })

  it("is silence from the moment of a clear on", () => {
    const played = PlayedSound.make()
    played.add(constant(1000, 3), 0)
    played.clear(400)
    assert.deepStrictEqual([399, 400, 999].map(played.at), [3, 0, 0])
  })

  it("has a mean power, and a power of its loudest 32 ms", () => {
    const played = PlayedSound.make()
    played.add(constant(256, 3), 0)
    played.add(constant(256, 5), 256)
    assert.strictEqual(played.power(0, 256), 9)
    assert.strictEqual(played.power(128, 256), 17)
    assert.strictEqual(played.loudestPower(0, 256), 9)
    assert.strictEqual(played.loudestPower(0, 1024), 25)
    assert.strictEqual(played.loudestPower(1024, 2048), 0)
  })
})
