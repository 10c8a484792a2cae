/**
 * Reads the parameters of a request to create a call, with the same checks as Twilio.
 *
 * https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource
 */
import { Data, Duration, Option, Result } from "effect"
import * as PhoneNumber from "../../domain/PhoneNumber.ts"
import type { Dialling } from "./CallLife.ts"
import type { AnswerDetection, Source, StatusCallback, Target } from "../caller/PhoneCall.ts"
import type { Method } from "./twiml/TwimlReader.ts"

/** The fields of a form. A name that occurs several times has an array of values. */
export type Form = Readonly<Record<string, string | ReadonlyArray<string>>>

export interface CallRequest extends Dialling {
  readonly to: PhoneNumber.PhoneNumber
  readonly from: PhoneNumber.PhoneNumber
  readonly statusCallback: StatusCallback | undefined
  readonly answerDetection: AnswerDetection | undefined
  readonly fallback: Target | undefined
}

/** The request is refused with one of Twilio's error codes. The HTTP status is 400. */
class CallRefused extends Data.TaggedError("CallRefused")<{ readonly code: number; readonly message: string }> {}

/** The first value of a name. `undefined` if the form does not have the name, or if the value is empty. */
export const firstValue = (form: Form, name: string): string | undefined => {
  const value = form[name]
  const text = typeof value === "string" ? value : value?.[0]
  return text === undefined || text === "" ? undefined : text
}

const allValues = (form: Form, name: string): ReadonlyArray<string> => {
  const value = form[name]
  return value === undefined ? [] : typeof value === "string" ? [value] : value
}

const method = (form: Form, name: string): Method => firstValue(form, name)?.toUpperCase() === "GET" ? "GET" : "POST"

const isWebUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

const refuse = (code: number, message: string) => Result.fail(new CallRefused({ code, message }))

/** The magic numbers of Twilio's test credentials. A call to one of them is refused with this error. */
const magicTo: Readonly<Record<string, readonly [code: number, message: string]>> = {
  "+15005550001": [21217, "The phone number you are attempting to call is not valid."],
  "+15005550002": [21214, "The phone number you are attempting to call cannot be reached."],
  "+15005550003": [21215, "Account not authorized to call this number: check your geographic permissions."],
  "+15005550004": [21216, "The phone number you are attempting to call is blocked."]
}

const source = (form: Form): Result.Result<Source, CallRefused> => {
  const url = firstValue(form, "Url")
  const twiml = firstValue(form, "Twiml")
  if (url !== undefined) {
    return isWebUrl(url)
      ? Result.succeed({ _tag: "Url", url, method: method(form, "Method") })
      : refuse(21205, "Url is not a valid URL.")
  }
  if (twiml === undefined) return refuse(21205, "A 'Url' or 'Twiml' parameter is required.")
  return twiml.length > 4000 ? refuse(21623, "Twiml is longer than 4000 characters.") : Result.succeed({ _tag: "Twiml", text: twiml })
}

/** A parameter in seconds. If it is missing or wrong, the default counts; if it is too large, the maximum. */
const seconds = (form: Form, name: string, defaultSeconds: number, maxSeconds: number): number => {
  const value = Number(firstValue(form, name) ?? defaultSeconds)
  return Number.isFinite(value) && value > 0 ? Math.min(value, maxSeconds) : defaultSeconds
}

/** The source of the next TwiML in a request that changes a call. `undefined` if the request names no source. */
export const redirect = (form: Form): Result.Result<Source, CallRefused> | undefined =>
  firstValue(form, "Url") === undefined && firstValue(form, "Twiml") === undefined ? undefined : source(form)

export const parse = (form: Form): Result.Result<CallRequest, CallRefused> => {
  const toText = firstValue(form, "To")
  const fromText = firstValue(form, "From")
  if (toText === undefined) return refuse(21201, "No 'To' number is specified.")
  if (fromText === undefined) return refuse(21213, "No 'From' number is specified.")
  const magic = magicTo[toText]
  if (magic !== undefined) return refuse(...magic)
  const to = PhoneNumber.parse(toText)
  if (Option.isNone(to)) return refuse(21211, "The phone number you are attempting to call is not valid.")
  const from = PhoneNumber.parse(fromText)
  if (Option.isNone(from)) return refuse(21212, "The 'From' number is not a valid phone number.")
  // Of Twilio's numbers for test credentials, only +15005550006 may be the caller.
  if (/^\+1500555\d{4}$/.test(from.value) && from.value !== "+15005550006") {
    return refuse(21210, "The source phone number provided is not yet verified for your account.")
  }
  const twiml = source(form)
  if (Result.isFailure(twiml)) return Result.fail(twiml.failure)

  const statusUrl = firstValue(form, "StatusCallback")
  if (statusUrl !== undefined && !isWebUrl(statusUrl)) return refuse(21609, "StatusCallback is not a valid URL.")
  const fallbackUrl = firstValue(form, "FallbackUrl")
  if (fallbackUrl !== undefined && !isWebUrl(fallbackUrl)) return refuse(21205, "FallbackUrl is not a valid URL.")
  const events = allValues(form, "StatusCallbackEvent").flatMap((event) => event.split(/[\s,]+/)).filter((event) => event !== "")
  const amdUrl = firstValue(form, "AsyncAmdStatusCallback")
  // Twilio ignores `MachineDetection` if `SendDigits` is set.
  const detectsMachines = firstValue(form, "MachineDetection") !== undefined && firstValue(form, "SendDigits") === undefined
  return Result.succeed({
    to: to.value,
    from: from.value,
    source: twiml.success,
    timeout: Duration.seconds(seconds(form, "Timeout", 60, 600)),
    timeLimit: firstValue(form, "TimeLimit") === undefined
      ? undefined
      : Duration.seconds(seconds(form, "TimeLimit", 14_400, 86_400)),
    statusCallback: statusUrl === undefined ? undefined : {
      url: statusUrl,
      method: method(form, "StatusCallbackMethod"),
      events: new Set(events.length === 0 ? ["completed"] : events)
    },
    fallback: fallbackUrl === undefined ? undefined : { url: fallbackUrl, method: method(form, "FallbackMethod") },
    answerDetection: !detectsMachines ? undefined : {
      asyncCallback: firstValue(form, "AsyncAmd") === "true" && amdUrl !== undefined
        ? { url: amdUrl, method: method(form, "AsyncAmdStatusCallbackMethod") }
        : undefined
    }
  })
}
