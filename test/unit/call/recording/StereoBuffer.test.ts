import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { StereoBuffer } from "../../../../src/call/recording/StereoBuffer.ts"

const sound = (value: number, length: number) => new Uint8Array(length).fill(value)
const channel = (bytes: Uint8Array, which: 0 | 1) => Uint8Array.from({ length: bytes.length / 2 }, (_, at) => bytes[2 * at + which])

describe("StereoBuffer", () => {
  it("interleaves both channels, with silence where nothing was written", () => {
    const buffer = new StereoBuffer(16, 16)
    buffer.write(0, 0, sound(1, 4))
    buffer.write(1, 2, sound(2, 4))
    const { silentBytes, sound: taken } = buffer.take(8)
    assert.strictEqual(silentBytes, 0)
    assert.deepStrictEqual([...channel(taken, 0)], [1, 1, 1, 1, 255, 255, 255, 255])
    assert.deepStrictEqual([...channel(taken, 1)], [255, 255, 2, 2, 2, 2, 255, 255])
  })

  it("gives sound once, and later sound after it", () => {
    const buffer = new StereoBuffer(8, 8)
    for (let round = 0; round < 10; round++) {
      buffer.write(0, 5 * round, sound(round, 5))
      const { sound: taken } = buffer.take(5 * (round + 1))
      assert.deepStrictEqual([...channel(taken, 0)], [...sound(round, 5)])
      assert.deepStrictEqual([...channel(taken, 1)], [...sound(255, 5)])
    }
  })

  it("loses its oldest sound when nobody takes it, and keeps the place of the rest", () => {
    const buffer = new StereoBuffer(8, 16)
    buffer.write(0, 0, sound(1, 10))
    buffer.write(0, 10, sound(2, 10))
    assert.strictEqual(buffer.lost, 4)
    const { silentBytes, sound: taken } = buffer.take(20)
    assert.strictEqual(silentBytes, 2 * 4)
    assert.deepStrictEqual([...channel(taken, 0)], [...sound(1, 6), ...sound(2, 10)])
  })

  it("leaves out sound that comes too late", () => {
    const buffer = new StereoBuffer(16, 16)
    buffer.take(4)
    buffer.write(1, 2, sound(9, 4))
    assert.strictEqual(buffer.lost, 2)
    assert.deepStrictEqual([...channel(buffer.take(8).sound, 1)], [9, 9, 255, 255])
  })

  it("makes a channel silent again", () => {
    const buffer = new StereoBuffer(16, 16)
    buffer.write(0, 0, sound(1, 8))
    buffer.write(1, 0, sound(2, 8))
    buffer.silence(1, 3, 8)
    const { sound: taken } = buffer.take(8)
    assert.deepStrictEqual([...channel(taken, 0)], [...sound(1, 8)])
    assert.deepStrictEqual([...channel(taken, 1)], [2, 2, 2, 255, 255, 255, 255, 255])
  })

  it("gives silence beyond its size", () => {
    const buffer = new StereoBuffer(8, 8)
    const first = buffer.take(20)
    const second = buffer.take(24)
    assert.strictEqual(first.sound.length + second.silentBytes + second.sound.length, 2 * 24)
  })

  const Step = Schema.Struct({ channel: Schema.Literals([0, 1]), length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })), isTaken: Schema.Boolean })

  it.prop("gives as many bytes as time has passed, whatever is written and lost", [Schema.Array(Step)], ([steps]) => {
    const buffer = new StereoBuffer(16, 64)
    const ends: [number, number] = [0, 0]
    let bytes = 0
    let taken = 0
    for (const [index, step] of steps.entries()) {
      buffer.write(step.channel, ends[step.channel], sound(index, step.length))
      ends[step.channel] += step.length
      if (!step.isTaken) continue
      const end = Math.max(...ends)
      const { silentBytes, sound: piece } = buffer.take(end)
      bytes += silentBytes + piece.length
      taken = end
    }
    assert.strictEqual(bytes, 2 * taken)
  })
})
