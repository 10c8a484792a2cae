import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Option } from "effect"
import { TestClock } from "effect/testing"
import * as CallHistory from "../../../../src/call/history/CallHistory.ts"
import type { CallSettings } from "../../../../src/call/CallInfo.ts"
import type { Action } from "../../../../src/conversation/ports/Actions.ts"
import type { ConversationMemory } from "../../../../src/conversation/ports/ConversationMemory.ts"
import type { ConversationEvent } from "../../../../src/conversation/ports/ConversationEvent.ts"
import { AgentName } from "../../../../src/domain/AgentName.ts"
import { caller, callSid, ours } from "../../../support/conversation/Samples.ts"
import * as WallClock from "../../../support/service/WallClock.ts"
import * as RecordingStore from "../../../support/store/RecordingStore.ts"

const settings: CallSettings = {
  keepsWords: true,
  numbers: "plain",
  isRecorded: false,
  metadata: { order: 7 },
  campaign: "spring",
  webhookUrl: null,
  isTranscriptSent: true
}

const setUp = Effect.fnUntraced(function*(options: { readonly settings?: Partial<CallSettings>; readonly before?: CallHistory.MakeOptions["before"]; readonly prices?: CallHistory.MakeOptions["prices"]; readonly recorder?: CallHistory.MakeOptions["recorder"] } = {}) {
  const store = RecordingStore.make()
  const history = CallHistory.make({
    info: {
      callSid: callSid(),
      direction: "inbound",
      from: Option.some(caller),
      to: Option.some(ours),
      agent: { name: AgentName.make("receptionist") },
      settings: { ...settings, ...options.settings }
    },
    accountSid: "AC1",
    store: store.service,
    clock: yield* Clock.Clock,
    prices: options.prices,
    ...(options.recorder === undefined ? {} : { recorder: options.recorder }),
    ...(options.before === undefined ? {} : { before: options.before })
  })
  return { store, history, outcomes: () => store.of("CallEnded").map(({ outcome }) => outcome) }
})

const memory = (beganAt = 0): ConversationMemory => ({
  format: 1,
  beganAt,
  at: 500,
  turn: {
    history: [{ role: "caller", text: "my secret words" }],
    dialogue: null,
    unanswered: "",
    digits: "",
    areDigitsDue: false,
    answeredFarewells: 0,
    nextReplyId: 2,
    nextUtteranceId: 2,
    isIdlePrompted: false,
    wasAskedAgain: false,
    failuresInRow: 0
  },
  tools: { requests: [], exchanges: [] }
})

const said: ConversationEvent = { _tag: "CallerSaid", turn: 1, at: 3000, startedAt: 1000, endedAt: 2000, text: "my secret words" }

const booking: Action = { id: "a1", kind: "tool", name: "book", arguments: "{\"name\":\"my secret words\"}", isRepeatable: false }

