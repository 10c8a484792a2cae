import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { EngineFailed } from "../../../../../src/conversation/ports/Engine.ts"
import * as SpokenSentences from "../../../../../src/engines/embedded/flite/SpokenSentences.ts"

const say = (text: string) => ({ voice: "slt", text })

const broken = new EngineFailed({ stage: "textToSpeech", reason: "broken", advice: "" })

/** Sentences of 100 samples each, of which the memory holds three. `made`: their texts, in the order of making. */
const fake = Effect.fnUntraced(function*(synthesise: (text: string) => Effect.Effect<void, EngineFailed> = () => Effect.void) {
  const made: Array<string> = []
  const sentences = yield* SpokenSentences.make({
    maxSamples: 300,
    synthesise: ({ text }) =>
      Effect.andThen(
        synthesise(text),
        Effect.sync(() => {
          made.push(text)
          return new Int16Array(100)
        })
      )
  })
  return { made, sentences }
})

describe("the sentences that were spoken", () => {
  it.effect("are made once, also when several ask at once", () =>
    Effect.gen(function*() {
      const { made, sentences } = yield* fake()
      const sounds = yield* Effect.forEach(["a", "a", "a"], (text) => sentences.speak(say(text)), { concurrency: "unbounded" })
      assert.strictEqual(new Set([...sounds, yield* sentences.speak(say("a"))]).size, 1)
      assert.deepStrictEqual(made, ["a"])
    }))

  it.effect("drop the one that was not used for longest, and never a fixed line", () =>
    Effect.gen(function*() {
      const { made, sentences } = yield* fake()
      yield* sentences.keepForGood(say("fixed"))
      yield* Effect.forEach(["a", "b", "c", "a", "d"], (text) => sentences.speak(say(text)))
      assert.deepStrictEqual(made.splice(0), ["fixed", "a", "b", "c", "d"])
      yield* Effect.forEach(["fixed", "a", "c", "d", "b"], (text) => sentences.speak(say(text)))
      assert.deepStrictEqual(made, ["b"])
    }))

  it.effect("keep a line for good that is being spoken already", () =>
    Effect.gen(function*() {
      const { made, sentences } = yield* fake()
      yield* Effect.all([sentences.speak(say("a")), sentences.keepForGood(say("a"))], { concurrency: "unbounded" })
      yield* Effect.forEach(["b", "c", "d", "e", "a"], (text) => sentences.speak(say(text)))
      assert.deepStrictEqual(made, ["a", "b", "c", "d", "e"])
    }))

  it.effect("are made to the end when the one who asked is gone", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { made, sentences } = yield* fake(() => Deferred.await(gate))
      const gone = yield* Effect.forkChild(sentences.speak(say("a")), { startImmediately: true })
      yield* Fiber.interrupt(gone)
      yield* Deferred.succeed(gate, undefined)
      yield* sentences.speak(say("a"))
      assert.deepStrictEqual(made, ["a"])
    }))

  it.effect("are tried again after a failure", () =>
    Effect.gen(function*() {
      let failures = 1
      const { made, sentences } = yield* fake(() => failures-- > 0 ? Effect.fail(broken) : Effect.void)
      assert.strictEqual(yield* Effect.flip(sentences.speak(say("a"))), broken)
      assert.strictEqual((yield* sentences.speak(say("a"))).length, 100)
      assert.deepStrictEqual(made, ["a"])
    }))
})
