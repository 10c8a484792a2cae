/**
 * Everything that this service serves over HTTP, as one layer that needs an `HttpServer`.
 */
import { ByteSize, Effect, Layer, Option, type Types } from "effect"
import {
  FindMyWay,
  HttpIncomingMessage,
  HttpMiddleware,
  HttpRouter,
  HttpServerError,
  HttpServerRequest,
  HttpServerRespondable,
  HttpServerResponse
} from "effect/http"
import { OpenApi } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { Agents } from "../agent/Agents.ts"
import { AppConfig } from "../config/AppConfig.ts"
import * as SampledLog from "../observability/SampledLog.ts"
import * as AdminServer from "./AdminServer.ts"
import { Api } from "./api/Api.ts"
import * as ApiHandlers from "./api/ApiHandlers.ts"
import * as ApiDocuments from "./api/ApiDocuments.ts"
import * as PublicEngineNames from "./api/system/PublicEngineNames.ts"
import * as MediaRoute from "./MediaRoute.ts"
import { Failed, MethodNotAllowed, NotFound } from "./api/Problems.ts"
import { PublicUrl } from "./connections/PublicUrl.ts"
import * as WebhookUrls from "../twilio/webhook/WebhookUrls.ts"
import * as Webhooks from "./webhooks/Webhooks.ts"

/** Larger bodies are refused (413). The largest body that a request needs has a few KiB. */
const maxBody = ByteSize.kibibytes(64)

/** The methods of each path, to distinguish a wrong method (405) from a wrong path (404). */
const methods: ReadonlyArray<readonly [path: string, allowed: string]> = [
  ...Object.entries(OpenApi.fromApi(Api).paths).map(
    ([path, operations]) => [path, Object.keys(operations).join(", ").toUpperCase()] as const
  ),
  ...WebhookUrls.paths.map((path) => [path, "GET, POST"] as const),
  ...[MediaRoute.path, "/", ...ApiDocuments.paths, "/metrics"].map((path) => [path, "GET"] as const)
]

/** Matches a path in the same way as the routes' own router: `/DOCS`, `//docs/`, `/%64ocs` and `/docs;x` are all `/docs`. */
const pathMatcher = FindMyWay.make<string>()
for (const path of new Set([...methods.map(([path]) => path), ...AdminServer.paths])) {
  pathMatcher.on("GET", path.replaceAll(/\{(\w+)\}/g, ":$1") as FindMyWay.PathInput, path)
}

/** The route's path for this URL, such as `/calls/{callSid}`; `undefined` if no route has the URL. */
const routePathOf = (url: string): string | undefined => pathMatcher.find("GET", url)?.handler

const answerNotFound = Effect.suspend(() =>
  HttpServerRespondable.toResponse(new NotFound({ detail: "The endpoints are listed at /docs and /openapi.json." }))
)

const answerNoRoute = Effect.gen(function*() {
  const { url } = yield* HttpServerRequest.HttpServerRequest
  const path = routePathOf(url)
  const allowed = methods.find(([known]) => known === path)?.[1]
  if (allowed === undefined) return yield* answerNotFound
  const response = yield* HttpServerRespondable.toResponse(new MethodNotAllowed({ detail: `This endpoint takes ${allowed}.` }))
  return HttpServerResponse.setHeader(response, "allow", allowed)
})

const isRouteNotFound = (error: unknown) => HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound"

/** This is a middleware, not a route. A route for all paths would also get the `HEAD` requests of the routes that answer `GET`. */
const Fallback = HttpRouter.middleware(
  (httpEffect) =>
    Effect.catch(httpEffect, (error: Types.unhandled) => isRouteNotFound(error) ? answerNoRoute : Effect.fail(error)),
  { global: true }
)

/** If there is a second address (`AdminServer`), answers 404 to paths that belong to the other address. */
const Addresses = HttpRouter.middleware(
  Effect.gen(function*() {
    const hasAdmin = Option.isSome((yield* AppConfig).server.admin)
    return (httpEffect) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        AdminServer.isElsewhere(hasAdmin, routePathOf(request.url), request) ? answerNotFound : httpEffect)
  }),
  { global: true }
)

/** These headers tell a browser to trust the content type, to run no scripts, and not to show the answer in a frame. */
const pageHeaders = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

const PageHeaders = HttpRouter.middleware(
  (httpEffect) =>
    Effect.map(httpEffect, (response) =>
      HttpServerResponse.setHeaders(response, { ...pageHeaders, ...response.headers })),
  { global: true }
)

const Metrics = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const agents = yield* Agents
  const publicUrl = yield* PublicUrl
  yield* router.add(
    "GET",
    "/metrics",
    Effect.gen(function*() {
      const request = yield* HttpServerRequest.HttpServerRequest
      const text = yield* PrometheusMetrics.format()
      return HttpServerResponse.text(
        publicUrl.isFromThisMachine(request) || AdminServer.hasReceived(request) ? text : PublicEngineNames.hideInMetrics(text, yield* agents.engines),
        { contentType: "text/plain; version=0.0.4; charset=utf-8" }
      )
    })
  )
}))

const Home = HttpRouter.add("GET", "/", HttpServerResponse.redirect("/docs"))

/** Logs a defect with its cause, sampled because its request may be repeated. The client does not learn the cause. */
const Defects = HttpRouter.middleware(
  Effect.map(SampledLog.make, (failureLog) => (httpEffect) =>
    Effect.catchDefect(httpEffect, (defect) =>
      Effect.andThen(
        failureLog.write("defect", Effect.logError("A request failed", defect)),
        HttpServerRespondable.toResponse(new Failed({ detail: "The cause is in the service's log." }))
      ))),
  { global: true }
)

const Routes = Layer.mergeAll(
  ApiHandlers.layer,
  Webhooks.layer,
  MediaRoute.layer,
  ApiDocuments.layer,
  Metrics,
  Home
).pipe(Layer.provide([PageHeaders, Defects, Fallback, Addresses]))

export const layer = HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, maxBody)),
  Layer.provide(Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)),
  Layer.provideMerge(PublicUrl.layer)
)
