import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Ref, Scope, Stream } from "effect"
import * as Conversation from "../../../src/conversation/Conversation.ts"
import { Signal } from "../../../src/conversation/ports/AudioPort.ts"
import type { Tools } from "../../../src/conversation/ports/Tools.ts"
import type { AgentDefinition } from "../../../src/definition/AgentDefinition.ts"
import * as FakeEngines from "../../support/engines/FakeEngines.ts"
import * as FakeTools from "../../support/engines/FakeTools.ts"
import * as FakeLine from "../../support/conversation/FakeLine.ts"
import { definition } from "../../support/conversation/AgentDefinitions.ts"
import { pass, settle } from "../../support/service/Time.ts"

const { lines } = definition
const book = FakeTools.toolOf("book")

/** A conversation on a fake line. With `hangUp` the caller hangs up. */
const open = Effect.fnUntraced(function*(options: {
  readonly definition?: Partial<AgentDefinition>
  readonly tools?: Tools["Service"]
  readonly plan?: (fake: FakeEngines.FakeEngines) => void
} = {}) {
  const fake = FakeEngines.make()
  options.plan?.(fake)
  const line = yield* FakeLine.make
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const conversation = yield* Scope.provide(Conversation.open({ ...definition, ...options.definition }, { ...fake.engines, tools: options.tools ?? fake.engines.tools }, line.end), scope)
  yield* Scope.provide(line.play(conversation), scope)
  return {
    ...fake,
    ...line,
    press: (digit: string) => conversation.signal(Signal.Digit({ digit })),
    story: () => FakeLine.story(line, fake.textOf),
    hangUp: Scope.close(scope, Exit.void),
    markReturned: (name: string) => conversation.signal(Signal.MarkReturned({ name })),
    /** What the caller heard, turn by turn. */
    heard: () => line.tales("AgentHeard").map(({ text }) => text),
    /** The texts whose sound was sent; repetitions in a row are left out. */
    said: () => FakeLine.story(line, fake.textOf).flatMap((item) => /^(.*) \d+$/.exec(item)?.[1] ?? []),
    /** The last request to the model. */
    lastAsked: Effect.map(Ref.get(fake.reply.requests), (all) => all.at(-1)?.asked.history),
    /** The outcomes of a port's requests. */
    outcomes: <A>(port: FakeEngines.Port<A>) => Effect.map(Ref.get(port.requests), (all) => all.map(({ outcome }) => outcome))
  }
})
/** The greeting has been heard. */
const greeted = Effect.fnUntraced(function*(options?: Parameters<typeof open>[0]) {
  const call = yield* open(options)
  yield* call.quiet(2000)
  assert.deepStrictEqual(call.tales("AgentHeard").map(({ text }) => text), [lines.greeting])
  return call
})


