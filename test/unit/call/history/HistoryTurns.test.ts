import { assert, describe, it } from "@effect/vitest"
import * as HistoryTurns from "../../../../src/call/history/HistoryTurns.ts"
import type { ConversationEvent } from "../../../../src/conversation/ports/ConversationEvent.ts"
import { callSid } from "../../../support/conversation/Samples.ts"

type Written = ReturnType<HistoryTurns.HistoryTurns["on"]>[number]

const brief = ({ endedAt, isCut, latency, role, startedAt, text, turn, words }: Written) => ({
  turn,
  role,
  time: [startedAt, endedAt],
  text,
  heard: words.filter(({ isHeard }) => isHeard).map((word) => word.text).join(" "),
  isCut,
  ...(latency === undefined ? {} : { latency })
})

const record = (events: ReadonlyArray<ConversationEvent>, recorder = HistoryTurns.make(callSid())) => events.flatMap(recorder.on).map(brief)

const says = (turn: number, at: number, text: string): ConversationEvent => ({ _tag: "AgentSays", turn, at, text })

describe("a turn of the caller", () => {
  it("has the times at which the voice began and ended", () => {
    assert.deepStrictEqual(
      record([{ _tag: "CallerSaid", turn: 1, at: 3000, startedAt: 1200.4, endedAt: 2600.6, text: "A table for four" }]),
      [{ turn: 0, role: "caller", time: [1200, 2601], text: "A table for four", heard: "A table for four", isCut: false }]
    )
  })

  it("of pressed keys has the time of its event", () => {
    assert.deepStrictEqual(record([{ _tag: "CallerSaid", turn: 1, at: 3000, text: "1 2" }])[0].time, [3000, 3000])
  })

  it("is not recorded without a word", () => {
    assert.deepStrictEqual(record([{ _tag: "CallerSaid", turn: 1, at: 3000, text: " " }, { _tag: "CallerSays", turn: 1, at: 3100, text: "a ta" }]), [])
  })
})

describe("a turn of the agent", () => {
  it("is written as unheard before it is heard", () => {
    assert.deepStrictEqual(
      record([says(0, 100, "Good morning.")]),
      [{ turn: 0, role: "agent", time: [100, 100], text: "Good morning.", heard: "", isCut: false }]
    )
  })

  it("grows by its clauses, and ends as it was heard, with its latency", () => {
    const all = record([
      says(1, 100, "Good morning."),
      says(1, 900, "How can I help?"),
      { _tag: "TurnMeasured", turn: 1, at: 1500, times: { due: 250, endpoint: 250, heard: 333.3 } },
      { _tag: "AgentHeard", turn: 1, at: 3000, text: "Good morning. How", isWhole: false, played: [{ text: "Good morning. How", at: 400, millis: 1500 }] }
    ])
    assert.deepStrictEqual(all.map(({ turn }) => turn), [0, 0, 0])
    assert.deepStrictEqual(all[2], {
      turn: 0,
      role: "agent",
      time: [400, 1900],
      text: "Good morning. How can I help?",
      heard: "Good morning. How",
      isCut: true,
      latency: 333
    })
  })

  it("of which nothing was heard keeps its beginning", () => {
    const heard = record([says(1, 500, "Yes."), { _tag: "AgentHeard", turn: 1, at: 900, text: "", isWhole: false, played: [] }])[1]
    assert.deepStrictEqual([heard.time, heard.heard, heard.isCut], [[500, 900], "", true])
  })

  it("is not recorded if it said nothing", () => {
    assert.deepStrictEqual(record([{ _tag: "AgentHeard", turn: 7, at: 900, text: "", isWhole: true }]), [])
  })

  it("ends once, and a second end changes nothing", () => {
    const end: ConversationEvent = { _tag: "AgentHeard", turn: 1, at: 900, text: "Yes.", isWhole: true }
    assert.strictEqual(record([says(1, 500, "Yes."), end, end]).length, 2)
  })
})

describe("the turns of a call", () => {
  it("are numbered in the order of their beginnings, both sides together", () => {
    assert.deepStrictEqual(
      record([
        says(0, 0, "Hello."),
        { _tag: "CallerSaid", turn: 1, at: 900, text: "Hi" },
        { _tag: "AgentHeard", turn: 0, at: 1000, text: "Hello.", isWhole: true },
        says(1, 1200, "Yes?")
      ]).map(({ role, turn }) => `${turn} ${role}`),
      ["0 agent", "1 caller", "0 agent", "2 agent"]
    )
  })

  it("are numbered on from those of another process", () => {
    assert.strictEqual(record([says(4, 0, "Sorry.")], HistoryTurns.make(callSid(), 9))[0].turn, 9)
  })

  it("are timed on the call's axis even if the conversation began anew", () => {
    const recorder = HistoryTurns.make(callSid())
    recorder.conversationBegan(60_000)
    const all = record([
      says(0, 100, "Hello."),
      { _tag: "CallerSaid", turn: 1, at: 3000, startedAt: 1000, endedAt: 2000, text: "Hi there" },
      { _tag: "AgentHeard", turn: 0, at: 900, text: "Hello.", isWhole: true, played: [{ text: "Hello.", at: 200, millis: 500 }] }
    ], recorder)
    assert.deepStrictEqual(all.map(({ time }) => time), [[60_100, 60_100], [61_000, 62_000], [60_200, 60_700]])
    assert.strictEqual(recorder.on({ _tag: "CallerSaid", turn: 2, at: 1, startedAt: 4000, endedAt: 5000, text: "Bye" })[0].words[0].at, 64_000)
  })
})
