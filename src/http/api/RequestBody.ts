/**
 * The body of an API request: JSON, or nothing.
 */
import { Data, Effect, Result } from "effect"
import type { HttpServerRequest } from "effect/http"
import { PayloadTooLarge } from "./Problems.ts"

/** The body is not JSON. */
class NotJson extends Data.TaggedError("NotJson")<{ readonly cause: unknown }> {
  override get message() {
    return "The body is not JSON. Send a JSON document."
  }
}

/** The body's text. Fails if the body has more than 64 KiB. */
export const readText = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string, PayloadTooLarge> =>
  Effect.mapError(request.text, () => new PayloadTooLarge({ detail: "The body of this request may have at most 64 KiB." }))

/** The JSON value of a body; `undefined` for a blank body. */
export const parse = (text: string): Result.Result<unknown, NotJson> =>
  text.trim() === ""
    ? Result.succeed(undefined)
    : Result.try({ try: () => JSON.parse(text.trim()) as unknown, catch: (cause) => new NotJson({ cause }) })

/** Whether a body has no content: blank, `null`, or an object without fields. */
export const isEmpty = (body: unknown): boolean =>
  body === undefined || body === null || (typeof body === "object" && !Array.isArray(body) && Object.keys(body).length === 0)
