import { assert, describe, it } from "@effect/vitest"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import type { EchoCanceller } from "../../../../src/conversation/listen/echo/EchoCanceller.ts"
import * as PreSpeechBuffer from "../../../../src/conversation/listen/PreSpeechBuffer.ts"

/** A canceller that subtracts one from every sample, and records the times of the sound that it got. */
const makeCanceller = () => {
  const asked: Array<number> = []
  const canceller: Pick<EchoCanceller, "clean"> = {
    clean: (pcm, at) => {
      asked.push(at)
      return pcm.map((sample) => sample - 1)
    }
  }
  return { asked, canceller }
}

/** 20 ms of sound; each sample is the frame's number. */
const frame = (number: number): Pcm<8000> => new Int16Array(160).fill(number)

describe("the pre-speech buffer", () => {
  it("gives the last 480 ms, or all sound if there is less", () => {
    const { asked, canceller } = makeCanceller()
    const buffer = PreSpeechBuffer.make(canceller)
    assert.strictEqual(buffer.read().length, 0)
    for (let number = 1; number <= 10; number++) buffer.push(frame(number), 1000 + number * 20)
    assert.deepStrictEqual([...buffer.read()], Array.from({ length: 1600 }, (_, index) => Math.floor(index / 160)))
    for (let number = 11; number <= 100; number++) buffer.push(frame(number), 1000 + number * 20)
    assert.deepStrictEqual([...buffer.read()], Array.from({ length: 3840 }, (_, index) => 76 + Math.floor(index / 160)))
    assert.deepStrictEqual(asked, [0, 1020, 3020 - 480])
  })

  it("has no sound from before the requested moment", () => {
    const buffer = PreSpeechBuffer.make(makeCanceller().canceller)
    for (let number = 1; number <= 100; number++) buffer.push(frame(number), number * 20)
    assert.deepStrictEqual([...buffer.read(1980)], Array.from({ length: 320 }, (_, index) => 98 + Math.floor(index / 160)))
    assert.strictEqual(buffer.read(2020).length, 0)
    assert.strictEqual(buffer.read(3000).length, 0)
    assert.strictEqual(buffer.read(0).length, 3840)
  })

  it("gives 960 ms while it holds an echo, and turns the echo into silence", () => {
    const buffer = PreSpeechBuffer.make(makeCanceller().canceller)
    for (let number = 1; number <= 100; number++) buffer.push(frame(number), number * 20)
    // The buffer begins at 2020 - 960 = 1060. One echo lies across its beginning, one in its middle.
    for (const at of [1050, 1500]) buffer.markEcho(at)
    const sound = buffer.read()
    assert.strictEqual(sound.length, 7680)
    const silent = [...sound.keys()].filter((index) => sound[index] === 0)
    const from = (1500 - 1060) * 8
    assert.deepStrictEqual(silent, [
      ...Array.from({ length: 256 - 80 }, (_, index) => index),
      ...Array.from({ length: 256 }, (_, index) => from + index)
    ])
    for (let number = 101; number <= 149; number++) buffer.push(frame(number), number * 20)
    assert.strictEqual(buffer.read().length, 3840)
  })

  it("keeps the end of a piece that is longer than itself", () => {
    const buffer = PreSpeechBuffer.make(makeCanceller().canceller)
    buffer.push(Int16Array.from({ length: 10_000 }, (_, index) => index), 0)
    assert.deepStrictEqual([buffer.read()[0], buffer.read().at(-1)], [10_000 - 3840 - 1, 9998])
  })
})
