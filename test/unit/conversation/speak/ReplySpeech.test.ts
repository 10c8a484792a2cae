import { assert, describe, it } from "@effect/vitest"
import { type Cause, Effect, Queue, Stream } from "effect"
import type { SpeechRequest } from "../../../../src/conversation/ports/TextToSpeech.ts"
import * as SpeechContext from "../../../../src/conversation/speak/context/SpeechContext.ts"
import type { Outgoing } from "../../../../src/conversation/speak/Outgoing.ts"
import * as ReplySpeech from "../../../../src/conversation/speak/ReplySpeech.ts"
import type { UntimedTurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"
import * as FakeEngines from "../../../support/engines/FakeEngines.ts"
import { settle } from "../../../support/service/Time.ts"

const setUp = Effect.fnUntraced(function*(context?: SpeechContext.SpeechContext) {
  const fake = FakeEngines.make()
  const out = yield* Queue.bounded<Outgoing, Cause.Done>(2)
  const left: Array<string> = []
  const reports: Array<UntimedTurnEvent> = []
  const requests: Array<SpeechRequest> = []
  yield* Effect.forkScoped(Stream.runForEach(Stream.fromQueue(out), (item) =>
    Effect.sync(() => {
      if (item.isWanted()) left.push(`${item.reply}/${item.segment} ${item._tag}${item._tag === "Mark" && item.isFiller ? " of a filler" : ""}`)
    })))
  const speech = yield* ReplySpeech.make({
    textToSpeech: {
      ...fake.engines.textToSpeech,
      speak: (request) => {
        requests.push(request)
        return fake.engines.textToSpeech.speak(request)
      }
    },
    voice: { language: "en", voice: "anna" },
    timeout: 4000,
    out,
    report: (event) => void reports.push(event),
    ...(context === undefined ? {} : { context })
  })
  return { speech, left, reports, requests }
})

describe("a reply's speech", () => {
  it.effect("is requested in the agent's voice, and leaves when the reply is released", () =>
    Effect.gen(function*() {
      const { left, requests, speech } = yield* setUp()
      yield* speech.speak(1, 0, "Hi.", "line")
      yield* settle
      assert.deepStrictEqual(requests, [{ text: "Hi.", language: "en", voice: "anna" }])
      assert.deepStrictEqual(left, [])
      yield* speech.release(1)
      yield* settle
      assert.deepStrictEqual([left[0], left.at(-1)], ["1/0 Sound", "1/0 Mark"])
    }))

  it.effect("does not leave when the reply is dropped, and does not hold up another reply", () =>
    Effect.gen(function*() {
      const { left, speech } = yield* setUp()
      yield* speech.speak(1, 0, "One.", "reply")
      yield* speech.speak(2, 0, "Two.", "filler")
      yield* settle
      yield* speech.drop(1)
      yield* speech.release(2)
      yield* settle
      assert.isAbove(left.length, 1)
      assert.isTrue(left.every((item) => item.startsWith("2/0")))
      assert.strictEqual(left.at(-1), "2/0 Mark of a filler")
    }))
})

describe("a voice that uses the turns before", () => {
  it.effect("gets them with the words of a reply, but not with fixed lines", () =>
    Effect.gen(function*() {
      const context = SpeechContext.make(10_000)
      const { requests, speech } = yield* setUp(context)
      context.beginUtterance()
      context.hear(new Int16Array(800))
      speech.onReplyStarted(1, "what is new")
      yield* speech.speak(1, 0, "Nothing.", "reply")
      yield* speech.speak(2, 0, "Older.", "reply")
      yield* speech.speak(3, 0, "One moment.", "filler")
      yield* settle
      const contexts = new Map(requests.map(({ context, text }) => [text, context?.map(({ role, text }) => `${role} ${text}`)]))
      assert.deepStrictEqual(contexts.get("Nothing."), ["caller what is new"])
      assert.isUndefined(contexts.get("Older."), "it does not answer the newest words")
      assert.isUndefined(contexts.get("One moment."))
    }))

  it.effect("adds its own sound to them, as far as the caller heard it", () =>
    Effect.gen(function*() {
      const context = SpeechContext.make(10_000)
      const { speech } = yield* setUp(context)
      yield* speech.speak(1, 0, "Nothing.", "reply")
      yield* settle
      context.agentHeard(1, "Nothing.")
      assert.deepStrictEqual(context.read().map(({ role, text }) => [role, text]), [["agent", "Nothing."]])
    }))
})
