import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Prices from "../../../../src/call/cost/Prices.ts"

const good = (text: string) => {
  const list = Prices.parse(text, "prices.yaml")
  return Result.isSuccess(list) ? list.success : assert.fail(list.failure.message)
}

const problemsOf = (text: string): ReadonlyArray<string> => {
  const list = Prices.parse(text, "prices.yaml")
  return Result.isFailure(list) ? list.failure.message.split("\n") : assert.fail("It was read")
}

describe("a price list", () => {
  it("is YAML or JSON", () => {
    const list = { currency: "EUR", twilio: { inbound: { minute: 0.0085 } }, engines: { "127.0.0.1:8001/v1": { transcript: { minute: 0 } } } }
    assert.deepStrictEqual(good(JSON.stringify(list)), list)
    assert.deepStrictEqual(good("currency: EUR\ntwilio:\n  inbound: { minute: 0.0085 }\nengines:\n  127.0.0.1:8001/v1:\n    transcript: { minute: 0 }\n"), list)
    assert.deepStrictEqual(good("currency: USD"), { currency: "USD" })
  })

  it("is read as docs/costs.md shows it", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../..", "docs", "costs.md"), "utf8")
    const [, example] = /^```yaml\n([\s\S]*?)^```/m.exec(page) ?? []
    const { currency, engines, twilio } = good(example)
    assert.deepStrictEqual([currency, twilio?.outbound?.minute, engines?.["api.openai.com/v1"]?.speech], ["USD", 0.018, { million_characters: 15 }])
  })

  it.each<readonly [string, string, string]>([
    ["an unknown key", "currency: USD\ntwillio: {}", "prices.yaml:2:1: There is no key \"twillio\". Did you mean \"twilio\"?"],
    ["an unknown unit", "currency: USD\nengines:\n  a.example:\n    reply: { million_input_token: 1 }", "prices.yaml:4:14: There is no key \"million_input_token\" in \"engines.a.example.reply\". Did you mean \"million_input_tokens\"?"],
    ["a unit that another stage has", "currency: USD\nengines: { a.example: { reply: { minute: 1 } } }", "prices.yaml:2:34: There is no key \"minute\" in \"engines.a.example.reply\". Use one of: request, million_input_tokens, million_output_tokens."],
    ["a price without its stage", "currency: USD\nengines: { a.example: { minute: 1 } }", "prices.yaml:2:25: There is no key \"minute\" in \"engines.a.example\". Use one of: transcript, reply, speech."],
    ["a negative price", "currency: USD\ntwilio: { inbound: { minute: -1 } }", "prices.yaml:2:30: \"twilio.inbound.minute\" must be a price from 0 to 1000000, such as 0.0085."],
    ["a price without end", "currency: USD\ntwilio: { outbound: { minute: .inf } }", "prices.yaml:2:31: \"twilio.outbound.minute\" must be a price from 0 to 1000000, such as 0.0085."],
    ["a price that is no number", "currency: USD\ntwilio: { outbound: { minute: .nan } }", "prices.yaml:2:31: \"twilio.outbound.minute\" must be a price from 0 to 1000000, such as 0.0085."],
    ["a price as a text", "currency: USD\ntwilio: { outbound: { minute: \"0,01\" } }", "prices.yaml:2:31: \"twilio.outbound.minute\" must be a price from 0 to 1000000, such as 0.0085."],
    ["a Twilio price without its minute", "currency: USD\ntwilio: { inbound: 0.01 }", "prices.yaml:2:20: \"twilio.inbound\" must be keys with values below it."],
    ["a currency by its sign", "currency: $", "prices.yaml:1:11: \"currency\" must be a currency in three capital letters (ISO 4217), such as USD."],
    ["a currency in small letters", "currency: usd", "prices.yaml:1:11: \"currency\" must be a currency in three capital letters (ISO 4217), such as USD."],
    ["no currency", "twilio: { inbound: { minute: 1 } }", "prices.yaml:1:1: \"currency\" is missing. Add it."],
    ["a key that is there twice", "currency: USD\ncurrency: EUR", "prices.yaml:2:1: \"currency\" is here for the second time; the first is in line 1. Give one of them another name."],
    ["an empty file", "", "prices.yaml:1:1: A price list consists of keys with values. Begin with \"currency: USD\"."],
    ["a list", "- currency: USD", "prices.yaml:1:1: A price list consists of keys with values. Begin with \"currency: USD\"."],
    ["two documents", "currency: USD\n---\ncurrency: EUR", "prices.yaml:2:1: A file is one price list. Take out the line \"---\"."]
  ])("with %s is refused", (_, text, expected) => {
    assert.deepStrictEqual(problemsOf(text), [expected])
  })

  it("that is no YAML is refused without advice about phrases", () => {
    const [problem, ...others] = problemsOf("currency: USD\nengines: { a: { reply: { request: 1 }")
    assert.match(problem, /^prices\.yaml:2:\d+: This is not YAML: .*\.$/)
    assert.notInclude(problem, "phrase")
    assert.deepStrictEqual(others.filter((line) => line.includes("phrase")), [])
  })

  it("has all its problems reported, in their order", () => {
    assert.deepStrictEqual(problemsOf("curency: USD\ntwilio: { inbound: { minute: -1 } }").map((line) => /:(\d+:\d+):/.exec(line)?.[1]), ["1:1", "1:1", "2:30"])
  })
})
