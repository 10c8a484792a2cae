import { assert, describe, it } from "@effect/vitest"
import * as Thinking from "../../../../../src/engines/openai/chat/Thinking.ts"

const url = (text: string) => new URL(text)

describe("a request", () => {
  const cases: ReadonlyArray<readonly [string | undefined, string, object]> = [
    ["Qwen/Qwen3-8B", "http://gpu:8000/v1", { chat_template_kwargs: { enable_thinking: false }, reasoning_effort: "none" }],
    ["qwen3:8b", "http://gpu:11434/v1", { reasoning_effort: "none", think: false }],
    ["gpt-oss:20b", "http://gpu:11434/v1", { reasoning_effort: "low" }],
    ["ibm-granite/granite-3.3-8b-instruct", "http://gpu:8000/v1", { chat_template_kwargs: { thinking: false }, reasoning_effort: "none" }],
    ["gpt-5.1", "https://api.openai.com/v1", { reasoning_effort: "none" }],
    ["gpt-4.1-mini", "https://api.openai.com/v1", {}],
    ["deepseek-chat", "https://api.deepseek.com/v1", { thinking: { type: "disabled" } }],
    ["glm-4.6", "https://api.z.ai/api/paas/v4", { thinking: { type: "disabled" } }],
    ["qwen/qwen3-32b", "https://openrouter.ai/api/v1", { reasoning: { effort: "none" } }],
    ["google/gemma-3-27b-it", "http://gpu:8000/v1", {}],
    [undefined, "http://gpu:8000/v1", {}]
  ]
  for (const [model, address, fields] of cases) {
    it(`has the fields that keep ${model ?? "an unknown model"} at ${address} from thinking`, () => assert.deepStrictEqual(Thinking.requestFields(Thinking.expectedOf(model, url(address), "off")), fields))
  }

  it("asks for as much thinking as the operator wants", () => {
    assert.deepStrictEqual(Thinking.requestFields(Thinking.expectedOf("qwen3:8b", url("http://gpu:11434/v1"), "medium")), { reasoning_effort: "medium", think: true })
    assert.isTrue(Thinking.expectedOf("anything", undefined, "low").isExpected)
  })
})

describe("a server that refuses a field for thinking", () => {
  const asked = Thinking.expectedOf("Qwen/Qwen3-8B", undefined, "off")

  it("is asked without the refused field, until no field is left", () => {
    const first = Thinking.afterRefusal(asked, "Unrecognized request argument supplied: chat_template_kwargs")
    assert.deepStrictEqual(first?.fields, ["reasoning_effort"])
    const second = first === undefined ? undefined : Thinking.afterRefusal(first, "body.reasoning_effort: Extra inputs are not permitted")
    assert.deepStrictEqual([second?.fields, second?.effort], [[], "unset"])
    assert.isUndefined(second === undefined ? undefined : Thinking.afterRefusal(second, "reasoning_effort"))
  })

  it("is asked for the least effort that it takes", () => {
    const next = (detail: string) => Thinking.afterRefusal(asked, detail)?.effort
    assert.strictEqual(next("'reasoning_effort' does not support 'none'. Supported values are: 'low', 'medium', and 'high'."), "low")
    assert.strictEqual(next("reasoning_effort: Input should be 'minimal', 'low', 'medium' or 'high'"), "minimal")
    assert.strictEqual(next("\"qwen\" does not support thinking"), "unset")
  })

  it("is asked with the same fields if it refuses for another reason", () => {
    for (const detail of ["I think that this is too long", "maximum context length is 8192 tokens", "m does not support tools", "The reasoning parser crashed"]) {
      assert.isUndefined(Thinking.afterRefusal(asked, detail), detail)
    }
  })
})

describe("a model that thinks nevertheless", () => {
  it("is asked not to at first, and then gets tokens for its thoughts", () => {
    const unknown = Thinking.expectedOf("some-model", undefined, "off")
    const next = Thinking.afterThoughts(unknown)
    assert.deepStrictEqual([next.effort, next.isExpected], ["none", false])
    assert.isTrue(Thinking.afterThoughts(next).isExpected)
    assert.deepStrictEqual([Thinking.leastOf(unknown).effort, Thinking.leastOf(unknown).isExpected], ["none", true])
    assert.isTrue(Thinking.isSame(Thinking.leastOf(Thinking.leastOf(unknown)), Thinking.leastOf(unknown)))
  })
})
