import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { EngineFailed } from "../../../../../src/conversation/ports/Engine.ts"
import { RequestedModel } from "../../../../../src/engines/openai/client/RequestedModel.ts"

const failure = (reason: EngineFailed["reason"]) => new EngineFailed({ stage: "replyModel", reason, advice: "Look into the log." })

type Answer = string | undefined | EngineFailed["reason"]

/** The model of a server that gives these answers when its list is read. A string that is no reason is the first model. */
const setUp = (configured: string | undefined, ...answers: ReadonlyArray<Answer>) => {
  let asked = 0
  const reasons = new Set<Answer>(["timeout", "unavailable", "refused", "broken"])
  const readFirst = Effect.suspend(() => {
    const answer = answers[asked++]
    return reasons.has(answer) ? Effect.fail(failure(answer as EngineFailed["reason"])) : Effect.succeed(Option.fromUndefinedOr(answer))
  })
  const model = new RequestedModel(Option.fromUndefinedOr(configured), readFirst)
  return { model, name: Effect.map(model.name, Option.getOrUndefined), asked: () => asked }
}

describe("the model's name in requests", () => {
  it.effect("is the configured one, whatever the server lists", () =>
    Effect.gen(function*() {
      const { asked, model, name } = setUp("whisper-1")
      model.noteFirst(Option.some("other"))
      model.noteFailure(failure("refused"))
      assert.strictEqual(yield* name, "whisper-1")
      assert.strictEqual(asked(), 0)
    }))

  it.effect("is the first of the server's list, which is read once", () =>
    Effect.gen(function*() {
      const { asked, model, name } = setUp(undefined, "gemma", "other")
      assert.deepStrictEqual([yield* name, yield* name], ["gemma", "gemma"])
      model.noteFirst(Option.some("other"))
      model.noteFailure(failure("refused"))
      assert.strictEqual(yield* name, "gemma")
      assert.strictEqual(asked(), 1)
    }))

  for (const answer of [undefined, "refused", "broken", "timeout"] as const) {
    it.effect(`is none if the list is ${answer ?? "empty"}, until a request without a name is refused`, () =>
      Effect.gen(function*() {
        const { asked, model, name } = setUp(undefined, answer, "gemma")
        assert.deepStrictEqual([yield* name, yield* name], [undefined, undefined])
        model.noteFailure(failure("broken"))
        assert.strictEqual(yield* name, undefined)
        assert.strictEqual(asked(), 1)
        model.noteFailure(failure("refused"))
        assert.strictEqual(yield* name, "gemma")
      }))
  }

  it.effect("is asked for again if the server could not be reached", () =>
    Effect.gen(function*() {
      const { name } = setUp(undefined, "unavailable", "gemma")
      assert.deepStrictEqual([yield* name, yield* name], [undefined, "gemma"])
    }))
})
