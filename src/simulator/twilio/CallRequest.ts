/**
 * What a request to create a call says, checked as Twilio checks it.
 *
 * https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource
 */
import { Duration, Option, Result } from "effect"
import * as PhoneNumber from "../../domain/PhoneNumber.ts"
import type { Dialling } from "./CallLife.ts"
import type { AnswerDetection, Source, StatusCallback } from "../caller/PhoneCall.ts"
import type { Method } from "./TwimlReader.ts"

/** A form: a name that came twice has an array. */
export type Form = Readonly<Record<string, string | ReadonlyArray<string>>>

export interface CallRequest extends Dialling {
  readonly to: PhoneNumber.PhoneNumber
  readonly from: PhoneNumber.PhoneNumber
  readonly statusCallback: StatusCallback | undefined
  readonly answerDetection: AnswerDetection | undefined
}

/** One of Twilio's errors; the HTTP status is 400. */
export interface Refusal {
  readonly code: number
  readonly message: string
}

/** The value of a name; the first when there are several, `undefined` when it is empty. */
export const one = (form: Form, name: string): string | undefined => {
  const value = form[name]
  const text = typeof value === "string" ? value : value?.[0]
  return text === undefined || text === "" ? undefined : text
}

const all = (form: Form, name: string): ReadonlyArray<string> => {
  const value = form[name]
  return value === undefined ? [] : typeof value === "string" ? [value] : value
}

export const method = (form: Form, name: string): Method => one(form, name)?.toUpperCase() === "GET" ? "GET" : "POST"

const isWebUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

const refuse = (code: number, message: string) => Result.fail<Refusal>({ code, message })

/** The magic numbers of Twilio's test credentials: what calling them, or calling from them, comes to. */
const magicTo: Readonly<Record<string, Refusal>> = {
  "+15005550001": { code: 21217, message: "The phone number you are attempting to call is not valid." },
  "+15005550002": { code: 21214, message: "The phone number you are attempting to call cannot be reached." },
  "+15005550003": { code: 21215, message: "Account not authorized to call this number: check your geographic permissions." },
  "+15005550004": { code: 21216, message: "The phone number you are attempting to call is blocked." }
}

const source = (form: Form): Result.Result<Source, Refusal> => {
  const url = one(form, "Url")
  const twiml = one(form, "Twiml")
  if (url !== undefined) {
    return isWebUrl(url)
      ? Result.succeed({ _tag: "Url", url, method: method(form, "Method") })
      : refuse(21205, "Url is not a valid URL.")
  }
  if (twiml === undefined) return refuse(21205, "A 'Url' or 'Twiml' parameter is required.")
  return twiml.length > 4000 ? refuse(21623, "Twiml is longer than 4000 characters.") : Result.succeed({ _tag: "Twiml", text: twiml })
}

const seconds = (form: Form, name: string, otherwise: number, most: number): number => {
  const value = Number(one(form, name) ?? otherwise)
  return Number.isFinite(value) && value > 0 ? Math.min(value, most) : otherwise
}

/** Where a changed call goes on, of a request to change it; `undefined` when that is not asked for. */
export const redirect = (form: Form): Result.Result<Source, Refusal> | undefined =>
  one(form, "Url") === undefined && one(form, "Twiml") === undefined ? undefined : source(form)

/** Reads a request to create a call. */
export const parse = (form: Form): Result.Result<CallRequest, Refusal> => {
  const toText = one(form, "To")
  const fromText = one(form, "From")
  if (toText === undefined) return refuse(21201, "No 'To' number is specified.")
  if (fromText === undefined) return refuse(21213, "No 'From' number is specified.")
  const magic = magicTo[toText]
  if (magic !== undefined) return Result.fail(magic)
  const to = PhoneNumber.parse(toText)
  if (Option.isNone(to)) return refuse(21211, "The phone number you are attempting to call is not valid.")
  const from = PhoneNumber.parse(fromText)
  if (Option.isNone(from)) return refuse(21212, "The 'From' number is not a valid phone number.")
  // Of test credentials only …0006 may call; of these numbers all others belong to nobody.
  if (/^\+1500555\d{4}$/.test(from.value) && from.value !== "+15005550006") {
    return refuse(21210, "The source phone number provided is not yet verified for your account.")
  }
  const twiml = source(form)
  if (Result.isFailure(twiml)) return Result.fail(twiml.failure)

  const statusUrl = one(form, "StatusCallback")
  if (statusUrl !== undefined && !isWebUrl(statusUrl)) return refuse(21609, "StatusCallback is not a valid URL.")
  const events = all(form, "StatusCallbackEvent").flatMap((event) => event.split(/[\s,]+/)).filter((event) => event !== "")
  const amdUrl = one(form, "AsyncAmdStatusCallback")
  const detects = one(form, "MachineDetection") !== undefined && one(form, "SendDigits") === undefined
  return Result.succeed({
    to: to.value,
    from: from.value,
    source: twiml.success,
    timeout: Duration.seconds(seconds(form, "Timeout", 60, 600)),
    timeLimit: one(form, "TimeLimit") === undefined
      ? undefined
      : Duration.seconds(seconds(form, "TimeLimit", 14_400, 86_400)),
    statusCallback: statusUrl === undefined ? undefined : {
      url: statusUrl,
      method: method(form, "StatusCallbackMethod"),
      events: new Set(events.length === 0 ? ["completed"] : events)
    },
    answerDetection: !detects ? undefined : {
      asyncCallback: one(form, "AsyncAmd") === "true" && amdUrl !== undefined
        ? { url: amdUrl, method: method(form, "AsyncAmdStatusCallbackMethod") }
        : undefined
    }
  })
}
