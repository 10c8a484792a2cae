/** The body of an answer. Its pauses and its length are limited while it arrives. It is read as text or as JSON. */
import { Cause, Effect, Option, Stream } from "effect"
import type { HttpClientError } from "effect/http"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as StreamTimeout from "../../../conversation/ports/StreamTimeout.ts"
import * as ConnectionFailure from "./ConnectionFailure.ts"
import * as Json from "./Json.ts"
import * as ServerError from "./ServerError.ts"

export type AnswerBody = Stream.Stream<Uint8Array, EngineFailed>

/** The longest JSON answer (bytes). It is parsed in one go, so a longer answer would hold up every call. */
const maxJsonBytes = 2 * 1024 * 1024

interface MakeOptions {
  readonly server: ServerError.EngineServer
  /** Ends the request. Reading further bytes then fails. */
  readonly abort: Effect.Effect<void>
  /** Bytes of the longest body. */
  readonly maxBytes: number
  /** The most ms from one piece to the next. The time in which a piece is processed does not count. */
  readonly maxPause: number
}

/** The bytes of a response. Fails if a pause is too long, if there are too many bytes, or if the connection breaks. */
export const make = (
  bytes: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>,
  { abort, maxBytes, maxPause, server }: MakeOptions
): AnswerBody =>
  Stream.transformPull(bytes, Effect.fnUntraced(function*(pull, scope) {
    const { endWait, startWait, timedOut } = yield* StreamTimeout.make(maxPause)
    let read = 0
    let hasTimedOut = false
    const abortOnTimeout = Effect.suspend(() => {
      hasTimedOut = true
      return abort
    })
    yield* Effect.forkIn(Effect.andThen(timedOut, abortOnTimeout), scope)

    const next = Effect.suspend(() => {
      startWait()
      return pull
    })
    return next.pipe(
      Effect.mapError((error) => {
        if (Cause.isDone(error)) return error
        return hasTimedOut ? ConnectionFailure.silence(server, "stopped in the middle of its answer") : ConnectionFailure.withinAnswer(server, error)
      }),
      Effect.flatMap((pieces) => {
        endWait()
        for (const piece of pieces) read += piece.length
        return read <= maxBytes ? Effect.succeed(pieces) : Effect.fail(ConnectionFailure.tooLong(server, maxBytes))
      })
    )
  }))

/** A whole body as text. For short bodies. */
export const text = ({ body }: { readonly body: AnswerBody }): Effect.Effect<string, EngineFailed> =>
  Stream.runFold(Stream.decodeText(body), () => "", (all, piece) => all + piece)

/** The body; fails as unreadable if it is longer than `maxBytes`. */
const upTo = (body: AnswerBody, maxBytes: number, server: ServerError.EngineServer): AnswerBody =>
  Stream.suspend(() => {
    let read = 0
    return Stream.mapEffect(body, (piece) => {
      read += piece.length
      return read <= maxBytes ? Effect.succeed(piece) : Effect.fail(ServerError.unreadable(server))
    })
  })

/** Reads a JSON answer of at most 2 MiB. Build `decode` once: a schema is compiled at its first use. */
export const json = <A>(server: ServerError.EngineServer, decode: (input: unknown) => Option.Option<A>) =>
({ body }: { readonly body: AnswerBody }): Effect.Effect<A, EngineFailed> =>
  Effect.flatMap(text({ body: upTo(body, maxJsonBytes, server) }), (document) =>
    Option.match(Option.flatMap(Json.parse(document), decode), {
      onSome: Effect.succeed,
      onNone: () => Effect.fail(ServerError.unreadable(server))
    }))
