import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Result, Schema } from "effect"
import * as ToolDesk from "../../../../src/conversation/tools/ToolDesk.ts"
import * as Tools from "../../../../src/conversation/ports/Tools.ts"
import * as FakeTools from "../../../support/engines/FakeTools.ts"
import { settle } from "../../../support/service/Time.ts"

const { callOf } = FakeTools
const book = FakeTools.toolOf("book")
const find = FakeTools.toolOf("find", true)
const monday = callOf(book, { day: "Monday", hour: 10 })

const setUp = Effect.gen(function*() {
  const fake = yield* FakeTools.make
  const desk = ToolDesk.make({ tools: fake.tools, smallTalk: ["okay", "uh-huh", "hello", "are you there"] })
  let at = 0
  /** A reply asks for these, behind what it has said; the fiber waits for the answers. */
  const ask = (reply: number, calls: ReadonlyArray<ReturnType<typeof callOf>>, said = "") =>
    Effect.gen(function*() {
      desk.exchanges(reply, "")
      const waiting = yield* Effect.forkChild(desk.ask({ reply, at: ++at, said, calls }), { startImmediately: true })
      yield* settle
      return waiting
    })
  /** The answers that the model is told by a request of this reply, in order. */
  const told = (reply: number, said = "") => desk.exchanges(reply, said).flatMap(({ calls }) => calls.map(({ answer }) => answer))
  /** The reply's next request goes out with the answers, and the caller hears it to its end. */
  const tells = (reply: number, text: string, said = "") => {
    desk.exchanges(reply, said)
    desk.heard(reply, text)
  }
  return { ...fake, ...desk, ask, told, tells }
})

