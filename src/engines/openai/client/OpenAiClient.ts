/**
 * One engine at an OpenAI-compatible address: requests with its key, answers as bytes that come, and every way in
 * which that can go wrong told as `EngineFailed`.
 *
 * An answer lives in a scope: closing it, by interruption or otherwise, aborts the request and so closes its
 * connection, which is how all of these servers are told to stop. A body that was read to its end leaves the
 * connection open for the next request.
 *
 * A server's own words for an error help the operator, but servers like to quote what they were sent. So only what is
 * left of them without quotations, long numbers and the request's own words comes into an advice.
 */
import { Cause, Clock, Data, Duration, Effect, Exit, Option, Predicate, Redacted, Schema, Scope, Stream } from "effect"
import { type Headers, type HttpBody, HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import { EngineFailed, type Stage } from "../../../conversation/ports/Engine.ts"
import * as StreamTimeout from "../../../conversation/ports/StreamTimeout.ts"
import { StageBudget } from "../../../conversation/ports/StageBudget.ts"
import * as RequestRefusal from "./RequestRefusal.ts"

/** How long a server may be silent. The turn has its own bounds (`StageBudget`); these end what nobody waits for any more. */
export interface Bounds {
  /** From the request to the answer's head. Default 15 s, or what the turn waits, if that is longer. */
  readonly answer?: Duration.Input
  /** From one piece of the body to the next. Default 10 s, or what the turn waits, if that is longer. */
  readonly piece?: Duration.Input
}

const standardAnswer = 15_000
const standardPiece = 10_000

export interface RequestOptions extends Bounds {
  /** What is asked for, as a media type. */
  readonly accept?: string
  /** The longest body that is read. Default 16 MiB. */
  readonly maxBytes?: number
  /** What a path follows: the configured address, which ends with the version, or its host alone. Default `base`. */
  readonly from?: "base" | "origin"
  /** Whether it is sent again, once, when its connection breaks before an answer. Default true. */
  readonly isResent?: boolean
}

/** An answer with a status of 2xx. */
export interface Answer {
  readonly headers: Headers.Headers
  /** In lower case and without parameters; empty where the server names none. */
  readonly contentType: string
  /** To be read once, within the scope of the request. */
  readonly body: Stream.Stream<Uint8Array, EngineFailed>
}

/** The answer to a request that the server did not fulfil, or its error in the middle of an answer: the cause of an `EngineFailed`. */
export class ServerError extends Data.TaggedError("ServerError")<{
  /** The HTTP status, or the error's own code where it is a number; 0 where there is neither. */
  readonly status: number
  /** How long the server asks to be left alone. */
  readonly retryAfter: Option.Option<Duration.Duration>
  /** The server's own words; they may quote the caller's. */
  readonly detail: Redacted.Redacted
  /** All of the error, as it was parsed: it may hold figures beside the words. */
  readonly body: Redacted.Redacted<unknown>
}> {}

export interface OpenAiClient {
  readonly stage: Stage
  readonly url: URL
  /**
   * The model that was configured, else the first that the server lists; none where it lists none. Asked once, and again
   * only where it is needed: after a request without a model that was refused.
   */
  readonly model: Effect.Effect<Option.Option<string>>
  readonly post: (path: string, body: HttpBody.HttpBody, options?: RequestOptions) => Effect.Effect<Answer, EngineFailed, Scope.Scope>
  readonly get: (path: string, options?: RequestOptions) => Effect.Effect<Answer, EngineFailed, Scope.Scope>
  /** Opens this many connections (default 1), so that the first request need not. A failure is left to whoever probes the server. */
  readonly warm: (connections?: number) => Effect.Effect<void>
}

const standardMaxBytes = 16 * 1024 * 1024

/** Of an error's body; the rest is not read. */
const maxErrorBytes = 16 * 1024

/** Characters of a server's own words in an advice. */
const maxDetail = 160

const prefixes: Record<Stage, string> = {
  voiceActivity: "VAD",
  speechToText: "STT",
  replyModel: "LLM",
  textToSpeech: "TTS"
}

/** The connection was there, and broke: it may have been closed for its idleness as the request went out. */
const broke = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"])

/** It is there, and says nothing. Who can't even be connected to in time can't be reached. */
const timeouts = new Set(["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"])

const codeOf = (error: HttpClientError.HttpClientError): string => {
  const { cause } = error
  return Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : ""
}

// ---------------------------------------------------------------------------------------------
// The server's own words
// ---------------------------------------------------------------------------------------------

const wordsOf = (text: string): ReadonlyArray<string> => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

/** So many words in a row are no accident. */
const run = 3

/** The places of words in `text` that stand in a run of words that was sent. */
const echoes = (words: ReadonlyArray<string>, sent: string): ReadonlySet<number> => {
  const haystack = ` ${wordsOf(sent).join(" ")} `
  const found = new Set<number>()
  for (let at = 0; at + run <= words.length; at++) {
    if (!haystack.includes(` ${words.slice(at, at + run).join(" ")} `)) continue
    for (let offset = 0; offset < run; offset++) found.add(at + offset)
  }
  return found
}

/**
 * A server's words, fit for a log: no quotations, no long numbers, nothing that looks like a key, and none of `sent`
 * from three words in a row on; at most 160 characters.
 */
export const shown = (detail: string, sent: string): string => {
  const plain = detail
    .slice(0, 4000)
    .replace(/"[^"]*"?|'[^']*'|`[^`]*`|\{[^}]*\}?|\[[^\]]*\]?/gs, "…")
    .replace(/\+?\d[\d\s().-]{4,}\d/g, "…")
    .replace(/\S{33,}/g, "…")
    .replace(/\s+/g, " ")
    .trim()
  const echoed = echoes(wordsOf(plain), sent)
  let at = 0
  const kept = plain.replace(/[\p{L}\p{N}]+/gu, (word) => echoed.has(at++) ? "…" : word).replace(/…(?:[\s,.;:]*…)+/g, "…")
  return kept.length > maxDetail ? `${kept.slice(0, maxDetail - 1)}…` : kept
}

/** `{"error":{"message"}}` (OpenAI, llama.cpp), `{"error":"…"}` (Ollama), `{"message"}` (vLLM before 0.10), `{"detail"}` (FastAPI), which names the field in `loc`. */
export const detailOf = (body: unknown): string => {
  if (Predicate.isString(body)) return body
  if (Predicate.hasProperty(body, "loc") && Array.isArray(body.loc) && Predicate.hasProperty(body, "msg")) return `${body.loc.join(".")}: ${detailOf(body.msg)}`
  for (const key of ["error", "message", "detail", "msg"]) {
    if (Predicate.hasProperty(body, key) && body[key] !== null && body[key] !== undefined) return detailOf(body[key])
  }
  return Array.isArray(body) && body.length > 0 ? detailOf(body[0]) : ""
}

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** What a text holds: JSON where it is that, else the text itself. */
export const parsed = (text: string): unknown => Option.getOrElse(decodeJson(text), () => text)

/** RFC 9110, 10.2.3: seconds, or a date. */
const retryAfterOf = (headers: Headers.Headers, now: number): Option.Option<Duration.Duration> => {
  const value = headers["retry-after"]?.trim() ?? ""
  if (/^\d{1,6}(?:\.\d+)?$/.test(value)) return Option.some(Duration.seconds(Number(value)))
  const date = Date.parse(value)
  return Number.isNaN(date) ? Option.none() : Option.some(Duration.millis(Math.max(0, date - now)))
}

const reasonOf = (status: number): EngineFailed["reason"] => {
  if (status === 408) return "timeout"
  if (status === 429 || status === 502 || status === 503 || status === 504) return "unavailable"
  return status >= 300 && status < 500 ? "refused" : "broken"
}

const whatToDo = (stage: Stage, status: number): string => {
  const prefix = prefixes[stage]
  if (status >= 300 && status < 400) return `Set ${prefix}_URL to where the server redirects to.`
  switch (status) {
    case 401:
    case 403:
      return `Set ${prefix}_API_KEY to a key that the server takes.`
    case 404:
    case 405:
      return `Check that ${prefix}_URL ends with the version, as /v1, and that the server has the model of ${prefix}_MODEL.`
    case 413:
      return "Raise the server's limit of a request's size."
    case 429:
      return "Give the server room for more requests at once, or use more of them."
    case 503:
      return "Wait until the server has loaded its model, or give it room for more requests at once."
  }
  return status >= 500 ? "Look into the server's log." : `Check that the server has the model of ${prefix}_MODEL and look into its log.`
}

/** What became of a request that the server answered with an error; `sent` is the request's body, as far as it is text. */
export const refusal = (options: {
  readonly stage: Stage
  readonly url: URL
  readonly status: number
  readonly body: unknown
  readonly sent: string
  readonly retryAfter?: Option.Option<Duration.Duration>
}): EngineFailed => {
  const detail = detailOf(options.body)
  const words = shown(detail, options.sent)
  const said = words === "" ? "" : `: ${words.replace(/[.\s]+$/, "")}`
  return new EngineFailed({
    stage: options.stage,
    reason: RequestRefusal.isAbout(options.status, options.body) ? "refused" : reasonOf(options.status),
    advice: `${options.url.origin} answered ${options.status === 0 ? "an error" : options.status}${said}. ${whatToDo(options.stage, options.status)}`,
    cause: new ServerError({
      status: options.status,
      retryAfter: options.retryAfter ?? Option.none(),
      detail: Redacted.make(detail),
      body: Redacted.make(options.body)
    })
  })
}

/** How long the server asked to be left alone, if that is why a request failed. */
export const retryAfter = ({ cause }: EngineFailed): Option.Option<Duration.Duration> =>
  cause instanceof ServerError ? cause.retryAfter : Option.none()

/** The status of an answer that was an error; `undefined` where there was no answer. */
export const statusOf = ({ cause }: EngineFailed): number | undefined =>
  cause instanceof ServerError && cause.status > 0 ? cause.status : undefined

/** Whether the server understood the request and does not take something in it: it may take one with less. */
export const isNotTaken = ({ cause }: EngineFailed): boolean =>
  cause instanceof ServerError && (cause.status === 400 || cause.status === 422)

/** Whether the server's own words about a request that failed hold this. */
export const isAbout = ({ cause }: EngineFailed, words: RegExp): boolean =>
  cause instanceof ServerError && words.test(Redacted.value(cause.detail))

/** Whether the request refers to something that the server does not have. */
export const isConflict = ({ cause }: EngineFailed): boolean => cause instanceof ServerError && cause.status === 409

// ---------------------------------------------------------------------------------------------
// The endpoint
// ---------------------------------------------------------------------------------------------

/** The request as text, to know its words again in the server's. */
export const sentOf = (body: HttpBody.HttpBody): string =>
  body._tag === "Uint8Array" ? new TextDecoder().decode(body.body).replace(/\\[nrt"\\/]/g, " ") : ""

/** All of a short body as text. */
export const text = ({ body }: Pick<Answer, "body">): Effect.Effect<string, EngineFailed> =>
  Stream.runFold(Stream.decodeText(body), () => "", (all, piece) => all + piece)

/** Characters of a JSON answer, which is read in one go: a long one would hold up every call. */
const maxJson = 2 * 1024 * 1024

const Models = Schema.Struct({ data: Schema.Array(Schema.Struct({ id: Schema.String })) })

/** Reads a JSON answer; `decode` is to be built once. */
export const json = <A>(endpoint: Pick<OpenAiClient, "stage" | "url">, decode: (input: unknown) => Option.Option<A>) =>
(answer: Answer): Effect.Effect<A, EngineFailed> =>
  Effect.flatMap(text({ body: upTo(answer.body, maxJson, endpoint) }), (body) =>
    Option.match(Option.flatMap(decodeJson(body), decode), {
      onSome: Effect.succeed,
      onNone: () => Effect.fail(unreadable(endpoint.stage, endpoint.url))
    }))

/** A body that fails as soon as it has more bytes. */
const upTo = (body: Answer["body"], limit: number, { stage, url }: Pick<OpenAiClient, "stage" | "url">): Answer["body"] =>
  Stream.suspend(() => {
    let read = 0
    return Stream.mapEffect(body, (piece) => {
      read += piece.length
      return read <= limit ? Effect.succeed(piece) : Effect.fail(unreadable(stage, url))
    })
  })

/** The answer is not what such a server answers. */
export const unreadable = (stage: Stage, url: URL): EngineFailed =>
  new EngineFailed({
    stage,
    reason: "broken",
    advice: `${url.origin} answered what can't be read. Check that ${prefixes[stage]}_URL names an OpenAI-compatible server.`
  })

const decodeModels = Schema.decodeUnknownOption(Models)

export const make = Effect.fnUntraced(function*(
  stage: Stage,
  settings: EngineSettings
): Effect.fn.Return<OpenAiClient, never, HttpClient.HttpClient> {
  const client = HttpClient.withScope(yield* HttpClient.HttpClient)
  const { url } = settings
  const prefix = prefixes[stage]
  const base = url.href.replace(/\/+$/, "")

  const failed = (reason: EngineFailed["reason"], advice: string, cause?: unknown) =>
    new EngineFailed({ stage, reason, advice, cause })

  const authorized = (request: HttpClientRequest.HttpClientRequest) =>
    Option.isSome(settings.apiKey) ? HttpClientRequest.bearerToken(request, settings.apiKey.value) : request

  /** The cause is kept by its code: the error itself holds the request, and so the caller's words. */
  const unsent = (error: HttpClientError.HttpClientError): EngineFailed => {
    const code = codeOf(error)
    const named = code === "" ? "" : ` (${code})`
    if (error.reason._tag === "InvalidUrlError" || error.reason._tag === "EncodeError") {
      return failed("refused", `The request to ${url.origin} can't be made. Check ${prefix}_URL.`)
    }
    if (broke.has(code)) {
      return failed("broken", `${url.origin} closed the connection without an answer${named}. Look into the server's log.`)
    }
    return failed(
      timeouts.has(code) ? "timeout" : "unavailable",
      `${url.origin} can't be reached${named}. Start the server, or set ${prefix}_URL to one that runs.`
    )
  }

  const silent = (what: string) =>
    failed("timeout", `${url.origin} ${what}. Look into the server's log; it may be overloaded.`)

  /** `abort` ends the request; what is left of its body fails then. */
  const body = (
    bytes: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>,
    abort: Effect.Effect<void>,
    options: RequestOptions,
    budget: number
  ): Stream.Stream<Uint8Array, EngineFailed> => {
    const maxBytes = options.maxBytes ?? standardMaxBytes
    const patience = Duration.toMillis(options.piece ?? Math.max(standardPiece, budget))
    return Stream.transformPull(bytes, Effect.fnUntraced(function*(pull, scope) {
      const { late, rest, wait } = yield* StreamTimeout.make(patience)
      let read = 0
      let isLate = false
      const giveUp = Effect.suspend(() => {
        isLate = true
        return abort
      })
      yield* Effect.forkIn(Effect.andThen(late, giveUp), scope)

      const brokeOff = (error: HttpClientError.HttpClientError) => {
        if (isLate) return silent("stopped in the middle of its answer")
        const code = codeOf(error)
        const named = code === "" ? "" : ` (${code})`
        return failed("broken", `${url.origin} broke off in the middle of its answer${named}. Look into the server's log.`)
      }

      const begun = Effect.suspend(() => {
        wait()
        return pull
      })
      return begun.pipe(
        Effect.mapError((error) => Cause.isDone(error) ? error : brokeOff(error)),
        Effect.flatMap((pieces) => {
          rest()
          for (const piece of pieces) read += piece.length
          return read <= maxBytes ? Effect.succeed(pieces) : Effect.fail(
            failed("broken", `${url.origin} answered more than ${maxBytes} bytes. Check that ${prefix}_URL names such an engine.`)
          )
        })
      )
    }))
  }

  const toFailure = Effect.fnUntraced(function*(
    response: { readonly status: number; readonly headers: Headers.Headers; readonly stream: Stream.Stream<Uint8Array, HttpClientError.HttpClientError> },
    sent: string
  ): Effect.fn.Return<EngineFailed> {
    const now = yield* Clock.currentTimeMillis
    // An error that can't be read in time is still one.
    const told = yield* text({
      body: Stream.suspend(() => {
        let read = 0
        return response.stream.pipe(
          Stream.takeUntil((piece) => (read += piece.length) >= maxErrorBytes),
          Stream.mapError(unsent)
        )
      })
    }).pipe(
      Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed("") }),
      Effect.orElseSucceed(() => "")
    )
    return refusal({
      stage,
      url,
      status: response.status,
      body: Option.getOrElse(decodeJson(told), () => told.startsWith("<") ? "" : told),
      sent,
      retryAfter: retryAfterOf(response.headers, now)
    })
  })

  const execute = Effect.fnUntraced(function*(
    request: HttpClientRequest.HttpClientRequest,
    options: RequestOptions
  ): Effect.fn.Return<Answer, EngineFailed, Scope.Scope> {
    const own = yield* Scope.fork(yield* Effect.scope)
    const budget = (yield* StageBudget) ?? 0
    const sent = client.execute(authorized(HttpClientRequest.accept(request, options.accept ?? "application/json")))
    const response = yield* sent.pipe(
      // What was sent on a connection that was being closed never arrived; and none of these requests changes anything.
      Effect.catchIf((error) => options.isResent !== false && broke.has(codeOf(error)), () => sent),
      Effect.mapError(unsent),
      Scope.provide(own),
      Effect.timeoutOrElse({ duration: options.answer ?? Math.max(standardAnswer, budget), orElse: () => Effect.fail(silent("did not answer")) })
    )
    if (response.status < 200 || response.status >= 300) {
      const refused = yield* toFailure(response, sentOf(request.body))
      if (refused.reason === "refused" && Option.isSome(model) && Option.isNone(model.value)) model = Option.none()
      return yield* refused
    }
    // Made anew each time that they are asked for.
    const { headers } = response
    return {
      headers,
      contentType: (headers["content-type"] ?? "").split(";")[0].trim().toLowerCase(),
      body: body(response.stream, Scope.close(own, Exit.void), options, budget)
    }
  })

  const get: OpenAiClient["get"] = (path, options = {}) =>
    execute(HttpClientRequest.get(`${options.from === "origin" ? url.origin : base}${path}`), options)

  /** None: not known yet; none inside: the server lists none. */
  let model: Option.Option<Option.Option<string>> = Option.isSome(settings.model) ? Option.some(settings.model) : Option.none()

  const listed = get("/models", { answer: "3 seconds", maxBytes: 1024 * 1024 }).pipe(
    Effect.flatMap(json({ stage, url }, decodeModels)),
    Effect.scoped,
    Effect.map(({ data }) => Option.fromUndefinedOr(data.at(0)?.id))
  )

  const learned = (first: Option.Option<string>) =>
    Effect.sync(() => {
      // What is known is kept: above all a model that was configured, which need not be the first of the list.
      model = Option.some(Option.orElse(Option.flatten(model), () => first))
    })

  const learn = listed.pipe(
    // A server of one model may have no such page, or one that never comes. One that is not there yet is asked again.
    Effect.catchIf(({ reason }) => reason !== "unavailable", () => Effect.succeedNone),
    Effect.tap(learned)
  )

  return {
    stage,
    url,
    model: Effect.suspend(() =>
      Option.isSome(model) ? Effect.succeed(model.value) : Effect.orElseSucceed(learn, () => Option.none<string>())
    ),
    post: (path, body, options = {}) => execute(HttpClientRequest.post(`${base}${path}`, { body }), options),
    get,
    warm: (connections = 1) =>
      Effect.forEach(Array.from({ length: connections }), () => listed, { concurrency: "unbounded" }).pipe(
        Effect.tap(([first]) => learned(first)),
        Effect.asVoid,
        Effect.catch((error) => Effect.logDebug(`A server was not warmed up: ${error.message}`))
      )
  }
})
