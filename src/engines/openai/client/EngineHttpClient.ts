/**
 * The HTTP client that the engines' requests go by: connections are kept for the next request, one request
 * on each at a time, so that aborting a request closes its connection and nothing else.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpClient } from "effect/http"

/**
 * ms. Between two turns of a call lie seconds; a server that closes sooner (uvicorn: 5 s) says so by closing. A request
 * that meets such a closing is sent again by `OpenAiClient`.
 */
const idle = 60_000

/** ms. A server that is not there must be known long before a turn's time is over. */
const connectTimeout = 2000

/** A span of each request, with its headers as attributes, is read by nobody, and its header goes to servers of others. */
const untraced = HttpClient.transformResponse(Effect.provideService(HttpClient.TracerDisabledWhen, () => true))

/** Not undici's layer, which gives each request a copy of all services that there were when it was made. */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(HttpClient.HttpClient, Effect.map(NodeHttpClient.makeUndici, untraced)).pipe(
  Layer.provide(
    NodeHttpClient.layerDispatcherOptions({ pipelining: 1, keepAliveTimeout: idle, connect: { timeout: connectTimeout, noDelay: true } })
  )
)