describe("what was sent", () => {
  it.effect("stays sent when the reply is thrown away: the next request tells that it runs, and then its answer", () =>
    Effect.gen(function*() {
      const { answer, ask, sent, told } = yield* setUp
      const waiting = yield* ask(1, [monday])
      yield* Fiber.interrupt(waiting)
      assert.include(told(2)[0], "still running")
      yield* answer(0, "Booked as 17.")
      yield* settle
      assert.deepStrictEqual(told(3), ["Booked as 17."])
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("is joined by the same while it runs, whatever the order of its arguments, and whatever the caller has said", () =>
    Effect.gen(function*() {
      const { answer, ask, callerSaid, sent, told } = yield* setUp
      yield* Fiber.interrupt(yield* ask(1, [monday]))
      callerSaid("And also something else, please.")
      const waiting = yield* ask(2, [callOf(book, { hour: 10, day: "Monday" })])
      assert.strictEqual(sent.length, 1)
      assert.isUndefined(waiting.pollUnsafe())
      yield* answer(0, "Booked as 17.")
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(told(2), ["Booked as 17.", "Booked as 17."])
    }))

  it.effect("is answered from the first until the caller has heard of it and asked for something new", () =>
    Effect.gen(function*() {
      const { answer, ask, callerSaid, sent, tells, told } = yield* setUp
      yield* ask(1, [monday])
      yield* answer(0, "Booked as 17.")
      yield* settle
      const again = Effect.fnUntraced(function*(reply: number) {
        yield* Fiber.join(yield* ask(reply, [monday]))
        assert.strictEqual(sent.length, 1)
        assert.match(told(reply).at(-1) ?? "", /not done a second time\. Booked as 17\.$/)
      })
      // Nothing of the answer was heard: whatever they say is not about a second one.
      callerSaid("Did you get that? Monday at ten.")
      yield* again(2)
      tells(2, "You are booked.")
      callerSaid("Okay.")
      callerSaid("Hello? Are you there?")
      callerSaid("")
      yield* again(3)
      tells(3, "You are booked.")
      callerSaid("The same for my sister, please.")
      yield* ask(4, [monday])
      assert.strictEqual(sent.length, 2)
    }))

  it.effect("is not heard of by the words that the reply had said before", () =>
    Effect.gen(function*() {
      const { answer, ask, callerSaid, exchanges, heard, sent } = yield* setUp
      yield* ask(1, [monday], "One moment, I book that for you.")
      yield* answer(0)
      yield* settle
      exchanges(1, "One moment, I book that for you.")
      heard(1, "One moment, I book that for you.")
      callerSaid("Monday at ten, I said.")
      yield* ask(2, [monday])
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("twice in one reply is two, and the same two once more are the same two", () =>
    Effect.gen(function*() {
      const { answer, ask, sent } = yield* setUp
      yield* Fiber.interrupt(yield* ask(1, [monday, monday]))
      assert.strictEqual(sent.length, 2)
      yield* Fiber.interrupt(yield* ask(2, [monday, monday]))
      assert.strictEqual(sent.length, 2)
      yield* answer(0, "Booked as 17.")
      yield* answer(1, "Booked as 18.")
      yield* settle
      yield* Fiber.join(yield* ask(3, [monday, monday]))
      assert.strictEqual(sent.length, 2)
    }))

  it.effect("with other arguments is another", () =>
    Effect.gen(function*() {
      const { ask, sent } = yield* setUp
      yield* ask(1, [monday, callOf(book, { day: "Tuesday", hour: 10 }), callOf(find, { day: "Monday", hour: 10 })])
      assert.deepStrictEqual(sent.map(({ name }) => name), ["book", "book", "find"])
    }))

  it.effect("and lost is unknown, and is not sent again; what surely was not sent may be", () =>
    Effect.gen(function*() {
      const { answer, ask, sent, told } = yield* setUp
      yield* ask(1, [monday])
      yield* answer(0, { _tag: "Unknown" })
      yield* settle
      assert.include(told(2)[0], "nobody knows whether it was done")
      yield* Fiber.join(yield* ask(2, [monday]))
      assert.strictEqual(sent.length, 1)
      yield* ask(3, [callOf(book, { day: "Friday" })])
      yield* answer(1, { _tag: "NotSent" })
      yield* settle
      yield* ask(4, [callOf(book, { day: "Friday" })])
      assert.strictEqual(sent.length, 3)
    }))

  it.effect("and died in our own hands is unknown, and the reply goes on", () =>
    Effect.gen(function*() {
      const { ask, sent, told } = yield* setUp
      const waiting = yield* ask(1, [monday])
      yield* Deferred.die(sent[0].answer, new Error("a mistake of ours"))
      yield* Fiber.join(waiting)
      assert.include(told(1)[0], "nobody knows whether it was done")
      yield* Fiber.join(yield* ask(2, [monday]))
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("what can't be asked is told at once, beside what can", () =>
    Effect.gen(function*() {
      const { ask, sent, told } = yield* setUp
      yield* ask(1, [{ id: "x", name: "fly", arguments: "{}", ask: Result.fail("There is no such tool.") }, monday])
      assert.strictEqual(sent.length, 1)
      assert.strictEqual(told(2)[0], "There is no such tool.")
    }))
})

describe("a tool that only looks up", () => {
  it("may be asked in a pause, and one that books may not", () => {
    const desk = ToolDesk.make({ tools: { send: () => Effect.die("not asked") }, smallTalk: [] })
    assert.isTrue(desk.areRepeatable([callOf(find), { id: "x", name: "", arguments: "", ask: Result.fail("No.") }]))
    assert.isFalse(desk.areRepeatable([callOf(find), monday]))
  })
})

describe("words that ask for nothing", () => {
  const isNothing = ToolDesk.makeIsNothing(["okay", "uh-huh", "hello", "are you there", "i see"])
  it.each(["", "...", "Okay.", "okay okay", "Hello? Are you there?", "Uh-huh, I see!", "OKAY, hello"])("%j", (text) => assert.isTrue(isNothing(text)))
  it.each(["Monday", "okay Monday", "Hello, book a table", "are you there at ten", "i see a doctor"])("but not %j", (text) => assert.isFalse(isNothing(text)))
})

describe("arguments", () => {
  it.prop("are the same whatever the order of their keys", [Schema.Json], ([value]) => {
    const shuffled = (json: Schema.Json): Schema.Json =>
      Array.isArray(json)
        ? json.map(shuffled)
        : typeof json === "object" && json !== null
        ? Object.fromEntries(Object.entries(json).toReversed().map(([key, member]) => [key, shuffled(member as Schema.Json)]))
        : json
    assert.strictEqual(Tools.canonical(shuffled(value)), Tools.canonical(value))
    assert.deepStrictEqual(JSON.parse(Tools.canonical(value)), JSON.parse(JSON.stringify(value)))
  })
})

describe("what the model is told", () => {
  it.effect("is shortened by its oldest answers, and never by what still runs", () =>
    Effect.gen(function*() {
      const { answer, ask, told } = yield* setUp
      yield* ask(1, [monday])
      let before: ReadonlyArray<string> = []
      let cuts = 0
      const asked = 30
      for (let index = 1; index <= asked; index++) {
        yield* ask(index + 1, [callOf(find, { index })])
        yield* answer(index, `${index}`.padEnd(4000, "x"))
        yield* settle
        const answers = told(index + 1)
        assert.include(answers[0], "still running")
        assert.include(answers.at(-1), `${index}x`)
        assert.isBelow(answers.reduce((sum, { length }) => sum + length, 0), 25_000)
        if (before.some((answer, at) => answer !== answers[at])) cuts++
        before = answers
      }
      // Seldom and much: between two cuts each request begins as the one before.
      assert.isAbove(cuts, 0)
      assert.isBelow(cuts, asked / 3)
    }))
})
