import { assert, describe, it } from "@effect/vitest"
import * as OutcomeWriter from "../../../../src/call/history/OutcomeWriter.ts"
import type { CallSid } from "../../../../src/domain/Sid.ts"
import type { StoreWrite } from "../../../../src/store/StoreWrite.ts"

const make = (answeredAt?: number) => {
  const writes: Array<StoreWrite> = []
  let finals = 0
  const writer = OutcomeWriter.make({
    callSid: `CA${"1".repeat(32)}` as CallSid,
    answeredAt,
    engines: () => [],
    pricing: ({ minutes }) => ({ currency: "USD", total: minutes ?? -1, engines: [], unpriced: [] }),
    now: () => 9000,
    write: (write) => void writes.push(write),
    onFinal: () => void finals++
  })
  const outcomes = () => writes.map((write) => write._tag === "CallEnded" ? write.outcome : assert.fail(write._tag))
  return { writer, outcomes, finals: () => finals }
}

const end = { reason: "callerLeft", endedAt: 8000, resumptions: 1 } as const

describe("the outcome of a call", () => {
  it("is not written while the call is live", () => {
    const { outcomes, writer } = make()
    writer.note({ answeredAt: 2000 })
    writer.report({ answeredBy: "human" })
    writer.settle()
    assert.deepStrictEqual(outcomes(), [])
  })

  it("is written at the end, and again as the final one when Twilio reports it", () => {
    const { finals, outcomes, writer } = make(2000)
    writer.end(end)
    assert.strictEqual(finals(), 0)
    writer.report({ status: "completed", durationSeconds: 7 })
    assert.deepStrictEqual(outcomes().map(({ final }) => final), [false, true])
    assert.strictEqual(finals(), 1)
    assert.deepInclude(outcomes()[1], { reason: "callerLeft", resumptions: 1, status: "completed" })
  })

  it("is final when Twilio has reported nothing for too long", () => {
    const { finals, outcomes, writer } = make()
    writer.note({ isMemoryLost: true })
    writer.end(end)
    writer.settle()
    assert.deepStrictEqual(outcomes().map(({ final, isMemoryLost }) => ({ final, isMemoryLost })), [
      { final: false, isMemoryLost: true },
      { final: true, isMemoryLost: true }
    ])
    assert.strictEqual(finals(), 1)
  })

  it("has another cost when Twilio reports another length, even late", () => {
    const { outcomes, writer } = make(2000)
    writer.end(end)
    writer.settle()
    writer.report({ status: "completed", durationSeconds: 61 })
    assert.deepStrictEqual(outcomes().map(({ cost }) => cost?.total), [1, 1, 2])
  })
})