describe("a call's history", () => {
  it.effect("stores the beginning, the answer once, and each stream", () =>
    Effect.gen(function*() {
      const { history, store } = yield* setUp()
      yield* TestClock.adjust(1000)
      history.began()
      yield* TestClock.adjust(1000)
      history.answered()
      history.answered()
      yield* TestClock.adjust(1000)
      assert.isUndefined(history.streamBegan(false))
      yield* TestClock.adjust(1000)
      history.streamBegan(false)
      assert.deepStrictEqual(store.writes.map((write) => write._tag === "StreamBegan" ? `part ${write.part} at ${write.at}` : `${write._tag} at ${"at" in write ? write.at : ""}`), [
        "CallBegan at 1000",
        "CallAnswered at 2000",
        "part 0 at 3000",
        "part 1 at 4000"
      ])
      const [began] = store.of("CallBegan")
      assert.deepStrictEqual([began.from, began.to, began.metadata, began.campaign], [caller, ours, { order: 7 }, "spring"])
    }))

  it.effect("has its times on the axis of its recording, which begins when the stream was opened", () =>
    Effect.gen(function*() {
      const recorded: Array<number> = []
      const listener = { onCallerSound: () => {}, onAgentSound: () => {}, onClear: () => {} }
      const { history, store } = yield* setUp({ recorder: { isRecorded: () => true, listen: ({ startedAt }) => Effect.sync(() => void recorded.push(startedAt)).pipe(Effect.as(listener)) } })
      /** The stream's `start` message is read this long (ms) after the stream was opened. */
      const beginStream = Effect.fnUntraced(function*(millis: number) {
        const openedAt = Number(yield* Clock.monotonicTimeNanos) / 1e6
        yield* TestClock.adjust(millis)
        history.streamBegan(false, { openedAt })
        yield* history.record({ openedAt }, {})
      })
      yield* TestClock.adjust(1000)
      yield* beginStream(200)
      yield* TestClock.adjust(4000)
      history.addEvent(said)
      yield* history.actions.store(booking)
      yield* beginStream(300)
      assert.deepStrictEqual(store.of("StreamBegan").map(({ at }) => at), [1000, 5200])
      assert.deepStrictEqual(recorded, [0, 4200])
      assert.deepStrictEqual(store.of("TurnWritten").map(({ endedAt, startedAt }) => [startedAt, endedAt]), [[1200, 2200]])
      assert.deepStrictEqual(store.of("ActionWritten").map(({ at }) => at), [4200])
    }))

  it.effect("has turns and events, and no interim transcripts", () =>
    Effect.gen(function*() {
      const { history, store } = yield* setUp()
      history.streamBegan(false)
      history.addEvent({ _tag: "CallerSays", turn: 1, at: 900, text: "my" })
      history.addEvent(said)
      history.addEvent({ _tag: "Ended", turn: 2, at: 4000, reason: "callerHungUp" })
      assert.deepStrictEqual(store.of("EventTold").map(({ event, sequence }) => [sequence, (event as unknown as ConversationEvent)._tag]), [[0, "CallerSaid"], [1, "Ended"]])
      assert.deepStrictEqual(store.of("TurnWritten").map(({ text }) => text), ["my secret words"])
    }))

  it.effect("gives watchers each event with the number under which it is stored", () =>
    Effect.gen(function*() {
      const { history, store } = yield* setUp({ before: RecordingStore.stored(callSid()) })
      history.streamBegan(false)
      const says: ConversationEvent = { _tag: "CallerSays", turn: 1, at: 900, text: "my" }
      const { sequence } = history.addEvent(said)
      assert.deepStrictEqual(history.addEvent(says), { event: says, sequence, isNumbered: false })
      assert.deepStrictEqual(history.addEvent(said), { event: said, sequence: sequence + 1, isNumbered: true })
      assert.deepStrictEqual(store.of("EventTold").map(({ sequence }) => sequence), [sequence, sequence + 1])
    }))

  it.effect("numbers the events of each process above those of the process before, even if only figures are stored", () =>
    Effect.gen(function*() {
      const firstNumber = Effect.fnUntraced(function*(parts: number) {
        const { history } = yield* setUp({ settings: { keepsWords: false }, before: RecordingStore.stored(callSid(), { keepsWords: false, nextEvent: 0, parts }) })
        yield* TestClock.adjust("3 seconds")
        history.streamBegan(false)
        return history.addEvent(said).sequence
      })
      const { history } = yield* setUp({ settings: { keepsWords: false } })
      history.streamBegan(false)
      assert.strictEqual(history.addEvent(said).sequence, 0)
      const [second, third] = [yield* firstNumber(1), yield* firstNumber(3)]
      assert.isAbove(second, 10_000)
      assert.isAtLeast(third, second + 300)
      // `Last-Event-ID` has at most nine digits.
      assert.isBelow(yield* firstNumber(1001), 999_000_000)
    }))

  it.effect("has numbers of its own if the store does not answer, so that nothing replaces writes of the processes before", () =>
    Effect.gen(function*() {
      const numbersOf = Effect.fnUntraced(function*() {
        const { history, store } = yield* setUp({ before: "unreachable" })
        history.streamBegan(false)
        history.addEvent(said)
        history.remember(memory())
        return { event: store.of("EventTold")[0].sequence, turn: store.of("TurnWritten")[0].turn, version: store.of("ConversationSaved")[0].version }
      })
      yield* TestClock.setTime(1_700_000_000_000)
      const first = yield* numbersOf()
      assert.isAbove(first.event, 10_000)
      assert.isAbove(first.turn, 1000)
      assert.isAbove(first.version, 10_000)
      yield* TestClock.adjust("3 seconds")
      const second = yield* numbersOf()
      assert.isAtLeast(second.event, first.event + 300)
      assert.isAtLeast(second.turn, first.turn + 30)
      assert.isAtLeast(second.version, first.version + 300)
      yield* TestClock.adjust("3 seconds")
      const { history: next } = yield* setUp({ settings: { keepsWords: false }, before: RecordingStore.stored(callSid(), { keepsWords: false, parts: 1 }) })
      assert.notStrictEqual(next.addEvent(said).sequence, second.event)
    }))

  it.effect("begins with the first numbers if no other process had a stream of the call", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_000)
      const { history, store } = yield* setUp({ before: RecordingStore.stored(callSid(), { parts: 0, nextEvent: 0, nextTurn: 0 }) })
      history.streamBegan(false)
      history.addEvent(said)
      history.remember(memory())
      assert.deepStrictEqual([store.of("EventTold")[0].sequence, store.of("TurnWritten")[0].turn, store.of("ConversationSaved")[0].version], [0, 0, 1])
    }))

  it.effect("begins far above the numbers that were read, because the process before may write more", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_000)
      const { history, store } = yield* setUp({ before: RecordingStore.stored(callSid(), { memory: Option.some({ version: 9, memory: memory() }) }) })
      history.streamBegan(false)
      history.addEvent(said)
      history.remember(memory())
      assert.isAbove(store.of("EventTold")[0].sequence, 10_000)
      assert.isAbove(store.of("TurnWritten")[0].turn, 1000)
      assert.isAbove(store.of("ConversationSaved")[0].version, 10_000)
    }))

  it.effect("has numbers of its own for the sound, too, so that no process that takes a call over replaces earlier sound", () =>
    Effect.gen(function*() {
      const parts: Array<number> = []
      const recorder: CallHistory.MakeOptions["recorder"] = {
        isRecorded: () => true,
        listen: ({ part }) =>
          Effect.sync(() => {
            parts.push(part)
            return { onCallerSound: () => {}, onAgentSound: () => {}, onClear: () => {} }
          })
      }
      const recordStreams = Effect.fnUntraced(function*(before?: CallHistory.MakeOptions["before"]) {
        const { history } = yield* setUp(before === undefined ? { recorder } : { recorder, before })
        for (let stream = 0; stream < 2; stream++) {
          history.streamBegan(false)
          yield* history.record({ openedAt: 0 }, {})
        }
      })
      yield* recordStreams()
      yield* recordStreams("unreachable")
      yield* TestClock.adjust("1 second")
      yield* recordStreams("unreachable")
      // The process before began its first stream after this one had read the call.
      yield* TestClock.adjust("1 second")
      yield* recordStreams(RecordingStore.stored(callSid(), { parts: 0 }))
      assert.deepStrictEqual(parts.slice(0, 2), [0, 1])
      assert.strictEqual(new Set(parts).size, 8)
      assert.isTrue(parts.slice(2).every((part) => part >= 10_000 && part <= 99_999))
    }))

  it.effect("has times since 1970 in place of times on the axis if the store does not answer, because only the store has the axis's zero", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_000)
      const recorded: Array<number> = []
      const recorder: CallHistory.MakeOptions["recorder"] = {
        isRecorded: () => true,
        listen: ({ startedAt }) =>
          Effect.sync(() => {
            recorded.push(startedAt)
            return { onCallerSound: () => {}, onAgentSound: () => {}, onClear: () => {} }
          })
      }
      const { history, store } = yield* setUp({ before: "unreachable", recorder })
      history.streamBegan(false)
      yield* history.record({ openedAt: 0 }, {})
      yield* TestClock.adjust(5000)
      history.addEvent(said)
      yield* history.actions.store(booking)
      history.streamBegan(false)
      yield* history.record({ openedAt: 0 }, {})
      assert.deepStrictEqual(store.of("TurnWritten").map(({ endedAt, startedAt }) => [startedAt, endedAt]), [[1_700_000_001_000, 1_700_000_002_000]])
      assert.deepStrictEqual(store.of("TurnWritten")[0].words[0], { text: "my", at: 1_700_000_001_000, isHeard: true })
      assert.deepStrictEqual(store.of("ActionWritten").map(({ at }) => at), [1_700_000_005_000])
      assert.deepStrictEqual(recorded, [1_700_000_000_000, 1_700_000_005_000])
      const [first, second] = store.of("StreamBegan").map(({ part }) => part)
      assert.isTrue(first >= 10_000 && first <= 89_999)
      assert.strictEqual(second, first + 1)
    }))

  it.effect("stores no word if only figures are stored, and the memory stays in this process", () =>
    Effect.gen(function*() {
      const { history, outcomes, store } = yield* setUp({ settings: { keepsWords: false } })
      history.began()
      history.streamBegan(false)
      history.addEvent(said)
      history.used({ stage: "reply", engine: "llm", requests: 1 })
      history.remember(memory())
      history.actions.storeSoon(booking)
      yield* history.actions.store(booking)
      history.actions.storeOutcome(booking, { _tag: "Answered", text: "my secret words" })
      assert.deepStrictEqual(history.streamBegan(false), { memory: memory(), isAfterTransfer: false, resumedAt: 500 })
      history.ended("callerLeft", 1)
      assert.notInclude(JSON.stringify(store.writes), "secret")
      assert.deepStrictEqual(store.of("TurnWritten").map(({ text, words }) => [text, words]), [["", []]])
      assert.strictEqual(store.of("EventTold").length, 0)
      assert.deepStrictEqual(store.of("ActionWritten").map(({ name, state }) => `${name} ${state}`), ["book asked", "book asked", "book answered"])
      assert.deepStrictEqual(outcomes().map(({ engines, resumptions }) => [engines.length, resumptions]), [[1, 1]])
    }))
})

