import { assert, describe, it } from "@effect/vitest"
import type { CallSettings } from "../../../../src/call/CallInfo.ts"
import * as SettingsChoice from "../../../../src/call/history/SettingsChoice.ts"
import { ExpectedCalls, figuresOnly, ticketOf } from "../../../../src/call/registry/ExpectedCalls.ts"

const usual = SettingsChoice.of({}, "plain")
const asked: CallSettings = { ...usual, keepsWords: false, metadata: { order: 7 }, campaign: "spring" }

describe("the ticket of a call that is placed", () => {
  it("finds what was requested for the call, in the process that placed it", () => {
    const expected = new ExpectedCalls()
    const ticket = expected.add(asked, "1a2b")
    assert.isTrue(expected.has(ticket))
    assert.strictEqual(expected.settingsOf(ticket, usual), asked)
  })

  it("tells every other process if only figures may be stored", () => {
    const other = new ExpectedCalls()
    const ticket = new ExpectedCalls().add(asked, "1a2b")
    assert.isFalse(other.has(ticket))
    assert.deepStrictEqual(other.settingsOf(ticket, usual), { ...usual, keepsWords: false })
  })

  it("tells every other process if words may be stored, unless the agent forbids it", () => {
    const ticket = new ExpectedCalls().add({ ...usual, campaign: "spring" }, "1a2b")
    assert.isTrue(new ExpectedCalls().settingsOf(ticket, usual).keepsWords)
    assert.isFalse(new ExpectedCalls().settingsOf(ticket, { ...usual, keepsWords: false }).keepsWords)
  })

  it("means that only figures may be stored, if it can't be read", () => {
    assert.isFalse(new ExpectedCalls().settingsOf("1a2b", usual).keepsWords)
    assert.isFalse(new ExpectedCalls().settingsOf("", usual).keepsWords)
  })

  it("is forgotten when thousands of later calls were placed, but still says whether words may be stored", () => {
    const expected = new ExpectedCalls()
    const first = expected.add(asked, "first")
    for (let index = 0; index < 2000; index++) expected.add(usual, `later${index}`)
    assert.isFalse(expected.has(first))
    assert.deepStrictEqual(expected.settingsOf(first, usual), { ...usual, keepsWords: false })
  })
})

it("a ticket is not needed for a call that is stored as usual, nor later for a call whose words are stored", () => {
  assert.strictEqual(new ExpectedCalls().settingsOf(undefined, usual), usual)
  assert.isUndefined(ticketOf(usual))
  assert.strictEqual(ticketOf(asked), figuresOnly)
})
