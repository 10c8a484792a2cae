import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Pcm from "../../../src/audio/Pcm.ts"

const samples = Pcm.of(8000, Int16Array.of(0, 1, -1, 32_767, -32_768, 0x1234))
const bytes = Uint8Array.of(0, 0, 1, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0x80, 0x34, 0x12)

/** The same bytes, at this offset in their memory. */
const movedBy = (offset: number, more: ReadonlyArray<number> = []) => {
  const memory = new Uint8Array(offset + bytes.length + more.length).fill(0xaa)
  memory.set(bytes, offset)
  memory.set(more, offset + bytes.length)
  return memory.subarray(offset)
}

describe("Pcm", () => {
  it("fromBytes reads little-endian samples, wherever they are in memory", () => {
    for (const offset of [0, 1, 2, 3]) assert.deepStrictEqual(Pcm.fromBytes(movedBy(offset)), samples)
  })

  it("fromBytes makes no sample of a last odd byte", () => {
    for (const offset of [0, 1]) assert.deepStrictEqual(Pcm.fromBytes(movedBy(offset, [0x55])), samples)
    assert.strictEqual(Pcm.fromBytes(Uint8Array.of(1)).length, 0)
    assert.strictEqual(Pcm.fromBytes(new Uint8Array(0)).length, 0)
  })

  it("fromBytes copies only unaligned bytes", () => {
    const even = movedBy(2)
    const odd = movedBy(1)
    assert.strictEqual(Pcm.fromBytes(even).buffer, even.buffer)
    assert.notStrictEqual(Pcm.fromBytes(odd).buffer, odd.buffer)
  })

  it("copy copies some samples from one place to another, and touches no others", () => {
    const target = Pcm.of(8000, new Int16Array(8).fill(7))
    Pcm.copy(samples, 1, 4, target, 2)
    assert.deepStrictEqual([...target], [7, 7, ...samples.subarray(1, 5), 7, 7])
    Pcm.copy(samples, 6, 0, target, 8)
    assert.deepStrictEqual([...target], [7, 7, ...samples.subarray(1, 5), 7, 7])
  })

  it("writeBytes writes little-endian, even at an odd place, and nothing beside it", () => {
    for (const at of [0, 1, 2, 3]) {
      const out = new Uint8Array(at + bytes.length + 1).fill(0xaa)
      Pcm.writeBytes(samples, out, at)
      assert.deepStrictEqual(out.subarray(at, at + bytes.length), bytes)
      assert.deepStrictEqual([...out.subarray(0, at), out[at + bytes.length]], Array(at + 1).fill(0xaa))
    }
  })

  it("writeBytes writes only the samples of a view", () => {
    const out = new Uint8Array(4)
    Pcm.writeBytes(Pcm.of(8000, samples.subarray(1, 3)), out)
    assert.deepStrictEqual(out, Uint8Array.of(1, 0, 0xff, 0xff))
  })

  it("writeBytes writes nothing if there is too little room", () => {
    assert.throws(() => Pcm.writeBytes(samples, new Uint8Array(bytes.length), 1), RangeError)
  })

  it.prop("what was written is read again", [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -32_768, maximum: 32_767 }))), Schema.Literals([0, 1])], ([values, at]) => {
    const sound = Pcm.of(8000, Int16Array.from(values))
    const out = new Uint8Array(at + sound.byteLength)
    Pcm.writeBytes(sound, out, at)
    assert.deepStrictEqual(Pcm.fromBytes(out.subarray(at)), sound)
  })
})
