import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema, Stream } from "effect"
import { readFileSync } from "node:fs"
import { parse } from "../../../../../src/agent/file/AgentFile.ts"
import { receptionistFile } from "../../../../../src/agent/Agents.ts"
import type { AgentDefinition } from "../../../../../src/definition/AgentDefinition.ts"
import { type DialogueState, ReplyModel } from "../../../../../src/conversation/ports/ReplyModel.ts"
import * as Scripted from "../../../../../src/engines/embedded/script/ScriptedReplyModel.ts"
import * as SpokenText from "../../../../../src/engines/embedded/SpokenText.ts"

const read = (text: string): AgentDefinition => {
  const definition = parse(text, "test.yaml")
  if (Result.isFailure(definition)) return assert.fail(definition.failure.message)
  return definition.success
}

describe("an intent with a transfer", () => {
  const definition = read(`name: desk
transfers: { kitchen: "+14155550177", office: "+14155550178" }
intents:
  person: { phrases: a person, answer: I will put you through., next: transfer, transfer: office }
  cook: { phrases: the cook, needs: { dish: For which dish? }, answer: One moment., next: transfer, transfer: kitchen }
slots: { dish: { values: [soup, salad] } }
notUnderstood: { third: I do not follow., next: person }
`)

  it("gives its answer and the transfer's name once all slots are known", () => {
    const follow = Scripted.make(definition)
    const { hangUp, text, transfer } = follow("a person", null)
    assert.deepStrictEqual([text, transfer, hangUp], ["I will put you through.", "office", false])
    const asked = follow("the cook", null)
    assert.deepStrictEqual([asked.text, asked.transfer], ["For which dish?", undefined])
    const answered = follow("soup", JSON.parse(JSON.stringify(asked.state)))
    assert.deepStrictEqual([answered.text, answered.transfer], ["One moment.", "kitchen"])
  })

  it("begins at the third misunderstanding, if the file says so", () => {
    const follow = Scripted.make(definition)
    let state: DialogueState = null
    const said = ["mumble", "mumble", "mumble"].map((line) => {
      const decision = follow(line, state)
      state = JSON.parse(JSON.stringify(decision.state)) as DialogueState
      return decision
    })
    assert.deepStrictEqual(said.map(({ transfer }) => transfer), [undefined, undefined, "office"])
    assert.strictEqual(said[2].text, "I do not follow. I will put you through.")
  })

  it.effect("sends the transfer after the text", () =>
    Effect.gen(function*() {
      const replier = yield* (yield* ReplyModel).prepare(definition)
      const parts = yield* Stream.runCollect(replier.reply({ history: [{ role: "caller", text: "a person" }], state: null }))
      assert.deepStrictEqual([...parts].map(({ _tag }) => _tag), ["State", "Text", "Transfer"])
    }).pipe(Effect.provide(Scripted.layer)))
})

const receptionist = read(readFileSync(receptionistFile, "utf8"))

/** The answers to these lines, in one dialogue. An answer that ends the call has a `!` after it. */
const talk = (definition: AgentDefinition, lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const follow = Scripted.make(definition)
  let state: DialogueState = null
  return lines.map((line) => {
    const said = follow(line, state)
    // The state must survive as JSON.
    state = JSON.parse(JSON.stringify(said.state)) as DialogueState
    return said.hangUp ? `${said.text}!` : said.text
  })
}

const last = (...lines: ReadonlyArray<string>) => talk(receptionist, lines).at(-1)!

const hours = "We are open Monday to Friday. From eight to five."
const address = "We are at twenty Maple Street. It is beside the library."
const whichDay = "Which day would you like?"
const more = "What can I do for you?"
const goodbye = "Thank you for calling. Goodbye.!"
const first = "Sorry, I did not get that."
const second = "I still did not get that. You can ask for our hours. Or book an appointment."
const nobody = "Sorry, nobody is free. Shall we call you back?"

