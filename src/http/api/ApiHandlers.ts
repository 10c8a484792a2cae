/**
 * What the API's endpoints do: read the request, call the service, say the outcome as HTTP.
 */
import { Clock, Duration, Effect, Layer, Metric, Option, Predicate, Redacted, Result, Schema, type SchemaIssue, Stream } from "effect"
import { HttpEffect, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiMiddleware } from "effect/http-api"
import { createHash, timingSafeEqual } from "node:crypto"
import { CallRegistry } from "../../call/CallRegistry.ts"
import { Agents } from "../../agent/Agents.ts"
import type { ConversationFeed } from "../../call/ConversationFeed.ts"
import { OutboundCalls } from "../../call/OutboundCalls.ts"
import type { OutboundError } from "../../call/outbound/OutboundRequest.ts"
import type { LineBusy } from "../../call/registry/Admission.ts"
import { Credentials } from "../../config/Credentials.ts"
import type { AgentName } from "../../domain/AgentName.ts"
import * as PhoneNumber from "../../domain/PhoneNumber.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import type { TwilioError } from "../../twilio/rest/RestClient.ts"
import * as AdminServer from "../AdminServer.ts"
import { Api, ApiKey, OutboundCall, version } from "./Api.ts"
import * as PublicEngineNames from "./PublicEngineNames.ts"
import { KeyGuesses } from "./KeyGuesses.ts"
import * as Problems from "./Problems.ts"
import { PublicUrl } from "../connections/PublicUrl.ts"
import { isEmpty, parseBody, readText, RequestFields } from "./RequestFields.ts"

const withHeader = (name: string, value: string) =>
  HttpEffect.appendPreResponseHandler((_request, response) =>
    Effect.succeed(HttpServerResponse.setHeader(response, name, value))
  )

const digest = (text: string) => createHash("sha256").update(text).digest()

export const ApiKeyLayer = Layer.effect(
  ApiKey,
  Effect.gen(function*() {
    const { apiKey } = yield* Credentials
    const publicUrl = yield* PublicUrl
    const refusals = yield* SampledLog.make
    const guesses = new KeyGuesses()
    const expected = digest(Redacted.value(apiKey))

    const refuse = Effect.fnUntraced(function*(request: HttpServerRequest.HttpServerRequest, isEmpty: boolean) {
      const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
      // No key at all is no guess.
      const wait = isEmpty ? 0 : guesses.failed(Option.getOrElse(publicUrl.clientAddress(request), () => ""), now)
      yield* Metric.update(Metrics.apiRefused(wait > 0 ? "too-many-wrong-keys" : "unauthorized"), 1)
      yield* refusals.tell("key", Effect.logWarning("A request to the API was refused: its key is missing or wrong"))
      if (wait === 0) {
        yield* withHeader("www-authenticate", "Bearer")
        return yield* new Problems.Unauthorized({ detail: "Send the API key as: Authorization: Bearer <API_KEY>" })
      }
      const seconds = Math.ceil(wait / 1000)
      yield* withHeader("retry-after", `${seconds}`)
      return yield* new Problems.TooManyKeys({
        retry_after: seconds,
        detail: "Check the key before you send it again. The right one is taken at any time."
      })
    })

    return ApiKey.of({
      // Digests have one length, so that the comparison tells nothing of the key's.
      bearer: Effect.fnUntraced(function*(httpEffect, { credential }) {
        if (timingSafeEqual(digest(Redacted.value(credential)), expected)) return yield* httpEffect
        return yield* refuse(yield* HttpServerRequest.HttpServerRequest, Redacted.value(credential) === "")
      })
    })
  })
)

// -- POST /call/outbound -----------------------------------------------------------------------

const decodeBody = Schema.decodeUnknownEffect(OutboundCall)

const isAbout = (issue: SchemaIssue.Issue, key: string): boolean => {
  switch (issue._tag) {
    case "Pointer":
      return issue.path[0] === key
    case "Composite":
      return issue.issues.some((inner) => isAbout(inner, key))
    case "Encoding":
    case "Filter":
      return isAbout(issue.issue, key)
    default:
      return false
  }
}

const example = "{\"to\":\"+14155550100\",\"agent\":\"receptionist\"}"

/** What is odd in a number that is none. */
const oddity = (body: unknown): string => {
  const to = Predicate.hasProperty(body, "to") ? body.to : undefined
  const read = typeof to === "string" ? PhoneNumber.read(to) : Result.fail("is no text")
  return to === undefined || Result.isSuccess(read) ? "" : ` It ${read.failure}.`
}

const readBody = (body: unknown) =>
  decodeBody(body).pipe(
    Effect.mapError((error) =>
      isAbout(error.issue, "to")
        ? new Problems.InvalidNumber({
          detail: `"to" must be a phone number with its country code, such as +14155550100.${oddity(body)}`
        })
        : new Problems.InvalidRequest({
          detail: `Send JSON such as ${example}. ${error.message.replaceAll(/\s+/g, " ")}`
        })
    )
  )

