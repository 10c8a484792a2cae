import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as EarlyReports from "../../../../src/call/registry/EarlyReports.ts"
import { CallStatus } from "../../../../src/twilio/webhook/WebhookParameters.ts"
import { callSid } from "../../../support/conversation/Samples.ts"

const report = (status: CallStatus, sequence: number): EarlyReports.Report => ({ status, sequence })

describe("a report that comes before its call", () => {
  it("is returned once, in the order of the sequence numbers", () => {
    const early = EarlyReports.make()
    for (const one of [report("in-progress", 2), report("initiated", 0), report("completed", 3), report("ringing", 1)]) {
      assert.deepStrictEqual(early.keep(callSid(1), one, 0), { isNew: true, expired: 0, dropped: 0 })
    }
    early.keep(callSid(2), report("busy", 1), 0)
    assert.deepStrictEqual(early.take(callSid(1), 1).reports.map(({ sequence }) => sequence), [0, 1, 2, 3])
    assert.deepStrictEqual(early.take(callSid(1), 1), { reports: [], expired: 0 })
    assert.strictEqual(early.size(), 1)
  })

  it("counts once if it comes twice", () => {
    const early = EarlyReports.make()
    early.keep(callSid(1), report("busy", 1), 0)
    assert.deepStrictEqual(early.keep(callSid(1), report("busy", 1), 5), { isNew: false, expired: 0, dropped: 0 })
    assert.deepStrictEqual(early.take(callSid(1), 6).reports, [report("busy", 1)])
  })

  it("is returned with all its facts", () => {
    const early = EarlyReports.make()
    const busy: EarlyReports.Report = { ...report("busy", 1), sipCode: 486, answeredBy: "human", durationSeconds: 0 }
    early.keep(callSid(1), busy, 0)
    assert.deepStrictEqual(early.take(callSid(1), 6).reports, [busy])
  })

  it("is forgotten after a minute, each at its own time", () => {
    const early = EarlyReports.make()
    early.keep(callSid(1), report("initiated", 0), 0)
    early.keep(callSid(1), report("busy", 1), 59_000)
    assert.deepStrictEqual(early.take(callSid(1), 60_000), { reports: [report("busy", 1)], expired: 1 })
    early.keep(callSid(1), report("initiated", 0), 100_000)
    assert.strictEqual(early.forgetOld(159_999), 0)
    assert.strictEqual(early.forgetOld(160_000), 1)
    assert.strictEqual(early.size(), 0)
  })

  it("makes room for newer ones when there are too many calls", () => {
    const early = EarlyReports.make(2)
    early.keep(callSid(1), report("initiated", 0), 0)
    early.keep(callSid(2), report("initiated", 0), 1)
    early.keep(callSid(1), report("ringing", 1), 2)
    assert.deepStrictEqual(early.keep(callSid(3), report("initiated", 0), 3), { isNew: true, expired: 0, dropped: 1 })
    assert.deepStrictEqual([1, 2, 3].map((index) => early.take(callSid(index), 4).reports.length), [2, 0, 1])
  })

  it("makes room for newer ones when one call has too many", () => {
    const early = EarlyReports.make()
    let dropped = 0
    for (let sequence = 0; sequence < 1000; sequence++) dropped += early.keep(callSid(1), report("ringing", sequence), 0).dropped
    const { reports } = early.take(callSid(1), 0)
    assert.strictEqual(reports.length, EarlyReports.maxReports)
    assert.strictEqual(reports.at(-1)?.sequence, 999)
    assert.strictEqual(dropped, 1000 - EarlyReports.maxReports)
  })
})

describe("whatever is reported, in any order", () => {
  const Step = Schema.Struct({
    call: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })),
    does: Schema.Literals(["remember", "remember", "remember", "take", "forget"]),
    status: CallStatus,
    sequence: Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 30 })),
    seconds: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))
  })

  it.prop("every report is returned, expires, is dropped, or waits: none is lost or counted twice", [Schema.Array(Step)], ([steps]) => {
    const early = EarlyReports.make(4)
    let now = 0
    let remembered = 0
    let gone = 0
    for (const { call, does, seconds, sequence, status } of steps) {
      now += seconds * 1000
      if (does === "remember") {
        const { dropped, expired, isNew } = early.keep(callSid(call), report(status, sequence), now)
        remembered += isNew ? 1 : 0
        gone += dropped + expired
      } else if (does === "take") {
        const { expired, reports } = early.take(callSid(call), now)
        assert.deepStrictEqual(reports, reports.toSorted((a, b) => a.sequence - b.sequence))
        gone += expired + reports.length
      } else gone += early.forgetOld(now)
      assert.isAtMost(early.size(), 4)
    }
    gone += early.forgetOld(now + EarlyReports.lifetimeMillis)
    assert.strictEqual(early.size(), 0)
    assert.strictEqual(gone, remembered)
  })
})
