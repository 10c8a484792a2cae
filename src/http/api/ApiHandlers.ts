/**
 * The API's routes: its handlers, the check of the API key, the check of the field names, and problem documents for unreadable requests.
 */
import { Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import * as CallHandlers from "./calls/CallHandlers.ts"
import * as DeliveryHandlers from "./deliveries/DeliveryHandlers.ts"
import * as HistoryHandlers from "./history/HistoryHandlers.ts"
import * as ApiKeyCheck from "./key/ApiKeyCheck.ts"
import { RequestFields } from "./RequestFields.ts"
import { UnreadableRequests } from "./UnreadableRequests.ts"
import * as SystemHandlers from "./system/SystemHandlers.ts"

export const layer = HttpApiBuilder.layer(Api).pipe(
  Layer.provide([CallHandlers.layer, DeliveryHandlers.layer, HistoryHandlers.layer, SystemHandlers.layer]),
  Layer.provide([ApiKeyCheck.layer, RequestFields.layer, UnreadableRequests.layer])
)