describe("a conversation resumes", () => {
  it.effect("in this process from its memory", () =>
    Effect.gen(function*() {
      const { history, store } = yield* setUp()
      history.streamBegan(false)
      history.remember(memory())
      history.remember({ ...memory(), at: 700 })
      assert.deepStrictEqual(store.of("ConversationSaved").map(({ version }) => version), [1, 2])
      assert.deepStrictEqual(history.streamBegan(true), { memory: { ...memory(), at: 700 }, isAfterTransfer: true, resumedAt: 700 })
    }))

  it.effect.each([3_600_000, -3_600_000])("on the same axis in this process although the time of day moves by %i ms", (moved) =>
    Effect.gen(function*() {
      yield* TestClock.setTime(10_000_000)
      const wall = yield* WallClock.make
      const { history, store } = yield* Effect.provideService(setUp(), Clock.Clock, wall.clock)
      history.streamBegan(false)
      history.remember(memory(10_000_000))
      wall.move(moved)
      yield* TestClock.adjust(2000)
      const resumption = history.streamBegan(false)
      assert.strictEqual(resumption?.resumedAt, 2500)
      assert.deepStrictEqual(store.of("StreamBegan").map(({ at }) => at), [10_000_000, 10_002_000])
    }))

  it.effect("in another process whose clock is behind, after what was before", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(60_100)
      const { history, store } = yield* setUp({ before: RecordingStore.stored(callSid(), { memory: Option.some({ version: 9, memory: memory(60_000) }) }) })
      history.streamBegan(false)
      assert.deepStrictEqual(store.of("StreamBegan").map(({ at }) => at), [60_500])
    }))

  it.effect("in another process from the stored memory, with the counts", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(100_000)
      const kept = { ...memory(60_000), engines: [{ stage: "reply", engine: "llm", requests: 3 }] }
      const { history, outcomes, store } = yield* setUp({
        before: RecordingStore.stored(callSid(), { parts: 2, memory: Option.some({ version: 9, memory: kept }) })
      })
      assert.strictEqual(history.lostStreams, 2)
      assert.deepStrictEqual(history.streamBegan(false), { memory: memory(60_000), isAfterTransfer: false })
      history.answered()
      history.addEvent(said)
      history.remember(memory(60_000))
      history.used({ stage: "reply", engine: "llm", requests: 1 })
      history.ended("callerLeft", 2)
      assert.isAtLeast(store.of("StreamBegan")[0].part, 10_000)
      assert.deepStrictEqual(store.of("CallAnswered"), [])
      assert.isAtLeast(store.of("EventTold")[0].sequence, 7)
      assert.deepStrictEqual(store.of("TurnWritten").map(({ startedAt, turn }) => [turn >= 3, startedAt]), [[true, 1000]])
      assert.isAtLeast(store.of("ConversationSaved")[0].version, 10)
      const [outcome] = outcomes()
      assert.deepStrictEqual(outcome.engines, [{ stage: "reply", engine: "llm", requests: 4 }])
      assert.deepStrictEqual([outcome.durationSeconds, outcome.isMemoryLost], [40, false])
    }))

  it.effect.each<readonly [string, Partial<CallHistory.MakeOptions>["before"]]>([
    ["the store does not answer", "unreachable"],
    ["the memory is of another format", RecordingStore.stored(callSid(), { memory: Option.some({ version: 3, memory: { format: 2 } }) })],
    ["no words were kept", RecordingStore.stored(callSid(), { keepsWords: false, memory: Option.some({ version: 3, memory: { engines: [] } }) })]
  ])("anew, and is marked so, if %s", ([, before]) =>
    Effect.gen(function*() {
      const { history, outcomes } = yield* setUp(before === undefined ? {} : { before })
      assert.deepStrictEqual(history.streamBegan(false), { memory: "lost", isAfterTransfer: false })
      history.ended("callerLeft", 1)
      assert.isTrue(outcomes()[0].isMemoryLost)
    }))

  it.effect("with the greeting if no conversation had begun", () =>
    Effect.gen(function*() {
      const { history, outcomes } = yield* setUp({ before: RecordingStore.stored(callSid()) })
      assert.isUndefined(history.streamBegan(false))
      history.ended("callerLeft", 1)
      assert.isFalse(outcomes()[0].isMemoryLost)
    }))

  it.effect("on the call's axis, even if it began anew", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(90_000)
      const { history, store } = yield* setUp({ before: RecordingStore.stored(callSid(), { memory: Option.some({ version: 3, memory: {} }) }) })
      history.streamBegan(false)
      history.addEvent(said)
      assert.deepStrictEqual(store.of("TurnWritten").map(({ startedAt }) => startedAt), [31_000])
    }))
})

