import { assert, describe, it } from "@effect/vitest"
import * as PriceWarnings from "../../../../src/call/cost/PriceWarnings.ts"

const prices = { currency: "USD", engines: { "api.openai.com/v1": { reply: { request: 0 }, speech: {} } } }

describe("engines of the configuration", () => {
  it("bring no warning if the list has their prices, or if they are not counted", () => {
    assert.deepStrictEqual(PriceWarnings.of(prices, [{ stage: "replyModel", name: "api.openai.com/v1" }, { stage: "voiceActivity", name: "other" }]), [])
  })

  it("bring no warning if they are embedded: those cost nothing", () => {
    assert.deepStrictEqual(PriceWarnings.of(prices, [{ stage: "speechToText", name: "embedded" }]), [])
  })

  it("bring one warning for each stage that has no price", () => {
    const warnings = PriceWarnings.of(prices, [
      { stage: "speechToText", name: "127.0.0.1:8001/v1" },
      { stage: "speechToText", name: "127.0.0.1:8001/v1" },
      { stage: "textToSpeech", name: "api.openai.com/v1" },
      { stage: "replyModel", name: "api.openai.com" }
    ])
    assert.deepStrictEqual(warnings.map((line) => /"(?<key>\w+)" prices for the engine "(?<engine>\S+)"/.exec(line)?.slice(1).toReversed()), [
      ["127.0.0.1:8001/v1", "transcript"],
      ["api.openai.com/v1", "speech"],
      ["api.openai.com", "reply"]
    ])
    assert.include(warnings[2], "The list has \"api.openai.com/v1\". Did you mean this engine?")
    assert.notInclude(warnings[0], "did you mean")
  })
})
