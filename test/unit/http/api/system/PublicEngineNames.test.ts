import { assert, describe, it } from "@effect/vitest"
import * as PublicEngineNames from "../../../../../src/http/api/system/PublicEngineNames.ts"

const engines = [
  { stage: "speechToText", name: "10.0.0.7:8001", state: "up" },
  { stage: "speechToText", name: "embedded", state: "unknown" },
  { stage: "replyModel", name: "gpu.internal:8000", state: "up" },
  { stage: "replyModel", name: "10.0.0.7:8001", state: "down" }
] as const

describe("an engine's name", () => {
  it("is replaced by its stage and a number, if it is an address", () => {
    assert.deepStrictEqual(PublicEngineNames.withPublicNames(engines).map(({ name }) => name), ["speechToText-1", "embedded", "replyModel-1", "replyModel-2"])
    assert.deepStrictEqual(PublicEngineNames.withPublicNames(engines).map(({ state }) => state), engines.map(({ state }) => state))
  })

  it("is replaced in the metrics in the same way, whatever the order of the labels", () => {
    const metrics = [
      "# HELP requests by engine=\"x\"",
      "requests_total{stage=\"speechToText\",engine=\"10.0.0.7:8001\",outcome=\"ok\"} 1",
      "requests_total{engine=\"10.0.0.7:8001\",outcome=\"ok\",stage=\"replyModel\"} 2",
      "requests_total{engine=\"odd\\\"name\",stage=\"replyModel\"} 3",
      "requests_total{engine=\"embedded\",stage=\"speechToText\"} 4",
      "other{reason=\"busy\"} 5",
      ""
    ].join("\n")
    const hidden = PublicEngineNames.hideInMetrics(metrics, engines)
    assert.strictEqual(hidden, metrics
      .replace("speechToText\",engine=\"10.0.0.7:8001", "speechToText\",engine=\"speechToText-1")
      .replace("engine=\"10.0.0.7:8001\",outcome=\"ok\",stage=\"replyModel\"", "engine=\"replyModel-2\",outcome=\"ok\",stage=\"replyModel\"")
      .replace("odd\\\"name", "replyModel-other"))
    assert.notMatch(hidden, /10\.0\.0\.7|internal/)
  })
})
