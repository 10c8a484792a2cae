/**
 * Turns the error of a call that was not placed into a problem document for the client.
 */
import { Duration, Option } from "effect"
import type { OutboundError } from "../../../call/outbound/OutboundRequest.ts"
import type { TwilioError } from "../../../twilio/rest/RestClient.ts"
import * as Problems from "../Problems.ts"

// Twilio's error codes: https://www.twilio.com/docs/api/errors

/** The number is invalid. */
const invalidNumberCodes = new Set([13224, 21201, 21211, 21217])
/** The number is valid, but this account may not call it or Twilio can't reach it. */
const notAllowedCodes = new Set([21214, 21215, 21216, 21219, 573_005])
/** The account has reached its limit of concurrent calls. */
const tooManyCallsCode = 10_004

const codeFieldOf = ({ code }: TwilioError) => Option.match(code, { onNone: () => ({}), onSome: (code) => ({ twilio_code: code }) })

/** The problem if Twilio answered, and refused this call. */
const fromRejection = (error: TwilioError) => {
  const codeField = codeFieldOf(error)
  const said = Option.match(error.detail, { onNone: () => "", onSome: (detail) => ` Twilio says: ${detail}` })
  const code = Option.getOrElse(error.code, () => 0)
  if (invalidNumberCodes.has(code)) return new Problems.InvalidNumber({ ...codeField, detail: `Twilio can't call this number.${said}` })
  if (notAllowedCodes.has(code)) return new Problems.NotAllowedToCall({ ...codeField, detail: `No call was placed.${said}` })
  if (code === tooManyCallsCode) {
    return new Problems.Busy({ ...codeField, retry_after: 30, detail: "The Twilio account has as many calls as it may have." })
  }
  return new Problems.TwilioRefused({ ...codeField, detail: `No call was placed.${said}` })
}

const fromTwilio = (error: TwilioError) => {
  const codeField = codeFieldOf(error)
  switch (error.failure) {
    case "timedOut":
      return new Problems.TwilioTimedOut({
        detail: "The call may have been placed all the same. Look at the call log in Twilio's console before you ask again: "
          + "a second request could ring the phone twice."
      })
    case "interrupted":
      return new Problems.TwilioRefused({
        detail: "The connection to Twilio broke before the answer came. Look at the call log in Twilio's console before you ask again."
      })
    case "unreachable":
      return new Problems.TwilioRefused({
        detail: "Twilio could not be reached; no call was placed. Check the network, and TWILIO_API_BASE_URL if it is set."
      })
    case "unauthorized":
      return new Problems.TwilioRefused({
        ...codeField,
        detail: "Twilio did not accept this service's credentials. Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."
      })
    case "tooManyRequests":
      return new Problems.Busy({ ...codeField, retry_after: 5, detail: "Twilio takes no more requests at the moment. Try again soon." })
    case "failed":
      return new Problems.TwilioRefused({
        ...codeField,
        detail: "Twilio failed, or its answer can't be read. Look at the call log in Twilio's console before you ask again."
      })
    case "rejected":
      return fromRejection(error)
  }
}

export const fromError = (error: OutboundError) => {
  switch (error._tag) {
    case "OutboundNotConfigured":
      return new Problems.NotConfigured({ detail: error.message })
    case "WebSocketUrlRefused":
      return new Problems.ForeignWebSocket({ detail: error.message })
    case "NumberRefused":
      return new Problems.NotAllowedToCall({ detail: error.message, rule: error.rule })
    case "DialLimitReached":
    case "TooManyWaiting":
      return new Problems.TooManyRequests({ detail: error.message, retry_after: Math.ceil(Duration.toSeconds(error.retryAfter)) })
    case "IdempotencyConflict":
      return new Problems.KeyReused({ detail: error.message })
    case "UnknownAgent":
      return new Problems.NoSuchAgent({ detail: error.message })
    case "LineBusy":
      return new Problems.Busy({ detail: error.message, retry_after: 5 })
    case "TwilioError":
      return fromTwilio(error)
  }
}
