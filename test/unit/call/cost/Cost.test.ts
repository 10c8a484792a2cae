import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Cost from "../../../../src/call/cost/Cost.ts"
import type { PriceList } from "../../../../src/call/cost/PriceList.ts"
import type { EngineUse } from "../../../../src/store/StoreWrite.ts"

const openai = "api.openai.com/v1"

const prices: PriceList = {
  currency: "USD",
  twilio: { inbound: { minute: 0.0085 }, outbound: { minute: 0.014 } },
  engines: {
    [openai]: {
      transcript: { minute: 0.006 },
      reply: { million_input_tokens: 0.15, million_output_tokens: 0.6 },
      speech: { request: 0.001, million_characters: 15 }
    },
    own: { transcript: { request: 0 }, reply: {} }
  }
}

const heard = (soundSeconds: number, engine = openai): EngineUse => ({ stage: "transcript", engine, requests: 3, soundSeconds })
const replied = (inputTokens?: number, outputTokens?: number, engine = openai): EngineUse => ({
  stage: "reply",
  engine,
  requests: 2,
  ...(inputTokens === undefined ? {} : { inputTokens }),
  ...(outputTokens === undefined ? {} : { outputTokens })
})
const spoken: EngineUse = { stage: "speech", engine: openai, requests: 4, soundSeconds: 600, characters: 200 }

const of = (usage: Partial<Cost.Usage>, list = prices) => Cost.of(list, { direction: "inbound", minutes: 0, engines: [], ...usage })

const nothing = { currency: "USD", total: 0, twilio: 0, engines: [], unpriced: [] }

describe("the cost of a call", () => {
  it.each<readonly [string, Partial<Cost.Usage>, object]>([
    ["that nobody answered is 0", {}, nothing],
    ["counts Twilio's inbound minutes", { minutes: 3 }, { ...nothing, total: 0.0255, twilio: 0.0255 }],
    ["counts Twilio's outbound minutes", { direction: "outbound", minutes: 3 }, { ...nothing, total: 0.042, twilio: 0.042 }],
    ["counts minutes of sound that was heard", { engines: [heard(90)] }, { ...nothing, total: 0.009, engines: [{ stage: "transcript", engine: openai, cost: 0.009 }] }],
    ["counts tokens", { engines: [replied(20_000, 1000)] }, { ...nothing, total: 0.0036, engines: [{ stage: "reply", engine: openai, cost: 0.0036 }] }],
    ["adds the prices of a stage, and leaves out what has none there", { engines: [spoken] }, {
      ...nothing,
      total: 0.007,
      engines: [{ stage: "speech", engine: openai, cost: 0.007 }]
    }],
    ["is rounded to six decimals", { engines: [replied(11, 0)] }, { ...nothing, total: 0.000002, engines: [{ stage: "reply", engine: openai, cost: 0.000002 }] }],
    ["is the sum of its parts", { minutes: 2, engines: [heard(60), replied(20_000, 1000)] }, {
      ...nothing,
      total: 0.0266,
      twilio: 0.017,
      engines: [{ stage: "transcript", engine: openai, cost: 0.006 }, { stage: "reply", engine: openai, cost: 0.0036 }]
    }],
    ["knows an engine that costs nothing", { engines: [heard(60, "own")] }, { ...nothing, engines: [{ stage: "transcript", engine: "own", cost: 0 }] }],
    ["is nothing for the engines in this process", { engines: [heard(60, "embedded")] }, { ...nothing, engines: [{ stage: "transcript", engine: "embedded", cost: 0 }] }]
  ])("%s", (_, usage, expected) => {
    assert.deepStrictEqual(of(usage), expected as never)
  })

  it("has a price for the engines in this process if the list has one", () => {
    const list = { ...prices, engines: { embedded: { transcript: { minute: 0.01 } } } }
    assert.strictEqual(of({ engines: [heard(120, "embedded")] }, list).total, 0.02)
    assert.deepStrictEqual(of({ engines: [{ stage: "transcript", engine: "embedded", requests: 1 }] }, list).unpriced, ["embedded"])
  })

  const { twilio: _, ...withoutTwilio } = prices
  it.each<readonly [string, Partial<Cost.Usage>, PriceList, ReadonlyArray<string>]>([
    ["an engine that is not in the list, once", { engines: [heard(60, "other"), replied(1, 1, "other")] }, prices, ["other"]],
    ["an engine whose name is a property of every object", { engines: [heard(60, "constructor")] }, prices, ["constructor"]],
    ["an engine whose stage has no price", { engines: [replied(1, 1, "own")] }, prices, ["own"]],
    ["an engine that reported only one of two figures", { engines: [replied(1)] }, prices, [openai]],
    ["an engine that reported nonsense", { engines: [replied(-5, Infinity)] }, prices, [openai]],
    ["Twilio without a price", { minutes: 1 }, withoutTwilio, ["twilio"]],
    ["Twilio's minutes while they are not known", { minutes: undefined }, prices, ["twilio"]]
  ])("names %s", (_, usage, list, expected) => {
    const cost = of(usage, list)
    assert.deepStrictEqual(cost.unpriced, expected)
    assert.strictEqual(cost.total, 0)
  })

  it("does not name Twilio for a call without minutes", () => {
    assert.deepStrictEqual(of({ minutes: 0 }, withoutTwilio).unpriced, [])
  })
})

