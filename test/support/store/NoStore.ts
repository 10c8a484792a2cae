/** A store that stores nothing and knows no call, for tests of calls without a store. */
import { Effect, Layer, Option } from "effect"
import { CallStore } from "../../../src/store/CallStore.ts"

export const layer = Layer.succeed(
  CallStore,
  CallStore.of({
    write: () => {},
    save: () => Effect.void,
    whenSettled: () => Effect.void,
    state: Effect.succeed({ _tag: "Ready" }),
    find: () => Effect.succeed(Option.none()),
    takeOwnership: () => Effect.void,
    findUnended: () => Effect.succeed([]),
    claim: () => Effect.succeed(true),
    isElsewhere: () => Effect.succeed(false),
    ownedCalls: Effect.succeed(new Set()),
    releaseOwnership: () => Effect.void,
    redeem: () => Effect.succeed(true),
    sendToOwner: () => Effect.void,
    takeReports: Effect.succeed([]),
    isShared: false
  })
)
