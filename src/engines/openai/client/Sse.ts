/**
 * Server-sent events of the OpenAI-compatible servers. Each `data` is a JSON document. Most servers send `[DONE]` last. An error in the
 * middle is `{"error":…}`.
 *
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { Cause, Effect, Metric, Option, Predicate, Pull, Result, Schema, Stream } from "effect"
import * as Events from "effect/encoding/Sse"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as Metrics from "../../../observability/Metrics.ts"
import type { AnswerBody } from "./AnswerBody.ts"
import * as Json from "./Json.ts"
import * as ServerError from "./ServerError.ts"

/** The most characters of one event. A second of speech in base64 has less than a tenth of them. */
const defaultMaxEventSize = 4 * 1024 * 1024

/** The most unreadable events that are skipped. One more fails the answer, because the server seems to have another protocol. */
const maxSkippedEvents = 1

/** How long the end of a body is read after `[DONE]`. */
const drainTimeout = "100 millis"

/** The HTTP status in an error; 0 if it has none. vLLM and llama.cpp write the status as `code`. Other servers write a word or no code. */
const statusOf = (error: unknown): number =>
  Predicate.hasProperty(error, "code") && Predicate.isNumber(error.code) && error.code >= 400 && error.code < 600 ? error.code : 0

/** The error in a document. */
const errorIn = (document: unknown): Option.Option<unknown> => {
  // In vLLM before 0.10 the document is the error.
  if (Predicate.hasProperty(document, "object") && document.object === "error") return Option.some(document)
  if (!Predicate.hasProperty(document, "error")) return Option.none()
  const { error } = document
  return error === null || error === undefined || error === false ? Option.none() : Option.some(error)
}

const failureOf = (server: ServerError.EngineServer, error: unknown, sent: string): EngineFailed =>
  ServerError.failure({ server, status: statusOf(error), body: error, sent })

/** The error in a document of an answer, as a failure. `sent`: the request's text, see `ServerError.failure`. */
export const failureIn = (server: ServerError.EngineServer, document: unknown, sent: string): Option.Option<EngineFailed> =>
  Option.map(errorIn(document), (error) => failureOf(server, error, sent))

/** The content of the newest events. Items before an error still count. */
interface ReadEvents<A> {
  readonly items: ReadonlyArray<A>
  /** The number of events that could not be read. */
  readonly skipped: number
  readonly error: EngineFailed | undefined
}

/** Reads the events of one answer from its bytes. */
class EventReader<A> {
  readonly #server: ServerError.EngineServer
  readonly #decode: (document: unknown) => Result.Result<A, unknown>
  readonly #sent: string
  readonly #utf8 = new TextDecoder()
  readonly #parser: Events.Parser
  readonly #events: Array<Events.Event> = []
  #skipped = 0
  /** `[DONE]` has come. */
  isDone = false

  constructor(server: ServerError.EngineServer, decode: (document: unknown) => Result.Result<A, unknown>, maxEventSize: number, sent: string) {
    this.#server = server
    this.#decode = decode
    this.#sent = sent
    this.#parser = Events.makeParser((event) => {
      // A `retry` hint is not an event.
      if (event._tag === "Event") this.#events.push(event)
    }, { maxEventSize })
  }

  /** Returns false if an event is too long. */
  push(piece: Uint8Array): boolean {
    return this.#parser.feed(this.#utf8.decode(piece, { stream: true })) === undefined
  }

  end(): void {
    // Some servers leave out the empty line after the last event.
    this.#parser.feed(`${this.#utf8.decode()}\n\n`)
  }

  /** Removes the events that are complete and returns their content. */
  take(): ReadEvents<A> {
    const items: Array<A> = []
    let skipped = 0
    for (const event of this.#events.splice(0)) {
      const data = event.data.trim()
      if (data === "[DONE]") {
        this.isDone = true
        break
      }
      const document = Json.parse(data)
      if (Option.isSome(document)) {
        const error = event.event === "error" ? Option.some(document.value) : errorIn(document.value)
        if (Option.isSome(error)) return { items, skipped, error: failureOf(this.#server, error.value, this.#sent) }
        const item = this.#decode(document.value)
        if (Result.isSuccess(item)) {
          items.push(item.success)
          continue
        }
      }
      skipped++
      if (++this.#skipped > maxSkippedEvents) return { items, skipped, error: ServerError.unreadable(this.#server) }
    }
    return { items, skipped, error: undefined }
  }
}

/**
 * Reads the events of answers. The schema is compiled here, once for all answers. The events end with `[DONE]` or with the body.
 *
 * An event of more than `maxEventSize` characters fails the answer, because an event is joined and parsed in one go.
 */
export const decoder = <A>(
  server: ServerError.EngineServer,
  schema: Schema.ConstraintDecoder<A>,
  maxEventSize = defaultMaxEventSize
) => {
  const decode = Schema.decodeUnknownResult(schema)
  /** `sent`: the request's text, see `ServerError.failure`. `onDone`: called at `[DONE]`, so not if the connection breaks before. */
  return ({ body }: { readonly body: AnswerBody }, sent = "", onDone: () => void = () => undefined): Stream.Stream<A, EngineFailed> =>
    Stream.transformPull(body, (pull) =>
      Effect.sync(() => {
        const reader = new EventReader(server, decode, maxEventSize, sent)
        let hasEnded = false
        let failed: EngineFailed | undefined

        /** Nothing follows `[DONE]`, but a connection can be used again only after its body was read to the end. */
        const drained = Effect.forever(pull).pipe(
          Effect.timeoutOrElse({ duration: drainTimeout, orElse: () => Effect.void }),
          Effect.ignore,
          Effect.andThen(Cause.done())
        )

        const read: Pull.Pull<void, EngineFailed> = pull.pipe(
          Effect.flatMap((pieces) => pieces.every((piece) => reader.push(piece)) ? Effect.void : Effect.fail(ServerError.unreadable(server))),
          Pull.catchDone(() =>
            Effect.sync(() => {
              hasEnded = true
              reader.end()
            })
          )
        )

        const next: Pull.Pull<readonly [A, ...Array<A>], EngineFailed> = Effect.suspend(() => {
          if (failed !== undefined) return Effect.fail(failed)
          if (reader.isDone) return drained
          if (hasEnded) return Cause.done()
          return Effect.flatMap(read, () => {
            const { error, items, skipped } = reader.take()
            failed = error
            if (reader.isDone) onDone()
            const counted = skipped === 0 ? Effect.void : Metric.update(Metrics.engineEventsSkipped(server.stage), skipped)
            const [first, ...rest] = items
            return Effect.andThen(counted, items.length === 0 ? next : Effect.succeed([first, ...rest] as const))
          })
        })
        return next
      }))
}
