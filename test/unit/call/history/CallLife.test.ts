import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as CallLife from "../../../../src/call/history/CallLife.ts"
import { callSid } from "../../../support/conversation/Samples.ts"
import { stored } from "../../../support/store/RecordingStore.ts"

const now = Date.UTC(2026, 10, 29, 12)
const kept = (memory: unknown) => stored(callSid(), { memory: Option.some({ version: 9, memory }) })

describe("a call's life", () => {
  it("has no prefix at first, even if no conversation had begun", () => {
    assert.strictEqual(CallLife.of({ before: undefined, hasMemory: false, now }), "")
    assert.strictEqual(CallLife.of({ before: stored(callSid()), hasMemory: false, now }), "")
  })

  it("keeps its prefix in another process", () => {
    assert.strictEqual(CallLife.of({ before: kept({}), hasMemory: true, now }), "")
    const later = CallLife.of({ before: "unreachable", hasMemory: false, now })
    assert.strictEqual(CallLife.of({ before: kept(CallLife.storedField(later)), hasMemory: true, now: now + 60_000 }), later)
  })

  it("has a prefix of its own once the memory was lost", () => {
    const known = [kept({ format: 2 }), "unreachable"] as const
    const ids = known.flatMap((known, index) => [0, 1].map((millis) => CallLife.of({ before: known, hasMemory: false, now: now + 10 * index + millis })))
    assert.strictEqual(new Set([...ids, ""]).size, 5)
  })
})
