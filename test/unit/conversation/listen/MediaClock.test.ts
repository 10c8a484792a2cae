import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as MediaClock from "../../../../src/conversation/listen/MediaClock.ts"

/** A clock whose time is set by the test, and a line of frames of 20 ms. */
const setUp = (began = 0) => {
  let now = began
  const clock = MediaClock.make(() => now)
  return {
    clock,
    /** This length of sound (ms) arrives and is read at this moment. */
    hear: (at: number, length = 20) => {
      now = at
      clock.onArrival(length)
      clock.advance(length)
    },
    at: (moment: number) => {
      now = moment
    }
  }
}

describe("MediaClock", () => {
  it("converts between sound and real time on a steady line", () => {
    const { clock, hear } = setUp()
    for (let frame = 1; frame <= 50; frame++) hear(1000 + frame * 20)
    assert.strictEqual(clock.position(), 1000)
    assert.strictEqual(clock.toReal(1000), 2000)
    assert.strictEqual(clock.toReal(250), 1250)
    assert.strictEqual(clock.toPosition(1250), 250)
  })

  it.each([200, 600, 2500, 5000])("gives sound that was delayed by %i ms the time at which it was due", (stall) => {
    const { clock, hear } = setUp()
    for (let frame = 1; frame <= 50; frame++) hear(frame * 20)
    // All delayed sound arrives at one moment, in several pieces.
    const late = stall / 20
    for (let frame = 0; frame < late; frame += 10) hear(1000 + stall, 20 * Math.min(10, late - frame))
    assert.strictEqual(clock.position(), 1000 + stall)
    assert.strictEqual(clock.toReal(1100), 1100)
    assert.strictEqual(clock.toReal(1000 + stall), 1000 + stall)
  })

  it("is live while the sound is at most 100 ms late", () => {
    const { at, clock, hear } = setUp()
    assert.isFalse(clock.isLive(), "nothing has come")
    for (let frame = 1; frame <= 50; frame++) hear(frame * 20)
    at(1100)
    assert.isTrue(clock.isLive())
    at(1101)
    assert.isFalse(clock.isLive())
    hear(1600, 300)
    assert.isFalse(clock.isLive(), "half of it is still on its way")
    hear(1600, 300)
    assert.isTrue(clock.isLive())
  })

  it("adopts a longer delay that stays", () => {
    const { clock, hear } = setUp()
    for (let frame = 1; frame <= 50; frame++) hear(frame * 20)
    for (let frame = 51; frame <= 300; frame++) hear(frame * 20 + 400)
    assert.strictEqual(clock.toReal(6000), 6400)
    assert.isTrue(clock.isLive())
  })

  it("does not adopt the delay of a single stall", () => {
    const { clock, hear } = setUp()
    for (let frame = 1; frame <= 100; frame++) hear(frame * 20)
    hear(8000, 20)
    hear(8000, 5980)
    for (let frame = 401; frame <= 600; frame++) hear(frame * 20)
    assert.strictEqual(clock.toReal(12_000), 12_000)
  })

  const Arrivals = Schema.Array(Schema.Struct({
    wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3000 })),
    length: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3000 }))
  }))

  it.prop("no sound is from the future, and media time never goes back", [Arrivals], ([arrivals]) => {
    const { clock, hear } = setUp()
    let now = 0
    let position = 0
    for (const { length, wait } of arrivals) {
      now += wait
      hear(now, length)
      assert.strictEqual(clock.position(), position += length)
      assert.isAtMost(clock.toReal(clock.position()), now)
      assert.closeTo(clock.toPosition(clock.toReal(123)), 123, 1e-6)
    }
  })
})
