import { assert, describe, it } from "@effect/vitest"
import type { EndReason } from "../../../../src/call/CallState.ts"
import * as Outcome from "../../../../src/call/history/Outcome.ts"
import type { EndedBy } from "../../../../src/store/StoreWrite.ts"

const nothing: Outcome.Facts = { resumptions: 0, isMemoryLost: false }

const after = (...reports: ReadonlyArray<Outcome.StatusFacts>) => reports.reduce((facts: Outcome.Facts, report) => Outcome.add(facts, report), nothing)

const outcome = (facts: Partial<Outcome.Facts>) => Outcome.of({ ...nothing, ...facts }, { engines: [], isFinal: true })

describe("what Twilio reports", () => {
  it.each<readonly [string, ReadonlyArray<Outcome.StatusFacts>, Outcome.StatusFacts]>([
    ["in order", [{ status: "ringing" }, { status: "in-progress" }, { status: "completed", durationSeconds: 61 }], { status: "completed", durationSeconds: 61 }],
    ["twice", [{ status: "completed", durationSeconds: 61 }, { status: "completed", durationSeconds: 61 }], { status: "completed", durationSeconds: 61 }],
    ["out of order", [{ status: "completed", durationSeconds: 61 }, { status: "ringing" }], { status: "completed", durationSeconds: 61 }],
    ["out of order, with more facts", [{ status: "busy" }, { status: "initiated", sipCode: 486 }], { status: "busy", sipCode: 486 }],
    ["without a status", [{ answeredBy: "human" }, { status: "completed" }], { answeredBy: "human", status: "completed" }],
    ["who answered, corrected later", [{ answeredBy: "unknown" }, { answeredBy: "machine_start" }], { answeredBy: "machine_start" }]
  ])("counts when it comes %s", (_, reports, expected) => {
    assert.deepStrictEqual(after(...reports), { ...nothing, ...expected })
  })

  it("is shown as the status only if it is final", () => {
    assert.isUndefined(outcome({ status: "in-progress", reason: "streamLost" }).status)
    assert.strictEqual(outcome({ status: "completed", reason: "agentLeft" }).status, "completed")
  })

  it("keeps an earlier SIP code when a later request has none", () => {
    assert.strictEqual(Outcome.of(after({ sipCode: 486, status: "busy" }, { status: "busy" }), { engines: [], isFinal: true }).sipCode, 486)
  })
})

describe("who ended the call", () => {
  const table: Record<EndReason, EndedBy> = {
    completed: "caller",
    callerLeft: "caller",
    agentLeft: "agent",
    transferred: "agent",
    requested: "operator",
    canceled: "operator",
    busy: "nobody",
    noAnswer: "nobody",
    failed: "nobody",
    agentFailed: "service",
    tooLong: "service",
    shutdown: "service",
    noStream: "network",
    streamLost: "network",
    mediaTimeout: "network",
    badMessages: "network",
    mediaAhead: "network",
    oversizedMessage: "network",
    slowPeer: "network"
  }
  it.each(Object.entries(table) as Array<[EndReason, EndedBy]>)("for the reason %s: %s", (reason, endedBy) => {
    assert.strictEqual(outcome({ reason, status: "completed" }).endedBy, endedBy)
  })

  it.each<readonly [string, EndReason]>([
    ["completed", "completed"], ["busy", "busy"], ["no-answer", "noAnswer"], ["failed", "failed"], ["canceled", "canceled"]
  ])("is Twilio's %s if no reason is known", (status, reason) => {
    assert.strictEqual(outcome({ status }).reason, reason)
  })
})

describe("how long it was", () => {
  it.each<readonly [string, Partial<Outcome.Facts>, readonly [seconds: number | undefined, minutes: number | undefined]]>([
    ["Twilio's duration", { durationSeconds: 61, answeredAt: 0, endedAt: 60_400 }, [61, 2]],
    ["from the answer to the end, until Twilio reports a duration", { answeredAt: 1000, endedAt: 61_000 }, [60, 1]],
    ["a begun minute", { durationSeconds: 1 }, [1, 1]],
    ["nothing for a call that nobody answered", { durationSeconds: 0 }, [0, 0]],
    ["unset without an answer", { endedAt: 61_000 }, [undefined, undefined]],
    ["never negative, even if a clock was set back", { answeredAt: 5000, endedAt: 1000 }, [0, 0]]
  ])("is %s", (_, facts, [seconds, minutes]) => {
    const { billableMinutes, durationSeconds } = outcome({ reason: "callerLeft", ...facts })
    assert.deepStrictEqual([durationSeconds, billableMinutes], [seconds, minutes])
  })
})

describe("what it costs", () => {
  const cost = (facts: Partial<Outcome.Facts>) => {
    let asked: unknown
    const { cost } = Outcome.of({ ...nothing, ...facts }, {
      engines: [],
      isFinal: true,
      pricing: (usage) => {
        asked = usage
        return { currency: "USD", total: 1, engines: [], unpriced: [] }
      }
    })
    assert.deepStrictEqual(cost, { currency: "USD", total: 1, engines: [], unpriced: [] })
    return asked
  }

  it("is unset without a price list", () => {
    assert.notProperty(outcome({ status: "completed", durationSeconds: 61 }), "cost")
  })

  it.each<readonly [string, Partial<Outcome.Facts>, number | undefined]>([
    ["Twilio's begun minutes", { status: "completed", durationSeconds: 61 }, 2],
    ["no minute of a call that nobody answered", { reason: "noAnswer" }, 0],
    ["no minute of a call that the operator hung up before its answer", { reason: "requested", status: "canceled" }, 0],
    ["unknown minutes if the call ended before Twilio reported an answer", { reason: "requested" }, undefined],
    ["unknown minutes of a completed call without a length", { reason: "streamLost", status: "completed" }, undefined]
  ])("counts %s", (_, facts, minutes) => {
    assert.deepStrictEqual(cost(facts), { minutes, engines: [] })
  })
})
