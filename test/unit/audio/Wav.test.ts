import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Mulaw from "../../../src/audio/Mulaw.ts"
import * as Wav from "../../../src/audio/Wav.ts"

const Sample = Schema.Int.check(Schema.isBetween({ minimum: -32_768, maximum: 32_767 }))

const hex = (text: string) => Uint8Array.from(text.match(/[\da-f]{2}/g) ?? [], (byte) => Number.parseInt(byte, 16))

const riff = "52494646 ffffffff 57415645"
/** A fmt chunk: PCM, 1 channel, 8000 Hz, 16 bits. */
const monoFormat = "666d7420 10000000 0100 0100 401f0000 803e0000 0200 1000"
const stereoFormat = "666d7420 10000000 0100 0200 80bb0000 00ee0200 0400 1000"
/** With the size of an (empty) extension, as most programs write it. */
const mulawFormat = "666d7420 12000000 0700 0100 401f0000 401f0000 0100 0800 0000"
const guidTail = "0000 00001000 800000aa00389b71"
const extensible = (tag: string, channels: string, bits: string) =>
  `666d7420 28000000 feff ${channels} 401f0000 803e0000 0200 ${bits} 1600 ${bits} 04000000 ${tag} ${guidTail}`
const data = "64617461 04000000 0100 ff7f"
/** An odd chunk of one byte, and its padding. */
const oddChunk = "4c495354 01000000 aa 00"

const read = (...parts: ReadonlyArray<string>) => Wav.decode(hex(parts.join("")))

const sound = (sampleRate: number, ...channels: ReadonlyArray<ReadonlyArray<number>>): Wav.Wav => ({
  _tag: "Wav",
  sampleRate,
  channels: channels.map((samples) => Int16Array.from(samples))
})