describe("actions", () => {
  it.effect("are stored before they are carried out, and again with their result, on the call's axis", () =>
    Effect.gen(function*() {
      const { history, store } = yield* setUp()
      yield* TestClock.adjust(1000)
      history.streamBegan(false)
      yield* TestClock.adjust(2000)
      yield* history.actions.store(booking)
      const keys = { ...booking, id: "keys-1-2", kind: "keys", name: "", arguments: "12#" } as const
      history.actions.storeSoon(keys)
      yield* TestClock.adjust(500)
      // The time stays that of the request.
      history.actions.storeOutcome(keys, { _tag: "Answered", text: "" })
      history.actions.storeOutcome(booking, { _tag: "Answered", text: "Done." })
      history.actions.storeOutcome({ ...booking, id: "transfer-1", kind: "transfer", name: "desk", arguments: "" }, { _tag: "Answered", text: "" })
      history.actions.storeOutcome({ ...booking, id: "a2" }, { _tag: "Unknown" })
      history.actions.storeOutcome({ ...booking, id: "a3" }, { _tag: "NotSent" })
      assert.deepStrictEqual(
        store.of("ActionWritten").map(({ answer, at, id, state }) => [id, at, state, answer]),
        [
          ["a1", 2000, "asked", undefined],
          ["keys-1-2", 2000, "asked", undefined],
          ["keys-1-2", 2000, "answered", undefined],
          ["a1", 2000, "answered", "Done."],
          ["transfer-1", 2500, "answered", undefined],
          ["a2", 2500, "unknown", undefined],
          ["a3", 2500, "notSent", undefined]
        ]
      )
    }))

  it.effect("that another process has left without a result become unknown when the call is taken over", () =>
    Effect.gen(function*() {
      const open = { id: "tool-0", kind: "tool", name: "book", arguments: "{}", isRepeatable: false, at: 2000 } as const
      for (const takesOver of [(history: CallHistory.CallHistory) => void history.streamBegan(false), (history: CallHistory.CallHistory) => history.takeOver()]) {
        const { history, store } = yield* setUp({ before: RecordingStore.stored(callSid(), { openActions: [open] }) })
        assert.deepStrictEqual(store.writes, [])
        takesOver(history)
        history.streamBegan(false)
        assert.deepStrictEqual(store.of("ActionWritten"), [{ _tag: "ActionWritten", callSid: callSid(), ...open, state: "unknown" }])
      }
    }))

  it.effect("that were begun here get their result even after another process has taken over the call", () =>
    Effect.gen(function*() {
      const { history, store } = yield* setUp()
      yield* history.actions.store(booking)
      history.handOver()
      yield* Effect.ignore(history.actions.store({ ...booking, id: "a2" }))
      history.actions.storeOutcome({ ...booking, id: "a2" }, { _tag: "NotSent" })
      history.actions.storeOutcome(booking, { _tag: "Answered", text: "Done." })
      assert.deepStrictEqual(store.of("ActionWritten").map(({ id, state }) => [id, state]), [["a1", "asked"], ["a1", "answered"]])
    }))

  it.effect("run until they have a result, which a resumed conversation learns", () =>
    Effect.gen(function*() {
      const { history } = yield* setUp()
      const learnt: Array<unknown> = []
      yield* history.actions.store(booking)
      history.actions.storeSoon({ ...booking, id: "keys-1", kind: "keys" })
      const [one, ...others] = history.actions.running()
      assert.deepStrictEqual([one.action, others], [booking, []])
      one.onOutcome((outcome) => void learnt.push(outcome))
      history.actions.storeOutcome(booking, { _tag: "Unknown" })
      assert.deepStrictEqual(learnt, [{ _tag: "Unknown" }])
      assert.deepStrictEqual(history.actions.running(), [])
    }))

  it.effect("of a conversation that began anew have ids of their own, also after another takeover", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(100_000)
      const lost = yield* setUp({ before: "unreachable" })
      lost.history.streamBegan(false)
      yield* lost.history.actions.store(booking)
      lost.history.remember(memory(100_000))
      const [saved] = lost.store.of("ConversationSaved")
      const next = yield* setUp({ before: RecordingStore.stored(callSid(), { memory: Option.some({ version: saved.version, memory: saved.memory }) }) })
      next.history.streamBegan(false)
      next.history.actions.storeOutcome(booking, { _tag: "Unknown" })
      next.history.ended("callerLeft", 2)
      const ids = [lost, next].map(({ store }) => store.of("ActionWritten")[0].id)
      assert.notStrictEqual(ids[0], "a1")
      assert.strictEqual(ids[1], ids[0])
      assert.isTrue(next.outcomes()[0].isMemoryLost)
    }))

  it.effect("that can't be stored are not carried out", () =>
    Effect.gen(function*() {
      const { history, store } = yield* setUp()
      store.isDown = true
      assert.isTrue(Exit.isFailure(yield* Effect.exit(history.actions.store(booking))))
    }))

  it.effect("of a process that has lost the call are not carried out", () =>
    Effect.gen(function*() {
      const { history } = yield* setUp()
      history.handOver()
      const error = yield* Effect.flip(history.actions.store(booking))
      assert.strictEqual(error._tag, "ActionNotKept")
    }))
})

