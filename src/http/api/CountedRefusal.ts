/**
 * Counts the refusals of the API's handlers. The `retry_after` of the problem document is also sent as a header.
 */
import { Effect, Metric } from "effect"
import * as Metrics from "../../observability/Metrics.ts"
import * as Problems from "./Problems.ts"
import { withHeader } from "./ResponseHeader.ts"

/** Counts a handler's refusal; use it with `Effect.tapError`. */
export const countRefusal = (problem: { readonly type: string; readonly retry_after?: number }) =>
  Effect.andThen(
    Metric.update(Metrics.apiRefused(Problems.nameOf(problem)), 1),
    problem.retry_after === undefined ? Effect.void : withHeader("retry-after", String(problem.retry_after))
  )
