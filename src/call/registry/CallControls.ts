/** The requests of one call to Twilio's REST API: hang up, and transfer the call. */
import { Effect, Option } from "effect"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import type { RestClient } from "../../twilio/rest/RestClient.ts"
import type { CallControl, CallInfo } from "../CallInfo.ts"
import * as ContinueUrl from "./ContinueUrl.ts"

/**
 * `onHungUp` runs when Twilio has accepted the hang-up. `ownNumber`: the caller ID of a transfer, if our number in the call is unknown.
 */
export const make = (
  rest: RestClient["Service"],
  ownNumber: Option.Option<PhoneNumber>,
  info: CallInfo,
  onHungUp: Effect.Effect<void>
): CallControl => ({
  hangUp: rest.hangUp(info.callSid).pipe(
    Effect.andThen(onHungUp),
    Effect.catch((error) => Effect.logWarning("Twilio did not hang up the call", error.message))
  ),
  transfer: (other) =>
    rest.transfer({
      callSid: info.callSid,
      to: other,
      callerId: Option.orElse(info.direction === "inbound" ? info.to : info.from, () => ownNumber),
      action: Option.map(Option.fromUndefinedOr(info.baseUrl), (base) => ContinueUrl.of(info, base))
    })
})
