/**
 * A call's events as server-sent events (`text/event-stream`). The field `event` is the event's `_tag`, `data` is the event as JSON, and
 * `id` is its number in the call's history.
 *
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { Stream } from "effect"
import { Sse } from "effect/encoding"
import { HttpServerResponse } from "effect/http"

export interface FeedEvent {
  readonly event: { readonly _tag: string }
  /** The event's number in the history. Unset: the history does not have the event. */
  readonly id?: number
}

/** Comment lines, which clients ignore. Without them, proxies close a connection that has had no data for half a minute. `Sse` writes no comments. */
const keepAlive = Stream.tick("15 seconds").pipe(Stream.drop(1), Stream.map(() => ": still here\n\n"))

/** The events and the keep-alive comments as UTF-8. The stream ends with the events. Exported for tests. */
export const encode = <E>(events: Stream.Stream<FeedEvent, E>): Stream.Stream<Uint8Array, E> =>
  events.pipe(
    Stream.map(({ event, id }) => Sse.encoder.write({ _tag: "Event", id: id === undefined ? undefined : String(id), event: event._tag, data: JSON.stringify(event) })),
    Stream.merge(keepAlive, { haltStrategy: "left" }),
    Stream.encodeText
  )

/** The response that sends the events as they happen. Its headers forbid caches to store it, and nginx to buffer it. A failure cuts the connection. */
export const response = <E>(events: Stream.Stream<FeedEvent, E>): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(encode(events), {
    // Some clients, such as Python's requests, take text without a charset for Latin-1.
    contentType: "text/event-stream; charset=utf-8",
    headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
  })
