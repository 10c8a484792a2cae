import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { AgentDefinition } from "../../../../../src/definition/AgentDefinition.ts"
import { PhoneNumber } from "../../../../../src/domain/PhoneNumber.ts"
import * as ModelActions from "../../../../../src/engines/openai/chat/ModelActions.ts"

const tool = {
  name: "book_table",
  description: "Books a table.",
  parameters: {
    properties: { people: { type: "integer", minimum: 1, maximum: 12 }, day: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" } },
    required: ["people"]
  },
  url: new URL("http://127.0.0.1:1/"),
  timeout: 1000
}

const definition: Pick<AgentDefinition, "transfers" | "tools"> = {
  transfers: { billing: PhoneNumber.make("+14155550123"), "front desk": PhoneNumber.make("+14155550124") },
  tools: [tool]
}

const make = (given: Pick<AgentDefinition, "transfers" | "tools"> = definition) => Result.getOrThrow(ModelActions.make(given))

/** The action in short; a failure as the model reads it. */
const read = (result: ModelActions.CheckedAction): string => {
  if (Result.isFailure(result)) return `! ${result.failure.answer}`
  const action = result.success
  switch (action._tag) {
    case "HangUp":
      return "hang up"
    case "Transfer":
      return `transfer ${action.to}`
    case "Digits":
      return `press ${action.digits}`
    case "Call":
      return `call ${action.tool.name} ${JSON.stringify(action.arguments)}`
  }
}

describe("an action line", () => {
  const cases: ReadonlyArray<readonly [string, string | RegExp]> = [
    ["hang_up", "hang up"],
    [" Hang up ", "hang up"],
    ["hang-up", "hang up"],
    ["end_call", "hang up"],
    ["transfer:billing", "transfer billing"],
    ["transfer: \"Front Desk\"", "transfer front desk"],
    ["transfer:sales", "! There is no transfer of that name. The transfers are: billing, front desk."],
    ["transfer", /^! There is no transfer/],
    ["transfer:+14155550123", /^! There is no transfer/],
    ["press:1 2-3#", "press 123#"],
    ["press:a*", "press A*"],
    ["press:", /^! These are not keys/],
    ["press:five", /^! These are not keys/],
    [`press:${"1".repeat(33)}`, /^! These are not keys/],
    ["call:book_table {\"people\":4}", "call book_table {\"people\":4}"],
    ["call: Book_Table: {\"people\": 4, \"day\": \"2026-03-01\"}", "call book_table {\"people\":4,\"day\":\"2026-03-01\"}"],
    ["book_table {\"people\":4}", "call book_table {\"people\":4}"],
    ["tool:book_table", /^! The arguments do not fit: Missing key at \["people"\]/],
    ["call:book_table {\"people\":0}", /^! The arguments do not fit: Expected a value greater than or equal to 1/],
    ["call:book_table {\"people\":\"four\"}", /^! The arguments do not fit/],
    ["call:book_table {\"people\":4,\"day\":\"Monday\"}", /^! The arguments do not fit/],
    ["call:book_table [4]", /^! The arguments do not fit/],
    ["call:book_table {people:4}", /^! The arguments are not JSON/],
    ["call:delete_all {}", "! There is no tool of that name. The tools are: book_table."],
    ["dance", "! That line is not an action."],
    ["", "! That line is not an action."]
  ]
  for (const [body, expected] of cases) {
    it(`<<${body}>> is read as: ${String(expected)}`, () => {
      const result = read(make().fromLine(body))
      if (typeof expected === "string") assert.strictEqual(result, expected)
      else assert.match(result, expected)
    })
  }
})

describe("a tool call", () => {
  const cases: ReadonlyArray<readonly [string, string, string | RegExp]> = [
    ["hang_up", "", "hang up"],
    ["hang_up", "{}", "hang up"],
    ["press_keys", "{\"keys\":\"12#\"}", "press 12#"],
    ["press_keys", "{\"keys\":12}", "press 12"],
    ["press_keys", "{}", /^! These are not keys/],
    ["transfer", "{\"to\":\"billing\"}", "transfer billing"],
    ["transfer", "not json", /^! There is no transfer/],
    ["book_table", "{\"people\":2}", "call book_table {\"people\":2}"],
    ["book_table", "{\"people\":2", /^! The arguments are not JSON/],
    ["toString", "{}", /^! There is no tool/]
  ]
  for (const [name, json, expected] of cases) {
    it(`of ${name} with ${json === "" ? "no arguments" : json} is read as: ${String(expected)}`, () => {
      const result = read(make().fromCall(name, json))
      if (typeof expected === "string") assert.strictEqual(result, expected)
      else assert.match(result, expected)
    })
  }
})

describe("the manual and the definitions", () => {
  it("name all transfers and tools of the agent, and no others", () => {
    const { definitions, manual } = make()
    for (const word of ["<<hang_up>>", "<<press:", "billing, front desk", "book_table: Books a table."]) assert.include(manual, word)
    assert.notInclude(manual, "+1415")
    assert.deepStrictEqual(definitions.map(({ function: { name } }) => name), ["hang_up", "press_keys", "transfer", "book_table"])
    const bare = make({})
    assert.notInclude(bare.manual, "transfer")
    assert.notInclude(bare.manual, "<<call")
    assert.deepStrictEqual(bare.definitions.map(({ function: { name } }) => name), ["hang_up", "press_keys"])
  })

  it("can't be made for a tool whose parameters are no schema; the failure names that tool", () => {
    const result = ModelActions.make({ tools: [{ ...tool, parameters: { properties: { a: { pattern: "(" } } } }] })
    assert.isTrue(Result.isFailure(result) && result.failure.message.includes("book_table"))
  })
})
