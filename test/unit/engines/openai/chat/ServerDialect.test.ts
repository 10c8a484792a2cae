import { assert, describe, it } from "@effect/vitest"
import type { Dialect } from "../../../../../src/engines/openai/chat/Dialect.ts"
import { ServerDialect, type ServerDialectOptions } from "../../../../../src/engines/openai/chat/ServerDialect.ts"

const make = (options: Partial<ServerDialectOptions> = {}) =>
  new ServerDialect({ url: new URL("http://127.0.0.1:8000/v1"), tools: "auto", thinking: "off", ...options })

const noTools = "The model does not support tools"

const thoughtIn = (dialect: Dialect) => ({ dialect, hasThoughts: true, opensThought: undefined })

describe("the dialect of a server", () => {
  it("is guessed by the model's name until the server refuses something", () => {
    const server = make()
    assert.deepStrictEqual([server.of("gemma3:27b").tools, server.of("llama-3.3").tools], ["text", "calls"])
    server.learnFromRefusal(server.of("llama-3.3"), undefined, noTools)
    assert.strictEqual(server.of("llama-3.3").tools, "text")
  })

  it("is learnt once, although several requests were under way", () => {
    const server = make()
    const dialect = server.of("llama-3.3")
    assert.isFalse(server.hasChangedSince(dialect))
    server.learnFromRefusal(dialect, undefined, noTools)
    assert.isTrue(server.hasChangedSince(dialect))
    assert.isFalse(server.hasChangedSince(server.of("llama-3.3")))
  })

  it("stays as it is after a refusal for another reason", () => {
    const server = make()
    const dialect = server.of("llama-3.3")
    assert.isUndefined(server.learnFromRefusal(dialect, undefined, "Too hot in here"))
    assert.isFalse(server.hasChangedSince(dialect))
  })

  it("does not learn a way of thinking that only one request asked for", () => {
    const server = make()
    const dialect = server.of("qwen3:8b")
    const next = server.learnFromRefusal(dialect, { ...dialect.thinking, effort: "low" }, noTools)
    assert.strictEqual(next?.thinking.effort, "low")
    assert.deepStrictEqual([server.of("qwen3:8b").tools, server.of("qwen3:8b").thinking], ["text", dialect.thinking])
  })
})

describe("a model that thinks", () => {
  it("is asked not to think, and gets tokens for its thoughts if it thinks nevertheless", () => {
    const server = make()
    const first = server.of("a-new-model")
    assert.strictEqual(first.thinking.effort, "unset")
    assert.strictEqual(server.learnFromThoughts(thoughtIn(first))?.effort, "none")
    const second = server.of("a-new-model")
    assert.deepStrictEqual([second.thinking.effort, second.thinking.isExpected], ["none", false])
    assert.isTrue(server.learnFromThoughts(thoughtIn(second))?.isExpected)
  })

  it("is asked differently once, although several answers were under way", () => {
    const server = make()
    const dialect = server.of("a-new-model")
    assert.isDefined(server.learnFromThoughts(thoughtIn(dialect)))
    assert.isUndefined(server.learnFromThoughts(thoughtIn(dialect)))
    assert.isFalse(server.of("a-new-model").thinking.isExpected)
  })

  it("is asked for the least thinking from then on after an answer with only thoughts", () => {
    const server = make()
    const dialect = server.of("a-new-model")
    const least = server.reduceThinking(dialect)
    assert.deepStrictEqual([least?.effort, least?.isExpected], ["none", true])
    assert.deepStrictEqual(server.of("a-new-model").thinking, least)
    assert.isUndefined(server.reduceThinking(server.of("a-new-model")))
  })

  it("keeps thinking in later answers if the operator wants it to", () => {
    const server = make({ thinking: "high" })
    const dialect = server.of("a-new-model")
    assert.isDefined(server.reduceThinking(dialect))
    assert.strictEqual(server.of("a-new-model").thinking.effort, "high")
  })

  it("begins its text inside of a thought if its newest answer did", () => {
    const server = make()
    const dialect = server.of("a-new-model")
    assert.isFalse(server.opensThought("a-new-model"))
    server.learnFromThoughts({ dialect, hasThoughts: true, opensThought: true })
    assert.isTrue(server.opensThought("a-new-model"))
    server.learnFromThoughts({ dialect, hasThoughts: false, opensThought: undefined })
    assert.isTrue(server.opensThought("a-new-model"))
    server.learnFromThoughts({ dialect, hasThoughts: false, opensThought: false })
    assert.isFalse(server.opensThought("a-new-model"))
  })
})
