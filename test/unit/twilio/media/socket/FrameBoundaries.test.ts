import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as FrameBoundaries from "../../../../../src/twilio/media/socket/FrameBoundaries.ts"

const fin = 0x80
const continuation = 0
const text = 1
const ping = 9

/** A frame of zeros. A client's frames are masked. */
const frame = (first: number, length: number, isMasked = true): Buffer => {
  const maskBit = isMasked ? 0x80 : 0
  const header = length < 126
    ? Buffer.of(first, maskBit | length)
    : length < 65_536
    ? Buffer.of(first, maskBit | 126, length >> 8, length & 255)
    : Buffer.of(first, maskBit | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255)
  return Buffer.concat([header, Buffer.alloc((isMasked ? 4 : 0) + length)])
}

describe("the boundaries of frames", () => {
  it.prop("are found after each whole message, wherever its bytes are cut", [
    Schema.Array(Schema.Literals([0, 1, 125, 126, 400, 65_535, 65_536])).check(Schema.isMaxLength(4)),
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 70_000 }))).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
    Schema.Boolean
  ], ([lengths, sizes, isMasked]) => {
    const boundaries = FrameBoundaries.make()
    const bytes = Buffer.concat(lengths.map((length) => frame(fin | text, length, isMasked)))
    const ends = new Set<number>([0])
    for (let end = 0, index = 0; index < lengths.length; index++) ends.add(end += frame(fin | text, lengths[index], isMasked).length)
    for (let at = 0, piece = 0; at < bytes.length; piece++) {
      const size = sizes[piece % sizes.length]
      boundaries.follow(bytes.subarray(at, at + size))
      at = Math.min(bytes.length, at + size)
      assert.strictEqual(boundaries.isBetweenMessages(), ends.has(at))
    }
  })

  it("are not found between the fragments of a message, nor after a ping among the fragments", () => {
    const boundaries = FrameBoundaries.make()
    const after = (bytes: Buffer) => {
      boundaries.follow(bytes)
      return boundaries.isBetweenMessages()
    }
    assert.deepStrictEqual(
      [frame(text, 5), frame(fin | ping, 3), frame(continuation, 5), frame(fin | continuation, 5), frame(fin | ping, 3)].map(after),
      [false, false, false, true, true]
    )
  })
})
