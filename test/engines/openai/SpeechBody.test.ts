import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as SpeechBody from "../../../src/engines/openai/SpeechBody.ts"
import { tone, wavOf } from "../../fakes/FakeSpeechServers.ts"

const samples = tone("eight char", 16_000)

const raw = (pcm: Int16Array): Uint8Array => {
  const bytes = new Uint8Array(2 * pcm.length)
  for (const [index, sample] of pcm.entries()) new DataView(bytes.buffer).setInt16(2 * index, sample, true)
  return bytes
}

const concat = (...parts: ReadonlyArray<Uint8Array | string>): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => typeof part === "string" ? [...Buffer.from(part, "latin1")] : [...part]))

/** A chunk of a WAV file. */
const chunk = (name: string, body: Uint8Array): Uint8Array => {
  const head = new Uint8Array(8)
  head.set(Buffer.from(name, "latin1"))
  new DataView(head.buffer).setUint32(4, body.length, true)
  return concat(head, body, new Uint8Array(body.length % 2))
}

const format = (tag: number, channels: number, rate: number, bits: number): Uint8Array => {
  const body = new Uint8Array(16)
  const view = new DataView(body.buffer)
  view.setUint16(0, tag, true)
  view.setUint16(2, channels, true)
  view.setUint32(4, rate, true)
  view.setUint16(14, bits, true)
  return body
}

const file = (...chunks: ReadonlyArray<Uint8Array>) => concat("RIFF\0\0\0\0WAVE", ...chunks)

interface Read {
  readonly rates: ReadonlyArray<number>
  readonly samples: ReadonlyArray<number>
  readonly fault?: SpeechBody.Fault
}

const read = (bytes: Uint8Array, lengths: ReadonlyArray<number> = [bytes.length]): Read => {
  const reader = SpeechBody.make(24_000)
  const rates = new Set<number>()
  const all: Array<number> = []
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const length = lengths[piece % lengths.length]
    const pushed = reader.push(bytes.subarray(at, at + length))
    if (Result.isFailure(pushed)) return { rates: [...rates], samples: all, fault: pushed.failure }
    for (const { pcm, sampleRate } of pushed.success) {
      rates.add(sampleRate)
      for (const sample of pcm) all.push(sample)
    }
    at += length
  }
  return { rates: [...rates], samples: all }
}

const gives = (bytes: Uint8Array, rate: number, expected: ReadonlyArray<number> = [...samples]) => {
  for (const lengths of [[bytes.length], [1], [3, 5, 1000], [43, 2, 7]]) {
    assert.deepStrictEqual(read(bytes, lengths), { rates: [rate], samples: expected })
  }
}

const refused = (bytes: Uint8Array, ...words: ReadonlyArray<string>) => {
  for (const lengths of [[bytes.length], [1]]) {
    const { fault, samples } = read(bytes, lengths)
    assert.deepStrictEqual(samples, [])
    assert.match(fault?.advice ?? "", /\.$/)
    for (const word of words) assert.include(fault?.advice, word)
  }
}

describe("raw samples", () => {
  it("have the rate that was told, wherever they are cut", () => gives(raw(samples), 24_000))

  it("a last byte without its other half is nothing", () => gives(concat(raw(samples), "x"), 24_000))

  it("every whole sample comes with the bytes that complete it", () => {
    const reader = SpeechBody.make(24_000)
    const lengths = [4, 1, 1, 2, 3, 1].map((length) => {
      const pushed = reader.push(new Uint8Array(length))
      return Result.isSuccess(pushed) ? pushed.success.reduce((sum, { pcm }) => sum + pcm.length, 0) : -1
    })
    assert.deepStrictEqual(lengths, [2, 0, 1, 1, 1, 1])
  })
})

