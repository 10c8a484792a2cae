import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as ConversationFeed from "../../../../../src/call/ConversationFeed.ts"
import * as EventFeed from "../../../../../src/http/api/history/EventFeed.ts"
import { StoreUnreachable } from "../../../../../src/store/CallStore.ts"
import { sidOf } from "../../../../support/store/Writes.ts"

const eventOf = (sequence: number) => ({ _tag: "AgentHeard", at: 20 * sequence, turn: 0, text: `word ${sequence}`, isWhole: true }) as const

/** The history of an ended call with `count` events, two of which come at a time. The first `failures` reads fail. */
const historyOf = (count: number, failures: number) => {
  let reads = 0
  return {
    find: () => Effect.succeed(Option.none()),
    events: (_: unknown, after: number) =>
      Effect.suspend(() => {
        if (reads++ < failures) return Effect.fail(new StoreUnreachable({ cause: "planted" }))
        const sequences = Array.from({ length: count }, (_, sequence) => sequence).filter((sequence) => sequence > after)
        return Effect.succeed(sequences.slice(0, 2).map((sequence) => ({ sequence, event: eventOf(sequence) })))
      })
  }
}

/** The IDs that a client gets within five minutes. */
const idsOf = Effect.fnUntraced(function*(stream: ReturnType<typeof EventFeed.make>) {
  const ids: Array<number | undefined> = []
  const client = yield* Effect.forkChild(Effect.exit(Stream.runForEach(stream, ({ id }) => Effect.sync(() => void ids.push(id)))))
  yield* TestClock.adjust("5 minutes")
  return { ids, exit: yield* Fiber.join(client) }
})

describe("the events of a call", () => {
  it.effect("all come although a read of the history fails now and then", () =>
    Effect.gen(function*() {
      const { exit, ids } = yield* idsOf(EventFeed.make(historyOf(5, 3), sidOf(1), -1, Option.none()))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(ids, [0, 1, 2, 3, 4])
    }))

  it.effect("come from the history if the call's feed no longer holds them, although a read fails", () =>
    Effect.gen(function*() {
      const feed = yield* ConversationFeed.make
      for (let sequence = 0; sequence < 600; sequence++) yield* feed.publish({ event: eventOf(sequence), sequence, isNumbered: true })
      yield* feed.end
      const { exit, ids } = yield* idsOf(EventFeed.make(historyOf(600, 3), sidOf(1), -1, Option.some(feed.events)))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(ids, Array.from({ length: 600 }, (_, sequence) => sequence))
    }))

  it.effect("of a call of this process come while the history can't be read", () =>
    Effect.gen(function*() {
      const feed = yield* ConversationFeed.make
      for (const sequence of [0, 1, 2]) yield* feed.publish({ event: eventOf(sequence), sequence, isNumbered: true })
      const ids: Array<number | undefined> = []
      const stream = EventFeed.make(historyOf(3, Number.POSITIVE_INFINITY), sidOf(1), -1, Option.some(feed.events))
      yield* Effect.forkChild(Stream.runForEach(stream, ({ id }) => Effect.sync(() => void ids.push(id))))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(ids, [0, 1, 2])
    }))

  it.effect("end with a failure, and not like those of an ended call, if the history can't be read for long", () =>
    Effect.gen(function*() {
      const { exit, ids } = yield* idsOf(EventFeed.make(historyOf(5, Number.POSITIVE_INFINITY), sidOf(1), -1, Option.none()))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(ids, [])
    }))
})
