import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import * as ConversationFeed from "../../../src/call/ConversationFeed.ts"
import { settle } from "../../support/service/Time.ts"

const says = (text: string): ConversationFeed.NumberedEvent => ({ event: { _tag: "CallerSays", turn: 1, at: 0, text }, sequence: -1, isNumbered: false })

describe("a call that is watched", () => {
  it.effect("is watched from the first watcher's arrival until the last one leaves", () =>
    Effect.gen(function*() {
      const watch = yield* ConversationFeed.make
      assert.isFalse(watch.isWatched())
      const [one, two] = yield* Effect.all([Effect.forkChild(Stream.runDrain(watch.events)), Effect.forkChild(Stream.runDrain(watch.events))])
      yield* settle
      assert.isTrue(watch.isWatched())
      yield* Fiber.interrupt(one)
      assert.isTrue(watch.isWatched())
      yield* Fiber.interrupt(two)
      assert.isFalse(watch.isWatched())
    }))

  it.effect("sends late watchers all events from the beginning, and is not watched once it is over", () =>
    Effect.gen(function*() {
      const watch = yield* ConversationFeed.make
      yield* watch.publish(says("hello"))
      const fiber = yield* Effect.forkChild(Stream.runCollect(watch.events))
      yield* settle
      yield* watch.publish(says("hello there"))
      yield* watch.end
      const received = yield* Fiber.join(fiber)
      assert.deepStrictEqual(received.map(({ event }) => event._tag === "CallerSays" && event.text), ["hello", "hello there"])
      assert.isFalse(watch.isWatched())
    }))
})
