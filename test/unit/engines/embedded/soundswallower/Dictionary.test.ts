import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import * as Dictionary from "../../../../../src/engines/embedded/soundswallower/Dictionary.ts"

const find = (text: string, ...words: ReadonlyArray<string>) => [...Dictionary.find(Buffer.from(text), new Set(words))]

const Name = Schema.Literals(["a", "ab", "abc", "été", "a.b", "it's", "a(2)", "ab(2)", "ab(10)", "(2)", "œuvre(2)", "œuvre"])
const Gap = Schema.Literals([" ", "\t", "  ", " \t"])
const Line = Schema.Tuple([Name, Gap, Schema.Literals(["AH", "AH B", "ei tt ei"])])

describe("a dictionary", () => {
  it.each<[text: string, words: ReadonlyArray<string>, found: ReadonlyArray<readonly [string, string]>]>([
    ["a AH\nab AH B\nabc AH B S\n", ["ab"], [["ab", "AH B"]]],
    // All ways to say the word, but no other word with the same beginning.
    ["read R EH D\nread(2) R IY D\nreader R IY D ER\nread(10) R\n", ["read"], [["read", "R EH D"], ["read(2)", "R IY D"], ["read(10)", "R"]]],
    ["été\tei tt ei\r\nete ei\r\n", ["été"], [["été", "ei tt ei"]]],
    // The last line may end without a newline. A line without phones, or without a name, is no word.
    ["\n\nlonely\n EH\nlast L", ["last", "lonely", ""], [["last", "L"]]],
    // A comment looks like an entry, but nobody asks for its first word.
    [";; CMU dictionary\na AH", ["a"], [["a", "AH"]]],
    ["a AH\na EY", ["a"], [["a", "EY"]]],
    ["a AH", [], []],
    ["", ["a"], []]
  ])("%j, searched for %j", (text, words, found) => {
    assert.deepStrictEqual(find(text, ...words), found)
  })

  it.prop("gives exactly the lines of the words", [Schema.Array(Line), Schema.Array(Name)], ([lines, words]) => {
    const wanted = new Set<string>(words)
    const all = new Map(lines.map(([name, , phones]) => [name, phones]))
    const expected = [...all].filter(([name]) => wanted.has(name.replace(/\(\d+\)$/, "")))
    const found = find(lines.map((line) => line.join("")).join("\n"), ...words)
    assert.deepStrictEqual(found.sort(), expected.sort())
  })

  it.each(["en-us", "fr-fr"])("%s of SoundSwallower gives the same entries as a full reading", (model) => {
    const bytes = readFileSync(join(dirname(createRequire(import.meta.url).resolve("soundswallower")), "model", model, "dict.txt"))
    const all = new Map(
      bytes.toString().split("\n").flatMap((line) => {
        const space = line.search(/\s/)
        return space > 0 ? [[line.slice(0, space), line.slice(space).trim()] as const] : []
      })
    )
    const everyHundredth = [...all.keys()].filter((_, index) => index % 100 === 0).map((name) => name.replace(/\(\d+\)$/, ""))
    const found = Dictionary.find(bytes, new Set(everyHundredth))
    assert.isAbove(found.size, everyHundredth.length - 1)
    for (const [name, phones] of found) assert.strictEqual(phones, all.get(name))
    for (const word of everyHundredth) {
      for (const name of [word, `${word}(2)`, `${word}(3)`]) assert.strictEqual(found.get(name), all.get(name), name)
    }
  })
})
