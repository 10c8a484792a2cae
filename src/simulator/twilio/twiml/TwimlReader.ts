/**
 * Reads TwiML, the answer of a voice webhook, in the same way as Twilio.
 *
 * The reader knows the verbs that a service for Media Streams uses. As at Twilio, an unknown verb is skipped with a warning. A document
 * that is not well-formed, or whose root is not `<Response>`, ends the call with the error `invalidDocument`.
 *
 * https://www.twilio.com/docs/voice/twiml
 */
import { Data, Effect, Option, Result, Schema } from "effect"
import * as PhoneNumber from "../../../domain/PhoneNumber.ts"
import * as DebuggerCodes from "../DebuggerCodes.ts"
import * as XmlTree from "./XmlTree.ts"

export type Method = "GET" | "POST"

/** One step of a document. URLs are absolute; seconds are whole numbers ≥ 0. */
export type Verb = Data.TaggedEnum<{
  Connect: {
    readonly action: { readonly url: string; readonly method: Method } | undefined
    readonly stream: StreamNoun
  }
  /** Rings another telephone, and joins it to the call when it answers. */
  Dial: {
    readonly to: PhoneNumber.PhoneNumber
    readonly callerId: string | undefined
    /** How long the telephone may ring. */
    readonly seconds: number
    readonly action: { readonly url: string; readonly method: Method } | undefined
  }
  Say: { readonly text: string }
  Pause: { readonly seconds: number }
  Hangup: {}
  Reject: { readonly reason: "rejected" | "busy" }
  Redirect: { readonly url: string; readonly method: Method }
}>
export const Verb = Data.taggedEnum<Verb>()

/** The `<Stream>` inside a `<Connect>`. */
export interface StreamNoun {
  /** An absolute URL: `wss://`, or `ws://` on loopback. */
  readonly url: string
  readonly name: string | undefined
  readonly statusCallback: { readonly url: string; readonly method: Method } | undefined
  readonly parameters: Readonly<Record<string, string>>
}

/** An entry of Twilio's debugger: a code of Twilio's error catalogue and a sentence. */
interface Finding {
  readonly code: number
  readonly message: string
}

export interface Document {
  readonly verbs: ReadonlyArray<Verb>
  readonly warnings: ReadonlyArray<Finding>
}

/** The document, or one of its verbs, can't be carried out, so the call ends. */
class TwimlError extends Schema.TaggedError<TwimlError>()("TwimlError", {
  code: Schema.Int,
  message: Schema.String
}) {}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * Checks a stream's URL, and makes it absolute. An absolute URL is returned unchanged, since Twilio signs exactly this text.
 *
 * The simulator also accepts `ws://` for this machine; Twilio accepts only `wss://`.
 */
const streamUrl = (text: string, base: string): Result.Result<string, TwimlError> => {
  if (!/^[a-z][a-z\d+.-]*:/i.test(text)) {
    if (!URL.canParse(text, base)) return Result.fail(new TwimlError({ code: DebuggerCodes.streamUrlMalformed, message: "The stream's URL is malformed." }))
    return Result.succeed(new URL(text, base).href.replace(/^http/, "ws"))
  }
  if (!URL.canParse(text)) return Result.fail(new TwimlError({ code: DebuggerCodes.streamUrlMalformed, message: "The stream's URL is malformed." }))
  const url = new URL(text)
  const accepted = url.protocol === "wss:" || (url.protocol === "ws:" && loopback.test(url.hostname))
  if (!accepted) {
    return Result.fail(
      new TwimlError({ code: DebuggerCodes.streamSchemeUnsupported, message: "A stream's URL has to begin with wss:// (ws:// only on this machine)." })
    )
  }
  return url.search === "" ? Result.succeed(text) : Result.fail(
    new TwimlError({ code: DebuggerCodes.streamRefused, message: "A stream's URL takes no query string: use <Parameter>." })
  )
}

const absolute = (text: string, base: string): string | undefined =>
  URL.canParse(text) ? text : URL.canParse(text, base) ? new URL(text, base).href : undefined

const method = (text: string | undefined): Method => text?.toUpperCase() === "GET" ? "GET" : "POST"

const target = (
  text: string | undefined,
  methodText: string | undefined,
  base: string
): { readonly url: string; readonly method: Method } | undefined => {
  if (text === undefined || text.trim() === "") return undefined
  const url = absolute(text.trim(), base)
  return url === undefined ? undefined : { url, method: method(methodText) }
}

