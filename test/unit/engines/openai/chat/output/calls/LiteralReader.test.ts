import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LiteralReader from "../../../../../../../src/engines/openai/chat/output/calls/LiteralReader.ts"

const read = (text: string) => {
  const parsed = LiteralReader.parse(text)
  return parsed._tag === "Value" ? parsed.value : parsed._tag
}

describe("a value", () => {
  const cases: ReadonlyArray<readonly [string, Schema.Json]> = [
    ["{'a': 'it\\'s', 'b': [1, -2.5e3, True, None], \"c\": {}}", { a: "it's", b: [1, -2500, true, null], c: {} }],
    ["{a: 1, b_c: \"x\",}", { a: 1, b_c: "x" }],
    ["[\"two\nlines\", \"\\u00fc\\n\"]", ["two\nlines", "ü\n"]],
    ["{\"zip\": 01234 }", { zip: "01234" }],
    ["{a:<|\"|>x<|\"|>,b:<escape>y<escape>}", { a: "x", b: "y" }],
    ["{\"__proto__\": 1}", JSON.parse("{\"__proto__\": 1}") as Schema.Json]
  ]
  for (const [text, value] of cases) it(text, () => assert.deepStrictEqual(read(text), value))

  it("may be incomplete or invalid", () => {
    for (const text of ["", "{", "{\"a\"", "{\"a\":", "[1, 2", "\"abc", "\"a\\u00", "{\"a\": tru"]) assert.strictEqual(read(text), "Incomplete", text)
    for (const text of ["}", "{1: 2}", "{\"a\" 1}", "[1 2]", "{\"a\": b}", "\"\\u00zz\"", "(1)"]) assert.strictEqual(read(text), "Invalid", text)
    assert.strictEqual(read("[".repeat(100_000)), "Invalid")
  })

  it.prop("of JSON is the same as `JSON.parse` gives, and each beginning of it is incomplete", [Schema.Json], ([value]) => {
    const wrapped = { value }
    const text = JSON.stringify(wrapped)
    assert.deepStrictEqual(read(text), JSON.parse(text))
    for (let at = 0; at < text.length; at++) assert.strictEqual(read(text.slice(0, at)), "Incomplete")
  })
})
