import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Result, Schema } from "effect"
import * as ToolRunner from "../../../../src/conversation/tools/ToolRunner.ts"
import type { Action, ActionKeeper } from "../../../../src/conversation/ports/Actions.ts"
import { ActionNotKept } from "../../../../src/conversation/ports/Actions.ts"
import { ToolMemory } from "../../../../src/conversation/ports/ConversationMemory.ts"
import * as Tools from "../../../../src/conversation/ports/Tools.ts"
import * as FakeTools from "../../../support/engines/FakeTools.ts"
import { settle } from "../../../support/service/Time.ts"

const decodeMemory = Schema.decodeUnknownSync(ToolMemory)
const { callOf } = FakeTools
const book = FakeTools.toolOf("book")
const find = FakeTools.toolOf("find", true)
const refused = (answer: string) => Result.fail(new Tools.ToolCallRefused({ answer }))
const monday = callOf(book, { day: "Monday", hour: 10 })

const makeSetUp = Effect.fnUntraced(function*(options: Pick<ToolRunner.MakeOptions, "actions" | "memory" | "onChange"> = {}) {
  const fake = yield* FakeTools.make
  const runner = ToolRunner.make({ tools: fake.tools, smallTalk: [["okay", "uh-huh", "hello"], ["are you there", "I see"]], ...options })
  let at = 0
  /** A reply says something and then makes these calls. The fiber waits for the answers. */
  const call = (reply: number, calls: ReadonlyArray<ReturnType<typeof callOf>>, said = "") =>
    Effect.gen(function*() {
      runner.exchanges(reply, "")
      const waiting = yield* Effect.forkChild(runner.run({ reply, at: ++at, said, calls }), { startImmediately: true })
      yield* settle
      return waiting
    })
  /** The tools' answers in this reply's next request to the model, in order. */
  const answersTo = (reply: number, said = "") => runner.exchanges(reply, said).flatMap(({ calls }) => calls.map(({ answer }) => answer))
  /** The reply's next request goes out with the answers, and the caller hears it to its end. */
  const tells = (reply: number, text: string, said = "") => {
    runner.exchanges(reply, said)
    runner.onReplyHeard(reply, text)
  }
  return { ...fake, ...runner, call, answersTo, tells }
})

const setUp = makeSetUp()

/** The value as it comes back from a store. */
const kept = (memory: ToolMemory): ToolMemory => decodeMemory(JSON.parse(JSON.stringify(memory)))

