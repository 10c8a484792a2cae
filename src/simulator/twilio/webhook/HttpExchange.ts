/**
 * One HTTP request on a connection of its own, and the response.
 *
 * `node:http` is used because it shows which failure happened: no connection could be made, or no answer came. Twilio distinguishes them.
 */
import { Clock, Data, Duration, Effect, type Scope } from "effect"
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"

export interface HttpRequest {
  /** The URL, without a fragment. */
  readonly url: string
  readonly method: "GET" | "POST"
  readonly headers: Readonly<Record<string, string>>
  /** The body of a POST. "" for a GET. */
  readonly body: string
  /** How long the connection may take, including TLS. */
  readonly connectMillis: number
  /** How long the service may send nothing, before and within its answer. */
  readonly readMillis: number
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

/** The message for each reason. `notConnected`: the connection failed for another reason, or took too long. */
const explanations = {
  unknownHost: "The webhook's host name is not known.",
  refused: "Nobody listens at the webhook's address.",
  notConnected: "The webhook could not be reached.",
  notHttp: "The webhook's answer is not HTTP.",
  broken: "The connection broke before the webhook's answer was complete.",
  readTimeout: "The webhook did not answer in time."
}

/** Why there is no answer. */
export class ExchangeError extends Data.TaggedError("ExchangeError")<{ readonly reason: keyof typeof explanations }> {
  override get message() {
    return explanations[this.reason]
  }
}

const failed = (reason: ExchangeError["reason"]) => Effect.fail(new ExchangeError({ reason }))

const codeOf = (error: Error): string => "code" in error ? String(error.code) : ""

const connectFailures: Readonly<Record<string, ExchangeError["reason"]>> = { ENOTFOUND: "unknownHost", ECONNREFUSED: "refused" }

/** Begins to connect. The end of the scope closes the connection. */
const open = ({ headers, method, url }: HttpRequest): Effect.Effect<ClientRequest, ExchangeError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const request = (new URL(url).protocol === "https:" ? httpsRequest : httpRequest)(url, { method, headers, agent: false })
        // An `error` event without a listener would end the process, so this listener is there from the beginning.
        return request.on("error", () => {})
      },
      catch: () => new ExchangeError({ reason: "notConnected" })
    }),
    (request) => Effect.sync(() => request.destroy())
  )

const connect = (request: ClientRequest, url: string): Effect.Effect<void, ExchangeError> =>
  Effect.callback((resume) => {
    request.on("error", (error) => resume(failed(connectFailures[codeOf(error)] ?? "notConnected")))
    request.on("socket", (socket) => socket.once(new URL(url).protocol === "https:" ? "secureConnect" : "connect", () => resume(Effect.void)))
  })

/** Sends the request and reads the answer. `received` is called for each piece of the answer. */
const converse = (request: ClientRequest, body: string, received: () => void): Effect.Effect<HttpAnswer, ExchangeError> =>
  Effect.callback((resume) => {
    request.on("error", (error) => resume(failed(codeOf(error).startsWith("HPE_") ? "notHttp" : "broken")))
    request.on("response", (response) => {
      received()
      const pieces: Array<Buffer> = []
      response.on("data", (piece: Buffer) => {
        received()
        pieces.push(piece)
      })
      response.on("error", () => resume(failed("broken")))
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces).toString() })))
    })
    request.end(body)
  })

export const exchange = Effect.fn("HttpExchange.exchange")(function*(options: HttpRequest): Effect.fn.Return<HttpAnswer, ExchangeError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const request = yield* open(options)
  yield* Effect.timeoutOrElse(connect(request, options.url), {
    duration: Duration.millis(options.connectMillis),
    orElse: () => failed("notConnected")
  })
  const readNanos = BigInt(options.readMillis) * 1_000_000n
  let deadline = clock.monotonicTimeNanosUnsafe() + readNanos
  const untilSilent: Effect.Effect<never, ExchangeError> = Effect.suspend(() => {
    const remainingNanos = deadline - clock.monotonicTimeNanosUnsafe()
    return remainingNanos <= 0n ? failed("readTimeout") : Effect.andThen(Effect.sleep(Duration.nanos(remainingNanos)), untilSilent)
  })
  const answer = converse(request, options.body, () => {
    deadline = clock.monotonicTimeNanosUnsafe() + readNanos
  })
  return yield* Effect.raceFirst(answer, untilSilent)
}, Effect.scoped)
