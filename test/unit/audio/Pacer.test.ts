import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Pacer from "../../../src/audio/Pacer.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("Pacer", () => {
  it("releases sound up to the lead at once, and holds the rest", () => {
    const pacer = Pacer.make({ maxLeadMillis: 200 })
    const waits = Array.from({ length: 13 }, () => pacer.reserve(1000.5, 20))
    assert.deepStrictEqual(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 40, 60])
    assert.strictEqual(pacer.unplayed(1000.5), 260)
    assert.strictEqual(pacer.unplayed(1100.5), 160)
  })

  it("starts anew after an underrun", () => {
    const pacer = Pacer.make({ maxLeadMillis: 200 })
    pacer.reserve(0, 20)
    assert.strictEqual(pacer.unplayed(500), 0)
    assert.strictEqual(pacer.reserve(500, 20), 0)
    assert.strictEqual(pacer.unplayed(500), 20)
  })

  it("starts anew after a clear, even if much was booked", () => {
    const pacer = Pacer.make({ maxLeadMillis: 200 })
    for (let i = 0; i < 50; i++) pacer.reserve(0, 20)
    pacer.clear(30)
    assert.strictEqual(pacer.unplayed(30), 0)
    assert.strictEqual(pacer.reserve(30, 200), 0)
    assert.strictEqual(pacer.reserve(30, 20), 20)
  })

  it("releases a chunk that is longer than the lead when the previous one has been played", () => {
    const pacer = Pacer.make({ maxLeadMillis: 200 })
    assert.strictEqual(pacer.reserve(0, 1000), 0)
    assert.strictEqual(pacer.reserve(0, 1000), 1000)
    assert.strictEqual(pacer.reserve(1000, 20), 820)
  })

  it("makes up for a wait that lasted too long", () => {
    const pacer = Pacer.make({ maxLeadMillis: 200 })
    for (let i = 0; i < 10; i++) pacer.reserve(0, 20)
    assert.strictEqual(pacer.reserve(0, 20), 20)
    assert.strictEqual(pacer.reserve(27.25, 20), 12.75)
    assert.strictEqual(pacer.reserve(40, 20), 20)
  })

  it.prop("is never further ahead than the lead, nor waits longer than it must", [
    between(0, 400),
    Schema.Array(Schema.Struct({ duration: between(1, 300), late: between(0, 100), clear: Schema.Boolean }))
  ], ([maxLeadMillis, chunks]) => {
    const pacer = Pacer.make({ maxLeadMillis })
    let now = 0
    for (const { clear, duration, late } of chunks) {
      if (clear) pacer.clear(now)
      const before = pacer.unplayed(now)
      const wait = pacer.reserve(now, duration)
      assert.isAtLeast(wait, 0)
      assert.strictEqual(pacer.unplayed(now), before + duration)
      now += wait
      assert.isAtMost(pacer.unplayed(now), Math.max(maxLeadMillis, duration))
      if (wait > 0) assert.strictEqual(pacer.unplayed(now), Math.max(maxLeadMillis, duration))
      now += late
    }
  })

  it.effect("paces an hour of 20 ms frames without drift", () =>
    Effect.gen(function*() {
      const pacer = Pacer.make({ maxLeadMillis: 200 })
      const began = yield* Clock.currentTimeMillis
      let sent = 0
      let most = -Infinity
      let least = Infinity
      const sender = yield* Effect.gen(function*() {
        while (true) {
          const wait = pacer.reserve(yield* Clock.currentTimeMillis, 20)
          if (wait > 0) yield* Effect.sleep(wait)
          sent += 1
          const ahead = sent * 20 - ((yield* Clock.currentTimeMillis) - began)
          most = Math.max(most, ahead)
          if (sent > 10) least = Math.min(least, ahead)
        }
      }).pipe(Effect.forkChild)
      yield* TestClock.adjust("1 hour")
      yield* Fiber.interrupt(sender)
      assert.strictEqual(sent, 180_000 + 200 / 20)
      assert.strictEqual(most, 200)
      assert.strictEqual(least, 200)
    }))
})
