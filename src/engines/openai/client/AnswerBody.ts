/** The body of an answer: bounded in time and length while it arrives, and read as text or as JSON. */
import { Cause, Effect, Option, Stream } from "effect"
import type { HttpClientError } from "effect/http"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as StreamTimeout from "../../../conversation/ports/StreamTimeout.ts"
import * as ConnectionFailure from "./ConnectionFailure.ts"
import * as Json from "./Json.ts"
import * as ServerError from "./ServerError.ts"

export type AnswerBody = Stream.Stream<Uint8Array, EngineFailed>

/** The longest JSON answer (bytes). It is parsed in one go: a longer answer would hold up every call. */
const maxJsonBytes = 2 * 1024 * 1024

interface BoundedOptions {
  readonly server: ServerError.EngineServer
  /** Ends the request. Reading further bytes then fails. */
  readonly abort: Effect.Effect<void>
  /** Bytes of the longest body. */
  readonly maxBytes: number
  /** ms from one piece to the next. The time in which a piece is processed does not count. */
  readonly maxPause: number
}

/** The bytes of a response. Fails if they pause for too long, are too many or break off. */
export const bounded = (
  bytes: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>,
  { abort, maxBytes, maxPause, server }: BoundedOptions
): AnswerBody =>
  Stream.transformPull(bytes, Effect.fnUntraced(function*(pull, scope) {
    const { endWait, startWait, timedOut } = yield* StreamTimeout.make(maxPause)
    let read = 0
    let isLate = false
    const giveUp = Effect.suspend(() => {
      isLate = true
      return abort
    })
    yield* Effect.forkIn(Effect.andThen(timedOut, giveUp), scope)

    const next = Effect.suspend(() => {
      startWait()
      return pull
    })
    return next.pipe(
      Effect.mapError((error) => {
        if (Cause.isDone(error)) return error
        return isLate ? ConnectionFailure.silence(server, "stopped in the middle of its answer") : ConnectionFailure.withinAnswer(server, error)
      }),
      Effect.flatMap((pieces) => {
        endWait()
        for (const piece of pieces) read += piece.length
        return read <= maxBytes ? Effect.succeed(pieces) : Effect.fail(ConnectionFailure.tooLong(server, maxBytes))
      })
    )
  }))

/** The whole of a short body as text. */
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