describe("the receptionist", () => {
  it.each([
    ["what are your opening hours", hours],
    ["What are your opening hours?", hours],
    ["Hi, uh, could you tell me: when do you close, please?", hours],
    ["are you open on saturdays", hours],
    ["what's your address", address],
    ["What is your address?", address],
    ["how do i get to you", address],
    ["can i park", "Yes. You can park behind the house."],
    ["can i talk to a person", nobody],
    ["I'd like to speak to somebody!", nobody],
    ["help", "I can tell you our hours or address. I can also book an appointment."],
    ["hello", "Hello. What can I do for you?"],
    ["thank you very much", "You are welcome. Is there anything else?"],
    ["goodbye", goodbye],
    ["Okay, bye bye.", goodbye]
  ])("answers %j", (said, answer) => assert.strictEqual(last(said), answer))

  it.each([
    "my cat sat on the mat",
    "the quick brown fox jumps over the lazy dog",
    "i saw a film about the weather yesterday",
    "no idea where you come from",
    "¿?",
    "x".repeat(5000)
  ])("does not understand %j", (said) => assert.strictEqual(last(said), first))

  it("books a day and a time that were said in one sentence", () => {
    assert.deepStrictEqual(talk(receptionist, ["I'd like to make an appointment for Tuesday at 10 a.m., please.", "yes"]), [
      "That is Tuesday at ten. Is that right?",
      "Good, you are booked. We will see you Tuesday at ten."
    ])
  })

  it("asks for the missing day or time, in either order", () => {
    const booked = "That is Thursday at noon. Is that right?"
    assert.deepStrictEqual(talk(receptionist, ["book an appointment", "on thursday", "12:00"]), [whichDay, "At what time on Thursday?", booked])
    assert.deepStrictEqual(talk(receptionist, ["book an appointment at noon", "thursday"]), [whichDay, booked])
    assert.deepStrictEqual(talk(receptionist, ["book an appointment", "noon on thursday"]), [whichDay, booked])
  })

  it.each([
    ["no, on tuesday", "That is Tuesday at ten. Is that right?"],
    ["no i said tuesday", "That is Tuesday at ten. Is that right?"],
    ["Actually, make it Tuesday at eleven.", "That is Tuesday at eleven. Is that right?"],
    ["at eleven o'clock", "That is Monday at eleven. Is that right?"],
    ["yes but at eleven", "That is Monday at eleven. Is that right?"],
    ["not monday, tuesday", "That is Tuesday at ten. Is that right?"],
    ["no", `All right, once more. ${whichDay}`],
    ["that's not right", `All right, once more. ${whichDay}`],
    ["no, not on monday", whichDay],
    ["monday at ten", "That is Monday at ten. Is that right?"],
    ["yes", "Good, you are booked. We will see you Monday at ten."],
    ["Yes, that's right.", "Good, you are booked. We will see you Monday at ten."],
    ["Correct!", "Good, you are booked. We will see you Monday at ten."]
  ])("understands %j when it asks for confirmation", (said, answer) =>
    assert.strictEqual(last("book an appointment on monday at ten", said), answer))

  it("takes a correction after the booking", () => {
    assert.strictEqual(
      last("book an appointment on monday at ten", "yes", "make it wednesday"),
      "That is Wednesday at ten. Is that right?"
    )
  })

  it("starts the booking again after a no, and forgets the day and the time", () => {
    assert.strictEqual(last("book an appointment on monday at ten", "no", "friday"), "At what time on Friday?")
  })

  it("answers a question during a booking, and asks its own question again", () => {
    assert.strictEqual(last("book an appointment", "what are your opening hours"), `${hours} ${whichDay}`)
    assert.strictEqual(last("book an appointment", "what are your opening hours", "friday"), "At what time on Friday?")
  })

  it("leaves a booking for another wish", () => {
    assert.strictEqual(last("book an appointment", "i want to speak to a person"), nobody)
    assert.strictEqual(last("book an appointment", "i want to speak to a person", "friday"), first)
    assert.strictEqual(last("book an appointment", "never mind"), "All right. What can I do for you?")
    assert.strictEqual(last("book an appointment", "goodbye"), goodbye)
  })

  it("repeats its last answer as often as it is asked; at first, its greeting", () => {
    assert.strictEqual(last("can you repeat that"), receptionist.lines.greeting)
    assert.strictEqual(last("what's your address", "pardon", "what did you say"), address)
    assert.strictEqual(last("book an appointment", "say that again"), whichDay)
    assert.strictEqual(last("what's your address", "blah", "say it again"), address)
  })

  it("understands a yes and a no to its questions", () => {
    assert.strictEqual(last("can i talk to a person", "yes please"), "Good, we will call you back. Is there anything else?")
    assert.strictEqual(last("can i talk to a person", "no thanks"), "All right. What can I do for you?")
    assert.strictEqual(last("thanks", "no"), goodbye)
    assert.strictEqual(last("thanks", "yes"), "All right. What can I do for you?")
  })

  it("asks what the caller wants after a yes that answers no question, and says goodbye to a no after an answer", () => {
    assert.strictEqual(last("yes"), more)
    assert.strictEqual(last("what are your hours", "no thank you"), goodbye)
    assert.strictEqual(last("no"), first)
  })

  it("says in other words each time that it did not understand, and the third time offers a person", () => {
    const offer = `I still can't follow you. ${nobody}`
    assert.deepStrictEqual(talk(receptionist, ["", "blah", ""]), [first, second, offer])
    assert.strictEqual(last("", "", "", "yes"), "Good, we will call you back. Is there anything else?")
    assert.deepStrictEqual(talk(receptionist, ["", "", "", ""]).slice(3), [first])
  })

  it("counts misunderstandings from the start once it has understood", () => assert.strictEqual(last("", "", "what are your hours", ""), first))

  it("asks its open question again when it did not understand", () => {
    assert.strictEqual(last("book an appointment", ""), `${first} ${whichDay}`)
    assert.strictEqual(last("book an appointment", "blah", "blah"), `${second} ${whichDay}`)
    assert.strictEqual(last("book an appointment on monday at ten", "blah"), `${first} That is Monday at ten. Is that right?`)
  })

  it("takes keys, even with a blank or a # after them", () => {
    assert.strictEqual(last("1"), hours)
    assert.strictEqual(last("2 #"), address)
    assert.strictEqual(last("3"), whichDay)
    assert.strictEqual(last("0"), nobody)
    assert.strictEqual(last("7"), first)
    assert.strictEqual(last("1 2"), first)
    assert.strictEqual(last("book an appointment", "2"), address)
  })

  it("takes digits as a value if it asked for one", () =>
    assert.strictEqual(last("book an appointment on monday", "10"), "That is Monday at ten. Is that right?"))
})

