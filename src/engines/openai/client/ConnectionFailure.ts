/**
 * A request that got no answer, or no whole answer: what became of its connection, and what the operator can do about it. Pure.
 *
 * Only the code of an HTTP client's error is kept: the error holds the request, and so the caller's words.
 */
import { Predicate } from "effect"
import type { HttpClientError } from "effect/http"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import { type EngineServer, variablePrefixes } from "./ServerError.ts"

/** Codes of a connection that broke after it was made. The server may have closed it as idle just when the request went out. */
const brokenCodes = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"])

/** Codes of a server that is connected but silent. A time-out while connecting is none of them: such a server can't be reached. */
const silentCodes = new Set(["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"])

const codeOf = ({ cause }: HttpClientError.HttpClientError): string =>
  Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : ""

const inBrackets = (code: string): string => code === "" ? "" : ` (${code})`

const failure = ({ stage }: EngineServer, reason: EngineFailed["reason"], advice: string): EngineFailed =>
  new EngineFailed({ stage, reason, advice })

/** Whether the connection broke after it was made. */
export const isBroken = (error: HttpClientError.HttpClientError): boolean => brokenCodes.has(codeOf(error))

/** There was no answer at all. */
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
  return failure(
    server,
    silentCodes.has(code) ? "timeout" : "unavailable",
    `${origin} can't be reached${inBrackets(code)}. Start the server, or set ${variable} to one that runs.`
  )
}

/** The connection broke in the middle of the answer. */
export const withinAnswer = (server: EngineServer, error: HttpClientError.HttpClientError): EngineFailed =>
  failure(server, "broken", `${server.url.origin} broke off in the middle of its answer${inBrackets(codeOf(error))}. Look into the server's log.`)

/** The server is silent for too long. `what`: the rest of a sentence that begins with the server's name. */
export const silence = (server: EngineServer, what: string): EngineFailed =>
  failure(server, "timeout", `${server.url.origin} ${what}. Look into the server's log; it may be overloaded.`)

/** The answer is longer than `maxBytes`. */
export const tooLong = (server: EngineServer, maxBytes: number): EngineFailed =>
  failure(
    server,
    "broken",
    `${server.url.origin} answered more than ${maxBytes} bytes. Check that ${variablePrefixes[server.stage]}_URL names such an engine.`
  )