describe("a turn", () => {
  it.effect("goes from the greeting to voice, words, reply and sound, and is measured", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("what is new")
      call.answer("what is new", "Nothing at all, I am afraid. Ask me again.")
      yield* call.voice(600)
      yield* call.quiet(4000)
      assert.deepStrictEqual(call.story(), [
        "Hello, I am here. 1020", "mark turn-0/seg-0",
        "Nothing at all, 900", "mark turn-1/seg-0",
        "I am afraid. 720", "mark turn-1/seg-1",
        "Ask me again. 780", "mark turn-1/seg-2"
      ])
      assert.deepStrictEqual(call.heard(), [lines.greeting, "Nothing at all, I am afraid. Ask me again."])
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text, turn }) => ({ text, turn })), [{ text: "what is new", turn: 1 }])
      assert.deepStrictEqual(yield* call.lastAsked, [
        { role: "agent", text: lines.greeting },
        { role: "caller", text: "what is new" }
      ])
      assert.deepStrictEqual(call.tales("TurnMeasured").map(({ times }) => times), [{
        // The pause is noticed in frames, but timed from the last voiced sample.
        transcript: 120, firstText: 120, firstClause: 120, firstSound: 120,
        due: 250, endpoint: 250, firstMedia: 250,
        firstMark: 250 + FakeEngines.spokenMillis("Nothing at all,"),
        heard: 250
      }])
      // Nothing was asked twice.
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["done"])
      assert.deepStrictEqual(yield* call.outcomes(call.transcribe), ["done"])
    }))

  it.effect("gives the recognizer the pre-speech sound and all following sound, once", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      yield* call.voice(600)
      yield* call.quiet(1000)
      const pushes = (yield* Ref.get(call.push.requests)).map(({ asked }) => asked)
      assert.strictEqual(pushes[0], 3840)
      const [started, stopped] = ["VoiceStarted", "VoiceStopped"].map((tag) => call.events.find(({ _tag }) => _tag === tag)!)
      const decided = call.events.find((event) => event._tag === "TimerFired" && event.timer === "endpoint")
      assert.isDefined(decided)
      const sum = pushes.slice(1).reduce((all, samples) => all + samples, 0) / 8
      assert.closeTo(sum, decided!.at - started.at, 40)
      assert.isBelow(stopped.at, decided!.at)
      assert.deepStrictEqual(yield* call.outcomes(call.begin), ["done"], "the utterance is let go")
    }))

  it.effect("of long speech is understood in parts, and all its words are answered at once", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("one", "two", "three")
      const { events } = call
      yield* call.voice(60_000)
      assert.deepStrictEqual(yield* call.outcomes(call.reply), [])
      yield* call.quiet(1000)
      assert.strictEqual((yield* call.lastAsked)?.at(-1)?.text, "one two three")
      const pushes = (yield* Ref.get(call.push.requests)).map(({ asked }) => asked)
      const started = events.find(({ _tag }) => _tag === "VoiceStarted")
      const decided = events.find((event) => event._tag === "TimerFired" && event.timer === "endpoint")
      const sum = pushes.slice(1).reduce((all, samples) => all + samples, 0) / 8
      assert.closeTo(sum, decided!.at - started!.at, 40)
      assert.deepStrictEqual(yield* call.outcomes(call.begin), ["done", "done", "done"], "the utterances are let go")
    }))

  it.effect("has partial transcripts while somebody watches, or while the voice may stop the agent", () =>
    Effect.gen(function*() {
      const fake = FakeEngines.make()
      const line = yield* FakeLine.make
      let isWatched = false
      let asked = 0
      const begin = Effect.map(fake.engines.recognizer.begin, (utterance) => ({
        ...utterance,
        partials: Stream.fromEffectRepeat(Effect.andThen(Effect.sleep(100), Effect.sync(() => `so far ${++asked}`)))
      }))
      const engines = { ...fake.engines, recognizer: { begin } }
      const patient = { ...definition, interruption: { ...definition.interruption, minSpeech: 5000 } }
      const conversation = yield* Conversation.open(patient, engines, { ...line.end, isWatched: () => isWatched })
      yield* line.play(conversation)
      yield* line.quiet(300)
      // The agent still greets, and the first words stop it.
      yield* line.voice(600)
      assert.strictEqual(asked, 1)
      assert.strictEqual(line.tales("BargeIn").length, 1)
      yield* line.quiet(4000)
      asked = 0
      yield* line.voice(600)
      yield* line.quiet(4000)
      assert.strictEqual(asked, 0)
      isWatched = true
      yield* line.voice(600)
      assert.isAbove(asked, 1)
      assert.isAbove(line.tales("CallerSays").length, 1)
    }))

  it.effect("waits only for the transcript and the reply, even if both are slow", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("what is new")
      call.transcribe.next(FakeEngines.slow(400))
      call.reply.next(FakeEngines.slow(300, 50))
      call.speak.next(FakeEngines.slow(150))
      yield* call.voice(600)
      yield* call.quiet(4000)
      const [{ times }] = call.tales("TurnMeasured")
      assert.deepInclude(times, { transcript: 520, endpoint: 520, firstText: 820 })
      // "All right." is a whole sentence only when the reply has ended: 50 ms for its second word, and 50 ms for the end.
      assert.deepInclude(times, { firstClause: 920, firstSound: 1070, firstMedia: 1070 })
    }))

  it.effect("is not slower when the detector needs half of a window's length for each window", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.judge.always(FakeEngines.slow(16))
      call.hear("what is new")
      yield* call.voice(600)
      yield* call.quiet(2500)
      assert.deepStrictEqual(call.said(), [lines.greeting, "All right."])
      assert.deepStrictEqual(call.tales("EngineTrouble"), [])
      assert.deepInclude(call.tales("TurnMeasured")[0].times, { endpoint: 250, firstMedia: 250 })
    }))

  it.effect("ends the call after the last mark when the reply hangs up", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("goodbye")
      call.answer("goodbye", [{ _tag: "Text", text: "Bye for now." }, { _tag: "HangUp" }])
      yield* call.voice(600)
      yield* call.quiet(900)
      assert.strictEqual(call.story().at(-1), "mark turn-1/seg-0")
      assert.isFalse(call.isCut())
      yield* call.quiet(400)
      assert.isTrue(call.isCut())
      assert.deepStrictEqual(call.tales("Ended").map(({ reason }) => reason), ["goodbye"])
      assert.strictEqual(call.heard().at(-1), "Bye for now.")
      yield* call.hangUp
      assert.strictEqual(call.tales("Ended").length, 1)
      assert.strictEqual(yield* call.unfinished, 0)
    }))
})

