import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import type { SampleFormat } from "../../../../../src/audio/SampleFormat.ts"
import * as RawPcmFormat from "../../../../../src/engines/openai/speech/RawPcmFormat.ts"
import * as SpeechBody from "../../../../../src/engines/openai/speech/SpeechBody.ts"
import type * as SpeechFault from "../../../../../src/engines/openai/speech/SpeechFault.ts"
import { tone, wavOf } from "../../../../support/engines/FakeSpeechServers.ts"

const samples = tone("eight char", 16_000)

const concat = (...parts: ReadonlyArray<Uint8Array | string>): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => typeof part === "string" ? [...Buffer.from(part, "latin1")] : [...part]))

type Written = Pick<SampleFormat, "encoding" | "bytesPerSample" | "isBigEndian">

const pcm16: Written = { encoding: "signed", bytesPerSample: 2, isBigEndian: false }

/** 16-bit samples in another format. Only lossless formats can be compared bit for bit. */
const written = (pcm: Iterable<number>, { bytesPerSample, encoding, isBigEndian }: Written = pcm16): Uint8Array => {
  const values = [...pcm]
  const bytes = new Uint8Array(bytesPerSample * values.length)
  const view = new DataView(bytes.buffer)
  const isLittle = !isBigEndian
  for (const [index, value] of values.entries()) {
    const at = index * bytesPerSample
    if (encoding === "float") {
      if (bytesPerSample === 8) view.setFloat64(at, value / 32_768, isLittle)
      else view.setFloat32(at, value / 32_768, isLittle)
    } else if (bytesPerSample === 1) view.setUint8(at, encoding === "unsigned" ? (value >> 8) + 128 : value >> 8)
    else if (bytesPerSample === 2) view.setInt16(at, value, isLittle)
    else if (bytesPerSample === 4) view.setInt32(at, value * 65_536, isLittle)
    else {
      view.setInt16(isLittle ? at + 1 : at, value, isLittle)
      view.setUint8(isLittle ? at : at + 2, 0)
    }
  }
  return bytes
}

const raw = (pcm: Iterable<number>): Uint8Array => written(pcm)

/** A chunk of a WAV file. */
const chunk = (name: string, body: Uint8Array, isBigEndian = false, size = body.length): Uint8Array => {
  const head = new Uint8Array(8)
  head.set(Buffer.from(name, "latin1"))
  new DataView(head.buffer).setUint32(4, size, !isBigEndian)
  return concat(head, body, new Uint8Array(body.length % 2))
}

const format = (tag: number, channels: number, rate: number, bits: number, isBigEndian = false): Uint8Array => {
  const body = new Uint8Array(16)
  const view = new DataView(body.buffer)
  view.setUint16(0, tag, !isBigEndian)
  view.setUint16(2, channels, !isBigEndian)
  view.setUint32(4, rate, !isBigEndian)
  view.setUint16(14, bits, !isBigEndian)
  return body
}

const file = (...chunks: ReadonlyArray<Uint8Array>) => concat("RIFF\0\0\0\0WAVE", ...chunks)

const formatOf = (contentType: string, headers: Record<string, string> = {}) =>
  RawPcmFormat.read({ contentType: contentType.split(";")[0].trim().toLowerCase(), headers: { "content-type": contentType, ...headers } }, 24_000)

const standard = formatOf("audio/pcm")

interface Read {
  readonly rates: ReadonlyArray<number>
  readonly samples: ReadonlyArray<number>
  readonly fault?: SpeechFault.SpeechFault
}

const read = (bytes: Uint8Array, lengths: ReadonlyArray<number> = [bytes.length], rawSound: RawPcmFormat.RawPcmFormat = standard): Read => {
  const reader = SpeechBody.make(rawSound)
  const rates = new Set<number>()
  const all: Array<number> = []
  const take = (result: ReturnType<typeof reader.end>) => {
    if (Result.isFailure(result)) return result.failure
    for (const { pcm, sampleRate } of result.success) {
      rates.add(sampleRate)
      for (const sample of pcm) all.push(sample)
    }
    return undefined
  }
  let fault: SpeechFault.SpeechFault | undefined
  for (let at = 0, piece = 0; at < bytes.length && fault === undefined; piece++) {
    const length = lengths[piece % lengths.length]
    fault = take(reader.push(bytes.subarray(at, at + length)))
    at += length
  }
  fault ??= take(reader.end())
  return { rates: [...rates], samples: all, ...(fault === undefined ? {} : { fault }) }
}

