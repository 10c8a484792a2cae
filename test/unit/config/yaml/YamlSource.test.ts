import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { explain, schemaProblems } from "../../../../src/config/yaml/SchemaProblems.ts"
import * as YamlSource from "../../../../src/config/yaml/YamlSource.ts"

const advice: YamlSource.FileAdvice = { severalDocuments: "One menu only.", noKeys: "A menu has dishes.", brackets: "Put the dish in quotes." }

const decode = Schema.decodeUnknownResult(Schema.Struct({ soup: Schema.String }), { errors: "all", onExcessProperty: "error" })

const problemsOf = (text: string, given = advice): ReadonlyArray<string> => {
  const parsed = YamlSource.parse(text, given)
  if (Result.isFailure(parsed)) return parsed.failure.problems.map(({ column, line, message }) => `${line}:${column} ${message}`)
  const decoded = decode(parsed.success.data)
  const issues = Result.isFailure(decoded) ? schemaProblems(decoded.failure.issue).map((problem) => explain(problem, parsed.success)) : []
  return [...parsed.success.duplicates, ...issues].map(({ column, line, message }) => `${line}:${column} ${message}`)
}

describe("a YAML file of any kind", () => {
  it.each<readonly [string, string, ReadonlyArray<string>]>([
    ["several documents", "soup: leek\n---\nsoup: pea", ["2:1 One menu only."]],
    ["no keys", "- leek", ["1:1 A menu has dishes."]],
    ["nothing in it", "", ["1:1 A menu has dishes."]],
    ["a text of the wrong type", "soup: 3", ["1:7 \"soup\" must be a text."]],
    ["an unknown key", "soup: leek\nsoop: pea", ["2:1 There is no key \"soop\". Did you mean \"soup\"?"]]
  ])("with %s gets the advice of its kind, with line and column", (_, text, expected) => {
    assert.deepStrictEqual(problemsOf(text), expected)
  })

  it("gets advice about brackets only if its kind has some", () => {
    const [withAdvice] = problemsOf("soup: [leek")
    const { brackets: _, ...others } = advice
    const [without] = problemsOf("soup: [leek", others)
    assert.strictEqual(withAdvice, `${without} Put the dish in quotes.`)
  })

  it("has the place of a character in a list or in a block of lines", () => {
    const placeOf = (text: string, index: number, character: number) => {
      const parsed = YamlSource.parse(text, advice)
      if (Result.isFailure(parsed)) return assert.fail(parsed.failure.message)
      const { column, line } = parsed.success.placeInText(["soups"], index, character)
      return [line, column]
    }
    assert.deepStrictEqual(placeOf("soups: [leek, \"pea\"]", 1, 2), [1, 18])
    assert.deepStrictEqual(placeOf("soups: |\n  leek\n\n  # a comment\n  pea\n", 1, 1), [5, 4])
  })
})