describe("a preemptive reply", () => {
  it.effect("is dropped when the caller goes on: its requests are interrupted, and none of it is heard", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear(["I would like", "I would like two"])
      call.answer("I would like", "What would you like? Tell me. And more. And more.")
      call.answer("I would like two", "Two it is.")
      call.reply.next(FakeEngines.slow(0, 15))
      call.speak.next(FakeEngines.slow(500))
      yield* call.voice(500)
      yield* call.quiet(160)
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["open"])
      assert.deepStrictEqual(yield* call.outcomes(call.speak), ["done", "open"])
      yield* call.voice(500)
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["interrupted"])
      assert.deepStrictEqual(yield* call.outcomes(call.speak), ["done", "interrupted"])
      yield* call.quiet(2500)
      assert.deepStrictEqual(call.said(), [lines.greeting, "Two it is."])
      assert.deepStrictEqual(yield* call.lastAsked, [
        { role: "agent", text: lines.greeting },
        { role: "caller", text: "I would like two" }
      ])
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text }) => text), ["I would like two"])
    }))

  it.effect("calls no tool that may change something before the caller's turn is over", () =>
    Effect.gen(function*() {
      const { sent, tools } = yield* FakeTools.make
      const call = yield* greeted({ tools })
      call.hear(["I would like", "I would like two"])
      call.answer("I would like", [{ _tag: "ToolCalls", said: "", calls: [FakeTools.callOf(book, { what: "one" })] }])
      call.answer("I would like two", [{ _tag: "ToolCalls", said: "", calls: [FakeTools.callOf(book, { what: "two" })] }])
      yield* call.voice(500)
      yield* call.quiet(160)
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["done"])
      yield* call.voice(500)
      yield* call.quiet(200)
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["done", "done"])
      assert.strictEqual(sent.length, 0)
      yield* call.quiet(200)
      assert.deepStrictEqual(sent.map(({ value }) => value), [{ what: "two" }])
    }))

  it.effect("calls a tool that changes nothing during the pause", () =>
    Effect.gen(function*() {
      const { sent, tools } = yield* FakeTools.make
      const call = yield* greeted({ tools })
      call.hear("I would like")
      call.answer("I would like", [{ _tag: "ToolCalls", said: "", calls: [FakeTools.callOf(FakeTools.toolOf("find", true))] }])
      yield* call.voice(500)
      yield* call.quiet(160)
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("does not leave before the endpoint, though its sound is ready", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear({ text: "I would like to", ending: "trailing" })
      yield* call.voice(500)
      yield* call.quiet(700)
      assert.deepStrictEqual(yield* call.outcomes(call.speak), ["done", "done"])
      assert.deepStrictEqual(call.said(), [lines.greeting])
      yield* call.quiet(300)
      assert.deepStrictEqual(call.said(), [lines.greeting, "All right."])
    }))
})

const story = "Once there was a fox. It lived in a wood. It had a den."

/** The agent has been telling a story for this time. */
const telling = Effect.fnUntraced(function*(millis: number, options?: Parameters<typeof open>[0]) {
  const call = yield* greeted(options)
  call.hear("a story")
  call.answer("a story", story)
  yield* call.voice(600)
  yield* call.quiet(240 + millis)
  return call
})

describe("barge-in", () => {
  it.effect("clears the line in time, drops the old reply, and keeps the heard words in the history", () =>
    Effect.gen(function*() {
      const call = yield* telling(1800)
      call.hear("stop it")
      const voiceAt = call.now()
      yield* call.voice(600)
      yield* call.quiet(3000)
      const cleared = call.left.findIndex(({ _tag }) => _tag === "Clear")
      const clear = call.left[cleared]
      assert.isAtMost(clear.at - voiceAt, 300)
      assert.isAtLeast(clear.at - voiceAt, 180)
      const after = call.left.slice(cleared + 1).flatMap((item) => item._tag === "Sound" ? [call.textOf(item.pcm[0])] : [])
      assert.deepStrictEqual([...new Set(after)], ["All right."])
      const [{ clearAfter }] = call.tales("BargeIn")
      assert.closeTo(clearAfter, clear.at - voiceAt, 40)
      // The first sentence takes 1260 ms; a part of the second has been played.
      const [, heard] = call.heard()
      assert.isTrue(story.startsWith(heard), heard)
      assert.isAbove(heard.length, "Once there was a fox.".length)
      assert.isBelow(heard.length, "Once there was a fox. It lived in a wood.".length)
      assert.isFalse(call.tales("AgentHeard")[1].isWhole)
      assert.deepStrictEqual(yield* call.lastAsked, [
        { role: "agent", text: lines.greeting },
        { role: "caller", text: "a story" },
        { role: "agent", text: heard },
        { role: "caller", text: "stop it" }
      ])
    }))

  it.effect("does not count sound as heard that was only sent ahead", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.delayMarks(300)
      call.hear("a story", "stop it")
      call.answer("a story", "Once there was a fox. I am as he is to me so be it.")
      yield* call.voice(600)
      // The first sentence plays from 250 to 1510 ms. The second one has played for 180 ms by then.
      yield* call.quiet(1600)
      yield* call.voice(600)
      yield* call.quiet(2000)
      // 280 ms of the second sentence are four and a half characters.
      assert.strictEqual(call.heard()[1], "Once there was a fox. I am")
    }))

  it.effect("stops the model's request as soon as the caller's words are known", () =>
    Effect.gen(function*() {
      const call = yield* telling(1500, { plan: ({ reply }) => reply.next(FakeEngines.slow(0, 400)) })
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["open"])
      call.hear("stop it")
      yield* call.voice(600)
      yield* call.quiet(2000)
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["interrupted", "done"])
      assert.strictEqual(call.said().at(-1), "All right.")
    }))

  it.effect("stops the greeting too", () =>
    Effect.gen(function*() {
      const call = yield* open()
      call.hear("what is new")
      yield* call.quiet(300)
      yield* call.voice(600)
      yield* call.quiet(2000)
      assert.deepStrictEqual(call.said(), [lines.greeting, "All right."])
      assert.include(call.story(), "clear")
      const [greeting] = call.heard()
      assert.isTrue(lines.greeting.startsWith(greeting) && greeting !== lines.greeting, greeting)
    }))

  it.effect.each([
    { name: "a cough", utterance: FakeEngines.cough, millis: 400 },
    { name: "a backchannel that takes its time", utterance: "okay", millis: 400 }
  ])("by $name is false, and the agent says the unheard rest", ({ millis, utterance }) =>
    Effect.gen(function*() {
      const call = yield* telling(1500)
      call.hear(utterance)
      yield* call.voice(millis)
      yield* call.quiet(4000)
      assert.strictEqual(call.tales("Resumed").length, 1)
      assert.include(call.story(), "clear")
      // The caller hears each part once.
      assert.strictEqual(call.heard().at(-1), story)
      assert.isTrue(call.tales("AgentHeard").at(-1)!.isWhole)
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["done"], "no new reply was made")
      const second = call.said()[call.said().indexOf("It lived in a wood.") + 1]
      assert.isTrue("It lived in a wood.".endsWith(second), second)
    }))

  it.effect("is not caused by a short backchannel", () =>
    Effect.gen(function*() {
      const call = yield* telling(1500)
      call.hear("uh-huh")
      yield* call.voice(100)
      yield* call.quiet(3500)
      assert.notInclude(call.story(), "clear")
      assert.strictEqual(call.heard().at(-1), story)
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["done"])
    }))
})

