import { assert, describe, it } from "@effect/vitest"
import * as Dialect from "../../../../../../src/engines/openai/chat/Dialect.ts"
import * as ContextOverflow from "../../../../../../src/engines/openai/chat/context/ContextOverflow.ts"
import { refusals } from "../../../../../support/engines/ContextRefusals.ts"

const dialects = [Dialect.expectedOf("google/gemma-3-27b-it", "auto"), Dialect.expectedOf("some-model", "auto"), Dialect.expectedOf("qwen3-8b", "auto")]

describe("a request that is too long is recognized by the words of", () => {
  for (const { expected, name, words } of refusals) {
    const refusal = words({ window: 8192, prompt: 9001, answer: 200 })
    it(name, () => {
      assert.deepStrictEqual(ContextOverflow.read(refusal.message, refusal.body), expected({ window: 8192, prompt: 9001, answer: 200 }))
      // No field of the request is left out because of it.
      if (ContextOverflow.read(refusal.message) !== undefined) {
        for (const dialect of dialects) assert.isUndefined(Dialect.afterRefusal(dialect, refusal.message))
      }
    })
  }

  it("a server that writes figures with commas", () => {
    assert.deepStrictEqual(ContextOverflow.read("Prompt has 150,000 tokens, but the configured context size is 131,072 tokens"), { window: 131_072, prompt: 150_000 })
  })
})

describe("a limit of the answer alone is not taken for the window:", () => {
  const table: ReadonlyArray<readonly [words: string, answer: number]> = [
    ["max_tokens is too large: 6000. This model supports at most 4096 completion tokens, whereas you provided 6000.", 4096],
    ["Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8192],
    ["Range of max_tokens should be [1, 2000]", 2000],
    ["`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model", 8192],
    ["max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for this model", 8192],
    ["Input validation error: `max_new_tokens` must be <= 512. Given: 1200", 512],
    ["max_completion_tokens is limited to 4096 for this model", 4096]
  ]
  for (const [words, answer] of table) {
    it(words, () => {
      assert.deepStrictEqual(ContextOverflow.read(words), { answer })
      for (const dialect of dialects) assert.isUndefined(Dialect.afterRefusal(dialect, words))
    })
  }
})

describe("other refusals are not about length:", () => {
  const others: ReadonlyArray<string> = [
    "",
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "Unrecognized request argument supplied: max_completion_tokens",
    "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set",
    "tools param requires --jinja flag",
    "System role not supported",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
    "Rate limit reached for gpt-4.1 in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.",
    "Too many tokens, please wait before trying again",
    "The model `gemma` does not exist.",
    "Expected a value of stream_options greater than the default",
    "Incorrect API key provided.",
    "You exceeded your current quota, please check your plan and billing details.",
    "body.max_tokens: Input should be a valid integer"
  ]
  for (const words of others) it(words === "" ? "none at all" : words, () => assert.isUndefined(ContextOverflow.read(words)))

  it("words quoted from the request", () => {
    const body = { detail: [{ loc: ["body", "messages", 0], msg: "Field required", input: { content: "The maximum context length is 5 tokens" } }] }
    assert.isUndefined(ContextOverflow.read("body.messages.0: Field required", body))
  })

  it("a refusal of the name `max_tokens`, after which another name is used", () => {
    const dialect = Dialect.expectedOf("some-model", "auto")
    assert.strictEqual(Dialect.afterRefusal(dialect, others[1])?.limitField, "max_completion_tokens")
  })
})
