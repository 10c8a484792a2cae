/**
 * Everything that this service serves over HTTP, as one layer over whatever `HttpServer` is given.
 */
import { ByteSize, Effect, Layer } from "effect"
import { HttpIncomingMessage, HttpMiddleware, HttpRouter, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { HttpApiSwagger } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { Api } from "./Api.ts"
import * as ApiHandlers from "./ApiHandlers.ts"
import * as MediaRoute from "./MediaRoute.ts"
import { Failed, NotFound } from "./Problems.ts"
import { forwardedHeaders, PublicUrl } from "./PublicUrl.ts"
import * as Webhooks from "./Webhooks.ts"

/** Bodies above this are refused (413): the largest that is meant is a few hundred bytes. */
const maxBody = ByteSize.kibibytes(64)

const Fallback = HttpRouter.add(
  "*",
  "/*",
  HttpServerRespondable.toResponse(new NotFound({ detail: "The endpoints are listed at /docs and /openapi.json." }))
)

const Home = HttpRouter.add("GET", "/", HttpServerResponse.redirect("/docs"))

/** What nobody foresaw is logged whole, and told without detail. */
const Defects = HttpRouter.middleware(
  (httpEffect) =>
    Effect.catchDefect(httpEffect, (defect) =>
      Effect.andThen(
        Effect.logError("A request failed", defect),
        HttpServerRespondable.toResponse(new Failed({ detail: "The cause is in the service's log." }))
      )),
  { global: true }
)

const Forwarded = HttpRouter.middleware(
  Effect.map(forwardedHeaders, (apply) => (httpEffect) => apply(httpEffect)),
  { global: true }
)

const Routes = Layer.mergeAll(
  ApiHandlers.layer,
  Webhooks.layer,
  MediaRoute.layer,
  HttpApiSwagger.layer(Api, { path: "/docs" }),
  PrometheusMetrics.layerHttp({ path: "/metrics" }),
  Home,
  Fallback
).pipe(Layer.provide([Defects, Forwarded]))

export const layer = HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, maxBody)),
  Layer.provide(Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)),
  Layer.provideMerge(PublicUrl.layer)
)