describe("a race:", () => {
  it.effect("a mark that comes after the clear confirms nothing", () =>
    Effect.gen(function*() {
      const call = yield* telling(1500)
      call.hear(FakeEngines.cough)
      yield* call.voice(400)
      yield* call.quiet(100)
      assert.include(call.story(), "clear")
      // All of the reply's marks once more, from a slow network.
      for (const segment of [0, 1, 2]) yield* call.markReturned(`turn-1/seg-${segment}`)
      yield* settle
      assert.deepStrictEqual(call.heard(), [lines.greeting])
      yield* call.hangUp
      const heard = call.heard().at(-1)!
      assert.isTrue(story.startsWith(heard) && heard.length < story.length, heard)
    }))

  it.effect("marks with other names are ignored", () =>
    Effect.gen(function*() {
      const call = yield* telling(500)
      for (const name of ["", "x", "turn-1/seg-", "turn-99/seg-0", "turn-1/seg-99", "client-caller/last"]) yield* call.markReturned(name)
      yield* call.quiet(4000)
      assert.strictEqual(call.heard().at(-1), story)
    }))

  it.effect("the caller hangs up while the model streams", () =>
    Effect.gen(function*() {
      const call = yield* telling(1500, { plan: ({ reply }) => reply.next(FakeEngines.slow(0, 400)) })
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["open"])
      yield* call.hangUp
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["interrupted"])
      assert.strictEqual(yield* call.unfinished, 0)
      assert.deepStrictEqual(call.tales("Ended").map(({ reason }) => reason), ["callerHungUp"])
      assert.isTrue(story.startsWith(call.heard().at(-1)!))
    }))

  it.effect("the caller speaks again before the first frame, and goes on with the same turn", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("a story", "a short one")
      call.answer("a story", story)
      call.answer("a story a short one", "There was a fox.")
      call.speak.next(FakeEngines.slow(1500))
      yield* call.voice(600)
      yield* call.quiet(500)
      yield* call.voice(600)
      yield* call.quiet(2500)
      assert.deepStrictEqual(call.said(), [lines.greeting, "There was a fox."])
      assert.notInclude(call.story(), "clear")
      assert.deepStrictEqual((yield* call.outcomes(call.speak)).slice(1), ["interrupted", "done"])
      assert.deepStrictEqual(yield* call.lastAsked, [
        { role: "agent", text: lines.greeting },
        { role: "caller", text: "a story a short one" }
      ])
    }))

  it.effect("the caller's voice starts at the moment of the endpoint, and no word is lost or answered twice", () =>
    Effect.gen(function*() {
      const gaps: Array<number> = []
      for (let complete = 196; complete <= 228; complete += 4) {
        const call = yield* greeted({ definition: { endpointing: { ...definition.endpointing, complete } } })
        // The caller's words may become one utterance or two.
        call.hear(["one", "one two"], "two")
        yield* call.voice(500)
        yield* call.quiet(160)
        yield* call.voice(500)
        yield* call.quiet(3000)
        const started = call.events.filter(({ _tag }) => _tag === "VoiceStarted")[1]
        const ended = call.events.find((event) => event._tag === "TimerFired" && event.timer === "endpoint")
        gaps.push(ended!.at - started.at)
        const asked = (yield* call.lastAsked) ?? []
        const said = asked.flatMap(({ role, text }) => role === "caller" ? [text] : []).join(" ")
        assert.strictEqual(said, "one two", `endpoint after ${complete} ms`)
        assert.deepStrictEqual(call.heard().filter((text) => text === "All right."), ["All right."])
        yield* call.hangUp
        assert.strictEqual(yield* call.unfinished, 0)
      }
      assert.isTrue(gaps.some((gap) => gap < 0) && gaps.includes(0) && gaps.some((gap) => gap > 0), gaps.join(" "))
    }))

  it.effect("a transcript that comes after the caller went on is ignored", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear(["all of it"])
      call.transcribe.next(FakeEngines.slow(150))
      yield* call.voice(500)
      yield* call.quiet(180)
      assert.deepStrictEqual(yield* call.outcomes(call.transcribe), ["open"])
      yield* call.voice(500)
      assert.deepStrictEqual(yield* call.outcomes(call.transcribe), ["interrupted"])
      assert.deepStrictEqual(yield* call.outcomes(call.reply), [])
      yield* call.quiet(2000)
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text }) => text), ["all of it"])
      assert.deepStrictEqual(yield* call.outcomes(call.transcribe), ["interrupted", "done"])
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["done"])
    }))

  it.effect("frames stop for two seconds during speech: the turn ends, and later speech is heard", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("one", "two")
      yield* call.voice(600)
      const stoppedAt = call.now()
      yield* call.gap(2000)
      const stop = call.events.find(({ _tag }) => _tag === "VoiceStopped")
      assert.isDefined(stop)
      assert.isAtMost(stop!.at - stoppedAt, 500)
      assert.deepStrictEqual(call.said(), [lines.greeting, "All right."])
      yield* call.voice(600)
      yield* call.quiet(2500)
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text }) => text), ["one", "two"])
      assert.deepStrictEqual(call.heard(), [lines.greeting, "All right.", "All right."])
    }))
})

