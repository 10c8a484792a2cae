import { assert, describe, it } from "@effect/vitest"
import * as PreparedLines from "../../../../../src/engines/openai/speech/PreparedLines.ts"

const line = (text: string, voice?: string) => ({ text, language: "en", ...(voice === undefined ? {} : { voice }) })

const sound = (samples: number) => [{ pcm: new Int16Array(samples), sampleRate: 24_000 }]

describe("prepared lines", () => {
  it("are found by their text and their voice", () => {
    const lines = PreparedLines.make()
    lines.add(line("Hello."), sound(10))
    assert.isTrue(lines.has(line("Hello.")))
    assert.isFalse(lines.has(line("Hello.", "anna")))
    assert.strictEqual(lines.get(line("Hello."))?.[0].pcm.length, 10)
    assert.isUndefined(lines.get(line("Goodbye.")))
  })

  it("drop the least recently used line when they fill the memory", () => {
    const lines = PreparedLines.make(25)
    for (const text of ["one", "two"]) lines.add(line(text), sound(10))
    lines.get(line("one"))
    lines.add(line("three"), sound(10))
    assert.deepStrictEqual(["one", "two", "three"].map((text) => lines.has(line(text))), [true, false, true])
  })

  it("count a line once if it is prepared again", () => {
    const lines = PreparedLines.make(25)
    for (const text of ["one", "two", "two"]) lines.add(line(text), sound(10))
    assert.deepStrictEqual(["one", "two"].map((text) => lines.has(line(text))), [true, true])
  })
})
