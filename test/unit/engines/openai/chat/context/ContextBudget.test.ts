import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import type { EngineFailed } from "../../../../../../src/conversation/ports/Engine.ts"
import { ContextBudget, type FullRequest } from "../../../../../../src/engines/openai/chat/context/ContextBudget.ts"
import * as Dialect from "../../../../../../src/engines/openai/chat/Dialect.ts"
import type { OpenAiClient } from "../../../../../../src/engines/openai/client/OpenAiClient.ts"
import * as ServerError from "../../../../../../src/engines/openai/client/ServerError.ts"

const url = new URL("http://127.0.0.1:8000/v1")

/** A server that publishes no window. `asked` counts how often it was asked. */
const setUp = Effect.fnUntraced(function*(window?: number) {
  let asked = 0
  const endpoint: OpenAiClient = {
    stage: "replyModel",
    url,
    model: Effect.succeed(Option.some("m")),
    post: () => Effect.die("post"),
    count: () => Effect.void,
    warm: () => Effect.die("warm"),
    get: (path) =>
      Effect.sync(() => {
        if (path === "/models") asked++
        return { headers: {} as never, contentType: "application/json", body: Stream.make(new TextEncoder().encode("{}")) }
      })
  }
  const budget = new ContextBudget({ endpoint, window, scope: yield* Effect.scope })
  return { budget, asked: () => asked }
})

/** A call of this many turns, of about 27 estimated tokens each. */
const callOf = (turns: number, more: Partial<FullRequest> = {}): FullRequest => ({
  system: "Answer.",
  request: {
    history: Array.from({ length: turns }, (_, at) => ({ role: at % 2 === 0 ? "caller" as const : "agent" as const, text: `${at} ${"words ".repeat(16)}` }))
  },
  dialect: Dialect.expectedOf("m", "auto"),
  tools: [],
  isRepeatable: () => false,
  answerTokens: 100,
  usualAnswerTokens: 100,
  unfinishedText: undefined,
  ...more
})

const refusal = (message: string): EngineFailed => ServerError.failure({ server: { stage: "replyModel", url }, status: 400, body: { error: { message } }, sent: "" })

const withFigures = refusal("This model's maximum context length is 1000 tokens.")
const withoutFigures = refusal("The prompt is too long for the context size.")

const refuse = (budget: ContextBudget, error: EngineFailed, full: FullRequest) =>
  Effect.suspend(() => budget.learnFromRefusal(error, budget.overflowOf(error)!, budget.fit(full), full))

describe("a long call", () => {
  it.effect("is sent whole while no window is known", () =>
    Effect.gen(function*() {
      const { budget } = yield* setUp()
      const fitted = budget.fit(callOf(201))
      assert.strictEqual(fitted.dropped, 0)
      assert.isAbove(fitted.prompt, 5000)
    }))

  it.effect("loses its oldest turns if the configuration names a window, but keeps its answer's tokens", () =>
    Effect.gen(function*() {
      const { budget } = yield* setUp(1000)
      const fitted = budget.fit(callOf(201))
      assert.isAbove(fitted.dropped, 100)
      assert.isAtMost(fitted.prompt + fitted.answer, 1000)
      assert.strictEqual(fitted.answer, 100)
      assert.include(JSON.stringify(fitted.messages.at(-1)), "200 words")
    }))

  it.effect("is cut in the same place for a longer answer", () =>
    Effect.gen(function*() {
      const { budget } = yield* setUp(1000)
      assert.strictEqual(budget.fit(callOf(201, { answerTokens: 300 })).dropped, budget.fit(callOf(201)).dropped)
    }))

  it.effect("is cut for all calls after one refusal that names the window", () =>
    Effect.gen(function*() {
      const { asked, budget } = yield* setUp()
      yield* refuse(budget, withFigures, callOf(201))
      const fitted = budget.fit(callOf(151))
      assert.isAbove(fitted.dropped, 0)
      assert.isAtMost(fitted.prompt + fitted.answer, 1000)
      assert.strictEqual(asked(), 0)
    }))

  it.effect("becomes shorter by a tenth after each refusal without figures, and asks for the window once", () =>
    Effect.gen(function*() {
      const { asked, budget } = yield* setUp()
      let before = budget.fit(callOf(201))
      for (let count = 0; count < 3; count++) {
        yield* refuse(budget, withoutFigures, callOf(201))
        const after = budget.fit(callOf(201))
        assert.isAtMost(after.prompt + after.answer, 0.9 * (before.prompt + before.answer))
        before = after
      }
      assert.strictEqual(asked(), 1)
    }))

  it.effect("fails for good if even its newest words do not fit, and does not shorten other calls", () =>
    Effect.gen(function*() {
      const { budget } = yield* setUp()
      const short = callOf(1, { answerTokens: 1 })
      const error = yield* Effect.flip(refuse(budget, withoutFigures, short))
      assert.strictEqual(error.reason, "refused")
      assert.include(error.advice, "OLLAMA_CONTEXT_LENGTH")
      assert.isUndefined(budget.overflowOf(error))
      assert.strictEqual(budget.fit(callOf(201)).dropped, 0)
    }))
})

describe("a refusal", () => {
  it.effect("for another reason than length says nothing about the window", () =>
    Effect.gen(function*() {
      const { budget } = yield* setUp()
      assert.isUndefined(budget.overflowOf(refusal("No such model")))
    }))
})

describe("an accepted request", () => {
  it.effect("that is long leads to a question for the server's window, up to three times", () =>
    Effect.gen(function*() {
      const { asked, budget } = yield* setUp()
      yield* budget.learnFromAnswer(budget.fit(callOf(1)), undefined)
      yield* Effect.yieldNow
      assert.strictEqual(asked(), 0)
      for (let count = 0; count < 5; count++) {
        yield* budget.learnFromAnswer(budget.fit(callOf(201)), undefined)
        for (let step = 0; step < 50; step++) yield* Effect.yieldNow
      }
      assert.strictEqual(asked(), 3)
    }))

  it.effect("makes later requests shorter if the server counts more tokens than estimated", () =>
    Effect.gen(function*() {
      const { budget } = yield* setUp(2000)
      const sent = budget.fit(callOf(201))
      yield* budget.learnFromAnswer(sent, 1.5 * sent.prompt)
      assert.isBelow(budget.fit(callOf(201)).prompt, 0.8 * sent.prompt)
    }))
})
