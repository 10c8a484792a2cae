import { assert, describe, it } from "@effect/vitest"
import type { CallKeeping } from "../../../../src/call/CallInfo.ts"
import * as Keeping from "../../../../src/call/history/Keeping.ts"
import { ExpectedCalls, figuresOnly, ticketOf } from "../../../../src/call/registry/ExpectedCalls.ts"

const usual = Keeping.of({}, "plain")
const asked: CallKeeping = { ...usual, words: false, metadata: { order: 7 }, campaign: "spring" }

describe("the ticket of a call that is placed", () => {
  it("finds what was requested for the call, in the process that placed it", () => {
    const expected = new ExpectedCalls()
    const ticket = expected.add(asked, "1a2b")
    assert.isTrue(expected.has(ticket))
    assert.strictEqual(expected.keepingOf(ticket, usual), asked)
  })

  it("tells every other process if only figures may be stored", () => {
    const other = new ExpectedCalls()
    const ticket = new ExpectedCalls().add(asked, "1a2b")
    assert.isFalse(other.has(ticket))
    assert.deepStrictEqual(other.keepingOf(ticket, usual), { ...usual, words: false })
  })

  it("tells every other process if words may be stored, unless the agent forbids it", () => {
    const ticket = new ExpectedCalls().add({ ...usual, campaign: "spring" }, "1a2b")
    assert.isTrue(new ExpectedCalls().keepingOf(ticket, usual).words)
    assert.isFalse(new ExpectedCalls().keepingOf(ticket, { ...usual, words: false }).words)
  })

  it("means that only figures may be stored, if it can't be read", () => {
    assert.isFalse(new ExpectedCalls().keepingOf("1a2b", usual).words)
    assert.isFalse(new ExpectedCalls().keepingOf("", usual).words)
  })

  it("is forgotten when thousands of later calls were placed, but still says whether words may be stored", () => {
    const expected = new ExpectedCalls()
    const first = expected.add(asked, "first")
    for (let index = 0; index < 2000; index++) expected.add(usual, `later${index}`)
    assert.isFalse(expected.has(first))
    assert.deepStrictEqual(expected.keepingOf(first, usual), { ...usual, words: false })
  })
})

it("a ticket is not needed for a call that is stored as usual, nor later for a call whose words are stored", () => {
  assert.strictEqual(new ExpectedCalls().keepingOf(undefined, usual), usual)
  assert.isUndefined(ticketOf(usual))
  assert.strictEqual(ticketOf(asked), figuresOnly)
})
