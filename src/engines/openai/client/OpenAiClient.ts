/**
 * The client of one engine at an OpenAI-compatible address. Requests carry the engine's key, answers are streams of bytes, and each failure
 * is an `EngineFailed`.
 *
 * An answer belongs to a scope. When the scope is closed, also by an interruption, the request is aborted and its connection is closed.
 * Then most servers stop their work, but some transcription servers go on (`RequestPace`). After a body was read to its end, the
 * connection stays open for the next request.
 */
import { Cause, Clock, Duration, Effect, Exit, Option, Schema, Scope, Stream } from "effect"
import { type Headers, type HttpBody, HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import type { EngineFailed, Stage } from "../../../conversation/ports/Engine.ts"
import * as EngineMeter from "../../../conversation/ports/EngineMeter.ts"
import { StageBudget } from "../../../conversation/ports/StageBudget.ts"
import * as EngineName from "../../EngineName.ts"
import * as AnswerBody from "./AnswerBody.ts"
import * as ConnectionFailure from "./ConnectionFailure.ts"
import * as Json from "./Json.ts"
import { RequestedModel } from "./RequestedModel.ts"
import * as ServerError from "./ServerError.ts"

/** How a request is sent, and how long the server may be silent. A turn also sets a limit of its own (`StageBudget`). */
export interface RequestOptions {
  /** The longest time from the request to the answer's head. Default 15 s, or as long as the turn waits, if that is longer. */
  readonly answer?: Duration.Input
  /** The longest time from one piece of the body to the next. Default 10 s, or as long as the turn waits, if that is longer. */
  readonly piece?: Duration.Input
  /** Media types of the answer. Default `application/json`. */
  readonly accept?: string
  /** The longest body that is read. Default 16 MiB. */
  readonly maxBytes?: number
  /** The address before the path. `base` (default): the configured address, which ends with the version. `origin`: scheme and host. */
  readonly from?: "base" | "origin"
  /** Whether the request is sent once more if its connection breaks before an answer. Default true. */
  readonly isResent?: boolean
  /** The use that is counted if the request is answered or interrupted. */
  readonly use?: Use
}

/** How much a request used: tokens, characters, seconds of sound. */
type Use = Omit<EngineMeter.EngineUse, "stage" | "engine" | "requests">

/** An answer with a status of 2xx. */
export interface Answer {
  readonly headers: Headers.Headers
  /** The media type in lower case and without parameters; empty if the server names none. */
  readonly contentType: string
  /** The body can be read once, within the scope of the request. */
  readonly body: AnswerBody.AnswerBody
}

export interface OpenAiClient extends ServerError.EngineServer {
  /** The model that requests should name; none if requests need no name. See `RequestedModel`. */
  readonly model: Effect.Effect<Option.Option<string>>
  readonly post: (path: string, body: HttpBody.HttpBody, options?: RequestOptions) => Effect.Effect<Answer, EngineFailed, Scope.Scope>
  /** Counts use that is known only after the request. */
  readonly count: (use: Use) => Effect.Effect<void>
  readonly get: (path: string, options?: RequestOptions) => Effect.Effect<Answer, EngineFailed, Scope.Scope>
  /** Opens this many connections (default 1) for the first requests. Never fails, because a probe watches the server. */
  readonly warm: (connections?: number) => Effect.Effect<void>
}

/** The meter's names of the stages. Voice activity is not metered, because it has no server. */
const meteredStages = { voiceActivity: undefined, speechToText: "transcript", replyModel: "reply", textToSpeech: "speech" } as const

const defaultAnswerMillis = 15_000
const defaultPieceMillis = 10_000
const defaultMaxBytes = 16 * 1024 * 1024

/** The most bytes of an error's body that are read. */
const maxErrorBytes = 16 * 1024

const Models = Schema.Struct({ data: Schema.Array(Schema.Struct({ id: Schema.String })) })
const decodeModels = Schema.decodeUnknownOption(Models)

/**
 * The text of a request, which `ServerError.failure` keeps out of its advice; empty for a body in pieces. JSON's escapes become blanks, so
 * that `\nword` is read as "word".
 */
export const textOf = (body: HttpBody.HttpBody): string =>
  body._tag === "Uint8Array" ? new TextDecoder().decode(body.body).replace(/\\[nrt"\\/]/g, " ") : ""

/** `Retry-After` (RFC 9110, 10.2.3): seconds, or a date. `now`: ms since 1970. */
const retryAfterIn = (headers: Headers.Headers, now: number): Option.Option<Duration.Duration> => {
  const value = headers["retry-after"]?.trim() ?? ""
  if (/^\d{1,6}(?:\.\d+)?$/.test(value)) return Option.some(Duration.seconds(Number(value)))
  const date = Date.parse(value)
  return Number.isNaN(date) ? Option.none() : Option.some(Duration.millis(Math.max(0, date - now)))
}

/** The failure of a response whose status is not 2xx. If the body can't be read in time, the failure has no words of the server. */
const failureIn = Effect.fnUntraced(function*(
  server: ServerError.EngineServer,
  { headers, status, stream }: HttpClientResponse.HttpClientResponse,
  sent: string
): Effect.fn.Return<EngineFailed> {
  const now = yield* Clock.currentTimeMillis
  const body = Stream.suspend(() => {
    let read = 0
    return stream.pipe(
      Stream.takeUntil((piece) => (read += piece.length) >= maxErrorBytes),
      Stream.mapError((error) => ConnectionFailure.withinAnswer(server, error))
    )
  })
  const text = yield* AnswerBody.text({ body }).pipe(
    Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed("") }),
    Effect.orElseSucceed(() => "")
  )
  return ServerError.failure({
    server,
    status,
    // The text of an HTML page does not help the operator.
    body: Option.getOrElse(Json.parse(text), () => text.startsWith("<") ? "" : text),
    sent,
    retryAfter: retryAfterIn(headers, now)
  })
})

/** Makes the client of the server at these settings. Sends no request. */
export const make = Effect.fnUntraced(function*(
  stage: Stage,
  { apiKey, model, url }: EngineSettings
): Effect.fn.Return<OpenAiClient, never, HttpClient.HttpClient> {
  const client = HttpClient.withScope(yield* HttpClient.HttpClient)
  const server: ServerError.EngineServer = { stage, url }
  const base = url.href.replace(/\/+$/, "")

  const withApiKey = (request: HttpClientRequest.HttpClientRequest) =>
    Option.isSome(apiKey) ? HttpClientRequest.bearerToken(request, apiKey.value) : request

  const execute = Effect.fnUntraced(function*(
    request: HttpClientRequest.HttpClientRequest,
    options: RequestOptions
  ): Effect.fn.Return<Answer, EngineFailed, Scope.Scope> {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const budget = (yield* StageBudget) ?? 0
    const sent = client.execute(withApiKey(HttpClientRequest.accept(request, options.accept ?? "application/json")))
    const response = yield* sent.pipe(
      // The request never arrived if the server was just closing the connection. Requests have no lasting effect, so it may be sent twice.
      Effect.catchIf((error) => options.isResent !== false && ConnectionFailure.isBroken(error), () => sent),
      Effect.mapError((error) => ConnectionFailure.beforeAnswer(server, error)),
      Scope.provide(scope),
      Effect.timeoutOrElse({
        duration: options.answer ?? Math.max(defaultAnswerMillis, budget),
        orElse: () => Effect.fail(ConnectionFailure.silence(server, "did not answer"))
      })
    )
    if (response.status < 200 || response.status >= 300) return yield* (yield* failureIn(server, response, textOf(request.body)))
    // The headers are read once, because each access to `response.headers` makes all headers again.
    const { headers } = response
    return {
      headers,
      contentType: (headers["content-type"] ?? "").split(";")[0].trim().toLowerCase(),
      body: AnswerBody.make(response.stream, {
        server,
        abort: Scope.close(scope, Exit.void),
        maxBytes: options.maxBytes ?? defaultMaxBytes,
        maxPause: Duration.toMillis(options.piece ?? Math.max(defaultPieceMillis, budget))
      })
    }
  })

  const metered = meteredStages[stage]
  const engine = EngineName.of({ url })
  const count = (requests: number, use: Use) => metered === undefined ? Effect.void : EngineMeter.count({ ...use, stage: metered, engine, requests })

  /** An interrupted request counts, because the server worked on it. A failed request does not count. */
  const countRequest = (use: Use = {}) => <A>(exit: Exit.Exit<A, EngineFailed>) =>
    Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? count(1, use) : Effect.void

  const get: OpenAiClient["get"] = (path, options = {}) =>
    execute(HttpClientRequest.get(`${options.from === "origin" ? url.origin : base}${path}`), options)

  const firstModel = get("/models", { answer: "3 seconds", maxBytes: 1024 * 1024 }).pipe(
    Effect.flatMap(AnswerBody.json(server, decodeModels)),
    Effect.scoped,
    Effect.map(({ data }) => Option.fromUndefinedOr(data.at(0)?.id))
  )
  const requestedModel = new RequestedModel(model, firstModel)

  return {
    ...server,
    model: requestedModel.name,
    post: (path, body, options = {}) =>
      execute(HttpClientRequest.post(`${base}${path}`, { body }), options).pipe(
        Effect.onExit(countRequest(options.use)),
        Effect.tapError((error) => Effect.sync(() => requestedModel.noteFailure(error)))
      ),
    count: (use) => count(0, use),
    get,
    warm: (connections = 1) =>
      Effect.forEach(Array.from({ length: connections }), () => firstModel, { concurrency: "unbounded" }).pipe(
        Effect.tap(([first]) => Effect.sync(() => requestedModel.noteFirst(first))),
        Effect.asVoid,
        Effect.catch((error) => Effect.logDebug(`A server was not warmed up: ${error.message}`))
      )
  }
})
