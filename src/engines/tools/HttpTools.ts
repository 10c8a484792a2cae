/**
 * Tools over HTTP: `POST` of the arguments as JSON, the answer's text for the model.
 *
 * A request is sent once. Its `Idempotency-Key` is its own, so that a server, or a proxy that sends it again, can tell it from a new
 * one (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/). It has a connection of its own: on one that
 * was kept, a server that closes it at that moment would leave it open whether the request was taken.
 */
import { Duration, Effect, FiberSet, Layer, Result, type Schema, Stream } from "effect"
import { HttpBody, HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { randomUUID } from "node:crypto"
import type { Tool } from "../../definition/AgentDefinition.ts"
import { type ToolOutcome, Tools } from "../../conversation/ports/Tools.ts"

/** Characters of an answer that the model gets to read: about a thousand tokens. */
export const longestAnswer = 4000

/** Bytes of an answer that are read. */
const mostBytes = 4 * longestAnswer

/** Codes of Node and undici for a connection that never came about. */
const unsent = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"])

/** Some library wraps the cause, and Node joins those of several addresses. */
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
  codesOf(error.reason).some((code) => unsent.has(code))

/** A gateway that got no answer says nothing of what was done behind it. */
const isUnknown = (status: number): boolean => status === 502 || status === 504

const shown = (text: string): string => {
  const answer = text.trim()
  return answer.length > longestAnswer ? `${answer.slice(0, longestAnswer)}…` : answer
}

const outcomeOf = (status: number, text: string): ToolOutcome => {
  if (isUnknown(status)) return { _tag: "Unknown" }
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
      let read = 0
      return response.stream.pipe(
        Stream.takeUntil((piece) => (read += piece.length) >= mostBytes),
        Stream.decodeText,
        Stream.runForEach((piece) => Effect.sync(() => void (text += piece)))
      )
    }),
    Effect.scoped,
    Effect.timeoutOption(Duration.millis(tool.timeout)),
    Effect.result
  )
  if (Result.isSuccess(answered) && answered.success._tag === "Some") return outcomeOf(status ?? 0, shown(text))
  const why = Result.isFailure(answered) ? answered.failure.reason._tag : "it took longer than its timeout"
  yield* Effect.logWarning(`The tool ${tool.name} did not answer: ${why}`)
  // The server had done it, or had failed, before its answer broke off.
  if (status !== undefined) return outcomeOf(status, `${shown(text)} (The rest of the answer was lost.)`.trim())
  return Result.isFailure(answered) && wasNotSent(answered.failure) ? { _tag: "NotSent" } : { _tag: "Unknown" }
})

export const layer: Layer.Layer<Tools, never, HttpClient.HttpClient> = Layer.effect(
  Tools,
  Effect.gen(function*() {
    const client = yield* HttpClient.HttpClient
    /** The service's own, not the call's. */
    const requests = yield* FiberSet.make<ToolOutcome>()
    return Tools.of({ send: (tool, value) => FiberSet.run(requests, send(client, tool, value)) })
  })
)
