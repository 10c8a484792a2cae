/**
 * The endpoint that places a call.
 */
import { Effect, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OutboundCalls } from "../../../call/OutboundCalls.ts"
import { AppConfig } from "../../../config/AppConfig.ts"
import { PublicUrl } from "../../connections/PublicUrl.ts"
import { Api } from "../Api.ts"
import { countRefusal } from "../CountedRefusal.ts"
import { readText } from "../RequestBody.ts"
import * as OutboundForm from "./OutboundForm.ts"
import * as OutboundProblems from "./OutboundProblems.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "call",
  Effect.fn(function*(handlers) {
    const calls = yield* OutboundCalls
    const publicUrl = yield* PublicUrl
    const { webhooks } = yield* AppConfig
    return handlers.handleRaw(
      "outbound",
      Effect.fn("POST /call/outbound")(function*({ headers, query, request }) {
        const callRequest = yield* OutboundForm.read(yield* readText(request), query, webhooks.isPrivateAllowed)
        const placed = yield* calls.place({
          ...callRequest,
          // A blank key counts as none. Otherwise all requests with a blank key would count as the same request.
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
