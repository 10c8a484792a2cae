/**
 * Tools over HTTP. A tool gets its arguments as JSON, by `POST`. The model reads the text of the answer.
 *
 * A request is sent once. Each request has its own `Idempotency-Key`, so that a server recognizes a request that a proxy sent twice
 * (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/). Each request has its own connection, too. A server may
 * close a reused connection just as the request is sent. Then it is unknown whether the request has arrived.
 */
import { Duration, Effect, FiberSet, Layer, Result, type Schema, Stream } from "effect"
import { HttpBody, HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { randomUUID } from "node:crypto"
import type { Tool } from "../../definition/AgentDefinition.ts"
import { type ToolOutcome, Tools } from "../../conversation/ports/Tools.ts"

/** The most characters of an answer that the model reads: about a thousand tokens. */
const maxAnswerCharacters = 4000

/** After this many bytes the rest of an answer is not read. A character has at most four bytes (UTF-8). */
const maxAnswerBytes = 4 * maxAnswerCharacters

/** Codes of Node and undici for a connection that could not be opened. */
const unconnectedCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"])

/** The codes of an error and its causes. Node joins the errors of several addresses in `errors`. */
const codesOf = (error: unknown): ReadonlyArray<string> => {
  if (typeof error !== "object" || error === null) return []
  const { cause, code, errors } = error as { readonly cause?: unknown; readonly code?: unknown; readonly errors?: unknown }
  return [
    ...typeof code === "string" ? [code] : [],
    ...codesOf(cause),
    ...Array.isArray(errors) ? errors.flatMap(codesOf) : []
  ]
}

const wasNotSent = (error: HttpClientError.HttpClientError): boolean =>
  error.reason._tag === "InvalidUrlError" || error.reason._tag === "EncodeError" ||
  codesOf(error.reason).some((code) => unconnectedCodes.has(code))

/** A gateway with this status got no valid answer, so it is unknown what the server behind it has done. */
const isOutcomeUnknown = (status: number): boolean => status === 502 || status === 504

const shorten = (text: string): string => {
  const answer = text.trim()
  return answer.length > maxAnswerCharacters ? `${answer.slice(0, maxAnswerCharacters)}…` : answer
}

const outcomeOf = (status: number, text: string): ToolOutcome => {
  if (isOutcomeUnknown(status)) return { _tag: "Unknown" }
  if (status >= 200 && status < 300) return { _tag: "Answered", text: text === "" ? "Done." : text }
  return { _tag: "Answered", text: `It failed with status ${status}. ${text}`.trim() }
}

const send = Effect.fnUntraced(function*(client: HttpClient.HttpClient, tool: Tool, value: Schema.Json): Effect.fn.Return<ToolOutcome> {
  const request = HttpClientRequest.post(tool.url, {
    body: HttpBody.jsonUnsafe(value),
    acceptJson: true,
    headers: { "idempotency-key": randomUUID(), connection: "close" }
  })
  let status: number | undefined
  let text = ""
  const answered = yield* HttpClient.withScope(client).execute(request).pipe(
    Effect.flatMap((response) => {
      status = response.status
      let bytes = 0
      return response.stream.pipe(
        Stream.takeUntil((piece) => (bytes += piece.length) >= maxAnswerBytes),
        Stream.decodeText,
        Stream.runForEach((piece) => Effect.sync(() => void (text += piece)))
      )
    }),
    Effect.scoped,
    Effect.timeoutOption(Duration.millis(tool.timeout)),
    Effect.result
  )
  if (Result.isSuccess(answered) && answered.success._tag === "Some") return outcomeOf(status ?? 0, shorten(text))
  const cause = Result.isFailure(answered) ? answered.failure.reason._tag : "it took longer than its timeout"
  yield* Effect.logWarning(`The tool ${tool.name} did not answer: ${cause}`)
  // A server that has sent a status has done its work or has failed, so the outcome is known.
  if (status !== undefined) return outcomeOf(status, `${shorten(text)} (The rest of the answer was lost.)`.trim())
  return Result.isFailure(answered) && wasNotSent(answered.failure) ? { _tag: "NotSent" } : { _tag: "Unknown" }
})

export const layer: Layer.Layer<Tools, never, HttpClient.HttpClient> = Layer.effect(
  Tools,
  Effect.gen(function*() {
    const client = yield* HttpClient.HttpClient
    /** The fibers belong to the service, so a request goes on when its telephone call ends. */
    const requests = yield* FiberSet.make<ToolOutcome>()
    return Tools.of({ send: (tool, value) => FiberSet.run(requests, send(client, tool, value)) })
  })
)
