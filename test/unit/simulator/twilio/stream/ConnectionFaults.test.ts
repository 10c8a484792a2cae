import { assert, describe, it } from "@effect/vitest"
import { type Cause, Clock, Effect, Fiber, Queue } from "effect"
import { TestClock } from "effect/testing"
import type { Faults } from "../../../../../src/simulator/twilio/Faults.ts"
import { ConnectionFaults } from "../../../../../src/simulator/twilio/stream/ConnectionFaults.ts"
import type { Incoming, WebSocketClient } from "../../../../../src/simulator/twilio/stream/WebSocketClient.ts"

/** Runs the faults on a wire that notes each call of its methods. */
const run = Effect.fnUntraced(function*(faults: Faults) {
  const clock = yield* Clock.Clock
  const done: Array<string> = []
  const note = (what: string) => void done.push(`${what} at ${clock.currentTimeMillisUnsafe()}`)
  const wire: WebSocketClient = {
    incoming: yield* Queue.make<Incoming, Cause.Done>(),
    closed: Effect.never,
    send: (text) => note(`send ${text.length}`),
    sendBinary: () => note("sendBinary"),
    close: () => Effect.sync(() => note("close")),
    cut: (how) => note(how === undefined ? "cut" : `cut ${how}`),
    hold: () => note("hold"),
    release: () => note("release"),
    pause: () => note("pause"),
    resume: () => note("resume")
  }
  const connection = new ConnectionFaults(wire, faults)
  const running = yield* Effect.forkChild(connection.run, { startImmediately: true })
  return { connection, running, done }
})

describe("the faults of a connection", () => {
  it.effect("do nothing if none is set, and never end by themselves", () =>
    Effect.gen(function*() {
      const { connection, done, running } = yield* run({})
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(done, [])
      assert.isFalse(connection.wasCut)
      assert.isUndefined(running.pollUnsafe())
    }))

  it.effect("happen each at its own time, side by side", () =>
    Effect.gen(function*() {
      const { connection, done } = yield* run({
        stall: { atMillis: 100, forMillis: 1000 },
        slowReader: { atMillis: 300, forMillis: 100 },
        suddenClose: { atMillis: 700, how: "reset" }
      })
      yield* TestClock.adjust("699 millis")
      assert.isFalse(connection.wasCut)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(done, ["hold at 100", "pause at 300", "resume at 400", "cut reset at 700", "release at 1100"])
      assert.isTrue(connection.wasCut)
    }))

  it.effect("that are interrupted within a stall release what the stall held up", () =>
    Effect.gen(function*() {
      const { done, running } = yield* run({ stall: { atMillis: 100, forMillis: 10_000 } })
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(done, ["hold at 100", "release at 2000"])
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(done.length, 2)
    }))

  it.effect("send an oversized message once, of two mebibytes or the given size", () =>
    Effect.gen(function*() {
      const usual = yield* run({ oversized: { atMillis: 50 } })
      const small = yield* run({ oversized: { atMillis: 50, bytes: 1000 } })
      yield* TestClock.adjust("1 minute")
      const envelope = `{"event":"media","padding":""}`.length
      assert.deepStrictEqual(usual.done, [`send ${2 * 1024 * 1024 + envelope} at 50`])
      assert.deepStrictEqual(small.done, [`send ${1000 + envelope} at 50`])
    }))
})
