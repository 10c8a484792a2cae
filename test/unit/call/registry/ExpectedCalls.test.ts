import { assert, describe, it } from "@effect/vitest"
import type { CallKeeping } from "../../../../src/call/CallInfo.ts"
import * as Keeping from "../../../../src/call/history/Keeping.ts"
import { ExpectedCalls, figuresOnly, ticketOf } from "../../../../src/call/registry/ExpectedCalls.ts"

const usual = Keeping.of({}, "plain")
const asked: CallKeeping = { ...usual, words: false, metadata: { order: 7 }, campaign: "spring" }

describe("the ticket of a call that is placed", () => {
  it("gives what was asked for the call, in the process that placed it", () => {
    const expected = new ExpectedCalls()
    const ticket = expected.add(asked, "1a2b")
    assert.isTrue(expected.has(ticket))
    assert.strictEqual(expected.keepingOf(ticket, usual), asked)
  })

  it("tells every other process that only figures are to be kept", () => {
    const other = new ExpectedCalls()
    const ticket = new ExpectedCalls().add(asked, "1a2b")
    assert.isFalse(other.has(ticket))
    assert.deepStrictEqual(other.keepingOf(ticket, usual), { ...usual, words: false })
  })

  it("tells every other process that words may be kept, where the agent allows it", () => {
    const ticket = new ExpectedCalls().add({ ...usual, campaign: "spring" }, "1a2b")
    assert.isTrue(new ExpectedCalls().keepingOf(ticket, usual).words)
    assert.isFalse(new ExpectedCalls().keepingOf(ticket, { ...usual, words: false }).words)
  })

  it("that nobody can read is taken for one of figures alone", () => {
    assert.isFalse(new ExpectedCalls().keepingOf("1a2b", usual).words)
    assert.isFalse(new ExpectedCalls().keepingOf("", usual).words)
  })

  it("is forgotten when thousands of later calls were placed, but for its word on figures", () => {
    const expected = new ExpectedCalls()
    const first = expected.add(asked, "first")
    for (let index = 0; index < 2000; index++) expected.add(usual, `later${index}`)
    assert.isFalse(expected.has(first))
    assert.deepStrictEqual(expected.keepingOf(first, usual), { ...usual, words: false })
  })
})

it("a call without a ticket is kept as usual, and needs none later where words are kept", () => {
  assert.strictEqual(new ExpectedCalls().keepingOf(undefined, usual), usual)
  assert.isUndefined(ticketOf(usual))
  assert.strictEqual(ticketOf(asked), figuresOnly)
})
