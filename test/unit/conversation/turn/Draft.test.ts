import { assert, describe, it } from "@effect/vitest"
import * as Draft from "../../../../src/conversation/turn/Draft.ts"
import { held, playing, type ReplyState } from "../../../../src/conversation/turn/ReplyState.ts"
import { newReply } from "../../../../src/conversation/turn/rules/Speech.ts"
import { initial } from "../../../../src/conversation/turn/TurnState.ts"
import { settings } from "../../../support/conversation/Turns.ts"

const make = (): Draft.Draft => ({
  state: { ...initial },
  commands: [],
  settings,
  phrases: { backchannels: new Set(), isBareGreeting: () => false, isClosing: () => false },
  at: 1200
})

const preemptive: ReplyState["phase"] = { _tag: "Preemptive", hasFailed: false }

describe("a timer", () => {
  it("that is started again has a new id, and the old id no longer counts", () => {
    const draft = make()
    Draft.startTimer(draft, "endpoint", 1500)
    Draft.startTimer(draft, "idle", 9000)
    Draft.startTimer(draft, "endpoint", 1800)
    assert.deepStrictEqual(draft.commands, [
      { _tag: "StartTimer", timer: "endpoint", id: 0, due: 1500 },
      { _tag: "StartTimer", timer: "idle", id: 1, due: 9000 },
      { _tag: "StartTimer", timer: "endpoint", id: 2, due: 1800 }
    ])
    assert.deepStrictEqual(draft.state.timers, { endpoint: 2, idle: 1 })
  })

  it("is cancelled once, and not after it has fired", () => {
    const draft = make()
    Draft.cancelTimer(draft, "endpoint")
    assert.deepStrictEqual(draft.commands, [])
    Draft.startTimer(draft, "endpoint", 1500)
    Draft.startTimer(draft, "idle", 9000)
    Draft.cancelTimer(draft, "endpoint")
    Draft.cancelTimer(draft, "endpoint")
    Draft.forgetTimer(draft, "idle")
    Draft.cancelTimer(draft, "idle")
    assert.deepStrictEqual(draft.commands.slice(2), [{ _tag: "CancelTimer", timer: "endpoint" }])
    assert.deepStrictEqual(draft.state.timers, {})
  })

  it("does not change the state from before the event", () => {
    const before = { ...initial, timers: { idle: 3 } }
    const draft = { ...make(), state: { ...before } }
    Draft.cancelTimer(draft, "idle")
    Draft.startTimer(draft, "limit", 1)
    assert.deepStrictEqual(before.timers, { idle: 3 })
  })
})

describe("a changed reply", () => {
  it("replaces its old version, and no other reply", () => {
    const draft = make()
    const active = newReply(draft, { phase: playing })
    const speculative = newReply(draft, { phase: preemptive })
    Object.assign(draft.state, { active, preemptive: speculative })
    Draft.updateReply(draft, { ...speculative, heard: "later" })
    Draft.updateReply(draft, { ...active, heard: "now" })
    assert.deepStrictEqual([draft.state.active?.heard, draft.state.preemptive?.heard], ["now", "later"])
  })
})

describe("an event of a reply", () => {
  it("reaches the active or the preemptive reply, and no earlier one", () => {
    const draft = make()
    const earlier = newReply(draft, { phase: playing })
    draft.state.active = newReply(draft, { phase: held })
    draft.state.preemptive = newReply(draft, { phase: preemptive })
    const reached: Array<number> = []
    for (const id of [earlier.id, draft.state.active.id, draft.state.preemptive.id, 99]) {
      Draft.withReply(draft, id, (reply) => void reached.push(reply.id))
    }
    assert.deepStrictEqual(reached, [1, 2])
  })
})

describe("an engine's trouble", () => {
  it("is reported with the event's time and the turn of the current reply, or of the next one", () => {
    const draft = make()
    Draft.publishTrouble(draft, "speechToText", "timeout")
    draft.state.active = newReply(draft, { phase: playing })
    draft.state.nextReplyId = 7
    Draft.publishTrouble(draft, "replyModel", "broken")
    assert.deepStrictEqual(draft.commands, [
      { _tag: "Publish", event: { at: 1200, turn: 0, _tag: "EngineTrouble", stage: "speechToText", reason: "timeout" } },
      { _tag: "Publish", event: { at: 1200, turn: 0, _tag: "EngineTrouble", stage: "replyModel", reason: "broken" } }
    ])
  })
})