describe("a WAV file", () => {
  it("has its own rate, a true length or a false one", () => {
    for (const size of [undefined, 0, 0xffff_ffff, 0x7fff_ffff, 0xffff_ffff - 44]) {
      gives(wavOf(samples, 16_000, size), 16_000)
    }
  })

  it("may have more chunks, before and behind, odd ones too", () => {
    const body = file(
      chunk("LIST", concat("odd")),
      chunk("fmt ", format(1, 1, 16_000, 16)),
      chunk("fact", new Uint8Array(4)),
      chunk("data", raw(samples)),
      chunk("LIST", concat("Lavf59"))
    )
    gives(body, 16_000)
  })

  it("may be followed by another, as of servers that make one for each sentence", () => {
    gives(concat(wavOf(samples, 16_000), wavOf(samples, 16_000)), 16_000, [...samples, ...samples])
  })

  it("may be longer than it says", () => {
    gives(concat(wavOf(samples.subarray(0, 100), 16_000), raw(samples.subarray(100))), 16_000)
  })

  it("may be of an extensible format", () => {
    const extensible = concat(format(0xfffe, 1, 48_000, 16), new Uint8Array([22, 0, 16, 0, 4, 0, 0, 0, 1, 0]), new Uint8Array(14))
    gives(file(chunk("fmt ", extensible), chunk("data", raw(samples))), 48_000)
  })

  it("that a call can't be given is refused before a sample of it", () => {
    const of = (...args: Parameters<typeof format>) => file(chunk("fmt ", format(...args)), chunk("data", raw(samples)))
    refused(of(3, 1, 24_000, 32), "format 3 with 32 bits")
    refused(of(1, 1, 24_000, 8), "format 1 with 8 bits")
    refused(of(7, 1, 8000, 8), "format 7")
    refused(of(1, 2, 24_000, 16), "more than one channel")
    refused(of(1, 1, 22_050, 16), "22050 Hz", "TTS_VOICE")
    refused(file(chunk("data", raw(samples))))
    refused(concat("RIFF\0\0\0\0AVI LIST", raw(samples)))
  })
})

describe("another body", () => {
  it("is known by how it begins", () => {
    refused(concat("OggS", raw(samples)), "Ogg")
    refused(concat("fLaC", raw(samples)), "FLAC")
    refused(concat("ID3\u0003", raw(samples)), "MP3")
    refused(concat("<!doctype html>"), "TTS_URL")
  })

  const head = (contentType: string, headers: Record<string, string> = {}) =>
    SpeechBody.readHead({ contentType: contentType.split(";")[0], headers: { "content-type": contentType, ...headers } }, 24_000)

  it("is known by its type", () => {
    for (const type of ["audio/mpeg", "audio/ogg", "audio/flac", "audio/aac", "application/json", "text/html", "text/plain"]) {
      assert.isTrue(Result.isFailure(head(type)), type)
    }
  })

  it("the rate is the header's, the type's, or the configured one", () => {
    const rates = [
      head("audio/pcm", { "x-sample-rate": "16000" }),
      head("audio/L16; rate=8000; channels=1"),
      head("audio/pcm;codec=pcm;rate=48000"),
      head("audio/pcm"),
      head("application/octet-stream"),
      head(""),
      head("audio/pcm", { "x-sample-rate": "?" })
    ]
    assert.deepStrictEqual(
      rates.map((rate) => Result.isSuccess(rate) ? rate.success : undefined),
      [16_000, 8000, 48_000, 24_000, 24_000, 24_000, 24_000]
    )
    for (const headers of [{ "x-sample-rate": "22050" }, { "x-bit-depth": "32" }, { "x-channels": "2" }] as Array<Record<string, string>>) {
      const refusal = head("audio/pcm", headers)
      assert.strictEqual(Result.isFailure(refusal) ? refusal.failure.reason : "", "refused")
    }
  })
})

it.prop(
  "never throws, whatever the bytes and however they are cut",
  [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))), Schema.Boolean],
  ([bytes, isFile]) => {
    const body = isFile ? concat("RIFF\0\0\0\0WAVE", Uint8Array.from(bytes)) : Uint8Array.from(bytes)
    assert.deepStrictEqual(read(body, [1]), read(body, [Math.max(1, body.length)]))
  }
)