const pieceLengths = (length: number) => [[Math.max(1, length)], [1], [3, 5, 1000], [43, 2, 7]]

const gives = (bytes: Uint8Array, rate: number, expected: Iterable<number> = samples, rawSound: RawPcmFormat.RawPcmFormat = standard) => {
  const wanted = { rates: [rate], samples: [...expected] }
  for (const lengths of pieceLengths(bytes.length)) assert.deepStrictEqual(read(bytes, lengths, rawSound), wanted)
}

const refused = (bytes: Uint8Array, words: ReadonlyArray<string> = [], rawSound: RawPcmFormat.RawPcmFormat = standard) => {
  for (const lengths of pieceLengths(bytes.length)) {
    const { fault, samples } = read(bytes, lengths, rawSound)
    assert.deepStrictEqual(samples, [])
    assert.match(fault?.advice ?? "", /\.$/)
    for (const word of words) assert.include(fault?.advice, word)
  }
}

/** Sound in the first channel only; the others are silent. */
const interleaved = (pcm: Int16Array, channels: number) => [...pcm].flatMap((sample) => Array.from({ length: channels }, (_, channel) => channel === 0 ? sample : 0))

const widths: ReadonlyArray<readonly [name: string, tag: number, written: Written]> = [
  ["8-bit", 1, { encoding: "unsigned", bytesPerSample: 1, isBigEndian: false }],
  ["16-bit", 1, pcm16],
  ["24-bit", 1, { encoding: "signed", bytesPerSample: 3, isBigEndian: false }],
  ["32-bit", 1, { encoding: "signed", bytesPerSample: 4, isBigEndian: false }],
  ["32-bit float", 3, { encoding: "float", bytesPerSample: 4, isBigEndian: false }],
  ["64-bit float", 3, { encoding: "float", bytesPerSample: 8, isBigEndian: false }]
]

/** The samples after they were written in this width. */
const narrowed = (pcm: Int16Array, { bytesPerSample }: Written) => bytesPerSample === 1 ? pcm.map((sample) => (sample >> 8) * 256) : pcm

