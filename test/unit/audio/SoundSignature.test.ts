import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SoundSignature from "../../../src/audio/SoundSignature.ts"

const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url)))

const latin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"))
const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "utf8"))
const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))

const nameOf = (bytes: Uint8Array, isWhole = false): string | undefined => {
  const signature = SoundSignature.of(bytes, isWhole)
  return signature?._tag === "Foreign" ? signature.name : signature?._tag
}

/** The signature of a body; checks that it does not change while more bytes come. */
const known = (bytes: Uint8Array): string | undefined => {
  for (let length = 0; length < bytes.length; length++) {
    const name = nameOf(bytes.subarray(0, length))
    if (name !== undefined) {
      assert.strictEqual(nameOf(bytes), name, `${length} bytes say otherwise`)
      return name
    }
  }
  return nameOf(bytes, true)
}

/** MP3 as an encoder wrote it: a tag, then frames. */
const mp3 = fixture("speech.mp3")
const untagged = mp3.subarray(10 + mp3[9] + 128 * mp3[8])
const aac = fixture("speech.aac")
const speech = fixture("speech-8k.wav").subarray(44)
const noise = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919 * (i + 13)) >> 3)

describe("SoundSignature", () => {
  it("knows files by their first bytes", () => {
    const files: ReadonlyArray<readonly [string, Uint8Array]> = [
      ["Wave", latin("RIFF\u0010\u0000\u0000\u0000WAVEfmt ")],
      ["Wave", latin("RIFX\u0000\u0000\u0000\u0010WAVEfmt ")],
      ["Wave", latin("RF64\u00ff\u00ff\u00ff\u00ffWAVEds64")],
      ["AVI", latin("RIFF\u0010\u0000\u0000\u0000AVI LIST")],
      ["Ogg", latin("OggS\u0000\u0002\u0000\u0000")],
      ["FLAC", latin("fLaC\u0000\u0000\u0000\u0022\u0010\u0000")],
      ["WebM", latin("\u001a\u0045\u00df\u00a3\u009f\u0042\u0086")],
      ["MP4", latin("\u0000\u0000\u0000\u001cftypM4A \u0000\u0000")],
      ["AIFF", latin("FORM\u0000\u0002\u0098\u00deAIFFCOMM")],
      ["AU", latin(".snd\u0000\u0000\u0000\u0018\u0000\u0000")],
      ["AMR", latin("#!AMR-WB\n")]
    ]
    for (const [name, bytes] of files) assert.strictEqual(known(bytes), name)
  })

  it("knows MP3 with a tag and without one, and AAC, by frames that follow each other", () => {
    assert.strictEqual(known(mp3), "MP3")
    assert.strictEqual(known(untagged), "MP3")
    assert.strictEqual(known(aac), "AAC")
  })

  it("knows a whole MP3 body that is shorter than three frames", () => {
    // 8 kHz, MPEG-2.5 layer 3: all frames of this file have 72 bytes.
    const length = untagged.findIndex((_, at) => at > 0 && untagged[at] === 0xff && untagged[at + 1] === untagged[1])
    for (const end of [length, length + 10, 2 * length - 1, 2 * length]) {
      assert.strictEqual(nameOf(untagged.subarray(0, end), true), "MP3", `${end}`)
    }
  })

  it("knows text in any language, even if it is cut within a character", () => {
    for (const body of [
      "{\"error\":{\"message\":\"No such voice.\"}}",
      " \r\n{}",
      "[]",
      "<!doctype html><html></html>",
      "Internal Server Error",
      "\u{feff}{\"error\":\"voix inconnue : « Élise »\"}",
      "语音不可用，请稍后再试。".repeat(20),
      "🎙️".repeat(100)
    ]) {
      assert.strictEqual(known(utf8(body)), "Text", body)
    }
  })

  it("waits for no more bytes than it needs: silence and speech count as raw samples after a few bytes", () => {
    assert.strictEqual(nameOf(Uint8Array.of(0, 1)), "None")
    assert.strictEqual(nameOf(Uint8Array.of(3, 0)), "None")
    assert.strictEqual(nameOf(Uint8Array.of(0xfe, 0xff)), "None")
    // Silence may begin with the same four bytes as MP4.
    assert.strictEqual(nameOf(new Uint8Array(5)), "None")
  })

  it("takes real speech for raw samples, from any sample on", () => {
    for (let at = 0; at + 4000 < speech.length; at += 2) {
      assert.strictEqual(nameOf(speech.subarray(at, at + 4000)), "None", `sample ${at / 2}`)
    }
  })

  it("takes samples that begin like MP3, AAC or text for raw ones", () => {
    for (const head of [untagged.subarray(0, 4), aac.subarray(0, 7), utf8("{\"error\":"), latin("ID"), latin("OggT")]) {
      assert.strictEqual(known(concat(head, noise)), "None")
    }
    // One frame and the next header fit, the third does not.
    assert.strictEqual(known(concat(untagged.subarray(0, 200), noise)), "None")
  })

  it.prop("gives the same answer however much of a body has come, and gives one at its end", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
    Schema.Literals(["", "RIFF", "RIFF\u0000\u0000\u0000\u0000WAVE", "ID3\u0003", "\u00ff\u00fb\u0090\u0064", "\u00ff\u00f1\u0058\u0040\u0033\u003f\u00fc", "{\"", "Ogg", "\u0000\u0000\u0000\u0020ft"])
  ], ([bytes, head]) => {
    const body = concat(latin(head), Uint8Array.from(bytes))
    assert.isDefined(known(body))
  })
})
