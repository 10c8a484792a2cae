import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import { EngineFailed } from "../../../../../../src/conversation/ports/Engine.ts"
import type { OpenAiClient } from "../../../../../../src/engines/openai/client/OpenAiClient.ts"
import { WindowLookUp } from "../../../../../../src/engines/openai/chat/context/WindowLookUp.ts"

const unreachable = new EngineFailed({ stage: "replyModel", reason: "unavailable", advice: "Start the server." })

/** What `/models` and `/api/ps` answer; other pages are empty. */
type Pages = { readonly models?: object; readonly running?: object } | "unreachable"

/** A server with these answers, one for each question; the last answer is repeated. */
const setUp = (answers: ReadonlyArray<Pages>, options: { readonly isNeeded?: boolean; readonly wait?: Effect.Effect<void> } = {}) => {
  let questions = 0
  const windows: Array<number> = []
  const endpoint: OpenAiClient = {
    stage: "replyModel",
    url: new URL("http://127.0.0.1:8000/v1"),
    model: Effect.succeed(Option.some("m")),
    post: () => Effect.die("post"),
    count: () => Effect.void,
    warm: () => Effect.die("warm"),
    get: (path) =>
      Effect.gen(function*() {
        if (path === "/models") questions++
        yield* options.wait ?? Effect.void
        const pages = answers[Math.min(questions, answers.length) - 1]
        if (pages === "unreachable") return yield* unreachable
        const page = path === "/models" ? pages.models : path === "/api/ps" ? pages.running : undefined
        return { headers: {} as never, contentType: "application/json", body: Stream.make(new TextEncoder().encode(JSON.stringify(page ?? {}))) }
      })
  }
  const lookUp = new WindowLookUp({ endpoint, isNeeded: options.isNeeded ?? true, onWindow: (tokens) => void windows.push(tokens) })
  return { lookUp, windows, questions: () => questions }
}

const window = { models: { data: [{ id: "m", max_model_len: 8192 }] } }

describe("the look-up of the context window", () => {
  it.effect("asks until the server names the window, and never again", () =>
    Effect.gen(function*() {
      const { lookUp, questions, windows } = setUp([{}, window])
      for (let count = 0; count < 4; count++) yield* lookUp.run
      assert.deepStrictEqual([windows, questions(), lookUp.isOver], [[8192], 2, true])
    }))

  it.effect("is over after three answers without a window", () =>
    Effect.gen(function*() {
      const { lookUp, questions, windows } = setUp([{}])
      for (let count = 0; count < 5; count++) {
        assert.strictEqual(lookUp.isOver, count >= 3)
        yield* lookUp.run
      }
      assert.deepStrictEqual([windows, questions()], [[], 3])
    }))

  it.effect("goes on while the server can't be reached, and never fails", () =>
    Effect.gen(function*() {
      const { lookUp, windows } = setUp([...Array.from({ length: 5 }, () => "unreachable" as const), window])
      for (let count = 0; count < 6; count++) yield* lookUp.run
      assert.deepStrictEqual(windows, [8192])
    }))

  it.effect("is over if the server cuts prompts silently", () =>
    Effect.gen(function*() {
      const { lookUp, questions, windows } = setUp([{ running: { models: [{ name: "m" }] } }])
      yield* lookUp.run
      yield* lookUp.run
      assert.deepStrictEqual([windows, questions(), lookUp.isOver], [[], 1, true])
    }))

  it.effect("asks one question at a time, and again after an interruption", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { lookUp, questions, windows } = setUp([window], { wait: Deferred.await(gate) })
      const first = yield* Effect.forkChild(lookUp.run, { startImmediately: true })
      yield* lookUp.run
      assert.strictEqual(questions(), 1)
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(gate, undefined)
      yield* lookUp.run
      assert.deepStrictEqual([windows, questions()], [[8192], 2])
    }))

  it.effect("asks nothing if the configuration names the window", () =>
    Effect.gen(function*() {
      const { lookUp, questions } = setUp([window], { isNeeded: false })
      yield* lookUp.run
      assert.deepStrictEqual([questions(), lookUp.isOver], [0, true])
    }))
})
