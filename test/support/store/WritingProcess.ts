/**
 * A process that stores events of a call with `save` and prints a line after each, until it is killed. Its environment names the store.
 */
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { AppConfig } from "../../../src/config/AppConfig.ts"
import { CallStore } from "../../../src/store/CallStore.ts"
import * as DatabaseCallStore from "../../../src/store/DatabaseCallStore.ts"
import { began, event, sidOf } from "./Writes.ts"

const program = Effect.gen(function*() {
  const store = yield* CallStore
  store.write(began(sidOf(1)))
  for (let sequence = 0;; sequence++) {
    yield* store.save(event(sidOf(1), sequence))
    yield* Effect.sync(() => process.stdout.write(`saved ${sequence}\n`))
  }
}).pipe(Effect.provide(DatabaseCallStore.layer.pipe(Layer.provide([AppConfig.layer, NodeServices.layer]))))

await Effect.runPromise(program)
