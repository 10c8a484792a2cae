import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Dialect from "../../../../../src/engines/openai/chat/Dialect.ts"
import type { Chunk } from "../../../../../src/engines/openai/chat/ChatStream.ts"
import * as ModelActions from "../../../../../src/engines/openai/chat/ModelActions.ts"
import * as KnownTools from "../../../../../src/engines/openai/chat/output/calls/KnownTools.ts"
import { partsOf, ReplyRound, type ReplyRoundOptions } from "../../../../../src/engines/openai/chat/ReplyRound.ts"

const actions = Result.getOrThrow(ModelActions.make({
  tools: [{ name: "status", description: "Looks up an order.", parameters: { properties: {} }, url: new URL("http://127.0.0.1:1/"), timeout: 1000 }]
}))

const roundOf = (options: Partial<ReplyRoundOptions> = {}) =>
  new ReplyRound({
    actions,
    dialect: Dialect.expectedOf("m", "auto"),
    parser: { tools: KnownTools.make(actions.definitions) },
    maxSpokenCharacters: 1000,
    maxReadCharacters: 2000,
    ...options
  })

const says = (content: string): Chunk => ({ choices: [{ delta: { content } }] })
const ends = (reason: string): Chunk => ({ choices: [{ delta: {}, finish_reason: reason }] })
const calls = (name: string, json: string): Chunk => ({ choices: [{ delta: { tool_calls: [{ index: 0, id: "call_0", function: { name, arguments: json } }] } }] })

/** Takes each chunk on its own, then reads the rest. */
const take = (round: ReplyRound, ...chunks: ReadonlyArray<Chunk>): ReplyRound => {
  for (const chunk of chunks) {
    if (round.isOver) break
    round.take([chunk])
    while (round.hasUnread) round.read()
  }
  if (!round.isOver) round.end()
  return round
}

describe("an answer", () => {
  it("is spoken up to a tool call, but not the tool's answer that the model invents", () => {
    const round = take(roundOf(), says("One moment. <<call:status {}>>"), says("\nIt is on its way."))
    assert.strictEqual(round.spokenText.trim(), "One moment.")
    assert.lengthOf(round.writtenActions, 1)
    assert.isTrue(round.isOver)
  })

  it("has one call if the server sends the written call as a tool call, too", () => {
    const written = "<tool_call>{\"name\":\"status\",\"arguments\":{\"b\":1,\"a\":2}}</tool_call>"
    const twice = take(roundOf(), says(written), calls("status", "{\"a\":2,\"b\":1}"))
    twice.removeRepeatedCalls()
    assert.lengthOf(twice.writtenActions, 0)
    const different = take(roundOf(), says(written), calls("status", "{\"a\":3}"))
    different.removeRepeatedCalls()
    assert.lengthOf(different.writtenActions, 1)
  })

  it("is cut if it is too long to be spoken, or if the server says so", () => {
    const long = take(roundOf({ maxSpokenCharacters: 10 }), says("I would like to tell you a story."))
    assert.deepStrictEqual([long.spokenText, long.cutBy, long.isOver], ["I would li", "limit", true])
    assert.strictEqual(take(roundOf(), says("I would"), ends("length")).cutBy, "limit")
    assert.strictEqual(take(roundOf(), says("I would"), ends("content_filter")).cutBy, "filter")
    assert.isUndefined(take(roundOf(), says("Yes."), ends("stop")).cutBy)
  })

  it("counts as whole if the limit falls into a tool call", () => {
    assert.isUndefined(take(roundOf(), says("One moment."), calls("status", "{"), ends("length")).cutBy)
  })

  it("ends when its thoughts and words reach the limit of reading", () => {
    const round = take(roundOf({ maxReadCharacters: 300 }), says(`<think>${"hmm ".repeat(500)}`))
    assert.deepStrictEqual([round.isOver, round.cutBy, round.spokenText], [true, "limit", ""])
  })

  it("is read in pieces if one delta is very long, so that other calls are not held up", () => {
    const round = roundOf()
    round.take([says("word ".repeat(100))])
    assert.isTrue(round.hasUnread)
    const read = round.spokenText.length
    assert.isBelow(read, 300)
    while (round.hasUnread) round.read()
    round.end()
    assert.strictEqual(round.spokenText.trim(), "word ".repeat(100).trim())
  })

  it("shows life while the model thinks", () => {
    const round = roundOf()
    round.take([{ choices: [{ delta: { reasoning_content: "Let me see." } }] }])
    assert.deepStrictEqual([round.isThinking, round.hasThoughts, round.hasBegun, round.opensThought], [true, true, true, false])
    round.take([says("Yes.")])
    assert.isFalse(round.isThinking)
  })
})

describe("the parts of an answer", () => {
  it.effect("end 100 ms after the server's reason for the end if the connection stays open", () =>
    Effect.gen(function*() {
      const round = roundOf()
      const chunks = Stream.concat(Stream.fromIterable([says("Yes."), ends("stop")]).pipe(Stream.rechunk(1)), Stream.never)
      const fiber = yield* Effect.forkChild(Stream.runCollect(partsOf(round, chunks)), { startImmediately: true })
      yield* TestClock.adjust("99 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const parts = yield* Fiber.join(fiber)
      assert.strictEqual(parts.map((part) => part._tag === "Text" ? part.text : part._tag).join(""), "Yes.")
    }))

  it.effect("hold the token counts that follow the reason for the end", () =>
    Effect.gen(function*() {
      const round = roundOf()
      const chunks: ReadonlyArray<Chunk> = [says("Yes."), ends("stop"), { choices: [], usage: { prompt_tokens: 12 } }]
      yield* Stream.runDrain(partsOf(round, Stream.fromIterable(chunks).pipe(Stream.rechunk(1))))
      assert.strictEqual(Option.getOrUndefined(round.answered.usage)?.prompt, 12)
    }))
})
