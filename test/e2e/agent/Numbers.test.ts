import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { assertEcho, brief, place } from "../../support/service/Talk.ts"
import { ourNumber, withService } from "../../support/service/Service.ts"

describe("the number that was called", () => {
  it.live("chooses the agent, before AGENT", () =>
    withService({ env: { AGENT: "receptionist", AGENT_NUMBERS: `${ourNumber}=echo` } }, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: brief })
        assert.strictEqual(yield* call.settled, "completed")
        yield* assertEcho(call)
      })))
})
