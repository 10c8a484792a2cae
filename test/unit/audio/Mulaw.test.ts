import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Mulaw from "../../../src/audio/Mulaw.ts"

/** G.711 table 2a, by segment arithmetic on the 14-bit right-justified sample, as G.191's `ulaw_compress` orders it. */
const referenceEncode = (sample: number): number => {
  let absolute = (sample < 0 ? Math.floor((-sample - 1) / 4) : Math.floor(sample / 4)) + 33
  if (absolute > 8191) absolute = 8191
  let segment = 1
  let rest = Math.floor(absolute / 64)
  while (rest !== 0) {
    segment += 1
    rest = Math.floor(rest / 2)
  }
  const high = 8 - segment
  const low = 15 - (Math.floor(absolute / 2 ** segment) % 16)
  return high * 16 + low + (sample >= 0 ? 128 : 0)
}

/** G.191's `ulaw_expand`: the leading one, the mantissa's steps, half a step, less the bias; 14 bits left-justified. */
const referenceDecode = (code: number): number => {
  const sign = code < 128 ? -1 : 1
  const inverted = 255 - code
  const exponent = Math.floor(inverted / 16) % 8
  const mantissa = inverted % 16
  const step = 4 * 2 ** (exponent + 1)
  const value = 128 * 2 ** exponent + step * mantissa + step / 2 - 4 * 33
  return value === 0 ? 0 : sign * value
}

/** The codec that negates the 16-bit sample: bias 0x84, clip 32635. */
const negatingEncode = (sample: number): number => {
  const magnitude = Math.min(Math.abs(sample), 32_635) + 0x84
  const exponent = Math.floor(Math.log2(magnitude)) - 7
  const code = exponent * 16 + (Math.floor(magnitude / 2 ** (exponent + 3)) % 16)
  return 255 - code - (sample < 0 ? 128 : 0)
}

/** Sun's `g711.c`: shifts first, negates then. */
const sunEncode = (sample: number): number => {
  const shifted = sample >> 2
  const magnitude = Math.min(Math.abs(shifted) + 33, 8191)
  const segment = Math.floor(Math.log2(magnitude)) - 5
  const code = segment * 16 + (Math.floor(magnitude / 2 ** (segment + 1)) % 16)
  return 255 - code - (shifted < 0 ? 128 : 0)
}

const codes = Uint8Array.from({ length: 256 }, (_, code) => code)
const samples = Int16Array.from({ length: 65_536 }, (_, index) => index - 32_768)

describe("Mulaw", () => {
  it("decodes all 256 codes as G.711 does", () => {
    assert.deepStrictEqual(Array.from(Mulaw.decode(codes)), Array.from(codes, referenceDecode))
  })

  it("encodes all 65,536 samples as G.711 does", () => {
    const expected = Uint8Array.from(samples, referenceEncode)
    assert.isTrue(Buffer.from(Mulaw.encode(samples)).equals(expected))
  })

  it("has the well-known values", () => {
    const vectors: ReadonlyArray<readonly [code: number, sample: number]> = [
      [0x00, -32_124], [0x01, -31_100], [0x0f, -16_764], [0x10, -15_996], [0x6f, -132], [0x7e, -8], [0x7f, 0],
      [0x80, 32_124], [0x8f, 16_764], [0x90, 15_996], [0xbf, 1980], [0xcf, 924], [0xef, 132], [0xfe, 8], [0xff, 0]
    ]
    for (const [code, sample] of vectors) {
      assert.strictEqual(Mulaw.decode(Uint8Array.of(code))[0], sample, `decode 0x${code.toString(16)}`)
    }
    const encoded = Mulaw.encode(Int16Array.of(0, 3, 4, -1, -4, -5, 8, -8, 32_767, -32_768, 1000, -1000))
    assert.deepStrictEqual(
      Array.from(encoded),
      [0xff, 0xff, 0xfe, 0x7f, 0x7f, 0x7e, 0xfe, 0x7e, 0x80, 0x00, 0xce, 0x4e]
    )
  })

  it("gives back every code but negative zero, which becomes zero", () => {
    const back = Mulaw.encode(Mulaw.decode(codes))
    for (const code of codes) {
      assert.strictEqual(back[code], code === 0x7f ? Mulaw.silence : code)
    }
  })

  it("is monotonic, and errs by half a step of the code's segment at most", () => {
    const encoded = Mulaw.encode(samples)
    const decoded = Mulaw.decode(encoded)
    for (let i = 0; i < samples.length; i++) {
      assert.isTrue(i === 0 || decoded[i] >= decoded[i - 1], `at ${samples[i]}`)
      if (Math.abs(samples[i]) > 32_635) continue
      const halfStep = 4 * 2 ** (Math.floor((255 - encoded[i]) / 16) % 8)
      assert.isTrue(Math.abs(samples[i] - decoded[i]) <= halfStep, `at ${samples[i]}`)
    }
  })

  it("differs from the other variants on negative samples only, as documented", () => {
    const encoded = Mulaw.encode(samples)
    const negating = Array.from(samples).filter((sample, i) => encoded[i] !== negatingEncode(sample))
    const sun = Array.from(samples).filter((sample, i) => encoded[i] !== sunEncode(sample))
    assert.strictEqual(negating.length, 127)
    assert.strictEqual(sun.length, 508)
    assert.isTrue(negating.every((sample) => sample < 0) && sun.every((sample) => sample < 0))
    assert.strictEqual(sunEncode(-1), 0x7e)
  })

  it.prop("writes only at the offset, and refuses input that does not fit", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8 }))
  ], ([values, offset]) => {
    const bytes = Uint8Array.from(values)
    const pcm = new Int16Array(bytes.length + offset + 1).fill(1)
    Mulaw.decodeInto(bytes, pcm, offset)
    assert.deepStrictEqual(Array.from(pcm.subarray(offset, -1)), Array.from(Mulaw.decode(bytes)))
    assert.isTrue(pcm.subarray(0, offset).every((sample) => sample === 1) && pcm.at(-1) === 1)

    const back = new Uint8Array(bytes.length + offset + 1).fill(1)
    Mulaw.encodeInto(pcm.subarray(offset, -1), back, offset)
    assert.deepStrictEqual(
      Array.from(back.subarray(offset, -1)),
      values.map((code) => code === 0x7f ? Mulaw.silence : code)
    )
    assert.isTrue(back.subarray(0, offset).every((code) => code === 1) && back.at(-1) === 1)

    assert.throws(() => Mulaw.decodeInto(bytes, pcm, offset + 2), RangeError)
    assert.throws(() => Mulaw.encodeInto(pcm, back, 1), RangeError)
  })
})