/** Asks a question that gets a good answer, to show that the call goes on. */
const goesOn = Effect.fnUntraced(function*(call: Effect.Success<ReturnType<typeof open>>) {
  call.answer("are you well", "I am well again.")
  yield* call.voice(600)
  yield* call.quiet(2500)
  assert.strictEqual(call.said().at(-1), "I am well again.")
  assert.strictEqual(call.heard().at(-1), "I am well again.")
  assert.isFalse(call.isCut())
  yield* call.hangUp
  assert.strictEqual(yield* call.unfinished, 0)
})

describe("an engine that", () => {
  const cases = FakeEngines.faults.map(([name, plan]) => ({ name, plan }))
  /** Failures after which the request is repeated. A refused request is not repeated. */
  const accidents = cases.filter(({ plan }) => plan.end !== "refused")
  /** Long enough for any two timeouts. */
  const longWait = 12_000
  const troubles = (call: Effect.Success<ReturnType<typeof open>>) => [...new Set(call.tales("EngineTrouble").map(({ stage }) => stage))]

  it.effect.each(accidents)("$name at a transcription is asked once more, and the caller gets the answer", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("what is new", "are you well")
      call.transcribe.next(plan)
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(4000)
      yield* call.quiet(1000)
      assert.deepStrictEqual(call.said(), [lines.greeting, "All right."])
      assert.deepStrictEqual(troubles(call), ["speechToText"])
      yield* goesOn(call)
    }))

  it.effect.each(cases)("$name at each transcription of a turn makes the agent apologise, and the next turn works", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("what is new")
      call.transcribe.always(plan)
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(longWait)
      assert.include(call.said(), lines.apology)
      assert.strictEqual((yield* Ref.get(call.transcribe.requests)).length, plan.end === "throws" ? 0 : plan.end === "refused" ? 1 : 2)
      assert.deepStrictEqual(troubles(call), ["speechToText"])
      call.transcribe.always({})
      call.hear("are you well")
      yield* call.quiet(1500)
      yield* goesOn(call)
    }))

  it.effect.each(cases)("$name when an utterance begins makes the agent apologise", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.begin.next(plan)
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(longWait)
      yield* call.quiet(1500)
      assert.include(call.said(), lines.apology)
      assert.deepStrictEqual(troubles(call), ["speechToText"])
      call.hear("are you well")
      yield* goesOn(call)
    }))

  it.effect.each(cases)("$name in the middle of an utterance makes the agent apologise", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.push.next({}, {}, {}, {}, plan)
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(longWait)
      yield* call.quiet(1500)
      assert.include(call.said(), lines.apology)
      assert.deepStrictEqual(troubles(call), ["speechToText"])
      call.hear("", "are you well")
      yield* goesOn(call)
    }))

  it.effect.each(accidents)("$name at a preemptive reply is asked again when the turn is over", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("what is new", "are you well")
      call.reply.next(plan)
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(6000)
      yield* call.quiet(1000)
      assert.deepStrictEqual(call.said(), [lines.greeting, "All right."])
      assert.deepStrictEqual(troubles(call), ["replyModel"])
      yield* goesOn(call)
    }))

  it.effect.each(cases)("$name at each reply of a turn makes the agent apologise", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("what is new", "are you well")
      call.reply.always(plan)
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(longWait)
      assert.deepStrictEqual(call.said().slice(0, 2), [lines.greeting, lines.apology])
      call.reply.always({})
      yield* call.quiet(1500)
      yield* goesOn(call)
    }))

  it.effect.each(cases.filter(({ plan }) => plan.end !== "throws"))("$name in the middle of a reply makes the agent apologise after the words so far", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("a story", "are you well")
      call.answer("a story", story)
      // "Once there was a fox. It ": the words come so slowly that the turn is over by then.
      call.reply.next({ ...plan, each: 60, parts: 6 })
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(longWait)
      yield* call.quiet(1000)
      assert.deepStrictEqual(call.said().slice(0, 3), [lines.greeting, "Once there was a fox.", lines.apology])
      assert.strictEqual(call.heard()[1], `Once there was a fox. ${lines.apology}`)
      yield* goesOn(call)
    }))

  it.effect.each(accidents)("$name at a segment's speech is asked once more, and the caller hears the segment", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted({ definition: { endpointing: { ...definition.endpointing, speculate: 250 } } })
      call.hear("what is new", "are you well")
      call.speak.next(plan)
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(5000)
      yield* call.quiet(1000)
      assert.deepStrictEqual(call.said(), [lines.greeting, "All right."])
      assert.deepStrictEqual(troubles(call), ["textToSpeech"])
      yield* goesOn(call)
    }))

  it.effect("refuses a request is not asked again, and the agent apologises", () =>
    Effect.gen(function*() {
      for (const port of ["transcribe", "reply", "speak"] as const) {
        const call = yield* greeted()
        call.hear("what is new", "are you well")
        const requests = Effect.map(
          Effect.all({ transcribe: Ref.get(call.transcribe.requests), reply: Ref.get(call.reply.requests), speak: Ref.get(call.speak.requests) }),
          (all) => all[port].length
        )
        const before = yield* requests
        call[port].next(FakeEngines.fails("refused"))
        yield* call.voice(600)
        yield* call.quiet(400)
        yield* call.gap(3000)
        yield* call.quiet(1500)
        assert.deepStrictEqual(call.said(), [lines.greeting, lines.apology], port)
        // The apology is spoken as well.
        assert.strictEqual(yield* requests, before + (port === "speak" ? 2 : 1), port)
      }
    }))

  it.effect.each(cases)("$name at all speech ends the call", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("what is new")
      call.speak.always(plan)
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(60_000)
      yield* call.quiet(100)
      assert.isTrue(call.isCut())
      assert.deepStrictEqual(call.tales("Ended").map(({ reason }) => reason), ["engineFailed"])
      assert.strictEqual(yield* call.unfinished, 1, "the detector alone is left, for the call's end")
      yield* call.hangUp
      assert.strictEqual(yield* call.unfinished, 0)
    }))

  it.effect.each(cases.filter(({ plan }) => plan.end !== "throws"))("$name in the middle of a segment makes the agent apologise after the sound so far", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("a story", "are you well")
      call.answer("a story", story)
      // The failure comes so late that both parts have left before it.
      call.speak.next({}, { ...plan, each: 800, parts: 2 })
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.gap(longWait)
      yield* call.quiet(1000)
      assert.deepStrictEqual(call.said().slice(0, 4), [lines.greeting, "Once there was a fox.", "It lived in a wood.", lines.apology])
      yield* goesOn(call)
    }))

  it.effect.each(cases)("$name when the detector is opened does not delay the greeting, and the energy decides", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* open({ plan: ({ open }) => open.next(plan) })
      call.hear("what is new", "are you well")
      yield* call.quiet(60)
      assert.deepStrictEqual(call.said(), [lines.greeting])
      yield* call.quiet(2000)
      yield* call.voice(600)
      yield* call.quiet(3000)
      assert.deepStrictEqual(call.said(), [lines.greeting, "All right."])
      assert.deepStrictEqual(troubles(call), ["voiceActivity"])
      yield* goesOn(call)
    }))

  it.effect.each(cases)("$name while the caller speaks is replaced by the energy", ({ plan }) =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("what is new", "are you well")
      call.judge.next({}, {}, {}, {}, {}, plan)
      yield* call.voice(1600)
      yield* call.quiet(2500)
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text }) => text), ["what is new"])
      assert.deepStrictEqual(call.said(), [lines.greeting, "All right."])
      assert.strictEqual(call.tales("EngineTrouble").length, 1)
      yield* goesOn(call)
    }))

  it.effect("fails in three turns in a row ends the call politely, after the last mark", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("one", "two", "three")
      call.reply.always(FakeEngines.fails())
      for (let turn = 0; turn < 2; turn++) {
        yield* call.voice(600)
        yield* call.quiet(2500)
        assert.strictEqual(call.said().at(-1), lines.apology)
      }
      yield* call.voice(600)
      yield* call.quiet(1000)
      assert.strictEqual(call.said().at(-1), lines.failure)
      assert.isFalse(call.isCut())
      // The caller answers, but the call ends all the same.
      yield* call.voice(600)
      yield* call.quiet(1500)
      assert.isTrue(call.isCut())
      assert.strictEqual(call.heard().at(-1), lines.failure)
      assert.deepStrictEqual(call.tales("Ended").map(({ reason }) => reason), ["engineFailed"])
    }))

  it.effect("hangs does not delay keys, a new voice or its reply", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("one", "two")
      // The engine hangs, and does not react to its interruption.
      call.reply.next({ ...FakeEngines.hangs, letGo: 30_000 })
      yield* call.voice(600)
      yield* call.quiet(400)
      yield* call.press("1")
      yield* settle
      assert.strictEqual(call.events.at(-1)?._tag, "Digit")
      yield* call.voice(600)
      yield* call.quiet(1500)
      assert.strictEqual(call.said().at(-1), "All right.")
      yield* call.gap(30_000)
    }))

  it.effect("is slow to stop its speech does not delay the clear", () =>
    Effect.gen(function*() {
      const call = yield* telling(800, { plan: ({ speak }) => speak.next({}, {}, { each: 100, letGo: 30_000 }) })
      const voiceAt = call.now()
      call.hear("stop it")
      yield* call.voice(600)
      yield* call.quiet(2000)
      const clear = call.left.find(({ _tag }) => _tag === "Clear")
      assert.isDefined(clear)
      assert.isAtMost(clear!.at - voiceAt, 300)
      assert.strictEqual(call.said().at(-1), "All right.")
      yield* call.gap(30_000)
    }))
})

