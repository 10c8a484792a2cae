import { assert, describe, it } from "@effect/vitest"
import { nearest, suggest } from "../../../src/domain/DidYouMean.ts"

describe("nearest", () => {
  it.each([
    ["agnet", ["to", "agent"], "agent"],
    ["AGENT", ["to", "agent"], "agent"],
    ["To", ["to", "agent"], "to"],
    ["to_number", ["to", "agent", "websocket_url"], "to"],
    ["toNumber", ["to", "agent", "websocket_url"], "to"],
    ["to", ["to_number", "agent"], "to_number"],
    ["websocketUrl", ["to", "websocket_url"], "websocket_url"],
    ["url", ["to", "websocket_url"], "websocket_url"]
  ])("of %s in %j is %s", (name, known, meant) => assert.strictEqual(nearest(name, known), meant))

  it.each([["from", ["to", "agent"]], ["", ["to"]], ["_", ["to"]], ["x".repeat(100_000), ["to"]], ["to", []]])(
    "finds no name like %.20s in %j",
    (name, known) => assert.isUndefined(nearest(name, known))
  )
})

describe("suggest", () => {
  it("lists the known names if none is similar", () => {
    assert.strictEqual(suggest("from", ["to", "agent"]), "Use one of: to, agent.")
    assert.strictEqual(suggest("from", []), "There are none yet.")
  })
})
