import { assert, describe, it } from "@effect/vitest"
import * as MediaEncoder from "../../../../../src/twilio/media/codec/MediaEncoder.ts"
import { streamSid } from "../../../../support/conversation/Samples.ts"

describe("encoded sound", () => {
  it("reuses its memory, unless the frames in it are still needed", () => {
    const { encode, keep } = MediaEncoder.make(streamSid())
    const sound = new Uint8Array(320).fill(1)
    const first = encode(sound)
    const before = Buffer.from(first)
    assert.strictEqual(encode(new Uint8Array(160)).buffer, first.buffer)
    assert.isTrue(encode(sound).equals(before))
    keep()
    assert.notStrictEqual(encode(new Uint8Array(320)).buffer, first.buffer)
    assert.isTrue(first.equals(before))
  })

  it("does not change when the buffer that it was made from changes", () => {
    const sound = Uint8Array.of(1, 2, 3, 4)
    const frame = MediaEncoder.make(streamSid()).encode(sound)
    const before = Buffer.from(frame)
    sound.fill(9)
    assert.isTrue(frame.equals(before))
  })
})