const decodeAgent = Schema.decodeUnknownEffect(OutboundCall.fields.agent.schema)

interface Query {
  readonly to_number?: string
  readonly websocket_url?: string
  readonly agent?: string
}

/** The query form: `?to_number=+1555…&websocket_url=wss://…`. */
const readQuery = Effect.fnUntraced(function*(query: Query) {
  if (query.to_number === undefined) {
    return yield* new Problems.InvalidRequest({
      detail: "Say whom to call: JSON such as {\"to\":\"+14155550100\"}, or ?to_number=%2B14155550100"
    })
  }
  const to = PhoneNumber.read(query.to_number)
  if (Result.isFailure(to)) {
    return yield* new Problems.InvalidNumber({
      detail: `"to_number" must be a phone number with its country code, such as %2B14155550100. It ${to.failure}.`
    })
  }
  const agent: AgentName | undefined = query.agent === undefined ? undefined : yield* decodeAgent(query.agent).pipe(
    Effect.mapError(() => new Problems.NoSuchAgent({ detail: "\"agent\" is not the name of an agent" }))
  )
  return { to: to.success, agent, websocket_url: query.websocket_url }
})

/**
 * A request is in the body or in the query, never in both: no field of one is quietly dropped for the other's. A body that
 * says nothing (none, `null`, `{}`) leaves the word to the query.
 */
const readCall = Effect.fnUntraced(function*(text: string, query: Query) {
  const body = yield* Effect.fromResult(parseBody(text)).pipe(
    Effect.mapError(() => new Problems.InvalidRequest({ detail: `The body is not JSON. Send JSON such as ${example}.` }))
  )
  if (isEmpty(body)) return yield* readQuery(query)
  const twice = Object.keys(query)
  if (twice.length > 0) {
    return yield* new Problems.InvalidRequest({
      detail: `There is a body, and the query has ${twice.join(", ")} too. Send all fields in the body, or all in the query.`
    })
  }
  return yield* readBody(body)
})

/** Twilio's codes that are about the number that was to be called. */
const badNumber = new Set([13224, 21201, 21211, 21217])
const notReachable = new Set([21214, 21215, 21216, 21219, 573_005])

const fromTwilio = (error: TwilioError) => {
  const code = Option.match(error.code, { onNone: () => ({}), onSome: (code) => ({ twilio_code: code }) })
  const said = Option.match(error.detail, { onNone: () => "", onSome: (detail) => ` Twilio says: ${detail}` })
  const number = Option.getOrElse(error.code, () => 0)
  switch (error.failure) {
    case "timedOut":
      return new Problems.TwilioTimedOut({
        detail: "The call may have been placed all the same. Look at the call log in Twilio's console before you ask again: "
          + "a second request could ring the phone twice."
      })
    case "interrupted":
      return new Problems.TwilioRefused({
        detail: "The connection to Twilio broke before the answer came. Look at the call log in Twilio's console before you ask again."
      })
    case "unreachable":
      return new Problems.TwilioRefused({
        detail: "Twilio could not be reached; no call was placed. Check the network, and TWILIO_API_BASE_URL if it is set."
      })
    case "unauthorized":
      return new Problems.TwilioRefused({
        ...code,
        detail: "Twilio did not accept this service's credentials. Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."
      })
    case "tooManyRequests":
      return new Problems.Busy({ ...code, retry_after: 5, detail: "Twilio takes no more requests at the moment. Try again soon." })
    case "failed":
      return new Problems.TwilioRefused({
        ...code,
        detail: "Twilio failed, or answered what can't be read. Look at the call log in Twilio's console before you ask again."
      })
    case "rejected":
      if (badNumber.has(number)) return new Problems.InvalidNumber({ ...code, detail: `Twilio can't call this number.${said}` })
      if (notReachable.has(number)) return new Problems.NotAllowedToCall({ ...code, detail: `No call was placed.${said}` })
      if (number === 10_004) {
        return new Problems.Busy({ ...code, retry_after: 30, detail: "The Twilio account has as many calls as it may have." })
      }
      return new Problems.TwilioRefused({ ...code, detail: `No call was placed.${said}` })
  }
}

const busy = (error: LineBusy) => new Problems.Busy({ detail: error.message, retry_after: 5 })

const toProblem = (error: OutboundError) => {
  switch (error._tag) {
    case "OutboundNotConfigured":
      return new Problems.NotConfigured({ detail: error.message })
    case "WebSocketUrlRefused":
      return new Problems.ForeignWebSocket({ detail: error.message })
    case "NumberRefused":
      return new Problems.NotAllowedToCall({ detail: error.message, rule: error.rule })
    case "DialLimitReached":
    case "TooManyWaiting":
      return new Problems.TooManyRequests({
        detail: error.message,
        retry_after: Math.ceil(Duration.toSeconds(error.retryAfter))
      })
    case "IdempotencyConflict":
      return new Problems.KeyReused({ detail: error.message })
    case "UnknownAgent":
      return new Problems.NoSuchAgent({ detail: error.message })
    case "LineBusy":
      return busy(error)
    case "TwilioError":
      return fromTwilio(error)
  }
}

