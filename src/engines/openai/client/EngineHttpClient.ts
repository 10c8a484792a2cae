/**
 * The HTTP client of the engines. A connection is kept for the next request. It carries one request at a time, so aborting a request
 * closes only the connection of this request.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpClient } from "effect/http"

/**
 * ms that an idle connection is kept. It is long, because turns of a call are seconds apart. Some servers close a connection sooner
 * (uvicorn after 5 s). Then `OpenAiClient` sends the request again.
 */
const keepAliveMillis = 60_000

/** The most ms to open a connection. A server that can't be reached must be noticed long before a turn's time is over. */
const connectTimeout = 2000

/** Requests have no spans. Nobody would read them, and their trace headers would be sent to servers of other companies. */
const untraced = HttpClient.transformResponse(Effect.provideService(HttpClient.TracerDisabledWhen, () => true))

/** This is not Effect's own layer for undici, because that layer gives each request a copy of all its services. */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(HttpClient.HttpClient, Effect.map(NodeHttpClient.makeUndici, untraced)).pipe(
  Layer.provide(
    NodeHttpClient.layerDispatcherOptions({ pipelining: 1, keepAliveTimeout: keepAliveMillis, connect: { timeout: connectTimeout, noDelay: true } })
  )
)
