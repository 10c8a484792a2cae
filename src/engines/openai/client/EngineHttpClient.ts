/**
 * The HTTP client of the engines. A connection is kept for the next request and carries one request at a time: aborting a request
 * closes its connection and nothing else.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpClient } from "effect/http"

/**
 * ms that an idle connection is kept: turns of a call are seconds apart. Some servers close it sooner (uvicorn after 5 s). `OpenAiClient`
 * then sends the request again.
 */
const keepAliveMillis = 60_000

/** ms. A server that can't be reached must be noticed long before a turn's time is over. */
const connectTimeout = 2000

/** Nobody reads a span for each request, and its trace header would go to other people's servers. */
const untraced = HttpClient.transformResponse(Effect.provideService(HttpClient.TracerDisabledWhen, () => true))

/** Not Effect's own layer for undici: that one gives each request a copy of all its services. */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(HttpClient.HttpClient, Effect.map(NodeHttpClient.makeUndici, untraced)).pipe(
  Layer.provide(
    NodeHttpClient.layerDispatcherOptions({ pipelining: 1, keepAliveTimeout: keepAliveMillis, connect: { timeout: connectTimeout, noDelay: true } })
  )
)
