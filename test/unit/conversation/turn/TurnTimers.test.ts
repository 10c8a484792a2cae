import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as MediaClock from "../../../../src/conversation/listen/MediaClock.ts"
import type { Timer } from "../../../../src/conversation/turn/TurnEvent.ts"
import * as TurnTimers from "../../../../src/conversation/turn/TurnTimers.ts"
import { settle } from "../../../support/service/Time.ts"

const setUp = Effect.gen(function*() {
  const testClock = yield* Clock.Clock
  const now = () => Number(testClock.monotonicTimeNanosUnsafe()) / 1e6
  const clock = MediaClock.make(now)
  const fired: Array<readonly [Timer, number, at: number]> = []
  const timers = yield* TurnTimers.make({ now, clock, fire: (timer, id) => void fired.push([timer, id, now()]) })
  /** This much sound arrives at once. The timers fire one by one, as in the listener. */
  const hear = (length: number) => {
    clock.onArrival(length)
    clock.advance(length)
    while (timers.fireDue(clock.position()));
  }
  /** Lets time pass, with frames or without. */
  const pass = (millis: number, isHeard = true) =>
    Effect.gen(function*() {
      for (let passed = 0; passed < millis; passed += 20) {
        yield* Effect.andThen(settle, TestClock.adjust("20 millis"))
        if (isHeard) hear(20)
      }
    })
  return { ...timers, fired, hear, pass }
})

describe("TurnTimers", () => {
  it.effect("fire on time on a steady line", () =>
    Effect.gen(function*() {
      const { fired, pass, start } = yield* setUp
      yield* pass(100)
      yield* start("endpoint", 1, 350)
      yield* start("filler", 2, 250)
      yield* pass(500)
      assert.deepStrictEqual(fired, [["filler", 2, 250], ["endpoint", 1, 350]])
    }))

  it.effect("wait until the sound of their moment has arrived, since it may hold the caller's voice", () =>
    Effect.gen(function*() {
      const { fired, hear, pass, start } = yield* setUp
      yield* pass(100)
      yield* start("endpoint", 1, 350)
      yield* start("idle", 2, 300)
      yield* pass(2000, false)
      assert.deepStrictEqual(fired, [])
      hear(180)
      assert.deepStrictEqual(fired, [])
      hear(1820)
      assert.deepStrictEqual(fired, [["idle", 2, 2100], ["endpoint", 1, 2100]], "in the order of their moments")
      yield* pass(1000)
      assert.strictEqual(fired.length, 2, "each once")
    }))

  it.effect.each(["filler", "limit"] as const)("do not wait for sound if they do not depend on the caller: %s", (timer) =>
    Effect.gen(function*() {
      const { fired, pass, start } = yield* setUp
      yield* pass(100)
      yield* start(timer, 1, 500)
      yield* pass(1000, false)
      assert.deepStrictEqual(fired, [[timer, 1, 500]])
    }))

  it.effect("replace a timer of the same name, in media time too", () =>
    Effect.gen(function*() {
      const { cancel, fired, hear, pass, start } = yield* setUp
      yield* pass(100)
      yield* start("endpoint", 1, 200)
      yield* start("endpoint", 2, 900)
      yield* start("idle", 3, 300)
      yield* cancel("idle")
      yield* pass(1000, false)
      hear(500)
      assert.deepStrictEqual(fired, [])
      hear(500)
      assert.deepStrictEqual(fired, [["endpoint", 2, 1100]])
    }))

  it.effect("fire at once if they are already due", () =>
    Effect.gen(function*() {
      const { fired, pass, start } = yield* setUp
      yield* pass(1000)
      yield* start("endpoint", 1, 400)
      yield* settle
      assert.deepStrictEqual(fired, [["endpoint", 1, 1000]])
    }))
})
