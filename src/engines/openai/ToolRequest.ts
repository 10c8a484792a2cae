/**
 * Asks a tool of the agent's file: `POST` of the arguments as JSON, the answer's text for the model. A tool that fails
 * fails no reply: the model is told, and says what it makes of it.
 */
import { Duration, Effect, Stream } from "effect"
import type { Schema } from "effect"
import { HttpBody, HttpClient, HttpClientRequest } from "effect/http"
import type { Tool } from "../../conversation/Persona.ts"

/** Characters of an answer that the model gets to read: about a thousand tokens. */
export const longestAnswer = 4000

/** Bytes of an answer that are read. */
const mostBytes = 4 * longestAnswer

/** What the model is told; never fails. Interruption aborts the request. */
export const ask = Effect.fnUntraced(function*(
  client: HttpClient.HttpClient,
  tool: Tool,
  json: Schema.Json
): Effect.fn.Return<string> {
  const request = HttpClientRequest.post(tool.url, { body: HttpBody.jsonUnsafe(json), acceptJson: true })
  return yield* HttpClient.withScope(client).execute(request).pipe(
    Effect.flatMap((response) => {
      let read = 0
      return response.stream.pipe(
        Stream.takeUntil((piece) => (read += piece.length) >= mostBytes),
        Stream.decodeText,
        Stream.runFold(() => "", (all, piece) => all + piece),
        Effect.map((text) => {
          const answer = text.trim()
          const shown = answer.length > longestAnswer ? `${answer.slice(0, longestAnswer)}…` : answer
          if (response.status >= 200 && response.status < 300) return shown === "" ? "Done." : shown
          return `It failed with status ${response.status}. ${shown}`.trim()
        })
      )
    }),
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: Duration.millis(tool.timeout),
      orElse: () => Effect.as(Effect.logWarning(`The tool ${tool.name} did not answer in time`), "It did not answer in time.")
    }),
    Effect.catch((error) => Effect.as(Effect.logWarning(`The tool ${tool.name} failed: ${error.reason._tag}`), "It can't be reached."))
  )
})