describe("the outcome", () => {
  it.effect("has the cost of the call's direction and of what its engines did, if there is a price list", () =>
    Effect.gen(function*() {
      const prices = { currency: "EUR", twilio: { inbound: { minute: 0.01 }, outbound: { minute: 7 } }, engines: { a: { reply: { request: 0.5 } } } }
      const { history, outcomes } = yield* setUp({ prices })
      history.used({ stage: "reply", engine: "a", requests: 1 })
      history.used({ stage: "reply", engine: "a", requests: 1 })
      history.reported({ status: "completed", durationSeconds: 61 })
      history.ended("completed", 0)
      assert.deepStrictEqual(outcomes().map(({ cost }) => cost), [
        { currency: "EUR", total: 1.02, twilio: 0.02, engines: [{ stage: "reply", engine: "a", cost: 1 }], unpriced: [] }
      ])
    }))

  it.effect("has no cost without a price list", () =>
    Effect.gen(function*() {
      const { history, outcomes } = yield* setUp()
      history.ended("completed", 0)
      assert.notProperty(outcomes()[0], "cost")
    }))

  it.effect("is final at once if Twilio's final status came first", () =>
    Effect.gen(function*() {
      const { history, outcomes } = yield* setUp()
      history.reported({ status: "completed", durationSeconds: 12 })
      assert.deepStrictEqual(outcomes(), [])
      history.ended("completed", 0)
      assert.deepStrictEqual(outcomes().map(({ durationSeconds, final, status }) => [status, durationSeconds, final]), [["completed", 12, true]])
    }))

  it.effect("becomes final with Twilio's final status, and keeps the time and the reason of its end", () =>
    Effect.gen(function*() {
      const { history, outcomes, store } = yield* setUp()
      yield* TestClock.adjust(5000)
      history.ended("agentLeft", 0)
      yield* TestClock.adjust(2000)
      history.reported({ status: "completed" })
      assert.deepStrictEqual(outcomes().map(({ final, reason, status }) => [reason, status, final]), [["agentLeft", undefined, false], ["agentLeft", "completed", true]])
      assert.deepStrictEqual(store.of("CallEnded").map(({ at }) => at), [5000, 5000])
    }))

  it.effect("becomes final without Twilio's final status, is written once then, and again with later facts", () =>
    Effect.gen(function*() {
      const { history, outcomes } = yield* setUp()
      history.ended("streamLost", 3)
      for (let count = 0; count < 10; count++) history.settle()
      assert.deepStrictEqual(outcomes().map(({ final }) => final), [false, true])
      history.reported({ answeredBy: "human" })
      assert.deepStrictEqual(outcomes().map(({ answeredBy, final }) => [answeredBy, final]), [[undefined, false], [undefined, true], ["human", true]])
    }))

  it.effect("is stored before the stream is closed if this service ends the call, and again at the end", () =>
    Effect.gen(function*() {
      const { history, outcomes } = yield* setUp()
      yield* history.endDecided("agentLeft", 1)
      assert.deepStrictEqual(outcomes().map(({ final, reason, resumptions }) => [reason, resumptions, final]), [["agentLeft", 1, false]])
      history.ended("agentLeft", 1)
      history.reported({ status: "completed" })
      assert.deepStrictEqual(outcomes().map(({ final, reason }) => [reason, final]), [["agentLeft", false], ["agentLeft", false], ["agentLeft", true]])
    }))

  it.effect("is not stored if the call is left to another process; what was heard until then is", () =>
    Effect.gen(function*() {
      const { history, outcomes, store } = yield* setUp()
      history.streamBegan(false)
      history.leave()
      assert.isTrue(history.isElsewhere())
      history.addEvent(said)
      history.ended("streamLost", 0)
      history.settle()
      assert.deepStrictEqual(outcomes(), [])
      assert.strictEqual(store.of("TurnWritten").length, 1)
    }))

  it.effect("has the given time of the end", () =>
    Effect.gen(function*() {
      const { history, outcomes, store } = yield* setUp({ before: RecordingStore.stored(callSid()) })
      yield* TestClock.setTime(9_000_000)
      history.takeOver()
      history.ended("streamLost", 0, 70_000)
      assert.strictEqual(store.of("CallEnded")[0].at, 70_000)
      assert.strictEqual(outcomes()[0].durationSeconds, 10)
    }))

  it.effect("of a call without a stream here is left to the process that has the call", () =>
    Effect.gen(function*() {
      const { history, store } = yield* setUp({ before: RecordingStore.stored(callSid()) })
      assert.isTrue(history.isElsewhere())
      history.began()
      history.answered()
      history.ended("noStream", 1)
      assert.deepStrictEqual(store.writes, [])
      history.streamBegan(false)
      assert.isFalse(history.isElsewhere())
    }))

  it.effect("of a call that another process has taken over is left to that process", () =>
    Effect.gen(function*() {
      const { history, store } = yield* setUp()
      history.began()
      history.handOver()
      history.addEvent(said)
      history.remember(memory())
      history.reported({ status: "completed" })
      history.ended("streamLost", 0)
      history.settle()
      assert.deepStrictEqual(store.writes.map(({ _tag }) => _tag), ["CallBegan"])
    }))
})