describe("a request to a tool", () => {
  it.effect("goes on when its reply is thrown away, and the model learns that it runs, and later its answer", () =>
    Effect.gen(function*() {
      const { answer, call, sent, answersTo } = yield* setUp
      const waiting = yield* call(1, [monday])
      yield* Fiber.interrupt(waiting)
      assert.include(answersTo(2)[0], "still running")
      yield* answer(0, "Booked as 17.")
      yield* settle
      assert.deepStrictEqual(answersTo(3), ["Booked as 17."])
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("is not sent a second time while it runs, even if the arguments come in another order or the caller speaks", () =>
    Effect.gen(function*() {
      const { answer, call, onCallerSaid, sent, answersTo } = yield* setUp
      yield* Fiber.interrupt(yield* call(1, [monday]))
      onCallerSaid("And also something else, please.")
      const waiting = yield* call(2, [callOf(book, { hour: 10, day: "Monday" })])
      assert.strictEqual(sent.length, 1)
      assert.isUndefined(waiting.pollUnsafe())
      yield* answer(0, "Booked as 17.")
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(answersTo(2), ["Booked as 17.", "Booked as 17."])
    }))

  it.effect("is sent again only after the caller has heard of its answer and has asked for something new", () =>
    Effect.gen(function*() {
      const { answer, call, onCallerSaid, sent, tells, answersTo } = yield* setUp
      yield* call(1, [monday])
      yield* answer(0, "Booked as 17.")
      yield* settle
      const again = Effect.fnUntraced(function*(reply: number) {
        yield* Fiber.join(yield* call(reply, [monday]))
        assert.strictEqual(sent.length, 1)
        assert.match(answersTo(reply).at(-1) ?? "", /not done a second time\. Booked as 17\.$/)
      })
      // The caller has heard nothing of the answer, so their words can't ask for a second one.
      onCallerSaid("Did you get that? Monday at ten.")
      yield* again(2)
      tells(2, "You are booked.")
      onCallerSaid("Okay.")
      onCallerSaid("Hello? Are you there?")
      onCallerSaid("")
      yield* again(3)
      tells(3, "You are booked.")
      onCallerSaid("The same for my sister, please.")
      yield* call(4, [monday])
      assert.strictEqual(sent.length, 2)
    }))

  it.effect("has an unheard answer while the caller has only heard earlier words", () =>
    Effect.gen(function*() {
      const { answer, call, onCallerSaid, exchanges, onReplyHeard, sent } = yield* setUp
      yield* call(1, [monday], "One moment, I book that for you.")
      yield* answer(0)
      yield* settle
      exchanges(1, "One moment, I book that for you.")
      onReplyHeard(1, "One moment, I book that for you.")
      onCallerSaid("Monday at ten, I said.")
      yield* call(2, [monday])
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("is sent twice when one reply calls twice, and not again when the next reply does the same", () =>
    Effect.gen(function*() {
      const { answer, call, sent } = yield* setUp
      yield* Fiber.interrupt(yield* call(1, [monday, monday]))
      assert.strictEqual(sent.length, 2)
      yield* Fiber.interrupt(yield* call(2, [monday, monday]))
      assert.strictEqual(sent.length, 2)
      yield* answer(0, "Booked as 17.")
      yield* answer(1, "Booked as 18.")
      yield* settle
      yield* Fiber.join(yield* call(3, [monday, monday]))
      assert.strictEqual(sent.length, 2)
    }))

  it.effect("is a new request if the arguments or the tool differ", () =>
    Effect.gen(function*() {
      const { call, sent } = yield* setUp
      yield* call(1, [monday, callOf(book, { day: "Tuesday", hour: 10 }), callOf(find, { day: "Monday", hour: 10 })])
      assert.deepStrictEqual(sent.map(({ name }) => name), ["book", "book", "find"])
    }))

  it.effect("is not sent again if its answer was lost, but may be sent again if it was never sent", () =>
    Effect.gen(function*() {
      const { answer, call, sent, answersTo } = yield* setUp
      yield* call(1, [monday])
      yield* answer(0, { _tag: "Unknown" })
      yield* settle
      assert.include(answersTo(2)[0], "nobody knows whether it was done")
      yield* Fiber.join(yield* call(2, [monday]))
      assert.strictEqual(sent.length, 1)
      yield* call(3, [callOf(book, { day: "Friday" })])
      yield* answer(1, { _tag: "NotSent" })
      yield* settle
      yield* call(4, [callOf(book, { day: "Friday" })])
      assert.strictEqual(sent.length, 3)
    }))

  it.effect("has an unknown outcome if the program fails, and the reply goes on", () =>
    Effect.gen(function*() {
      const { call, sent, answersTo } = yield* setUp
      const waiting = yield* call(1, [monday])
      yield* Deferred.die(sent[0].answer, new Error("a mistake of ours"))
      yield* Fiber.join(waiting)
      assert.include(answersTo(1)[0], "nobody knows whether it was done")
      yield* Fiber.join(yield* call(2, [monday]))
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("is not sent for a refused call, and the model is told why", () =>
    Effect.gen(function*() {
      const { call, sent, answersTo } = yield* setUp
      yield* call(1, [{ id: "x", name: "fly", arguments: "{}", request: refused("There is no such tool.") }, monday])
      assert.strictEqual(sent.length, 1)
      assert.strictEqual(answersTo(2)[0], "There is no such tool.")
    }))
})

describe("a tool that changes nothing", () => {
  it("may be called in a pause, but a tool that books may not", () => {
    const runner = ToolRunner.make({ tools: { send: () => Effect.die("It must not be sent.") }, smallTalk: [] })
    assert.isTrue(runner.areRepeatable([callOf(find), { id: "x", name: "", arguments: "", request: refused("No.") }]))
    assert.isFalse(runner.areRepeatable([callOf(find), monday]))
  })
})

describe("after the caller heard that it is booked", () => {
  /** The number of bookings that are sent when the caller says this and the model books the same again. */
  const bookings = Effect.fnUntraced(function*(text: string) {
    const { answer, call, onCallerSaid, sent, tells } = yield* setUp
    yield* call(1, [monday])
    yield* answer(0, "Booked as 17.")
    yield* settle
    tells(1, "You are booked.")
    onCallerSaid(text)
    yield* call(2, [monday])
    return sent.length
  })

  it.effect.each(["", "...", "Okay.", "okay okay", "Hello? Are you there?", "Uh-huh, I see!", "OKAY, hello"])("%j asks for no second booking", (text) =>
    Effect.map(bookings(text), (count) => assert.strictEqual(count, 1)))

  it.effect.each(["Monday", "okay Monday", "Hello, book a table", "are you there at ten", "I see a doctor"])("%j may ask for a second booking", (text) =>
    Effect.map(bookings(text), (count) => assert.strictEqual(count, 2)))
})

describe("arguments", () => {
  it.prop("are equal whatever the order of their keys", [Schema.Json], ([value]) => {
    const shuffled = (json: Schema.Json): Schema.Json =>
      Array.isArray(json)
        ? json.map(shuffled)
        : typeof json === "object" && json !== null
        ? Object.fromEntries(Object.entries(json).toReversed().map(([key, member]) => [key, shuffled(member as Schema.Json)]))
        : json
    assert.strictEqual(Tools.canonicalJson(shuffled(value)), Tools.canonicalJson(value))
    assert.deepStrictEqual(JSON.parse(Tools.canonicalJson(value)), JSON.parse(JSON.stringify(value)))
  })
})

describe("the list of exchanges for the model", () => {
  it.effect("loses its oldest answers when it grows too long, but never a running request", () =>
    Effect.gen(function*() {
      const { answer, call, answersTo } = yield* setUp
      yield* call(1, [monday])
      let before: ReadonlyArray<string> = []
      let cuts = 0
      const asked = 30
      for (let index = 1; index <= asked; index++) {
        yield* call(index + 1, [callOf(find, { index })])
        yield* answer(index, `${index}`.padEnd(4000, "x"))
        yield* settle
        const answers = answersTo(index + 1)
        assert.include(answers[0], "still running")
        assert.include(answers.at(-1), `${index}x`)
        assert.isBelow(answers.reduce((sum, { length }) => sum + length, 0), 25_000)
        if (before.some((answer, at) => answer !== answers[at])) cuts++
        before = answers
      }
      // Cuts are rare and large: between two of them each request begins like the one before.
      assert.isAbove(cuts, 0)
      assert.isBelow(cuts, asked / 3)
    }))
})

describe("a request to a tool, when the conversation goes on after its process died", () => {
  it.effect("still has its answer, and is not sent again", () =>
    Effect.gen(function*() {
      const before = yield* setUp
      yield* before.call(1, [monday])
      yield* before.answer(0, "Booked as 17.")
      yield* settle
      const after = yield* makeSetUp({ memory: kept(before.memory()) })
      yield* Fiber.join(yield* after.call(2, [monday]))
      assert.deepStrictEqual(after.sent, [])
      assert.deepStrictEqual(after.answersTo(2).map((answer) => answer.includes("Booked as 17.")), [true, true])
    }))

  it.effect("has an unknown outcome if it had no answer, and is not sent again by itself", () =>
    Effect.gen(function*() {
      const before = yield* setUp
      yield* before.call(1, [monday])
      const after = yield* makeSetUp({ memory: kept(before.memory()) })
      assert.include(after.answersTo(2)[0], "nobody knows whether it was done")
      yield* Fiber.join(yield* after.call(2, [monday]))
      assert.deepStrictEqual(after.sent, [])
    }))

  it.effect("is stored with its text for the model while it runs", () =>
    Effect.gen(function*() {
      let last: ToolMemory | undefined
      const before: { readonly memory: () => ToolMemory; readonly call: Effect.Success<typeof setUp>["call"] } = yield* makeSetUp({
        onChange: () => {
          last = before.memory()
        }
      })
      yield* before.call(1, [monday])
      assert.deepStrictEqual(last?.exchanges.map(({ calls }) => calls.map(({ name }) => name)), [["book"]])
    }))

  it.effect("is in the memory with its text before its action is stored and the request is sent", () =>
    Effect.gen(function*() {
      let last: ToolMemory | undefined
      const texts: Array<unknown> = []
      const before: { readonly memory: () => ToolMemory; readonly call: Effect.Success<typeof setUp>["call"] } = yield* makeSetUp({
        onChange: () => {
          last = before.memory()
        },
        actions: {
          storeSoon: () => {},
          store: () => Effect.sync(() => void texts.push(last?.exchanges.map(({ calls }) => calls.map(({ name, request }) => [name, request])))),
          storeOutcome: () => {},
          running: () => []
        }
      })
      yield* before.call(1, [monday, callOf(book, { day: "Tuesday" })])
      assert.deepStrictEqual(texts, [[[["book", 0], ["book", 1]]], [[["book", 0], ["book", 1]]]])
    }))

  it.effect("may be sent again if it changes nothing", () =>
    Effect.gen(function*() {
      const before = yield* setUp
      yield* before.call(1, [callOf(find, { day: "Monday" })])
      const after = yield* makeSetUp({ memory: kept(before.memory()) })
      yield* after.call(2, [callOf(find, { day: "Monday" })])
      assert.strictEqual(after.sent.length, 1)
    }))

  it.effect("is listed for the model with the reason why it was refused", () =>
    Effect.gen(function*() {
      const before = yield* setUp
      yield* before.call(1, [{ id: "1", name: "nothing", arguments: "{}", request: refused("There is no such tool.") }])
      const after = yield* makeSetUp({ memory: kept(before.memory()) })
      assert.deepStrictEqual(after.answersTo(2), ["There is no such tool."])
    }))

  /** What a process knows of requests that an earlier media stream has sent. */
  const running = (...ids: ReadonlyArray<string>) => {
    const listeners = new Map<string, (outcome: Tools.ToolOutcome) => void>()
    const actions: ActionKeeper = {
      storeSoon: () => {},
      store: () => Effect.void,
      storeOutcome: () => {},
      running: () =>
        ids.map((id) => ({
          action: { id, kind: "tool", name: "book", arguments: "", isRepeatable: false },
          onOutcome: (listener) => void listeners.set(id, listener)
        }))
    }
    return { actions, answer: (id: string, text: string) => Effect.sync(() => listeners.get(id)?.({ _tag: "Answered", text })) }
  }

  it.effect("gets an answer that comes later in the same process, and the model's request has it", () =>
    Effect.gen(function*() {
      const before = yield* setUp
      yield* before.call(1, [monday])
      const { actions, answer } = running("tool-0")
      const after = yield* makeSetUp({ actions, memory: kept(before.memory()) })
      assert.include(after.answersTo(2)[0], "still running")
      const waiting = yield* Effect.forkChild(after.awaitEarlierRequests)
      yield* settle
      assert.isUndefined(waiting.pollUnsafe())
      yield* answer("tool-0", "Booked.")
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(after.answersTo(3), ["Booked."])
      assert.strictEqual(after.sent.length, 0)
    }))

  it.effect("makes only the first reply wait for such an answer", () =>
    Effect.gen(function*() {
      const before = yield* setUp
      yield* before.call(1, [monday])
      const { actions } = running("tool-0")
      const after = yield* makeSetUp({ actions, memory: kept(before.memory()) })
      yield* Effect.forkChild(after.awaitEarlierRequests, { startImmediately: true })
      yield* after.awaitEarlierRequests
      const alone = yield* makeSetUp({ memory: kept(before.memory()) })
      yield* alone.awaitEarlierRequests
      assert.include(alone.answersTo(2)[0], "nobody knows")
    }))
})

describe("an action", () => {
  const keeper = Effect.fnUntraced(function*() {
    const gate = yield* Deferred.make<void, ActionNotKept>()
    const asked: Array<Action> = []
    const noted: Array<Action> = []
    const settled: Array<string> = []
    return {
      gate, asked, noted, settled,
      actions: {
        store: (action: Action) => Effect.andThen(Effect.sync(() => asked.push(action)), Deferred.await(gate)),
        storeSoon: (action: Action) => void noted.push(action),
        storeOutcome: (action: Action, outcome: Tools.ToolOutcome) => void settled.push(`${action.id} ${outcome._tag}`),
        running: () => []
      }
    }
  })

  it.effect("is sent only after it was stored", () =>
    Effect.gen(function*() {
      const { actions, asked, gate, settled } = yield* keeper()
      const { answer, call, sent } = yield* makeSetUp({ actions })
      yield* call(1, [monday])
      assert.deepStrictEqual(asked.map(({ arguments: json, id, name }) => [id, name, json]), [["tool-0", "book", "{\"day\":\"Monday\",\"hour\":10}"]])
      assert.strictEqual(sent.length, 0)
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.strictEqual(sent.length, 1)
      yield* answer(0, "Booked.")
      yield* settle
      assert.deepStrictEqual(settled, ["tool-0 Answered"])
    }))

  it.effect("is not sent if it can't be stored, and the model learns that", () =>
    Effect.gen(function*() {
      const { actions, gate, settled } = yield* keeper()
      const { call, sent, answersTo } = yield* makeSetUp({ actions })
      yield* Deferred.fail(gate, new ActionNotKept())
      yield* Fiber.join(yield* call(1, [monday]))
      assert.strictEqual(sent.length, 0)
      assert.include(answersTo(1)[0], "Nothing was done")
      assert.deepStrictEqual(settled, ["tool-0 NotSent"])
    }))

  it.effect("that changes nothing does not wait for the store", () =>
    Effect.gen(function*() {
      const { actions, noted } = yield* keeper()
      const { call, sent } = yield* makeSetUp({ actions })
      yield* call(1, [callOf(find, {})])
      assert.strictEqual(sent.length, 1)
      assert.strictEqual(noted.length, 1)
    }))

  it.effect("has an id that no earlier media stream of the call used", () =>
    Effect.gen(function*() {
      const before = yield* setUp
      yield* before.call(1, [monday])
      const { actions, asked, gate } = yield* keeper()
      yield* Deferred.succeed(gate, undefined)
      const after = yield* makeSetUp({ actions, memory: kept(before.memory()) })
      yield* after.call(2, [callOf(book, { day: "Friday", hour: 9 })])
      assert.deepStrictEqual(asked.map(({ id }) => id), ["tool-1"])
    }))
})
