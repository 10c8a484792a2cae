/**
 * A stalled network delivers the caller's sound late and all at once. The conversation must be the same as without the stall:
 * the same words, once, and no apology.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Ref, Scope } from "effect"
import type { Pcm } from "../../../src/audio/Pcm.ts"
import * as Conversation from "../../../src/conversation/Conversation.ts"
import * as FakeEngines from "../../support/engines/FakeEngines.ts"
import * as FakeLine from "../../support/conversation/FakeLine.ts"
import { definition } from "../../support/conversation/AgentDefinitions.ts"

const open = Effect.gen(function*() {
  const fake = FakeEngines.make()
  const line = yield* FakeLine.make
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  /** The sound that the recognizer got, in order. */
  const recognized: Array<number> = []
  const begin = Effect.map(fake.engines.recognizer.begin, (utterance) => ({
    ...utterance,
    push: (pcm: Pcm<8000>) => Effect.andThen(Effect.sync(() => void recognized.push(...pcm)), utterance.push(pcm))
  }))
  const engines = { ...fake.engines, recognizer: { begin } }
  const conversation = yield* Scope.provide(Conversation.open(definition, engines, line.end), scope)
  yield* Scope.provide(line.play(conversation), scope)
  fake.hear("what is new")
  fake.answer("what is new", "Nothing at all, I am afraid. Ask me again.")
  return { ...fake, ...line, recognized }
})
type Call = Effect.Success<typeof open>

/** The caller hears the greeting, asks, and hears the answer. The network delays the sound between two moments, ms. */
const talk = (call: Call, from: number, to: number) =>
  Effect.gen(function*() {
    const step = (at: number) => at >= 2000 && at < 3200 ? call.voice(20) : call.quiet(20)
    const pass = (first: number, last: number) =>
      Effect.gen(function*() {
        for (let at = first; at < last; at += 20) yield* step(at)
      })
    yield* pass(0, from)
    yield* call.stall(pass(from, to))
    yield* pass(to, Math.max(9000, to + 4000))
  })

const outcome = (call: Call) =>
  Effect.map(Ref.get(call.push.requests), (pushes) => ({
    said: call.tales("CallerSaid").map(({ text }) => text),
    heard: call.tales("AgentHeard").map(({ text }) => text),
    troubles: call.tales("EngineTrouble").length,
    bargeIns: call.tales("BargeIn").length,
    /** When each voice started and stopped. */
    voices: call.events.flatMap((event) => event._tag === "VoiceStarted" || event._tag === "VoiceStopped" ? [event.since] : []),
    /** How much sound the recognizer got before the turn was over, ms. */
    recognized: pushes.reduce((sum, { asked }) => sum + asked, 0) / 8
  }))

/** The caller speaks from 2000 to 3200 ms. */
const moments = [
  ["before the utterance", 1000],
  ["at its begin", 1980],
  ["in its middle", 2600],
  ["at its end", 3180],
  ["in the pause after it", 3300],
  ["in the agent's answer", 4600]
] as const
const lengths = [200, 600, 1500, 2500, 5000]
const stalls = moments.flatMap(([where, from]) => lengths.map((length) => ({ where, from, length })))

describe("a network that stalls", () => {
  it.effect.each(stalls)("for $length ms $where changes no word", ({ from, length }) =>
    Effect.gen(function*() {
      const plain = yield* open
      yield* talk(plain, 0, 0)
      const { recognized: expected, ...others } = yield* outcome(plain)
      const call = yield* open
      yield* talk(call, from, from + length)
      const { recognized, ...rest } = yield* outcome(call)
      assert.deepStrictEqual(rest, others)
      // Pauses are measured in media time, so the recognizer gets the same sound. The endpoint in real time may add or remove a window.
      assert.closeTo(recognized, expected, 40)
    }))

  it.effect.each([20, 100, 500, 1000])("delivers an utterance in messages of %i ms: it is heard once, from its beginning", (length) =>
    Effect.gen(function*() {
      const call = yield* open
      yield* call.quiet(2000)
      for (let at = 0; at < 1000; at += length) yield* call.inOneMessage(call.voice(length))
      for (let at = 0; at < 3000; at += length) yield* call.inOneMessage(call.quiet(length))
      const voiced = call.recognized.filter((sample) => sample !== 0).length / 8
      // A voice of at least a quarter of a second has closures, see `FakeLine`.
      assert.closeTo(voiced, length < 240 ? 1000 : 920, 10, "each sound of the voice, and none of it twice")
      assert.isAtLeast(call.recognized.findIndex((sample) => sample !== 0), 8 * (480 - 96), "with the silence before it")
      const started = call.events.find(({ _tag }) => _tag === "VoiceStarted")
      assert.closeTo(started?._tag === "VoiceStarted" ? started.since : NaN, 2000, 20)
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text }) => text), ["what is new"])
    }))

  it.effect("does not make the agent speak over words that it has held up", () =>
    Effect.gen(function*() {
      const call = yield* open
      yield* call.quiet(2000)
      yield* call.voice(400)
      // A short pause for breath, and the rest of the sentence, are held up.
      yield* call.stall(Effect.andThen(call.quiet(160), Effect.andThen(call.voice(400), call.quiet(1000))))
      assert.deepStrictEqual(call.events.filter(({ _tag }) => _tag === "MediaSent").length, 1, "only the greeting had left before it came")
      yield* call.quiet(4000)
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text }) => text), ["what is new"])
      assert.strictEqual(call.tales("BargeIn").length, 0)
    }))

  it.effect("delivers an interruption late: it stops the agent, and is heard from its first word", () =>
    Effect.gen(function*() {
      const call = yield* open
      yield* call.quiet(2000)
      yield* call.voice(600)
      yield* call.quiet(1200)
      call.hear("stop please")
      call.answer("stop please", "As you like.")
      yield* call.stall(Effect.andThen(call.voice(800), call.quiet(200)))
      yield* call.quiet(3000)
      assert.strictEqual(call.tales("BargeIn").length, 1)
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text }) => text), ["what is new", "stop please"])
    }))

  it.effect("does not make the agent ask whether a delayed caller is still there", () =>
    Effect.gen(function*() {
      const call = yield* open
      yield* call.quiet(8000)
      // When the stall begins, the caller has been silent for 7 s of the 8 s after which the agent asks.
      yield* call.stall(Effect.andThen(call.quiet(600), Effect.andThen(call.voice(600), call.quiet(2000))))
      yield* call.quiet(3000)
      assert.deepStrictEqual(call.tales("CallerSaid").map(({ text }) => text), ["what is new"])
      assert.notInclude(call.tales("AgentSays").map(({ text }) => text), definition.lines.idle)
    }))
})