describe("silence", () => {
  it.effect("makes the agent ask once, then say goodbye, and end the call after the last mark", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      yield* call.gap(8000)
      yield* call.quiet(500)
      assert.strictEqual(call.said().at(-1), lines.idle)
      yield* call.gap(10_000)
      assert.strictEqual(call.said().at(-1), lines.idle)
      yield* call.gap(1000)
      yield* call.quiet(200)
      assert.strictEqual(call.said().at(-1), lines.idleGoodbye)
      assert.isFalse(call.isCut())
      yield* call.quiet(1500)
      assert.isTrue(call.isCut())
      assert.deepStrictEqual(call.heard(), [lines.greeting, lines.idle, lines.idleGoodbye])
      assert.deepStrictEqual(call.tales("Ended").map(({ reason }) => reason), ["idle"])
    }))

  it.effect("ends when the caller answers the goodbye", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("are you well")
      yield* call.gap(8000)
      yield* call.gap(12_000)
      yield* call.quiet(100)
      assert.strictEqual(call.said().at(-1), lines.idleGoodbye)
      yield* goesOn(call)
    }))
})

describe("the end of a call", () => {
  it.effect("at the longest duration is announced, and comes after the mark of the announcement", () =>
    Effect.gen(function*() {
      const call = yield* telling(500, { definition: { maxDuration: 13_600 } })
      assert.isBelow(call.now(), 3600)
      yield* call.quiet(400)
      assert.include(call.said(), lines.timeIsUp)
      assert.isFalse(call.isCut())
      yield* call.quiet(2500)
      assert.isTrue(call.isCut())
      assert.strictEqual(call.heard().at(-1), lines.timeIsUp)
      assert.deepStrictEqual(call.tales("Ended").map(({ reason }) => reason), ["maxDuration"])
      assert.deepStrictEqual(yield* call.outcomes(call.reply), ["done"])
    }))

  it.effect("comes also when no mark ever returns", () =>
    Effect.gen(function*() {
      const call = yield* open()
      call.loseMarks()
      call.hear("goodbye")
      call.answer("goodbye", [{ _tag: "Text", text: "Bye for now." }, { _tag: "HangUp" }])
      yield* call.quiet(1500)
      assert.deepStrictEqual(call.heard(), [])
      yield* call.gap(5000)
      assert.deepStrictEqual(call.heard(), [lines.greeting])
      yield* call.voice(600)
      yield* call.quiet(1500)
      assert.isFalse(call.isCut())
      yield* call.gap(5000)
      assert.isTrue(call.isCut())
      assert.strictEqual(call.heard().at(-1), "Bye for now.")
    }))
})

