/**
 * The API's endpoint for the webhooks of a call, which `GET /calls/{callSid}` lists.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { CallSid } from "../../../domain/Sid.ts"
import { ApiKey } from "../key/ApiKey.ts"
import * as Problems from "../Problems.ts"
import { RequestFields } from "../RequestFields.ts"

/** A webhook that is being sent again. */
const DeliveryAgain = Schema.Struct({
  id: Schema.String.annotate({ description: "As in the header webhook-id, the same for all attempts" }),
  type: Schema.String,
  state: Schema.Literals(["pending", "delivered", "failed"]),
  attempts: Schema.Number
}).annotate({ identifier: "DeliveryAgain" })

export class DeliveryGroup extends HttpApiGroup.make("deliveries")
  .add(
    HttpApiEndpoint.post("resend", "/calls/:callSid/deliveries/:deliveryId/resend", {
      params: { callSid: CallSid, deliveryId: Schema.String.check(Schema.isMaxLength(100)) },
      success: DeliveryAgain.pipe(HttpApiSchema.status(202)),
      error: [Problems.NoSuchDelivery, Problems.HistoryUnreachable]
    }).annotateMerge(OpenApi.annotations({
      summary: "Send a webhook again",
      description: "Sends the webhook now, whether it was delivered or failed, with the same id and body. If that fails, it is retried for another day (docs/webhooks.md)."
    }))
  )
  // The last middleware is the outermost. So a client without the API key learns only that it needs the key.
  .middleware(RequestFields)
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Webhooks" }))
{}
