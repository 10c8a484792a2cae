/**
 * The failures of requests that got no answer, or no whole answer. A failure says what happened to the connection and what the operator
 * can do. Pure.
 *
 * Only the code of the HTTP client's error is kept, because the error holds the request with the caller's words.
 */
import { Predicate } from "effect"
import type { HttpClientError } from "effect/http"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import { type EngineServer, variablePrefixes } from "./ServerError.ts"

/** Codes of a connection that broke after it was made. The server may have closed it as idle just when the request was sent. */
const brokenCodes = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"])

/** Codes of a server that is connected but silent. A time-out while connecting is not among them, because it means "can't be reached". */
const silentCodes = new Set(["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"])

const codeOf = ({ cause }: HttpClientError.HttpClientError): string =>
  Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : ""

const inBrackets = (code: string): string => code === "" ? "" : ` (${code})`

const failure = ({ stage }: EngineServer, reason: EngineFailed["reason"], advice: string): EngineFailed =>
  new EngineFailed({ stage, reason, advice })

/** Whether the connection broke after it was made. */
export const isBroken = (error: HttpClientError.HttpClientError): boolean => brokenCodes.has(codeOf(error))

/** The failure of a request that got no answer at all. */
export const beforeAnswer = (server: EngineServer, error: HttpClientError.HttpClientError): EngineFailed => {
  const { origin } = server.url
  const code = codeOf(error)
  const variable = `${variablePrefixes[server.stage]}_URL`
  if (error.reason._tag === "InvalidUrlError" || error.reason._tag === "EncodeError") {
    return failure(server, "refused", `The request to ${origin} can't be made. Check ${variable}.`)
  }
  if (isBroken(error)) {
    return failure(server, "broken", `${origin} closed the connection without an answer${inBrackets(code)}. Look into the server's log.`)
  }
  if (silentCodes.has(code)) return silence(server, `did not answer${inBrackets(code)}`)
  return failure(server, "unavailable", `${origin} can't be reached${inBrackets(code)}. Start the server, or set ${variable} to a server that runs.`)
}

/** The failure of an answer whose connection broke in the middle. */
export const withinAnswer = (server: EngineServer, error: HttpClientError.HttpClientError): EngineFailed =>
  failure(server, "broken", `${server.url.origin} broke off in the middle of its answer${inBrackets(codeOf(error))}. Look into the server's log.`)

/** The failure of a server that is silent for too long. `what`: the rest of a sentence that begins with the server's name. */
export const silence = (server: EngineServer, what: string): EngineFailed =>
  failure(server, "timeout", `${server.url.origin} ${what}. Look into the server's log; it may be overloaded.`)

/** The failure of an answer that is longer than `maxBytes`. */
export const tooLong = (server: EngineServer, maxBytes: number): EngineFailed =>
  failure(
    server,
    "broken",
    `${server.url.origin} sent an answer of more than ${maxBytes} bytes. Check that ${variablePrefixes[server.stage]}_URL names an engine of this stage.`
  )
