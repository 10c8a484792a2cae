/** How a whole conversation waits: for dictation, on request, and with fillers while the transcript or the answer is late. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as Conversation from "../../../src/conversation/Conversation.ts"
import type { AgentDefinition } from "../../../src/definition/AgentDefinition.ts"
import * as FakeEngines from "../../support/engines/FakeEngines.ts"
import * as FakeLine from "../../support/conversation/FakeLine.ts"
import { definition } from "../../support/conversation/AgentDefinitions.ts"

const greeted = Effect.fnUntraced(function*(own: Partial<AgentDefinition>) {
  const fake = FakeEngines.make()
  const line = yield* FakeLine.make
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const conversation = yield* Scope.provide(Conversation.open({ ...definition, ...own }, fake.engines, line.end), scope)
  yield* Scope.provide(line.play(conversation), scope)
  yield* line.quiet(2500)
  return {
    ...fake,
    ...line,
    said: () => line.tales("CallerSaid").map(({ text }) => text),
    /** When the first sound of each text left, in ms after a given moment. */
    times: (from: number) => {
      const all: Array<readonly [text: string, at: number]> = []
      for (const item of line.left) {
        if (item._tag !== "Sound" || item.at < from) continue
        const text = fake.textOf(item.pcm[0])
        if (all.at(-1)?.[0] !== text) all.push([text, item.at - from])
      }
      return all
    }
  }
})

const fillers = { after: 900, lines: ["One moment.", "Let me see."] }

describe("a caller who dictates", () => {
  it.effect("is answered once, after the last group of digits", () =>
    Effect.gen(function*() {
      const call = yield* greeted({
        endpointing: { ...definition.endpointing, dictation: 1600 },
        lines: { ...definition.lines, greeting: "What's your phone number?" }
      })
      call.hear([{ text: "555", ending: "unknown" }, { text: "555 123", ending: "unknown" }, { text: "555 123 4567", ending: "complete" }])
      for (const pause of [500, 500, 3000]) {
        yield* call.voice(800)
        yield* call.quiet(pause)
      }
      assert.deepStrictEqual(call.said(), ["555 123 4567"])
      assert.strictEqual(call.tales("BargeIn").length, 0)
      assert.strictEqual(call.tales("TurnMeasured").at(-1)?.times.endpoint, 250)
    }))
})

describe("a caller who asks to wait", () => {
  it.effect("hears that the agent waits, is not prompted for a minute, and is then answered again", () =>
    Effect.gen(function*() {
      const call = yield* greeted({ lines: { ...definition.lines, hold: "Take your time." }, idle: { ...definition.idle, hold: 60_000 } })
      call.hear("Hold on a minute.", "what is new")
      call.answer("what is new", "Nothing.")
      yield* call.voice(800)
      yield* call.quiet(50_000)
      yield* call.voice(800)
      yield* call.quiet(3000)
      assert.deepStrictEqual(call.tales("AgentHeard").map(({ text }) => text), [definition.lines.greeting, "Take your time.", "Nothing."])
      assert.isFalse(call.isCut())
    }))
})

describe("a filler", () => {
  it.effect("comes at its time although the transcript is late, and is followed by the answer at once", () =>
    Effect.gen(function*() {
      const call = yield* greeted({ fillers })
      call.hear("what is new")
      call.answer("what is new", "Nothing.")
      call.transcribe.next(FakeEngines.slow(1200))
      yield* call.voice(800)
      // The last frame is one of 20 ms.
      const from = call.now() - 20
      yield* call.quiet(4000)
      const length = FakeEngines.spokenMillis("One moment.")
      const [[filler, at], [answer, then]] = call.times(from)
      assert.deepStrictEqual([filler, answer], ["One moment.", "Nothing."])
      assert.strictEqual(at, 900)
      // Sound is sent 200 ms before it is heard.
      assert.isAtMost(then, 900 + length)
      assert.isAtLeast(then, 900 + length - 300)
      const order = call.left.flatMap((item) => item._tag === "Mark" ? [item.name] : [])
      assert.strictEqual(order.length, 3)
      assert.deepStrictEqual(call.tales("AgentHeard").map(({ text }) => text), [definition.lines.greeting, "Nothing."])
    }))

  it.effect("with late sound does not hold up an answer", () =>
    Effect.gen(function*() {
      const call = yield* greeted({ fillers })
      call.hear("what is new")
      call.answer("what is new", "Nothing.")
      call.reply.next(FakeEngines.slow(1500))
      // The first requested speech is the filler.
      call.speak.next(FakeEngines.slow(3000), {})
      yield* call.voice(800)
      // The last frame is one of 20 ms.
      const from = call.now() - 20
      yield* call.quiet(6000)
      assert.deepStrictEqual(call.times(from).map(([text]) => text), ["Nothing."])
      assert.isBelow(call.times(from)[0][1], 1800)
    }))

  it.effect("is not said when the answer is in time", () =>
    Effect.gen(function*() {
      const call = yield* greeted({ fillers })
      call.hear("what is new")
      call.answer("what is new", "Nothing.")
      call.transcribe.next(FakeEngines.slow(500))
      yield* call.voice(800)
      yield* call.quiet(4000)
      assert.strictEqual(call.tales("AgentFills").length, 0)
    }))
})
