import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as CallLife from "../../../../src/call/history/CallLife.ts"
import { callSid } from "../../../support/conversation/Samples.ts"
import { stored } from "../../../support/store/RecordingStore.ts"

const now = Date.UTC(2026, 10, 29, 12)
const kept = (memory: unknown) => stored(callSid(), { memory: Option.some({ version: 9, memory }) })

describe("a call's life", () => {
  it("begins with the first numbers, and with plain ids", () => {
    assert.deepStrictEqual(CallLife.of({ known: undefined, hasMemory: false, now }), { id: "", nextEvent: 0, nextTurn: 0, version: 0 })
  })

  it("goes on in another process with its ids and numbers", () => {
    assert.deepStrictEqual(CallLife.of({ known: kept({}), hasMemory: true, now }), { id: "", nextEvent: 7, nextTurn: 3, version: 9 })
    const later = CallLife.of({ known: "lost", hasMemory: false, now })
    assert.strictEqual(CallLife.of({ known: kept(CallLife.kept(later)), hasMemory: true, now: now + 60_000 }).id, later.id)
  })

  it("has ids of its own once the memory was lost", () => {
    const known = kept({ format: 2 })
    const ids = [0, 1, 2].map((millis) => CallLife.of({ known, hasMemory: false, now: now + millis }).id)
    assert.strictEqual(new Set([...ids, ""]).size, 4)
  })

  it("begins behind all that an earlier one may have written, if the store could not be asked", () => {
    const one = CallLife.of({ known: "lost", hasMemory: false, now })
    const other = CallLife.of({ known: "lost", hasMemory: false, now: now + 1000 })
    assert.isAbove(one.nextEvent, 100_000)
    assert.isAtLeast(one.nextTurn, 16_384)
    assert.isBelow(one.nextTurn, 65_536 - 16_384)
    assert.notStrictEqual(one.id, "")
    for (const name of ["nextEvent", "nextTurn", "version"] as const) assert.isAbove(other[name], one[name])
  })
})
