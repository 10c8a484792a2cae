import { assert, describe, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { CallStore } from "../../../src/store/CallStore.ts"
import { Database } from "../../../src/store/Database.ts"
import * as DatabaseCallStore from "../../../src/store/DatabaseCallStore.ts"
import { dump, life, saved, sidOf } from "../../support/store/Writes.ts"

describe("the store in memory, while the clock stands still", () => {
  layer(DatabaseCallStore.layerMemory)("", (it) => {
    it.effect("returns what was written", () =>
      Effect.gen(function*() {
        const store = yield* CallStore
        for (const write of life(sidOf(1))) store.write(write)
        yield* store.save(saved(sidOf(1), 4))
        const call = Option.getOrThrow(yield* store.find(sidOf(1)))
        assert.strictEqual(Option.getOrThrow(call.memory).version, 4)
        assert.isNotNull(call.endedAt)
        assert.strictEqual((yield* dump((yield* Database).sql)).turns.length, 3)
      }))

    it.effect("settles at once if nothing was written", () =>
      Effect.gen(function*() {
        yield* (yield* CallStore).whenSettled(sidOf(9))
      }))
  })
})
