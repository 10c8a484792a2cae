/**
 * The body of an API request: JSON, or nothing.
 */
import { Data, Effect, Result } from "effect"
import type { HttpServerRequest } from "effect/http"
import { InvalidRequest, PayloadTooLarge } from "./Problems.ts"

/** How many arrays and objects may be inside each other. Schemas read a body by recursion, and thousands of levels would overflow the stack. */
const maxDepth = 64

const sentences = {
  notJson: "The body is not JSON.",
  tooDeep: `The body has more than ${maxDepth} arrays and objects inside each other.`
} as const

/** The body is not JSON, or is nested too deeply. */
class UnreadableBody extends Data.TaggedError("UnreadableBody")<{ readonly why: keyof typeof sentences }> {
  override get message() {
    return sentences[this.why]
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** The body's text. Fails if the body has more than 64 KiB, or is not UTF-8. */
export const readText = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string, PayloadTooLarge | InvalidRequest> =>
  request.arrayBuffer.pipe(
    Effect.mapError(() => new PayloadTooLarge({ detail: "The body of this request may have at most 64 KiB." })),
    Effect.flatMap((bytes) =>
      Effect.try({
        try: () => utf8.decode(bytes),
        // Otherwise wrong bytes would silently become U+FFFD.
        catch: () => new InvalidRequest({ detail: "The body is not UTF-8, the encoding of JSON." })
      })
    )
  )

/** How many arrays and objects are inside each other at most. The text must be valid JSON. */
const depthOf = (text: string): number => {
  let depth = 0
  let deepest = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === "{" || token === "[") deepest = Math.max(deepest, ++depth)
    else if (token === "}" || token === "]") depth--
  }
  return deepest
}

/** The JSON value of a body; `undefined` for a blank body. */
export const parse = (text: string): Result.Result<unknown, UnreadableBody> => {
  const json = text.trim()
  if (json === "") return Result.succeed(undefined)
  return Result.try({ try: () => JSON.parse(json) as unknown, catch: () => new UnreadableBody({ why: "notJson" }) }).pipe(
    Result.flatMap((body) => depthOf(json) > maxDepth ? Result.fail(new UnreadableBody({ why: "tooDeep" })) : Result.succeed(body))
  )
}

/** Whether a body has no content: blank, `null`, or an object without fields. */
export const isEmpty = (body: unknown): boolean =>
  body === undefined || body === null || (typeof body === "object" && !Array.isArray(body) && Object.keys(body).length === 0)
