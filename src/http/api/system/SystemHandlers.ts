/**
 * The endpoints for operators: `GET /health` and `GET /ready`.
 */
import { Clock, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Agents } from "../../../agent/Agents.ts"
import { CallRegistry } from "../../../call/CallRegistry.ts"
import { CallStore } from "../../../store/CallStore.ts"
import * as AdminServer from "../../AdminServer.ts"
import { PublicUrl } from "../../connections/PublicUrl.ts"
import { Api, version } from "../Api.ts"
import * as Problems from "../Problems.ts"
import * as PublicEngineNames from "./PublicEngineNames.ts"

const monotonicSeconds = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e9)

/** The stages whose engines are all down. */
const stagesDown = (engines: PublicEngineNames.Engines): ReadonlyArray<string> =>
  [...new Set(engines.map(({ stage }) => stage))]
    .filter((stage) => engines.every((engine) => engine.stage !== stage || engine.state === "down"))

export const layer = HttpApiBuilder.group(
  Api,
  "system",
  Effect.fn(function*(handlers) {
    const registry = yield* CallRegistry
    const agents = yield* Agents
    const publicUrl = yield* PublicUrl
    const store = yield* CallStore
    const startedAtSeconds = yield* monotonicSeconds
    return handlers.handleAll({
      health: () =>
        Effect.gen(function*() {
          return {
            status: "healthy" as const,
            active_connections: yield* registry.streamingCount,
            calls: yield* registry.liveCount,
            draining: yield* registry.isDraining,
            agent: agents.standard.name,
            uptime_seconds: Math.floor((yield* monotonicSeconds) - startedAtSeconds),
            version
          }
        }),
      ready: ({ request }) =>
        Effect.gen(function*() {
          if (yield* registry.isDraining) {
            return yield* new Problems.Busy({ detail: "The service is stopping and takes no new calls." })
          }
          const all = yield* agents.engines
          /** Whether the client may see the engines' addresses. */
          const seesAddresses = publicUrl.isFromThisMachine(request) || AdminServer.hasReceived(request)
          const engines = seesAddresses ? all : PublicEngineNames.withPublicNames(all)
          const down = stagesDown(engines)
          if (down.length === 0) {
            // The service answers calls without the database, too.
            const state = yield* store.state
            if (state._tag === "Ready") return { status: "ready" as const, engines, store: "ready" as const }
            return { status: "ready" as const, engines, store: "degraded" as const, ...seesAddresses ? { store_problem: state.why } : {} }
          }
          return yield* new Problems.EnginesDown({
            engines,
            detail: `No engine works for: ${down.join(", ")}. Start one, or put "embedded" last in its list.`
          })
        })
    })
  })
)
