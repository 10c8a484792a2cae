import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Option, Schema } from "effect"
import { firstOf, namesOf, trim } from "../../../src/config/Environment.ts"

const from = (env: Record<string, string>) => ConfigProvider.fromEnv({ env })

describe("trim", () => {
  it.each([["", ""], [" a b\n", "a b"], ["\ufeffa\u200b \u00a0\r\n", "a"], ["\u202aa\u200bb\u202c", "a\u200bb"], [" \n\u200b", ""], ["👍 ", "👍"]])(
    "%j is %j",
    (text, expected) => assert.strictEqual(trim(text), expected)
  )

  it.prop("is trimmed already, and a part of the text", [Schema.String], ([text]) => {
    assert.strictEqual(trim(trim(text)), trim(text))
    assert.include(text, trim(text))
  })
})

describe("firstOf", () => {
  const read = (name: string, ...sources: ReadonlyArray<Record<string, string>>) =>
    Effect.map(Config.option(Config.String(name)).parse(firstOf(...sources.map(from))), Option.getOrUndefined)

  it.effect.each([
    ["the first value", [{ AGENT: "one" }, { AGENT: "two" }], "one"],
    ["the second if the first is blank", [{ AGENT: " \n" }, { AGENT: "two" }], "two"],
    ["the second if the first has only a longer name", [{ AGENT_NUMBERS: "x" }, { AGENT: "two" }], "two"],
    ["the second if both have a longer name", [{ AGENT_NUMBERS: "x" }, { AGENT: "two", AGENT_NUMBERS: "y" }], "two"],
    ["none if there is none", [{ AGENT_NUMBERS: "x" }, { AGENTS_DIR: "y" }], undefined]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<Record<string, string>>, string | undefined]>)("gives %s", ([, sources, expected]) =>
    Effect.map(read("AGENT", ...sources), (value) => assert.strictEqual(value, expected)))
})

describe("namesOf", () => {
  it.effect("lists the variables of all sources", () =>
    Effect.gen(function*() {
      const names = yield* namesOf(firstOf(from({ AGENT: "x", AGENT_NUMBERS: "x", HOME: "x" }), from({ AGENTS_DIR: "y", HOME: "y", A_B_C: "z" })))
      assert.deepStrictEqual(names, ["AGENT", "AGENTS_DIR", "AGENT_NUMBERS", "A_B_C", "HOME"].sort())
    }))
})