describe("raw samples", () => {
  it("have the given rate, wherever they are cut", () => gives(raw(samples), 24_000))

  it("end without a last byte that is half a sample", () => gives(concat(raw(samples), "x"), 24_000))

  it("come as soon as their bytes are complete", () => {
    const reader = SpeechBody.make(standard)
    const lengths = [6, 1, 1, 2, 3, 1].map((length) => {
      const pushed = reader.push(new Uint8Array(length))
      return Result.isSuccess(pushed) ? pushed.success.reduce((sum, { pcm }) => sum + pcm.length, 0) : -1
    })
    assert.deepStrictEqual(lengths, [3, 0, 1, 1, 1, 1])
  })

  it("may be of one sample only", () => gives(raw([5]), 24_000, [5]))

  it("of several channels become one", () => {
    gives(raw(interleaved(samples, 2)), 22_050, samples.map((sample) => Math.floor(sample / 2 + 0.5)), formatOf("audio/L16;rate=22050;channels=2"))
  })

  it("are read as their type says", () => {
    const types: ReadonlyArray<readonly [string, Written, Record<string, string>?]> = [
      ["audio/pcm", pcm16],
      ["application/octet-stream", pcm16],
      ["audio/pcm;encoding=s16be", { ...pcm16, isBigEndian: true }],
      ["audio/pcm; format=S24LE", widths[2][2]],
      ["audio/pcm;codec=pcm_f32le", widths[4][2]],
      ["audio/x-raw; encoding=float; endianness=big-endian", { ...widths[4][2], isBigEndian: true }],
      ["audio/lpcm; sample-size-bits=24; is-big-endian=true", { ...widths[2][2], isBigEndian: true }],
      ["audio/L8", widths[0][2]],
      ["audio/L24; channels=1", { ...widths[2][2], isBigEndian: true }],
      ["audio/L24; endianness=little-endian", widths[2][2]],
      ["audio/pcm", widths[0][2], { "x-bit-depth": "8" }],
      ["audio/pcm", widths[2][2], { "x-bit-depth": "24" }],
      ["audio/pcm", widths[3][2], { "x-bit-depth": "32" }],
      ["audio/pcm", widths[4][2], { "x-bit-depth": "32" }]
    ]
    for (const [type, as, headers] of types) gives(written(samples, as), 24_000, narrowed(samples, as), formatOf(type, headers))
  })

  it("of audio/L16 are read in the byte order that sounds like speech", () => {
    // The sound as it is, after silence, as quiet as the beginning of a voice, and very loud.
    const sounds = [samples, Int16Array.of(...new Int16Array(500), ...samples), samples.map((sample) => Math.round(sample / 400)), samples.map((sample) => 4 * sample)]
    for (const sound of sounds) {
      for (const isBigEndian of [false, true]) {
        gives(written(sound, { ...pcm16, isBigEndian }), 16_000, sound, formatOf("audio/L16;rate=16000;channels=1"))
        const named = formatOf(`audio/l16; rate=8000; endianness=${isBigEndian ? "big" : "little"}-endian`)
        gives(written(sound, { ...pcm16, isBigEndian }), 8000, sound, named)
      }
    }
    assert.deepStrictEqual(read(new Uint8Array(1000), [7], formatOf("audio/L16")).samples.length, 500)
  })

  it("of real speech are read in the right byte order, wherever they begin", () => {
    const bytes = readFileSync(new URL("../../../../fixtures/speech-8k.wav", import.meta.url)).subarray(44)
    const speech = Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readInt16LE(2 * index))
    for (let at = 0; at + 1000 < speech.length; at += 501) {
      const piece = speech.slice(at, at + 1000)
      for (const isBigEndian of [false, true]) {
        assert.deepStrictEqual(read(written(piece, { ...pcm16, isBigEndian }), undefined, formatOf("audio/L16")).samples, piece, `from ${at} on`)
      }
    }
  })

  it("in G.711 are decoded", () => {
    gives(Uint8Array.of(0xff, 0x80, 0x00), 8000, [0, 32_124, -32_124], formatOf("audio/basic"))
    gives(Uint8Array.of(0xff, 0x80, 0x00), 16_000, [0, 32_124, -32_124], formatOf("audio/PCMU;rate=16000"))
    gives(Uint8Array.of(0xd5, 0x2a, 0xaa), 8000, [8, -32_256, 32_256], formatOf("audio/PCMA"))
    // One of the two zeros of A-law is the letter U.
    gives(new Uint8Array(1000).fill(0x55), 8000, new Int16Array(1000).fill(-8), formatOf("audio/PCMA"))
  })

  it("that can't be read are refused", () => {
    for (const [type, headers, word] of [
      ["audio/pcm", { "x-sample-rate": "100" }, "100 Hz"],
      ["audio/pcm;rate=1000000", {}, "1000000 Hz"],
      ["audio/pcm", { "x-bit-depth": "12" }, "12 bits"],
      ["audio/pcm", { "x-channels": "1000" }, "1000 channels"]
    ] as ReadonlyArray<readonly [string, Record<string, string>, string]>) refused(raw(samples), [word, "TTS_VOICE"], formatOf(type, headers))
  })

  it("have the rate of the header, of the type, or the configured one", () => {
    const rates = [
      formatOf("audio/pcm", { "x-sample-rate": "16000" }),
      formatOf("audio/L16; rate=22050; channels=1"),
      formatOf("audio/pcm;codec=pcm;rate=48000"),
      formatOf("audio/x-l16; sample-rate=44100; channel-count=1"),
      formatOf("audio/pcm"),
      formatOf(""),
      formatOf("audio/pcm", { "x-sample-rate": "?" }),
      formatOf("audio/pcm;rate=")
    ]
    assert.deepStrictEqual(
      rates.map((one) => one._tag === "Samples" ? one.formats[0].sampleRate : one),
      [16_000, 22_050, 48_000, 44_100, 24_000, 24_000, 24_000, 24_000]
    )
  })
})

