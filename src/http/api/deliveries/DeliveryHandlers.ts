/**
 * The endpoint that sends a webhook again.
 */
import { Effect, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Deliveries } from "../../../delivery/Deliveries.ts"
import { Api } from "../Api.ts"
import { countRefusal } from "../CountedRefusal.ts"
import { historyUnreachable } from "../history/Unreachable.ts"
import * as Problems from "../Problems.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "deliveries",
  Effect.fn(function*(handlers) {
    const deliveries = yield* Deliveries
    return handlers.handle(
      "resend",
      Effect.fn("POST /calls/{callSid}/deliveries/{deliveryId}/resend")(function*({ params: { callSid, deliveryId } }) {
        const found = yield* Effect.mapError(deliveries.resend(callSid, deliveryId), historyUnreachable)
        if (Option.isNone(found)) return yield* new Problems.NoSuchDelivery({ detail: "GET /calls/{callSid} lists the webhooks of a call under deliveries." })
        const { attempts, id, state, type } = found.value
        return { id, type, state, attempts }
      }, Effect.tapError(countRefusal))
    )
  })
)