describe("any cost", () => {
  const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
  const count = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
  const figure = Schema.optionalKey(between(0, 1e7))
  const price = Schema.optionalKey(between(0, 100))

  const Use = Schema.Struct({
    stage: Schema.Literals(["transcript", "reply", "speech"]),
    engine: Schema.Literals(["a", "b", "embedded"]),
    requests: count(1000),
    soundSeconds: figure,
    inputTokens: figure,
    outputTokens: figure,
    characters: figure
  })
  const Uses = Schema.Array(Use).check(Schema.isMaxLength(6))

  const Stages = Schema.Struct({
    transcript: Schema.Struct({ request: price, minute: price }),
    reply: Schema.Struct({ request: price, million_input_tokens: price, million_output_tokens: price }),
    speech: Schema.Struct({ request: price, minute: price, million_characters: price })
  })
  const List = Schema.Struct({
    currency: Schema.Literal("EUR"),
    twilio: Schema.Struct({ inbound: Schema.Struct({ minute: between(0, 100) }) }),
    engines: Schema.Struct({ a: Stages, embedded: Stages })
  })
  const Minutes = Schema.UndefinedOr(count(1440))

  it.prop("is finite and never negative", [List, Minutes, Uses], ([prices, minutes, engines]) => {
    const { total } = Cost.of(prices, { direction: "inbound", minutes, engines })
    return Number.isFinite(total) && total >= 0
  })

  it.prop("is the sum of what each engine costs alone", [List, Minutes, Uses], ([prices, minutes, engines]) => {
    const whole = Cost.of(prices, { direction: "inbound", minutes, engines })
    const alone = engines.map((one) => Cost.of(prices, { direction: "inbound", minutes: 0, engines: [one] }).total)
    const sum = alone.reduce((sum, part) => sum + part, Cost.of(prices, { direction: "inbound", minutes, engines: [] }).total)
    assert.closeTo(whole.total, sum, 1e-6)
  })

  it.prop("has each engine either priced or named", [List, Uses], ([prices, engines]) => {
    const cost = Cost.of(prices, { direction: "inbound", minutes: 0, engines })
    for (const { engine, stage } of engines) {
      const isPriced = cost.engines.some((one) => one.engine === engine && one.stage === stage)
      assert.isTrue(isPriced || cost.unpriced.includes(engine))
    }
  })

  it.prop("does not fall when more is used", [List, count(1000), count(1000), Uses, count(100_000)], ([prices, minutes, moreMinutes, engines, more]) => {
    const grown = engines.map((one) => ({
      ...one,
      requests: one.requests + more,
      ...Object.fromEntries((["soundSeconds", "inputTokens", "outputTokens", "characters"] as const).flatMap((name) => one[name] === undefined ? [] : [[name, one[name] + more]]))
    }))
    const before = Cost.of(prices, { direction: "inbound", minutes, engines })
    const after = Cost.of(prices, { direction: "inbound", minutes: minutes + moreMinutes, engines: grown })
    assert.isAtLeast(after.total, before.total)
  })
})