describe("a WAV file", () => {
  it("has its own rate, and a true or a false length", () => {
    for (const rate of [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]) {
      for (const size of [undefined, 0, 0xffff_ffff, 0x7fff_ffff, 0xffff_ffff - 44]) gives(wavOf(samples, rate, size), rate)
    }
  })

  it("may be of any width, with any number of channels", () => {
    for (const [, tag, as] of widths) {
      for (const channels of [1, 2, 6]) {
        const body = file(
          chunk("fmt ", format(tag, channels, 22_050, 8 * as.bytesPerSample)),
          chunk("data", written(interleaved(samples, channels).map((sample) => as.bytesPerSample === 1 ? sample & 0xff00 : sample), as), false, 0)
        )
        const mono = [...narrowed(samples, as)].map((sample) => Math.floor(sample / channels + 0.5))
        gives(body, 22_050, mono)
      }
    }
  })

  it("may be in G.711", () => {
    gives(file(chunk("fmt ", format(7, 1, 8000, 8)), chunk("data", Uint8Array.of(0xff, 0x80, 0x00))), 8000, [0, 32_124, -32_124])
    gives(file(chunk("fmt ", format(6, 1, 8000, 8)), chunk("data", Uint8Array.of(0xd5, 0xaa, 0x2a))), 8000, [8, 32_256, -32_256])
  })

  it("may be big-endian", () => {
    const as: Written = { ...pcm16, isBigEndian: true }
    gives(concat("RIFX\0\0\0\0WAVE", chunk("fmt ", format(1, 1, 16_000, 16, true), true), chunk("data", written(samples, as), true)), 16_000)
  })

  it("may have more chunks before and after its sound, of odd lengths, too", () => {
    const body = file(
      chunk("LIST", concat("odd")),
      chunk("JUNK", new Uint8Array(100_000)),
      chunk("fmt ", format(1, 1, 16_000, 16)),
      chunk("fact", new Uint8Array(4)),
      chunk("data", raw(samples)),
      chunk("LIST", concat("Lavf59"))
    )
    gives(body, 16_000)
  })

  it("may be followed by another file, at another rate, too", () => {
    gives(concat(wavOf(samples, 16_000), wavOf(samples, 16_000)), 16_000, [...samples, ...samples])
    assert.deepStrictEqual(read(concat(wavOf(samples, 16_000), wavOf(samples, 22_050)), [11]).rates, [16_000, 22_050])
  })

  it("may be longer than it says", () => {
    gives(concat(wavOf(samples.subarray(0, 100), 16_000), raw(samples.subarray(100))), 16_000)
    gives(concat(wavOf(samples.subarray(0, 100), 16_000), raw([0x4141, 0x4141, 0x4141, 0x4141]), raw(samples)), 16_000, [
      ...samples.subarray(0, 100), 0x4141, 0x4141, 0x4141, 0x4141, ...samples
    ])
  })

  it("may be of an extensible format", () => {
    const tail = concat(Uint8Array.of(0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71))
    const extensible = (tag: number, bits: number) =>
      concat(format(0xfffe, 1, 48_000, bits), new Uint8Array([22, 0, bits, 0, 4, 0, 0, 0, tag, 0, 0, 0, 0, 0, 0x10, 0]), tail)
    gives(file(chunk("fmt ", extensible(1, 16)), chunk("data", raw(samples))), 48_000)
    gives(file(chunk("fmt ", extensible(3, 32)), chunk("data", written(samples, widths[4][2]))), 48_000)
  })

  it("is read whatever its type says", () => {
    for (const type of ["audio/wav", "audio/pcm", "audio/mpeg", "application/json", "text/plain", "audio/L16;rate=8000"]) {
      gives(wavOf(samples, 22_050), 22_050, samples, formatOf(type))
    }
  })

  it("that can't be read is refused before its first sample", () => {
    const of = (...args: Parameters<typeof format>) => file(chunk("fmt ", format(...args)), chunk("data", raw(samples)))
    refused(of(0x11, 1, 24_000, 4), ["IMA ADPCM"])
    refused(of(0x55, 1, 24_000, 16), ["MP3"])
    refused(of(3, 1, 24_000, 16), ["format 3 with 16 bits"])
    refused(of(1, 0, 24_000, 16), ["0 channels"])
    refused(of(1, 1, 100, 16), ["100 Hz", "TTS_VOICE"])
    refused(file(chunk("data", raw(samples))))
    refused(concat("RIFF\0\0\0\0AVI LIST", raw(samples)))
  })

  it("that breaks off in its header gives no samples", () => {
    const whole = wavOf(samples, 16_000)
    for (let length = 4; length <= 44; length++) assert.deepStrictEqual(read(whole.subarray(0, length), [3]), { rates: [], samples: [] })
  })
})