describe("Wav", () => {
  it("reads mono and stereo PCM", () => {
    assert.deepStrictEqual(read(riff, monoFormat, data), sound(8000, [1, 32_767]))
    assert.deepStrictEqual(
      read(riff, stereoFormat, "64617461 08000000 0100 0200 ffff 0080"),
      sound(48_000, [1, -1], [2, -32_768])
    )
  })

  it("reads mu-law", () => {
    assert.deepStrictEqual(read(riff, mulawFormat, "64617461 03000000 00 ff 80 00"), sound(8000, [-32_124, 0, 32_124]))
  })

  it("reads integers of other widths, floats and A-law, and several channels", () => {
    const chunk = (tag: string, channels: string, bits: string) => `666d7420 10000000 ${tag} ${channels} 401f0000 00000000 0000 ${bits}`
    const of = (tag: string, channels: string, bits: string, samples: string) => {
      const size = (samples.replaceAll(" ", "").length / 2).toString(16).padStart(2, "0")
      return read(riff, chunk(tag, channels, bits), `64617461 ${size}000000`, samples)
    }
    assert.deepStrictEqual(of("0100", "0100", "0800", "80 ff 00 81"), sound(8000, [0, 32_512, -32_768, 256]))
    assert.deepStrictEqual(of("0100", "0100", "1800", "000100 ffff7f 7fffff 80ffff"), sound(8000, [1, 32_767, -1, 0]))
    assert.deepStrictEqual(of("0100", "0200", "2000", "00000100 0000ffff"), sound(8000, [1], [-1]))
    assert.deepStrictEqual(of("0300", "0100", "2000", "0000003f 000080bf 00000040 0000c07f"), sound(8000, [16_384, -32_768, 32_767, 0]))
    assert.deepStrictEqual(of("0300", "0100", "4000", "000000000000e03f"), sound(8000, [16_384]))
    assert.deepStrictEqual(of("0600", "0100", "0800", "d5 55 aa 2a"), sound(8000, [8, -8, 32_256, -32_256]))
    assert.deepStrictEqual(
      of("0100", "0600", "1000", "0100 0200 0300 0400 0500 0600"),
      sound(8000, [1], [2], [3], [4], [5], [6])
    )
  })

  it("reads big-endian files", () => {
    const file = "52494658 0000002c 57415645 666d7420 00000010 0001 0001 00001f40 00003e80 0002 0010 64617461 00000004 0001 7fff"
    assert.deepStrictEqual(read(file), sound(8000, [1, 32_767]))
  })

  it("reads extensible formats", () => {
    assert.deepStrictEqual(read(riff, extensible("0100", "0100", "1000"), data), sound(8000, [1, 32_767]))
    assert.deepStrictEqual(
      read(riff, extensible("0700", "0200", "0800"), "64617461 02000000 80ff"),
      sound(8000, [32_124], [0])
    )
  })

  it("finds its chunks in any order, among other chunks of odd size", () => {
    assert.deepStrictEqual(read(riff, oddChunk, monoFormat, oddChunk, data, oddChunk), sound(8000, [1, 32_767]))
    assert.deepStrictEqual(read(riff, oddChunk, data, oddChunk, monoFormat), sound(8000, [1, 32_767]))
    assert.deepStrictEqual(read(riff, "64617461 01000000 80 00", mulawFormat), sound(8000, [32_124]))
  })

  it("reads to the end if the size is unknown", () => {
    assert.deepStrictEqual(read(riff, monoFormat, "64617461 00000000 0100 0200 0300"), sound(8000, [1, 2, 3]))
    assert.deepStrictEqual(read(riff, monoFormat, "64617461 ffffffff 0100 0200 0300"), sound(8000, [1, 2, 3]))
    assert.deepStrictEqual(read(riff, monoFormat, "64617461 00000000"), sound(8000, []))
  })

  it("reads a file that was cut off, as far as it goes", () => {
    assert.deepStrictEqual(read(riff, monoFormat, "64617461 00100000 0100 0200 03"), sound(8000, [1, 2]))
    assert.deepStrictEqual(read(riff, stereoFormat, "64617461 08000000 0100 0200 0300"), sound(48_000, [1], [2]))
  })

  it("reads a view into a larger buffer, at an odd place", () => {
    const file = hex(riff + monoFormat + data)
    const buffer = new Uint8Array(file.length + 8)
    buffer.set(file, 3)
    assert.deepStrictEqual(Wav.decode(buffer.subarray(3, 3 + file.length)), sound(8000, [1, 32_767]))
  })

  it("says why it can't read a file", () => {
    const reasons: ReadonlyArray<readonly [reason: RegExp, ...parts: ReadonlyArray<string>]> = [
      [/not a RIFF/],
      [/not a RIFF/, "52494646 00000000 41564920", monoFormat],
      [/no fmt/, riff],
      [/no fmt/, riff, data],
      [/no data/, riff, monoFormat],
      [/fmt chunk of 14 bytes/, riff, "666d7420 0e000000 0100 0100 401f0000 803e0000 0200", data],
      [/fmt chunk of 18 bytes/, riff, mulawFormat.replace("0700", "feff"), data],
      [/sub-format/, riff, extensible("0100", "0100", "1000").replace("9b71", "9b72"), data],
      [/format 3 with 16 bits/, riff, monoFormat.replace("0100", "0300"), data],
      [/format 1 with 64 bits/, riff, monoFormat.replace(/1000$/, "4000"), data],
      [/format 1 with 0 bits/, riff, monoFormat.replace(/1000$/, "0000"), data],
      [/IMA ADPCM/, riff, monoFormat.replace("0100", "1100").replace(/1000$/, "0400"), data],
      [/^0 channels/, riff, monoFormat.replace("0100 0100", "0100 0000"), data],
      [/sample rate of 0/, riff, monoFormat.replace("401f0000", "00000000"), data]
    ]
    for (const [reason, ...parts] of reasons) {
      const result = read(...parts)
      assert.isTrue("reason" in result && reason.test(result.reason), `${reason}: ${JSON.stringify(result)}`)
    }
  })

  it("writes the same bytes as other programs", () => {
    const file = Wav.encode({ sampleRate: 8000, channels: [Int16Array.of(1, 32_767)] })
    assert.deepStrictEqual(file, hex(riff.replace("ffffffff", "28000000") + monoFormat + data))
  })

  it("ends a shorter channel in silence", () => {
    const file = Wav.encode({ sampleRate: 8000, channels: [Int16Array.of(1), Int16Array.of(2, 3)] })
    assert.deepStrictEqual(Wav.decode(file), sound(8000, [1, 0], [2, 3]))
  })

  it.prop("reads what it has written", [
    Schema.Array(Schema.Tuple([Sample, Sample])),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 192_000 })),
    Schema.Boolean
  ], ([pairs, sampleRate, stereo]) => {
    const left = pairs.map(([sample]) => sample)
    const right = pairs.map(([, sample]) => sample)
    const wav = stereo ? sound(sampleRate, left, right) : sound(sampleRate, left)
    assert.deepStrictEqual(Wav.decode(Wav.encode(wav)), wav)
  })

  it.prop("never throws, whatever the bytes", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))
  ], ([noise, keep]) => {
    const head = hex(riff + stereoFormat + "64617461").subarray(0, keep)
    const result = Wav.decode(Uint8Array.of(...head, ...noise))
    assert.isTrue("reason" in result || result.channels.length > 0)
  })

  it("brings sound of a call back to the same mu-law codes", () => {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code)
    const result = Wav.decode(Wav.encode({ sampleRate: 8000, channels: [Mulaw.decode(codes)] }))
    const back = "channels" in result ? Mulaw.encode(result.channels[0]) : new Uint8Array(0)
    assert.deepStrictEqual(back, codes.with(0x7f, Mulaw.silence))
  })
})
