/**
 * The endpoint that sends a webhook again.
 */
import { Effect, Metric, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Deliveries } from "../../../delivery/Deliveries.ts"
import * as Metrics from "../../../observability/Metrics.ts"
import { Api } from "../Api.ts"
import * as Problems from "../Problems.ts"
import { withHeader } from "../ResponseHeader.ts"

/** Seconds until the next attempt while the history can't be read. */
const retryAfter = 5

/** Counts a refused request, and sends `retry_after` as a header too. */
const countRefusal = (problem: { readonly type: string; readonly retry_after?: number }) =>
  Effect.andThen(
    Metric.update(Metrics.apiRefused(Problems.nameOf(problem)), 1),
    problem.retry_after === undefined ? Effect.void : withHeader("retry-after", String(problem.retry_after))
  )

export const layer = HttpApiBuilder.group(
  Api,
  "deliveries",
  Effect.fn(function*(handlers) {
    const deliveries = yield* Deliveries
    return handlers.handle(
      "resend",
      Effect.fn("POST /calls/{callSid}/deliveries/{deliveryId}/resend")(function*({ params: { callSid, deliveryId } }) {
        const found = yield* Effect.mapError(
          deliveries.resend(callSid, deliveryId),
          (error) => new Problems.HistoryUnreachable({ detail: error.message, retry_after: retryAfter })
        )
        if (Option.isNone(found)) return yield* new Problems.NoSuchDelivery({ detail: "GET /calls/{callSid} lists the webhooks of a call under deliveries." })
        const { attempts, id, state, type } = found.value
        return { id, type, state, attempts }
      }, Effect.tapError(countRefusal))
    )
  })
)