describe("another body", () => {
  const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`../../../../fixtures/${name}`, import.meta.url)))

  it("is recognized by its bytes, whatever its type says", () => {
    for (const type of ["audio/pcm", "audio/wav", "audio/L16;rate=24000", "", "application/octet-stream", "audio/basic"]) {
      refused(fixture("speech.mp3"), ["MP3", "\"wav\""], formatOf(type))
      refused(fixture("speech.mp3").subarray(10 + 35), ["MP3"], formatOf(type))
      refused(fixture("speech.aac"), ["AAC"], formatOf(type))
      refused(concat("OggS\0", raw(samples)), ["Ogg"], formatOf(type))
      refused(concat("<!doctype html>"), ["TTS_URL"], formatOf(type))
    }
  })

  it("that is text fails with its words", () => {
    const body = JSON.stringify({ error: { message: "No such voice." } })
    for (const type of ["audio/pcm", "application/json", "audio/mpeg"]) {
      for (const lengths of pieceLengths(body.length)) {
        const { fault, samples } = read(concat(body), lengths, formatOf(type))
        assert.deepStrictEqual(samples, [])
        assert.strictEqual(fault?.text, body)
      }
    }
  })

  it("is no sound if its type says so and its bytes show nothing", () => {
    for (const type of ["audio/mpeg", "audio/ogg", "audio/flac", "audio/aac", "video/webm"]) refused(raw(samples), [type], formatOf(type))
    for (const type of ["application/json", "text/html", "text/plain", "application/problem+json"]) refused(raw(samples), ["TTS_URL"], formatOf(type))
  })

  it("that is empty gives no samples and no fault", () => {
    for (const type of ["audio/pcm", "audio/mpeg", "application/json"]) {
      assert.deepStrictEqual(read(new Uint8Array(0), [1], formatOf(type)), { rates: [], samples: [] })
    }
  })
})

it.prop(
  "the same bytes give the same samples however they are cut, and nothing throws",
  [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
    Schema.Literals([
      "",
      "RIFF\0\0\0\0WAVE",
      "RIFF\0\0\0\0WAVEfmt \u0010\0\0\0\u0001\0\u0002\0\u0022V\0\0\0\0\0\0\0\0\u0018\0data",
      "RIFX\0\0\0\0WAVE",
      "ID3\u0003",
      "\u00ff\u00fb\u0090\u0064",
      "{\"error\":"
    ]),
    Schema.Literals(["audio/pcm", "audio/L16;channels=2", "audio/L24", "audio/pcm;bits=32", "audio/mpeg", "text/plain"]),
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))).check(Schema.isMinLength(1))
  ],
  ([bytes, begin, type, lengths]) => {
    const body = concat(begin, Uint8Array.from(bytes))
    const whole = read(body, [Math.max(1, body.length)], formatOf(type))
    assert.deepStrictEqual(read(body, lengths, formatOf(type)), whole)
    assert.deepStrictEqual(read(body, [1], formatOf(type)), whole)
  }
)
