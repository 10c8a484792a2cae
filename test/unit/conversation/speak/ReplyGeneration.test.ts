import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import type { Replier, ReplyPart } from "../../../../src/conversation/ports/ReplyModel.ts"
import * as ReplyGeneration from "../../../../src/conversation/speak/ReplyGeneration.ts"
import * as ToolRunner from "../../../../src/conversation/tools/ToolRunner.ts"
import type { UntimedTurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"
import * as FakeTools from "../../../support/engines/FakeTools.ts"
import { settle } from "../../../support/service/Time.ts"

const setUp = Effect.fnUntraced(function*(reply: Replier["reply"]) {
  const reports: Array<UntimedTurnEvent> = []
  const fake = yield* FakeTools.make
  const generation = yield* ReplyGeneration.make({
    replier: { reply },
    tools: ToolRunner.make({ tools: fake.tools, smallTalk: [] }),
    timeout: 5000,
    report: (event) => void reports.push(event)
  })
  return { fake, generation, reports }
})

const request = { history: [{ role: "caller", text: "Book it." } as const], state: null }
const text = (text: string): ReplyPart => ({ _tag: "Text", text })

describe("a reply", () => {
  it.effect("is reported part by part, and then its end", () =>
    Effect.gen(function*() {
      const { generation, reports } = yield* setUp(() =>
        Stream.make<Array<ReplyPart>>(text("Yes."), { _tag: "State", state: 1 }, { _tag: "Digits", digits: "1#" }, { _tag: "CutShort" }, { _tag: "Transfer", to: "sales" }, {
          _tag: "HangUp"
        })
      )
      yield* generation.start(1, request)
      yield* settle
      assert.deepStrictEqual(reports, [
        { _tag: "ReplyText", reply: 1, text: "Yes." },
        { _tag: "ReplyState", reply: 1, state: 1 },
        { _tag: "ReplyDigits", reply: 1, digits: "1#" },
        { _tag: "ReplyCutShort", reply: 1 },
        { _tag: "ReplyTransfer", reply: 1, to: "sales" },
        { _tag: "ReplyDone", reply: 1 }
      ])
    }))

  it.effect("fails when its engine fails, and when no words come in time", () =>
    Effect.gen(function*() {
      const { generation, reports } = yield* setUp(({ history }) =>
        history.length === 0 ? Stream.never : Stream.fail(new EngineFailed({ stage: "replyModel", reason: "refused", advice: "It is a test.", isSpent: true }))
      )
      yield* generation.start(1, request)
      yield* generation.start(2, { ...request, history: [] })
      yield* TestClock.adjust(4999)
      assert.deepStrictEqual(reports, [{ _tag: "ReplyFailed", reply: 1, reason: "refused", isSpent: true }])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(reports[1], { _tag: "ReplyFailed", reply: 2, reason: "timeout" })
    }))

  it.effect("is stopped when it is dropped, and reports nothing more", () =>
    Effect.gen(function*() {
      let isInterrupted = false
      const { generation, reports } = yield* setUp(() =>
        Stream.concat(Stream.make(text("Yes.")), Stream.fromEffect(Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (isInterrupted = true)))))
      )
      yield* generation.start(1, request)
      yield* settle
      yield* generation.drop(1)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(isInterrupted)
      assert.deepStrictEqual(reports, [{ _tag: "ReplyText", reply: 1, text: "Yes." }])
    }))
})

describe("a tool that changes the world", () => {
  it.effect("waits until the caller's turn is over", () =>
    Effect.gen(function*() {
      const book = FakeTools.toolOf("book")
      const { fake, generation, reports } = yield* setUp(({ exchanges }) =>
        exchanges?.length === 0
          ? Stream.make<Array<ReplyPart>>({ _tag: "ToolCalls", said: "", calls: [FakeTools.callOf(book)] })
          : Stream.make(text("It is booked."))
      )
      yield* generation.start(1, request)
      yield* settle
      assert.strictEqual(fake.sent.length, 0)
      generation.settle(1)
      yield* settle
      assert.strictEqual(fake.sent.length, 1)
      yield* fake.answer(0)
      yield* settle
      assert.deepStrictEqual(reports, [{ _tag: "ReplyText", reply: 1, text: "It is booked." }, { _tag: "ReplyDone", reply: 1 }])
    }))
})