/** Counts a refusal, and says in a header when to come back. */
const refused = (problem: { readonly type: string; readonly retry_after?: number }) =>
  Effect.andThen(
    Metric.update(Metrics.apiRefused(problem.type.slice(problem.type.lastIndexOf(":") + 1)), 1),
    problem.retry_after === undefined ? Effect.void : withHeader("retry-after", String(problem.retry_after))
  )

// -- GET /calls/{callSid}/events ----------------------------------------------------------------

/** Proxies close what is silent for half a minute. */
const keepAlive = Stream.tick("15 seconds").pipe(Stream.drop(1), Stream.map(() => ": still here\n\n"))

const toServerSentEvents = (events: ConversationFeed["events"]): Stream.Stream<Uint8Array> =>
  events.pipe(
    Stream.map((event) => `event: ${event._tag}\ndata: ${JSON.stringify(event)}\n\n`),
    Stream.merge(keepAlive, { haltStrategy: "left" }),
    Stream.encodeText
  )

const CallHandlers = HttpApiBuilder.group(
  Api,
  "call",
  Effect.fn(function*(handlers) {
    const calls = yield* OutboundCalls
    const registry = yield* CallRegistry
    const publicUrl = yield* PublicUrl
    return handlers.handleRaw(
      "outbound",
      Effect.fn("POST /call/outbound")(function*({ headers, query, request }) {
        const asked: typeof OutboundCall.Type | Effect.Success<ReturnType<typeof readQuery>> = yield* readCall(
          yield* readText(request),
          query
        )
        const placed = yield* calls.place({
          to: asked.to,
          agent: Option.fromNullishOr(asked.agent),
          websocketUrl: Option.fromNullishOr(asked.websocket_url),
          // One of blanks names nothing.
          idempotencyKey: Option.filter(Option.fromNullishOr(headers["idempotency-key"]), (key) => key.trim() !== ""),
          baseUrl: publicUrl.base(request)
        }).pipe(Effect.mapError(toProblem))
        return {
          call_sid: placed.callSid,
          status: placed.status,
          to: placed.to,
          from: placed.from,
          agent: placed.agent,
          queued_ms: Math.round(placed.queuedMillis)
        }
      }, Effect.tapError(refused))
    ).handleRaw(
      "events",
      Effect.fn("GET /calls/{callSid}/events")(function*({ params }) {
        const events = yield* registry.events(params.callSid)
        if (Option.isNone(events)) {
          return yield* new Problems.NoSuchCall({
            detail: "No call of this SID is alive here, or was among the last hundred to end."
          })
        }
        return HttpServerResponse.stream(toServerSentEvents(events.value), {
          contentType: "text/event-stream",
          headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
        })
      })
    )
  })
)

const SystemHandlers = HttpApiBuilder.group(
  Api,
  "system",
  Effect.fn(function*(handlers) {
    const registry = yield* CallRegistry
    const agents = yield* Agents
      const publicUrl = yield* PublicUrl
    const seconds = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e9)
    const startedAt = yield* seconds
    return handlers.handleAll({
      health: () =>
        Effect.gen(function*() {
          return {
            status: "healthy" as const,
            active_connections: yield* registry.streaming,
            calls: yield* registry.live,
            draining: yield* registry.isDraining,
            agent: agents.standard.name,
            uptime_seconds: Math.floor((yield* seconds) - startedAt),
            version
          }
        }),
      ready: ({ request }) =>
        Effect.gen(function*() {
          if (yield* registry.isDraining) {
            return yield* new Problems.Busy({ detail: "The service is stopping and takes no new calls." })
          }
          const all = yield* agents.engines
          const engines = publicUrl.isInside(request) || AdminServer.isAdmin(request) ? all : PublicEngineNames.hidden(all)
          const without = [...new Set(engines.map(({ stage }) => stage))]
            .filter((stage) => engines.every((engine) => engine.stage !== stage || engine.state === "down"))
          if (without.length === 0) return { status: "ready" as const, engines }
          return yield* new Problems.EnginesDown({
            engines,
            detail: `No engine works for: ${without.join(", ")}. Start one, or let "embedded" stand last in its list.`
          })
        })
    })
  })
)

export const layer = HttpApiBuilder.layer(Api).pipe(
  Layer.provide([CallHandlers, SystemHandlers]),
  Layer.provide([ApiKeyLayer, RequestFields.layer, HttpApiMiddleware.layerProblemDetails({ includeDetails: true })])
)

