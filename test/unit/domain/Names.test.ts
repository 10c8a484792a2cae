import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { AgentName } from "../../../src/domain/AgentName.ts"
import { AccountSid, CallSid, StreamSid } from "../../../src/domain/Sid.ts"

const digits = "0123456789abcdefABCDEF0123456789"

describe.each([
  ["CallSid", CallSid, "CA"],
  ["StreamSid", StreamSid, "MZ"],
  ["AccountSid", AccountSid, "AC"]
] as const)("%s", (_, schema, prefix) => {
  const is = Schema.is(schema)

  it("is two letters and 32 hexadecimal digits", () => {
    assert.isTrue(is(prefix + digits))
  })

  it.each([
    ["the letters of another kind", `XX${digits}`],
    ["lower-case letters first", `${prefix.toLowerCase()}${digits}`],
    ["a digit too few", prefix + digits.slice(1)],
    ["a digit too many", `${prefix}${digits}0`],
    ["a character that is not hexadecimal", `${prefix}g${digits.slice(1)}`],
    ["a line break after", `${prefix}${digits}\n`],
    ["a path after", `${prefix}${digits}/../x`],
    ["a space before", ` ${prefix}${digits}`],
    ["nothing", ""]
  ])("refuses %s", (_, text) => assert.isFalse(is(text)))
})

describe("AgentName", () => {
  const is = Schema.is(AgentName)

  it.each(["echo", "a", "front-desk_2", `a${"b".repeat(63)}`])("takes %s", (name) => assert.isTrue(is(name)))

  it.each(["", "Echo", "2nd", "-echo", "a b", "a.json", "../echo", "echo\n", `a${"b".repeat(64)}`, "é"])(
    "refuses %j",
    (name) => assert.isFalse(is(name))
  )
})
