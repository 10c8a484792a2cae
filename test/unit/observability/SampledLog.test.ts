import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, References } from "effect"
import { TestClock } from "effect/testing"
import * as SampledLog from "../../../src/observability/SampledLog.ts"

/** The logged lines with their annotations. */
const keep = (lines: Array<string>) =>
  Logger.layer([Logger.make(({ fiber, message }) => void lines.push(`${String(message)} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`))])

describe("a line that strangers can cause", () => {
  it.effect("is written at once, and then once a minute with a count, kind by kind", () => {
    const lines: Array<string> = []
    return Effect.gen(function*() {
      const log = yield* SampledLog.make
      const refused = (kind: string) => log.write(kind, Effect.logWarning(`refused ${kind}`))
      for (let times = 0; times < 1000; times++) yield* refused("a")
      yield* refused("b")
      assert.deepStrictEqual(lines, ["refused a {}", "refused b {}"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(lines.slice(2), ["refused a {\"times\":999}"])
      yield* refused("a")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(lines.slice(3), ["refused a {\"times\":1}"])
      yield* TestClock.adjust("1 minute")
      yield* refused("a")
      assert.deepStrictEqual(lines.slice(4), ["refused a {}"])
    }).pipe(Effect.provide(keep(lines)))
  })

  it.effect("has the rest of its count written at the end", () => {
    const lines: Array<string> = []
    return Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const log = yield* SampledLog.make
        for (let times = 0; times < 5; times++) yield* log.write("a", Effect.logWarning("refused"))
      }))
      assert.deepStrictEqual(lines, ["refused {}", "refused {\"times\":4}"])
    }).pipe(Effect.provide(keep(lines)))
  })

  it.effect("has a bounded number of kinds", () => {
    const lines: Array<string> = []
    return Effect.gen(function*() {
      const log = yield* SampledLog.make
      for (let kind = 0; kind < 10_000; kind++) yield* log.write(`${kind}`, Effect.logWarning("refused"))
      assert.strictEqual(lines.length, 65)
    }).pipe(Effect.provide(keep(lines)))
  })
})
