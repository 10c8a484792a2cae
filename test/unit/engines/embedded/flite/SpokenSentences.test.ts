import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { EngineFailed } from "../../../../../src/conversation/ports/Engine.ts"
import * as SpokenSentences from "../../../../../src/engines/embedded/flite/SpokenSentences.ts"

const say = (text: string) => ({ voice: "slt", text })

const broken = new EngineFailed({ stage: "textToSpeech", reason: "broken", advice: "" })

/** Sentences of 100 samples each; the memory holds three. `made`: the texts that were synthesised, in order. */
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

describe("spoken sentences", () => {
  it.effect("are synthesised once, even if several calls need them at once", () =>
    Effect.gen(function*() {
      const { made, sentences } = yield* fake()
      const sounds = yield* Effect.forEach(["a", "a", "a"], (text) => sentences.speak(say(text)), { concurrency: "unbounded" })
      assert.strictEqual(new Set([...sounds, yield* sentences.speak(say("a"))]).size, 1)
      assert.deepStrictEqual(made, ["a"])
    }))

  it.effect("drop the least recently used sentence, but never a fixed line", () =>
    Effect.gen(function*() {
      const { made, sentences } = yield* fake()
      yield* sentences.keepForGood(say("fixed"))
      yield* Effect.forEach(["a", "b", "c", "a", "d"], (text) => sentences.speak(say(text)))
      assert.deepStrictEqual(made.splice(0), ["fixed", "a", "b", "c", "d"])
      yield* Effect.forEach(["fixed", "a", "c", "d", "b"], (text) => sentences.speak(say(text)))
      assert.deepStrictEqual(made, ["b"])
    }))

  it.effect("keep a line for good even if it is just being synthesised", () =>
    Effect.gen(function*() {
      const { made, sentences } = yield* fake()
      yield* Effect.all([sentences.speak(say("a")), sentences.keepForGood(say("a"))], { concurrency: "unbounded" })
      yield* Effect.forEach(["b", "c", "d", "e", "a"], (text) => sentences.speak(say(text)))
      assert.deepStrictEqual(made, ["a", "b", "c", "d", "e"])
    }))

  it.effect("are synthesised to the end even if nobody waits any more", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { made, sentences } = yield* fake(() => Deferred.await(gate))
      const gone = yield* Effect.forkChild(sentences.speak(say("a")), { startImmediately: true })
      yield* Fiber.interrupt(gone)
      yield* Deferred.succeed(gate, undefined)
      yield* sentences.speak(say("a"))
      assert.deepStrictEqual(made, ["a"])
    }))

  it.effect("are synthesised again after a failure", () =>
    Effect.gen(function*() {
      let failures = 1
      const { made, sentences } = yield* fake(() => failures-- > 0 ? Effect.fail(broken) : Effect.void)
      assert.strictEqual(yield* Effect.flip(sentences.speak(say("a"))), broken)
      assert.strictEqual((yield* sentences.speak(say("a"))).length, 100)
      assert.deepStrictEqual(made, ["a"])
    }))
})
