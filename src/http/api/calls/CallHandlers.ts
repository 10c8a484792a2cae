/**
 * The endpoint that places a call.
 */
import { Effect, Metric, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OutboundCalls } from "../../../call/OutboundCalls.ts"
import * as Metrics from "../../../observability/Metrics.ts"
import { PublicUrl } from "../../connections/PublicUrl.ts"
import { Api } from "../Api.ts"
import * as Problems from "../Problems.ts"
import { readText } from "../RequestBody.ts"
import { withHeader } from "../ResponseHeader.ts"
import * as OutboundForm from "./OutboundForm.ts"
import * as OutboundProblems from "./OutboundProblems.ts"

/** Counts a refused call, and sends `retry_after` as a header too. */
const countRefusal = (problem: { readonly type: string; readonly retry_after?: number }) =>
  Effect.andThen(
    Metric.update(Metrics.apiRefused(Problems.nameOf(problem)), 1),
    problem.retry_after === undefined ? Effect.void : withHeader("retry-after", String(problem.retry_after))
  )

export const layer = HttpApiBuilder.group(
  Api,
  "call",
  Effect.fn(function*(handlers) {
    const calls = yield* OutboundCalls
    const publicUrl = yield* PublicUrl
    return handlers.handleRaw(
      "outbound",
      Effect.fn("POST /call/outbound")(function*({ headers, query, request }) {
        const asked = yield* OutboundForm.read(yield* readText(request), query)
        const placed = yield* calls.place({
          ...asked,
          // A blank key would make all calls with a blank key one call.
          idempotencyKey: Option.filter(Option.fromNullishOr(headers["idempotency-key"]), (key) => key.trim() !== ""),
          baseUrl: publicUrl.base(request)
        }).pipe(Effect.mapError(OutboundProblems.fromError))
        return {
          call_sid: placed.callSid,
          status: placed.status,
          to: placed.to,
          from: placed.from,
          agent: placed.agent,
          queued_ms: Math.round(placed.queuedMillis)
        }
      }, Effect.tapError(countRefusal))
    )
  })
)