describe("the scripted engine", () => {
  const shop = read(`
name: shop
slots:
  size: { values: [small, large] }
  count: { values: { one: "one | two", three: three } }
intents:
  open:
    phrases: open
    answer: [First., Second.]
  order:
    phrases: order [{count}] [{size}]
    needs: { size: Which size?, count: How many? }
    answer: "{count} {size}."
  opener:
    phrases: open the big door
    answer: Door.
  again:
    digits: "9"
    next: repeat
`)

  it("ends the call after three misunderstandings if the file says nothing else", () =>
    assert.match(talk(shop, ["", "", ""])[2], /Goodbye\.!$/))

  it("gives an intent's answers one after the other, then again from the first", () => assert.deepStrictEqual(talk(shop, ["open", "open", "open"]), ["First.", "Second.", "First."]))

  it("takes the phrase with the most words", () => assert.strictEqual(talk(shop, ["can you open the big door"])[0], "Door."))

  it("answers without a confirmation if the file asks for none", () =>
    assert.deepStrictEqual(talk(shop, ["order", "large", "two"]), ["Which size?", "How many?", "one large."]))

  it("repeats its last answer when a key is pressed", () => assert.deepStrictEqual(talk(shop, ["open", "9"]), ["First.", "First."]))

  it.effect("sends its state before its text, and the hang-up after it", () =>
    Effect.gen(function*() {
      const replier = yield* (yield* ReplyModel).prepare(receptionist)
      const parts = yield* Stream.runCollect(replier.reply({
        history: [{ role: "agent", text: "Hello." }, { role: "caller", text: "bye" }, { role: "agent", text: "Thank" }],
        state: null
      }))
      assert.deepStrictEqual(parts.map(({ _tag }) => _tag), ["State", "Text", "HangUp"])
    }).pipe(Effect.scoped, Effect.provide(Scripted.layer)))

  it("keeps no state itself: the same words and the same state give the same answer", () => {
    const follow = Scripted.make(receptionist)
    const asked = follow("book an appointment", null)
    follow("goodbye", null)
    const once = follow("friday", asked.state as never)
    follow("monday", asked.state as never)
    assert.deepStrictEqual(follow("friday", asked.state as never), once)
  })

  it("stores the last intent under the name that stored dialogues have", () => {
    assert.strictEqual(Scripted.make(receptionist)("what are your opening hours", null).state.after, "hours")
  })

  const words = ["book", "an", "appointment", "on", "monday", "at", "ten", "yes", "no", "not", "1", "#", "hours", "what", "are", "your", "address", "bye", "thanks"]
  const SomeWords = Schema.Array(Schema.Literals(words)).check(Schema.isMaxLength(12))
  const Line = Schema.Union([Schema.String, SomeWords])
  const textOf = (line: typeof Line.Type) => typeof line === "string" ? line : line.join(" ")

  it.prop("never throws, whatever the caller says and whatever state an older version left", [
    Schema.Array(Line).check(Schema.isMaxLength(6)),
    Schema.Json
  ], ([lines, garbage]) => {
    const follow = Scripted.make(receptionist)
    let state: DialogueState = garbage
    for (const line of lines) {
      const decision = follow(textOf(line), state)
      assert.isNotEmpty(decision.text)
      assert.notMatch(decision.text, /[{}]|undefined|null/)
      state = JSON.parse(JSON.stringify(decision.state)) as DialogueState
    }
  })

  it.prop("never throws for a state that looks like its own", [
    SomeWords,
    Schema.Struct({
      intent: Schema.NullOr(Schema.Literals(["book", "hours", "nobody", "constructor"])),
      slots: Schema.Record(Schema.Literals(["day", "time", "__proto__"]), Schema.Literals(["Monday", "ten", "never"])),
      isConfirming: Schema.Boolean,
      last: Schema.NullOr(Schema.String),
      after: Schema.NullOr(Schema.Literals(["book", "thanks", "toString"])),
      strikes: Schema.Int,
      counts: Schema.Record(Schema.Literals(["hours", "constructor"]), Schema.Int)
    })
  ], ([line, state]) => {
    const decision = Scripted.make(receptionist)(line.join(" "), state as unknown as DialogueState)
    assert.notMatch(decision.text, /[{}]|undefined/)
  })

  it("reads only the last 120 words of a monologue, however long it is", () => {
    const blah = (count: number) => Array.from({ length: count }, () => "blah").join(" ")
    assert.strictEqual(last(`${blah(5000)} what are your opening hours`), hours)
    assert.strictEqual(last(`${blah(5000)} what are your opening hours ${blah(115)}`), hours)
    assert.strictEqual(last(`what are your opening hours ${blah(120)}`), first)
  })
})

