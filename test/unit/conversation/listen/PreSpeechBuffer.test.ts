import { assert, describe, it } from "@effect/vitest"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import type { EchoCanceller } from "../../../../src/conversation/listen/EchoCanceller.ts"
import * as PreSpeechBuffer from "../../../../src/conversation/listen/PreSpeechBuffer.ts"

/** Takes one off every sample, and keeps when that was. */
const makeGuard = () => {
  const asked: Array<number> = []
  const guard: EchoCanceller = {
    played: () => {},
    cleared: () => {},
    judge: () => false,
    isAlike: () => false,
    clean: (pcm, at) => {
      asked.push(at)
      return pcm.map((sample) => sample - 1)
    },
    delay: () => undefined
  }
  return { asked, guard }
}

/** 20 ms whose samples are the number of the frame. */
const frame = (number: number): Pcm<8000> => new Int16Array(160).fill(number)

describe("PreRoll", () => {
  it("is the last 480 ms, or all there is", () => {
    const { asked, guard } = makeGuard()
    const preRoll = PreSpeechBuffer.make(guard)
    assert.strictEqual(preRoll.read().length, 0)
    for (let number = 1; number <= 10; number++) preRoll.push(frame(number), 1000 + number * 20)
    assert.deepStrictEqual([...preRoll.read()], Array.from({ length: 1600 }, (_, index) => Math.floor(index / 160)))
    for (let number = 11; number <= 100; number++) preRoll.push(frame(number), 1000 + number * 20)
    assert.deepStrictEqual([...preRoll.read()], Array.from({ length: 3840 }, (_, index) => 76 + Math.floor(index / 160)))
    assert.deepStrictEqual(asked, [0, 1020, 3020 - 480])
  })

  it("has nothing from before the moment that is asked for", () => {
    const preRoll = PreSpeechBuffer.make(makeGuard().guard)
    for (let number = 1; number <= 100; number++) preRoll.push(frame(number), number * 20)
    assert.deepStrictEqual([...preRoll.read(1980)], Array.from({ length: 320 }, (_, index) => 98 + Math.floor(index / 160)))
    assert.strictEqual(preRoll.read(2020).length, 0)
    assert.strictEqual(preRoll.read(3000).length, 0)
    assert.strictEqual(preRoll.read(0).length, 3840)
  })

  it("is twice as long after an echo, which is silent in it, and as ever when that is past", () => {
    const preRoll = PreSpeechBuffer.make(makeGuard().guard)
    for (let number = 1; number <= 100; number++) preRoll.push(frame(number), number * 20)
    // From 2020 - 960 = 1060 on: one that is cut by the beginning, and one in the middle.
    for (const at of [1050, 1500]) preRoll.echoed(at)
    const sound = preRoll.read()
    assert.strictEqual(sound.length, 7680)
    const silent = [...sound.keys()].filter((index) => sound[index] === 0)
    const from = (1500 - 1060) * 8
    assert.deepStrictEqual(silent, [
      ...Array.from({ length: 256 - 80 }, (_, index) => index),
      ...Array.from({ length: 256 }, (_, index) => from + index)
    ])
    for (let number = 101; number <= 149; number++) preRoll.push(frame(number), number * 20)
    assert.strictEqual(preRoll.read().length, 3840)
  })

  it("takes the end of a piece that is longer than itself", () => {
    const preRoll = PreSpeechBuffer.make(makeGuard().guard)
    preRoll.push(Int16Array.from({ length: 10_000 }, (_, index) => index), 0)
    assert.deepStrictEqual([preRoll.read()[0], preRoll.read().at(-1)], [10_000 - 3840 - 1, 9998])
  })
})
