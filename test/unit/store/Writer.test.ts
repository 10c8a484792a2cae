import { assert, describe, it } from "@effect/vitest"
import { Deferred, type Duration, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import type { Database } from "../../../src/store/Database.ts"
import type { Journal } from "../../../src/store/journal/Journal.ts"
import { JournalFailed } from "../../../src/store/journal/JournalFile.ts"
import * as Writer from "../../../src/store/writer/Writer.ts"
import type { Stamped } from "../../../src/store/writer/WriteQueue.ts"
import { asked, sidOf } from "../../support/store/Writes.ts"

const sid = sidOf(1)

/** A database that never answers. */
const deadDatabase = { isReady: () => false, whenReady: Effect.never } as unknown as Database["Service"]

/** A database that has stopped to answer, which no check has noticed yet. A check does not get an answer, either. */
const silentDatabase = {
  dialect: "pg",
  isReady: () => true,
  whenReady: Effect.never,
  check: Effect.never,
  within: (_: unknown, limit: Duration.Input) => Effect.delay(Effect.succeedNone, limit),
  transaction: () => Effect.never
} as unknown as Database["Service"]

describe("the writer", () => {
  it.effect("moves writes to the journal as soon as their transaction takes too long, without waiting for a check of the database", () =>
    Effect.gen(function*() {
      const kept: Array<Stamped> = []
      const journal: Journal["Service"] = {
        append: (writes) => Effect.sync(() => void kept.push(...writes)),
        hasLines: () => false,
        next: () => Effect.succeed(Option.none()),
        adopt: Effect.void,
        erase: () => Effect.void
      }
      const writer = yield* Writer.make(silentDatabase, journal, { gatherTime: 0 })
      writer.write(asked(sid, "a-1"))
      yield* TestClock.adjust("5100 millis")
      assert.strictEqual(kept.length, 1)
    }))

  it.effect("does not report an action as saved while its only copy is on the way to a journal that fails", () =>
    Effect.gen(function*() {
      const appends: Array<ReadonlyArray<Stamped>> = []
      const firstEnds = yield* Deferred.make<void, JournalFailed>()
      let isFull = true
      const fullDisk = new JournalFailed({ cause: { code: "ENOSPC" } })
      // The first append hangs, as on a disk that does not answer. While the disk is full only an append of nothing succeeds.
      const journal: Journal["Service"] = {
        append: (writes) =>
          Effect.suspend(() => {
            appends.push(writes)
            if (appends.length === 1) return Deferred.await(firstEnds)
            return writes.length > 0 && isFull ? Effect.fail(fullDisk) : Effect.void
          }),
        hasLines: () => false,
        next: () => Effect.succeed(Option.none()),
        adopt: Effect.void,
        erase: () => Effect.void
      }
      const writer = yield* Writer.make(deadDatabase, journal, { gatherTime: 0 })
      const saving = yield* Effect.forkChild(Effect.flip(writer.save(asked(sid, "a-1"))), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(saving))._tag, "NotSaved")
      assert.deepStrictEqual(appends.map((writes) => writes.length), [1, 1])
      yield* Deferred.fail(firstEnds, fullDisk)
      // The writer's end waits until the journal has what is left.
      isFull = false
    }))
})
