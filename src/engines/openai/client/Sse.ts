/**
 * Server-sent events of the OpenAI-compatible servers: a JSON document in each `data`, `[DONE]` behind the last where
 * the server says so, an error in the middle as `{"error":…}`.
 *
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { Cause, Effect, Metric, Option, Predicate, Pull, Result, Schema, Stream } from "effect"
import * as Events from "effect/encoding/Sse"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as Metrics from "../../../observability/Metrics.ts"
import { type Answer, type OpenAiClient, refusal, unreadable } from "./OpenAiClient.ts"

/** Characters of one event, as a rule. A second of speech in base64 is below a tenth of it. */
const standardMaxEventSize = 4 * 1024 * 1024

/** Such an event is skipped; one more, and the server speaks another language. */
const badEventsAllowed = 1

const parseJson = (text: string): Option.Option<unknown> => {
  try {
    return Option.some(JSON.parse(text))
  } catch {
    return Option.none()
  }
}

/** An error's own code, which is an HTTP status with vLLM and llama.cpp, and a word or nothing with others. */
const statusOf = (error: unknown): number =>
  Predicate.hasProperty(error, "code") && Predicate.isNumber(error.code) && error.code >= 400 && error.code < 600 ? error.code : 0

const errorOf = (data: unknown): Option.Option<unknown> =>
  // vLLM before 0.10 has it without a name of its own.
  Predicate.hasProperty(data, "object") && data.object === "error" ? Option.some(data) : Predicate.hasProperty(data, "error") && data.error !== null && data.error !== undefined && data.error !== false
    ? Option.some(data.error)
    : Option.none()

/** The failure that a document of an answer tells of. */
export const failureIn = ({ stage, url }: Pick<OpenAiClient, "stage" | "url">, document: unknown, sent: string): Option.Option<EngineFailed> =>
  Option.map(errorOf(document), (error) => refusal({ stage, url, status: statusOf(error), body: error, sent }))

/**
 * The events of an answer, decoded; the schema is compiled here, once for all answers. Ends with `[DONE]` or with
 * the body. An event of more characters than `maxEventSize` fails the answer before it is whole: it is joined and read in one go.
 */
export const decoder = <A>(
  endpoint: Pick<OpenAiClient, "stage" | "url">,
  schema: Schema.ConstraintDecoder<A>,
  maxEventSize = standardMaxEventSize
) => {
  const decode = Schema.decodeUnknownResult(schema)
  const { stage, url } = endpoint
  /** `sent` is the request's text, see `refusal`; `onDone` hears of `[DONE]`, which tells an end from a breaking off. */
  return ({ body }: Pick<Answer, "body">, sent = "", onDone: () => void = () => undefined): Stream.Stream<A, EngineFailed> =>
    Stream.transformPull(body, (pull) =>
      Effect.sync(() => {
        const utf8 = new TextDecoder()
        const ready: Array<Events.Event> = []
        const parser = Events.makeParser((event) => {
          // A hint when to come again is no event.
          if (event._tag === "Event") ready.push(event)
        }, { maxEventSize })
        let isDone = false
        let isOver = false
        let bad = 0

        const failure = (error: unknown) => refusal({ stage, url, status: statusOf(error), body: error, sent })

        /** What the events so far say; those before an error still count. */
        const take = (): { readonly items: ReadonlyArray<A>; readonly skipped: number; readonly error: EngineFailed | undefined } => {
          const items: Array<A> = []
          let skipped = 0
          for (const event of ready.splice(0)) {
            const data = event.data.trim()
            if (data === "[DONE]") {
              isDone = true
              onDone()
              break
            }
            const document = parseJson(data)
            if (Option.isSome(document)) {
              const error = event.event === "error" ? Option.some(document.value) : errorOf(document.value)
              if (Option.isSome(error)) return { items, skipped, error: failure(error.value) }
              const item = decode(document.value)
              if (Result.isSuccess(item)) {
                items.push(item.success)
                continue
              }
            }
            skipped++
            if (++bad > badEventsAllowed) return { items, skipped, error: unreadable(stage, url) }
          }
          return { items, skipped, error: undefined }
        }

        /** The rest of the body is nothing, but its end has to be read for the connection to serve again. */
        const drained = Effect.forever(pull).pipe(
          Effect.timeoutOrElse({ duration: "100 millis", orElse: () => Effect.void }),
          Effect.ignore,
          Effect.andThen(Cause.done())
        )

        let failed: EngineFailed | undefined

        const read: Pull.Pull<void, EngineFailed> = pull.pipe(
          Effect.flatMap((pieces) => {
            for (const piece of pieces) {
              if (parser.feed(utf8.decode(piece, { stream: true })) !== undefined) return Effect.fail(unreadable(stage, url))
            }
            return Effect.void
          }),
          Pull.catchDone(() =>
            Effect.sync(() => {
              isOver = true
              // The empty line behind the last event is missing from some servers.
              parser.feed(`${utf8.decode()}\n\n`)
            })
          )
        )

        const next: Pull.Pull<readonly [A, ...Array<A>], EngineFailed> = Effect.suspend(() => {
          if (failed !== undefined) return Effect.fail(failed)
          if (isDone) return drained
          if (isOver) return Cause.done()
          return Effect.flatMap(read, () => {
            const { error, items, skipped } = take()
            failed = error
            const counted = skipped === 0 ? Effect.void : Metric.update(Metrics.engineEventsSkipped(stage), skipped)
            const [first, ...rest] = items
            return Effect.andThen(counted, items.length === 0 ? next : Effect.succeed([first, ...rest] as const))
          })
        })
        return next
      }))
}
