import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Framer from "../../src/audio/Framer.ts"
import * as Mulaw from "../../src/audio/Mulaw.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Bytes that tell their place, so that a lost, doubled or swapped one shows. */
const numbered = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i) % 251)

describe("Framer", () => {
  it("keeps what does not fill a frame", () => {
    const framer = Framer.make()
    assert.strictEqual(framer.push(numbered(159)).length, 0)
    assert.strictEqual(framer.pending, 159)
    const frames = framer.push(numbered(2, 159))
    assert.deepStrictEqual(frames.map((frame) => Array.from(frame)), [Array.from(numbered(160))])
    assert.strictEqual(framer.pending, 1)
  })

  it("does not copy frames that lie whole in the input", () => {
    const bytes = numbered(320)
    const frames = Framer.make().push(bytes)
    assert.deepStrictEqual(frames.map((frame) => frame.buffer === bytes.buffer), [true, true])
  })

  it("does not write again into frames that it has handed out", () => {
    const framer = Framer.make(4)
    framer.push(numbered(3))
    const [frame] = framer.push(numbered(2, 3))
    framer.push(numbered(3, 5))
    framer.flush()
    assert.deepStrictEqual(Array.from(frame), [0, 1, 2, 3])
  })

  it("fills the last frame up with silence, even over bytes of an earlier one", () => {
    const framer = Framer.make(4)
    framer.push(numbered(3))
    framer.reset()
    assert.strictEqual(framer.pending, 0)
    framer.push(Uint8Array.of(9))
    assert.deepStrictEqual(Array.from(framer.flush()!), [9, Mulaw.silence, Mulaw.silence, Mulaw.silence])
    assert.strictEqual(framer.pending, 0)
    assert.isUndefined(framer.flush())
  })

  it("refuses frames of no length", () => {
    for (const bytes of [0, -160, 1.5, Number.NaN]) assert.throws(() => Framer.make(bytes), RangeError)
  })

  it.prop("neither loses, doubles nor reorders a byte, however they come", [
    between(1, 170),
    Schema.Array(between(0, 700))
  ], ([frameBytes, lengths]) => {
    const framer = Framer.make(frameBytes)
    const out: Array<number> = []
    let pushed = 0
    for (const length of lengths) {
      for (const frame of framer.push(numbered(length, pushed))) {
        assert.strictEqual(frame.length, frameBytes)
        out.push(...frame)
      }
      pushed += length
      assert.strictEqual(framer.pending, pushed % frameBytes)
    }
    const padded = framer.flush()
    assert.strictEqual(padded?.length, pushed % frameBytes === 0 ? undefined : frameBytes)
    out.push(...padded ?? [])
    assert.strictEqual(out.length, Math.ceil(pushed / frameBytes) * frameBytes)
    assert.deepStrictEqual(out.slice(0, pushed), Array.from(numbered(pushed)))
    assert.isTrue(out.slice(pushed).every((byte) => byte === Mulaw.silence))
  })
})
