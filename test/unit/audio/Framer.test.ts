import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Framer from "../../../src/audio/Framer.ts"
import * as Mulaw from "../../../src/audio/Mulaw.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Bytes that count up, so that a lost, doubled or swapped one is noticed. */
const numbered = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i) % 251)

describe("Framer", () => {
  it("keeps bytes that do not fill a frame", () => {
    const framer = Framer.make()
    assert.strictEqual(framer.push(numbered(159)).length, 0)
    assert.strictEqual(framer.pending, 159)
    assert.deepStrictEqual(Array.from(framer.push(numbered(2, 159))), Array.from(numbered(160)))
    assert.strictEqual(framer.pending, 1)
  })

  it("does not copy when nothing is kept", () => {
    const bytes = numbered(330)
    const frames = Framer.make().push(bytes)
    assert.strictEqual(frames.buffer, bytes.buffer)
    assert.strictEqual(frames.length, 320)
  })

  it("leaves its result unchanged until the next call", () => {
    const framer = Framer.make(4)
    framer.push(numbered(3))
    const frames = framer.push(numbered(8, 3))
    assert.strictEqual(framer.pending, 3)
    assert.deepStrictEqual(Array.from(frames), [0, 1, 2, 3, 4, 5, 6, 7])
    assert.deepStrictEqual(Array.from(framer.push(numbered(1, 11))), [8, 9, 10, 11])
  })

  it("fills the last frame up with silence, even over bytes of an earlier one", () => {
    const framer = Framer.make(4)
    framer.push(numbered(3))
    framer.reset()
    assert.strictEqual(framer.pending, 0)
    framer.push(Uint8Array.of(9))
    assert.deepStrictEqual(Array.from(framer.flush()), [9, Mulaw.silence, Mulaw.silence, Mulaw.silence])
    assert.strictEqual(framer.pending, 0)
    assert.strictEqual(framer.flush().length, 0)
  })

  it("refuses a frame length that is no positive integer", () => {
    for (const bytes of [0, -160, 1.5, Number.NaN]) assert.throws(() => Framer.make(bytes), RangeError)
  })

  it.prop("neither loses, doubles nor reorders a byte, whatever the pieces are", [
    between(1, 170),
    Schema.Array(between(0, 700))
  ], ([frameBytes, lengths]) => {
    const framer = Framer.make(frameBytes)
    const out: Array<number> = []
    let pushed = 0
    for (const length of lengths) {
      const frames = framer.push(numbered(length, pushed))
      assert.strictEqual(frames.length % frameBytes, 0)
      out.push(...frames)
      pushed += length
      assert.strictEqual(framer.pending, pushed % frameBytes)
    }
    const padded = framer.flush()
    assert.strictEqual(padded.length, pushed % frameBytes === 0 ? 0 : frameBytes)
    out.push(...padded)
    assert.strictEqual(out.length, Math.ceil(pushed / frameBytes) * frameBytes)
    assert.deepStrictEqual(out.slice(0, pushed), Array.from(numbered(pushed)))
    assert.isTrue(out.slice(pushed).every((byte) => byte === Mulaw.silence))
  })
})
