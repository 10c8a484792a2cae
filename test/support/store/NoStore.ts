/** A store that stores nothing and knows no call, for tests of calls without a store. */
import { Effect, Layer, Option } from "effect"
import { CallStore } from "../../../src/store/CallStore.ts"

export const layer = Layer.succeed(
  CallStore,
  CallStore.of({
    write: () => {},
    keep: () => Effect.void,
    settled: () => Effect.void,
    state: Effect.succeed({ _tag: "Ready" }),
    find: () => Effect.succeed(Option.none()),
    own: () => Effect.void,
    unended: () => Effect.succeed([]),
    claim: () => Effect.succeed(true),
    isElsewhere: () => Effect.succeed(false),
    owned: Effect.succeed(new Set()),
    disown: () => Effect.void,
    redeem: () => Effect.succeed(true),
    tell: () => Effect.void,
    signals: Effect.succeed([]),
    isShared: false
  })
)
