import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, References, Scope } from "effect"
import * as BadMessages from "../../../../../src/twilio/media/inbound/BadMessages.ts"

describe("the bad messages of a stream", () => {
  it.effect("are too many when more came than are allowed", () =>
    Effect.gen(function*() {
      const bad = yield* BadMessages.make(2)
      assert.deepStrictEqual([bad.countBad("notJson"), bad.countBad("wrongShape"), bad.countBad("binary")], [false, false, true])
    }))

  it.effect("are made up for by later good messages, one by one, but not by earlier ones", () =>
    Effect.gen(function*() {
      const bad = yield* BadMessages.make(1)
      for (let good = 0; good < 100; good++) bad.countGood()
      assert.isFalse(bad.countBad("notJson"))
      bad.countGood()
      assert.isFalse(bad.countBad("notJson"))
      assert.isTrue(bad.countBad("notJson"))
    }))

  it.effect("do not include unknown events, nor messages before the start, which close the stream anyway", () =>
    Effect.gen(function*() {
      const bad = yield* BadMessages.make(0)
      for (let time = 0; time < 10; time++) {
        assert.isFalse(bad.countBad("unknownEvent"))
        assert.isFalse(bad.countBad("beforeStart"))
      }
      assert.isTrue(bad.countBad("notJson"))
    }))

  it.effect("are logged once, with the reason of the first message", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ fiber }) => void logged.push(fiber.getRef(References.CurrentLogAnnotations)))
      const scope = yield* Effect.scope
      const bad = yield* BadMessages.make(100).pipe(Scope.provide(scope), Effect.provide(Logger.layer([logger])))
      bad.countBad("beforeStart")
      yield* Effect.yieldNow
      assert.deepStrictEqual(logged, [])
      bad.countBad("binary")
      bad.countBad("notJson")
      yield* Effect.yieldNow
      assert.deepStrictEqual(logged, [{ reason: "binary" }])
    }))
})
