/**
 * The parameters in a webhook's body or query: how many are accepted, and how they are read.
 */
import { Option, Predicate } from "effect"
import type * as Signature from "../../twilio/webhook/Signature.ts"

/** The most parameters of a form or a query. Twilio's largest webhooks, with add-ons and SIP headers, have a few dozen. */
const maxParameters = 256

export const tooManyParameters = `A webhook may have at most ${maxParameters} parameters.`

/** Whether an encoded form or query has more than {@link maxParameters}. It counts the separators, so the check is cheap. */
export const hasTooManyParameters = (encoded: Uint8Array): boolean => {
  let separatorAt = -1
  for (let count = 0; count < maxParameters; count++) {
    separatorAt = encoded.indexOf("&".charCodeAt(0), separatorAt + 1)
    if (separatorAt < 0) return false
  }
  return true
}

/** Whether the header `content-type` means a form. A form from Twilio may lack the header. */
export const isForm = (contentType: string | undefined): boolean =>
  /^\s*(?:application\/x-www-form-urlencoded\b|$)/i.test(contentType ?? "")

/**
 * The SHA-256 of the body that the query names, in lower-case hexadecimal digits. Twilio sends it when the body is not a form, such as
 * JSON, and signs the URL with it in place of the parameters.
 *
 * https://www.twilio.com/docs/usage/security#validating-requests
 */
export const bodyHashIn = (target: string): string | undefined => /[?&]bodySHA256=([\da-f]{64})(?=&|$)/i.exec(target)?.[1].toLowerCase()

/** One value for each name. If a name was sent more than once, the last value counts, as in a query. */
export const lastOfEach = (parameters: Signature.Parameters): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, typeof value === "string" ? value : value.at(-1) ?? ""]))

/** The text fields of a JSON object, as if they had come in a form. Text that is not a JSON object has no fields. */
export const fieldsOfJson = (text: string): Readonly<Record<string, string>> => {
  const body: unknown = Option.getOrUndefined(Option.liftThrowable(JSON.parse)(text))
  if (!Predicate.isObject(body)) return {}
  return Object.fromEntries(Object.entries(body).flatMap(([name, value]) => typeof value === "string" ? [[name, value]] : []))
}
