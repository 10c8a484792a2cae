import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, References, Scope } from "effect"
import * as BadMessages from "../../../../../src/twilio/media/inbound/BadMessages.ts"

describe("the bad messages of a stream", () => {
  it.effect("are too many when more came than are allowed", () =>
    Effect.gen(function*() {
      const bad = yield* BadMessages.make(2)
      assert.deepStrictEqual([bad.count("notJson"), bad.count("wrongShape"), bad.count("binary")], [false, false, true])
    }))

  it.effect("are made up for by later good messages, one by one, but not by earlier ones", () =>
    Effect.gen(function*() {
      const bad = yield* BadMessages.make(1)
      for (let good = 0; good < 100; good++) bad.forgiveOne()
      assert.isFalse(bad.count("notJson"))
      bad.forgiveOne()
      assert.isFalse(bad.count("notJson"))
      assert.isTrue(bad.count("notJson"))
    }))

  it.effect("do not include unknown events, nor messages before the start, which close the stream anyway", () =>
    Effect.gen(function*() {
      const bad = yield* BadMessages.make(0)
      for (let time = 0; time < 10; time++) {
        assert.isFalse(bad.count("unknownEvent"))
        assert.isFalse(bad.count("beforeStart"))
      }
      assert.isTrue(bad.count("notJson"))
    }))

  it.effect("are logged once, with the reason of the first message", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ fiber }) => void logged.push(fiber.getRef(References.CurrentLogAnnotations)))
      const scope = yield* Effect.scope
      const bad = yield* BadMessages.make(100).pipe(Scope.provide(scope), Effect.provide(Logger.layer([logger])))
      bad.count("beforeStart")
      yield* Effect.yieldNow
      assert.deepStrictEqual(logged, [])
      bad.count("binary")
      bad.count("notJson")
      yield* Effect.yieldNow
      assert.deepStrictEqual(logged, [{ reason: "binary" }])
    }))
})
