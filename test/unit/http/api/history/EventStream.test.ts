import { assert, describe, it } from "@effect/vitest"
import { type Cause, Effect, Fiber, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as EventStream from "../../../../../src/http/api/history/EventStream.ts"

const [said, ended] = [
  { _tag: "CallerSaid", at: 1200, turn: 1, text: "Two lines:\none, two" },
  { _tag: "Ended", at: 2000, turn: 1, reason: "hangup" }
]

const inText = (events: Stream.Stream<EventStream.FeedEvent>) => Stream.mkString(Stream.decodeText(EventStream.encode(events)))

describe("the events of a call", () => {
  it.effect("are named by their tag, and come as JSON on one line, in order", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* inText(Stream.make({ event: said, id: 7 }, { event: ended })),
        `id: 7\nevent: CallerSaid\ndata: ${JSON.stringify(said)}\n\nevent: Ended\ndata: ${JSON.stringify(ended)}\n\n`
      )
    }))

  it.effect("have a comment every 15 seconds while nothing happens, and end with the call", () =>
    Effect.gen(function*() {
      const events = yield* Queue.unbounded<EventStream.FeedEvent, Cause.Done>()
      const reader = yield* Effect.forkChild(inText(Stream.fromQueue(events)))
      yield* TestClock.adjust("31 seconds")
      yield* Queue.offer(events, { event: said })
      yield* TestClock.adjust("1 second")
      yield* Queue.end(events)
      assert.strictEqual(yield* Fiber.join(reader), `: still here\n\n: still here\n\nevent: CallerSaid\ndata: ${JSON.stringify(said)}\n\n`)
    }))
})