describe("spoken text", () => {
  it.each([
    ["I'd like 10:30 a.m., please!", "i would like ten thirty am please"],
    ["i would like ten thirty a m please", "i would like ten thirty am please"],
    ["10am", "ten am"],
    ["at 9:05 pm", "at nine oh five pm"],
    ["10.15 am", "ten fifteen am"],
    ["on the 21st", "on the twenty first"],
    ["12th, 30th, 3rd", "twelfth thirtieth third"],
    ["What's that? It isn't; you can't.", "what is that it is not you can not"],
    ["today’s", "todays"],
    ["ten o’clock", "ten oclock"],
    ["1,250", "one thousand two hundred fifty"],
    ["call 5550123", "call five five five zero one two three"],
    ["007", "zero zero seven"],
    ["0", "zero"],
    ["OK", "okay"],
    ["", ""],
    ["… !", ""]
  ])("%j becomes %j", (text, words) => assert.strictEqual(SpokenText.wordsOf(text, "en").join(" "), words))

  it("leaves the brackets and slots of a phrase alone", () =>
    assert.strictEqual(SpokenText.normalisePhrase("[i'd like] (10 | it's {time_10})", "en").replace(/ +/g, " "), "[i would like] ( ten | it is {time_10})"))

  it("spells out no numbers in another language", () =>
    assert.deepStrictEqual(SpokenText.wordsOf("À 10 heures, d’accord ?", "fr"), ["à", "10", "heures", "daccord"]))
})