describe("keys", () => {
  it.effect("stop the agent, and are answered after a pause, or at once with #", () =>
    Effect.gen(function*() {
      const call = yield* telling(500)
      yield* call.press("1")
      yield* settle
      assert.strictEqual(call.story().at(-1), "clear")
      yield* call.quiet(500)
      yield* call.press("2")
      yield* call.quiet(1400)
      assert.notStrictEqual((yield* call.lastAsked)?.at(-1)?.text, "1 2")
      yield* call.quiet(200)
      assert.strictEqual((yield* call.lastAsked)?.at(-1)?.text, "1 2")
      yield* call.quiet(1500)
      yield* call.press("3")
      yield* call.press("#")
      yield* settle
      assert.strictEqual((yield* call.lastAsked)?.at(-1)?.text, "3")
    }))

  it.effect("during speech are answered together with the words", () =>
    Effect.gen(function*() {
      const call = yield* greeted()
      call.hear("my number is")
      yield* call.voice(300)
      yield* call.press("4")
      yield* call.voice(300)
      yield* call.quiet(3000)
      assert.deepStrictEqual((yield* call.lastAsked)?.slice(1).map(({ text }) => text), ["my number is", "4"])
      assert.strictEqual(call.said().at(-1), "All right.")
    }))
})

describe("a caller who", () => {
  const quick = { endpointing: { ...definition.endpointing, trailing: 3000 } }
  const states: ReadonlyArray<{
    readonly name: string
    readonly plan?: (fake: FakeEngines.FakeEngines) => void
    readonly until: (call: Effect.Success<ReturnType<typeof open>>) => Effect.Effect<unknown>
  }> = [
    { name: "the detector is being opened", plan: ({ open }) => open.next(FakeEngines.hangs), until: (call) => call.quiet(500) },
    { name: "the greeting is being made", plan: ({ speak }) => speak.next(FakeEngines.hangs), until: (call) => call.quiet(500) },
    { name: "the greeting is being said", until: (call) => call.quiet(500) },
    { name: "nothing happens", until: (call) => call.quiet(2000) },
    { name: "a voice has begun", until: (call) => Effect.andThen(call.quiet(2000), call.voice(300)) },
    { name: "a recognizer is slow to begin", plan: ({ begin }) => begin.next(FakeEngines.hangs), until: (call) => Effect.andThen(call.quiet(2000), call.voice(300)) },
    { name: "a recognizer is behind", plan: ({ push }) => push.next(FakeEngines.hangs), until: (call) => Effect.andThen(call.quiet(2000), call.voice(300)) },
    { name: "the detector is being asked", plan: ({ judge }) => judge.next({}, {}, FakeEngines.hangs), until: (call) => Effect.andThen(call.quiet(2000), call.voice(300)) },
    { name: "the voice has just stopped", until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(100))) },
    { name: "a transcript is being made", plan: ({ transcribe }) => transcribe.always(FakeEngines.hangs), until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(200))) },
    { name: "a transcript is late", plan: ({ transcribe }) => transcribe.always(FakeEngines.hangs), until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(1000))) },
    { name: "a reply is made in the pause", plan: ({ hear, reply }) => {
      hear({ text: "a story", ending: "trailing" })
      reply.always(FakeEngines.hangs)
    }, until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(1000))) },
    { name: "speech is made in the pause", plan: ({ hear, speak }) => {
      hear({ text: "a story", ending: "trailing" })
      speak.next({}, FakeEngines.slow(500, 500))
    }, until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(1000))) },
    { name: "a reply is waited for", plan: ({ hear, reply }) => {
      hear("a story")
      reply.always(FakeEngines.hangs)
    }, until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(1000))) },
    { name: "the agent is speaking", plan: ({ hear }) => hear("a story"), until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(1000))) },
    { name: "the agent is speaking and still writing", plan: ({ hear, reply }) => {
      hear("a story")
      reply.always({ each: 200 })
    }, until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(2000))) },
    { name: "the agent was interrupted", plan: ({ hear }) => hear("a story"), until: (call) =>
      Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), Effect.andThen(call.quiet(1000), call.voice(400)))) },
    { name: "the agent has gone on", plan: ({ hear }) => hear("a story"), until: (call) =>
      Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), Effect.andThen(call.quiet(1000), Effect.andThen(call.voice(400), call.quiet(700))))) },
    { name: "there is an apology", plan: ({ hear, reply }) => {
      hear("a story")
      reply.always(FakeEngines.fails())
    }, until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(700))) },
    { name: "keys are pending", until: (call) => Effect.andThen(call.quiet(2000), call.press("1")) },
    { name: "the agent asks whether they are there", until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.gap(8000), call.quiet(200))) },
    { name: "the agent says goodbye", until: (call) =>
      Effect.andThen(call.quiet(2000), Effect.andThen(call.gap(10_000), Effect.andThen(call.gap(10_000), call.quiet(200)))) },
    { name: "the agent has hung up", plan: ({ answer, hear }) => {
      hear("goodbye")
      answer("goodbye", [{ _tag: "Text", text: "Bye." }, { _tag: "HangUp" }])
    }, until: (call) => Effect.andThen(call.quiet(2000), Effect.andThen(call.voice(300), call.quiet(2000))) }
  ]

  it.effect.each(states)("hangs up when $name leaves nothing behind", ({ name, plan, until }) =>
    Effect.gen(function*() {
      const call = yield* open({
        definition: quick,
        plan: (fake) => {
          fake.answer("a story", story)
          plan?.(fake)
        }
      })
      yield* until(call)
      yield* settle
      yield* call.hangUp
      assert.strictEqual(yield* call.unfinished, 0)
      assert.strictEqual(call.published.at(-1)?._tag, "Ended")
      assert.strictEqual(call.tales("Ended").length, 1)
      assert.deepStrictEqual(call.tales("Ended")[0].reason, name === "the agent has hung up" ? "goodbye" : "callerHungUp")
      assert.strictEqual(call.events.at(-1)?._tag, "HungUp")
      // Each utterance whose start was reported has its end reported.
      const heard = call.tales("AgentHeard").map(({ turn }) => turn)
      for (const { turn } of call.tales("AgentSays")) assert.include(heard, turn)
      assert.strictEqual(new Set(heard).size, heard.length)
      const before = { events: call.events.length, left: call.left.length, published: call.published.length }
      yield* pass(60_000)
      assert.deepStrictEqual({ events: call.events.length, left: call.left.length, published: call.published.length }, before)
      assert.strictEqual(yield* call.unfinished, 0)
    }))

  it.effect("only coughs, or never stops speaking, does not keep the call forever", () =>
    Effect.gen(function*() {
      const coughs = yield* greeted()
      for (let time = 0; time < 14; time++) {
        yield* coughs.voice(200)
        yield* coughs.quiet(1800)
      }
      assert.isTrue(coughs.isCut())
      assert.deepStrictEqual(coughs.tales("Ended").map(({ reason }) => reason), ["idle"])
      assert.deepStrictEqual(yield* coughs.outcomes(coughs.reply), [])

      const talks = yield* greeted({ definition: { maxDuration: 60_000 } })
      talks.hear("and so on")
      yield* talks.voice(55_000)
      assert.deepStrictEqual(yield* talks.outcomes(talks.reply), [])
      assert.isTrue(talks.isCut())
      assert.deepStrictEqual(talks.tales("Ended").map(({ reason }) => reason), ["maxDuration"])
    }))
})

describe("a defect", () => {
  it.effect("ends the outgoing sound, so that the caller is not left on a dead line", () =>
    Effect.gen(function*() {
      const fake = FakeEngines.make()
      const line = yield* FakeLine.make
      const conversation = yield* Conversation.open(definition, fake.engines, {
        ...line.end,
        publish: ({ _tag }) => _tag === "AgentSays" ? Effect.die("a mistake") : Effect.void
      })
      const exit = yield* Effect.exit(Stream.runDrain(conversation.outboundItems))
      assert.isTrue(Exit.hasDies(exit))
    }))
})