const parseStream = (element: XmlTree.Element, base: string, warnings: Array<Finding>): Result.Result<StreamNoun, TwimlError> => {
  const { attributes } = element
  const url = streamUrl((attributes["url"] ?? "").trim(), base)
  if (Result.isFailure(url)) return Result.fail(url.failure)
  const parameters: Record<string, string> = {}
  for (const child of element.children) {
    const name = child.attributes["name"]
    const value = child.attributes["value"]
    if (child.name !== "Parameter" || name === undefined || value === undefined) {
      warnings.push({ code: DebuggerCodes.skipped, message: `<${child.name}> is not a <Parameter name value> of <Stream>; it was skipped.` })
    } else if (name.length + value.length > 500) {
      warnings.push({ code: DebuggerCodes.skipped, message: "A <Parameter> is longer than 500 characters; it was skipped." })
    } else {
      parameters[name] = value
    }
  }
  return Result.succeed({
    url: url.success,
    name: attributes["name"],
    statusCallback: target(attributes["statusCallback"], attributes["statusCallbackMethod"], base),
    parameters
  })
}

const seconds = (text: string | undefined): number => {
  const value = Number(text ?? "1")
  return Number.isInteger(value) && value >= 0 ? value : 1
}

const parseVerb = (
  element: XmlTree.Element,
  base: string,
  warnings: Array<Finding>
): Result.Result<Verb | undefined, TwimlError> => {
  const { attributes, name } = element
  switch (name) {
    case "Connect": {
      const stream = element.children.find((child) => child.name === "Stream")
      if (stream === undefined) {
        warnings.push({ code: DebuggerCodes.skipped, message: "<Connect> without <Stream> was skipped." })
        return Result.succeed(undefined)
      }
      return Result.map(parseStream(stream, base, warnings), (noun) =>
        Verb.Connect({ action: target(attributes["action"], attributes["method"], base), stream: noun }))
    }
    case "Dial": {
      const noun = element.children.find((child) => child.name === "Number")
      const to = PhoneNumber.parse((noun ?? element).text)
      return Option.isNone(to)
        ? Result.fail(new TwimlError({ code: DebuggerCodes.invalidDialNumber, message: "<Dial> has no phone number that can be rung." }))
        : Result.succeed(Verb.Dial({
          to: to.value,
          callerId: attributes["callerId"],
          seconds: seconds(attributes["timeout"] ?? "30"),
          action: target(attributes["action"], attributes["method"], base)
        }))
    }
    case "Say":
      return Result.succeed(Verb.Say({ text: element.text.replaceAll(/\s+/g, " ").trim() }))
    case "Pause":
      return Result.succeed(Verb.Pause({ seconds: seconds(attributes["length"]) }))
    case "Hangup":
      return Result.succeed(Verb.Hangup())
    case "Reject":
      return Result.succeed(Verb.Reject({ reason: attributes["reason"] === "busy" ? "busy" : "rejected" }))
    case "Redirect": {
      const to = target(element.text, attributes["method"], base)
      return to === undefined
        ? Result.fail(new TwimlError({ code: DebuggerCodes.invalidUrl, message: "<Redirect> has no URL that can be fetched." }))
        : Result.succeed(Verb.Redirect(to))
    }
    default:
      warnings.push({ code: DebuggerCodes.skipped, message: `The verb <${name}> is not known to the simulator; it was skipped.` })
      return Result.succeed(undefined)
  }
}

/**
 * Reads a document.
 *
 * @param base the document's own URL, against which relative URLs are resolved
 */
export const parse = Effect.fnUntraced(function*(source: string, base: string): Effect.fn.Return<Document, TwimlError> {
  const root = yield* Effect.mapError(
    XmlTree.parse(source),
    ({ message }) => new TwimlError({ code: DebuggerCodes.invalidDocument, message: `The document is not well-formed XML: ${message}.` })
  )
  if (root.name !== "Response") {
    return yield* new TwimlError({ code: DebuggerCodes.invalidDocument, message: "The document's root element is not <Response>." })
  }
  const verbs: Array<Verb> = []
  const warnings: Array<Finding> = []
  for (const child of root.children) {
    const verb = yield* Effect.fromResult(parseVerb(child, base, warnings))
    if (verb !== undefined) verbs.push(verb)
  }
  return { verbs, warnings }
})
