import { assert, describe, it } from "@effect/vitest"
import { toLogText } from "../../../src/observability/LogText.ts"

describe("another program's words in a log line", () => {
  it.each([
    ["31921 - Stream - WebSocket - Close Error", "31921 - Stream - WebSocket - Close Error"],
    ["two\r\nlines\u0000 and \u001b[31mred\u001b[0m\u2028end\u202e", "two lines and [31mred [0m end"],
    ["called +1 415 555 0100 and +14155550100, 0044 20 7946 0018", "called … and …, …"],
    ["wss://calls.example.com/ws?token=abc#x failed", "wss://calls.example.com/ws failed"],
    [`key ${"a".repeat(40)} end`, "key … end"],
    ["", ""]
  ])("%j is logged as %j", (text, expected) => {
    assert.strictEqual(toLogText(text), expected)
  })

  it("are short", () => {
    assert.strictEqual(toLogText("a word ".repeat(10_000)).length, 200)
  })
})
