import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue, Scheduler } from "effect"
import * as NextTickScheduler from "../../../src/runtime/NextTickScheduler.ts"

const prompt = Effect.provide(NextTickScheduler.layer)

/** A list to which the event loop's next turn adds itself, and the tests their events. */
const story = Effect.sync(() => {
  const events: Array<string> = []
  const turn = new Promise<void>((resolve) =>
    setImmediate(() => {
      events.push("next turn")
      resolve()
    })
  )
  return { events, turn }
})

describe("the prompt scheduler", () => {
  it.live("runs forks and queues before the event loop's next turn", () =>
    Effect.gen(function*() {
      const { events, turn } = yield* story
      const first = yield* Queue.unbounded<string>()
      const second = yield* Queue.unbounded<string>()
      yield* Effect.forkChild(Effect.forever(Effect.flatMap(Queue.take(first), (item) => Queue.offer(second, `${item}, passed on`))))
      yield* Effect.forkChild(Effect.flatMap(Queue.take(second), (item) => Effect.sync(() => events.push(item))))
      yield* Effect.forkChild(Queue.offer(first, "offered"))
      yield* Effect.promise(() => turn)
      assert.deepStrictEqual(events, ["offered, passed on", "next turn"])
    }).pipe(prompt))

  it.live("is needed: Effect's own scheduler takes a turn of the event loop for each fork", () =>
    Effect.gen(function*() {
      const { events, turn } = yield* story
      yield* Effect.forkChild(Effect.forkChild(Effect.sync(() => events.push("forked twice"))))
      yield* Effect.promise(() => turn)
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      assert.strictEqual(events[0], "next turn")
    }))

  it.live("lets sockets and timers run beside a fiber that never waits", () =>
    Effect.gen(function*() {
      let hasTurned = false
      let yields = 0
      // Bounded, so that a scheduler that starves the event loop fails this test instead of hanging it.
      const maxYields = 100_000
      setImmediate(() => {
        hasTurned = true
      })
      yield* Effect.repeat(Effect.sync(() => yields++).pipe(Effect.andThen(Effect.yieldNow)), { while: () => !hasTurned && yields < maxYields })
      assert.isTrue(hasTurned)
      assert.isBelow(yields, maxYields)
    }).pipe(prompt))

  it.live("runs any number of tasks in the order in which they came", () =>
    Effect.gen(function*() {
      const dispatcher = (yield* Scheduler.Scheduler).makeDispatcher()
      const order: Array<number> = []
      const others = Array.from({ length: 1000 }, () => 0)
      const scheduler = yield* Scheduler.Scheduler
      for (const index of others.keys()) scheduler.makeDispatcher().scheduleTask(() => order.push(index), 0)
      dispatcher.scheduleTask(() => order.push(1000), 0)
      while (order.length < 1001) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.deepStrictEqual(order, [...order.keys()])
    }).pipe(prompt))

  it.live("runs each task once, also after a flush", () =>
    Effect.gen(function*() {
      const dispatcher = (yield* Scheduler.Scheduler).makeDispatcher()
      let done = 0
      dispatcher.scheduleTask(() => done++, 0)
      dispatcher.flush()
      assert.strictEqual(done, 1)
      dispatcher.scheduleTask(() => done++, 0)
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.strictEqual(done, 2)
    }).pipe(prompt))

  it.live("runs the other tasks when one throws", () =>
    Effect.gen(function*() {
      const scheduler = yield* Scheduler.Scheduler
      const thrown = new Promise<unknown>((resolve) => process.setUncaughtExceptionCaptureCallback(resolve))
      let done = 0
      scheduler.makeDispatcher().scheduleTask(() => {
        throw new Error("a mistake")
      }, 0)
      scheduler.makeDispatcher().scheduleTask(() => done++, 0)
      const error = yield* Effect.promise(() => thrown)
      process.setUncaughtExceptionCaptureCallback(null)
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.strictEqual(error instanceof Error && error.message, "a mistake")
      assert.strictEqual(done, 1)
    }).pipe(prompt))
})
