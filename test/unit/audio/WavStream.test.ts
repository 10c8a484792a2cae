import { assert, describe, it } from "@effect/vitest"
import * as Wav from "../../../src/audio/Wav.ts"
import * as WavStream from "../../../src/audio/WavStream.ts"

const samples = Int16Array.from({ length: 50 }, (_, i) => 100 * i)

const file = Wav.encode({ sampleRate: 16_000, channels: [samples] })

/** Reads in pieces of this many bytes. */
const read = (bytes: Uint8Array, pieceBytes: number) => {
  const stream = WavStream.make()
  const all: Array<number> = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const result = stream.push(bytes.subarray(at, at + pieceBytes))
    if (result._tag === "WavStreamError") return result
    for (const { pcm, sampleRate } of result.sounds) {
      assert.strictEqual(sampleRate, 16_000)
      all.push(...pcm)
    }
  }
  return all
}

const twice = new Uint8Array([...file, ...file])

describe("a WAV file that arrives in pieces", () => {
  for (const pieceBytes of [1, 3, 44, 1000]) {
    it(`gives its samples from pieces of ${pieceBytes} bytes`, () => {
      assert.deepStrictEqual(read(file, pieceBytes), [...samples])
    })

    it(`may be followed by another file, in pieces of ${pieceBytes} bytes`, () => {
      assert.deepStrictEqual(read(twice, pieceBytes), [...samples, ...samples])
    })
  }

  it("goes on to the end when its data size is 0", () => {
    const open = file.slice()
    new DataView(open.buffer).setUint32(40, 0, true)
    assert.deepStrictEqual(read(open, 7), [...samples])
  })

  it("gives more samples than it announced", () => {
    const long = file.slice()
    new DataView(long.buffer).setUint32(40, 20, true)
    assert.deepStrictEqual(read(long, long.length), [...samples])
  })

  it("fails for another kind of RIFF file", () => {
    const other = file.slice()
    other.set(Buffer.from("AVI "), 8)
    assert.deepStrictEqual(read(other, 5), { _tag: "WavStreamError", part: "structure", detail: "" })
  })

  it("fails for an unsupported codec, before its samples", () => {
    const other = file.slice()
    new DataView(other.buffer).setUint16(20, 0x55, true)
    assert.deepStrictEqual(read(other, 5), { _tag: "WavStreamError", part: "format", detail: "format 85 (MP3) with 16 bits" })
  })

  it("fails for a sample rate that calls can't use", () => {
    const other = file.slice()
    new DataView(other.buffer).setUint32(24, 1000, true)
    assert.deepStrictEqual(read(other, 5), { _tag: "WavStreamError", part: "rate", detail: "1000 Hz" })
  })
})
