/**
 * The whole service for a test, on a free port of this process, with the simulator in Twilio's place. Only two things differ from `main`:
 * where the configuration comes from, and that `TWILIO_API_BASE_URL` names the simulator. The `twilio` package, the signatures and every
 * byte on the wire are the real ones.
 *
 * ```ts
 * it.live("echoes", () => withService({}, ({ service, simulator }) => Effect.gen(function*() { … })))
 * ```
 */
import { NodeHttpServer, NodeServices } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { ConfigProvider, Context, Duration, Effect, FileSystem, Layer, Metric, Redacted, type Scope } from "effect"
import { HttpServer } from "effect/http"
import type { Server } from "node:http"
import * as App from "../../../src/App.ts"
import { AppConfig } from "../../../src/config/AppConfig.ts"
import * as Engines from "../../../src/engines/Engines.ts"
import * as NodeServer from "../../../src/http/connections/NodeServer.ts"
import { type Options as SimulatorOptions, Simulator } from "../../../src/simulator/Simulator.ts"
import * as Signature from "../../../src/twilio/webhook/Signature.ts"
import * as Client from "./Client.ts"

export const authToken = "auth-token-of-the-tests"
export const apiKey = "an-api-key-of-the-tests-only"

/** Telephone numbers that nobody has. */
export const ourNumber = "+14155550100"
export const somebody = "+14155550123"

export interface Options {
  /** Variables in place of the usual ones; `undefined` leaves one out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly simulator?: SimulatorOptions
  /** The HTTP server to use, for a test that works with its connections. */
  readonly server?: Server
}

/** A webhook as Twilio would send it, with changes that a test asks for. */
export interface WebhookRequest {
  readonly method?: "GET" | "POST"
  /** The header with the signature. Absent: made with the account's token; `undefined`: none is sent. */
  readonly signature?: string | undefined
  /** The base URL that is signed, if it is not the service's own. */
  readonly signedBase?: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

export class Service extends Context.Service<Service, {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly ask: (path: string, options?: Client.Options) => Effect.Effect<Client.Answer>
  /** `POST /call/outbound` with the API key; an object is sent as JSON. */
  readonly dial: (body: unknown, options?: Client.Options) => Effect.Effect<Client.Answer>
  /** A signed webhook. */
  readonly webhook: (
    path: string,
    parameters: Readonly<Record<string, string>>,
    request?: WebhookRequest
  ) => Effect.Effect<Client.Answer>
  readonly health: Effect.Effect<{ readonly active_connections: number; readonly calls: number; readonly draining: boolean }>
  readonly metrics: Effect.Effect<Client.Metrics>
}>()("test/e2e/Service") {}

const defined = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]))

/** The configuration, from these variables and nothing else. */
const configured = (env: Options["env"]) =>
  AppConfig.layer.pipe(
    Layer.provide(Layer.unwrap(Effect.gen(function*() {
      const simulator = yield* Simulator
      const fs = yield* FileSystem.FileSystem
      return ConfigProvider.layer(ConfigProvider.fromEnv({
        env: defined({
          TWILIO_ACCOUNT_SID: simulator.accountSid,
          TWILIO_AUTH_TOKEN: authToken,
          TWILIO_PHONE_NUMBER: ourNumber,
          TWILIO_API_BASE_URL: simulator.baseUrl,
          CALLS_PER_SECOND: "1000",
          API_KEY: apiKey,
          AGENT: "echo",
          DATA_DIR: yield* fs.makeTempDirectoryScoped(),
          SHUTDOWN_GRACE: "0",
          LOG_LEVEL: "Error",
          ...env
        })
      }))
    })))
  )

/** The requests of people and of Twilio to a service at this address. */
export const at = (url: string, key: string, account: string, token: string): Service["Service"] => {
  const ask = (path: string, options?: Client.Options) => Client.ask(`${url}${path}`, options)
  return Service.of({
    url,
    ask,
    dial: (body, options = {}) =>
      ask(options.query === undefined ? "/call/outbound" : `/call/outbound?${options.query}`, {
        method: "POST",
        ...options,
        headers: { authorization: `Bearer ${key}`, ...options.headers },
        ...(body === undefined ? {} : { body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body) })
      }),
    webhook: (path, given, request = {}) => {
      const parameters = { AccountSid: account, ...given }
      const isGet = request.method === "GET"
      const query = isGet ? `${path.includes("?") ? "&" : "?"}${new URLSearchParams(parameters).toString()}` : ""
      const signature = "signature" in request
        ? request.signature
        : Signature.sign(
          Redacted.make(request.token ?? token),
          `${request.signedBase ?? url}${path}${query}`,
          isGet ? {} : parameters
        )
      return ask(path + query, {
        method: isGet ? "GET" : "POST",
        headers: {
          ...request.headers,
          ...(isGet ? {} : { "content-type": "application/x-www-form-urlencoded" }),
          ...(signature === undefined ? {} : { [Signature.header]: signature })
        },
        ...(isGet ? {} : { body: new URLSearchParams(parameters).toString() })
      })
    },
    health: Effect.map(ask("/health"), ({ json }) => json as { active_connections: number; calls: number; draining: boolean }),
    metrics: Effect.map(ask("/metrics"), ({ text }) => Client.parseMetrics(text))
  })
}

/** The service and its Twilio. */
export const layer = (options: Options = {}) => {
  const served = NodeHttpServer.layer(() => options.server ?? NodeServer.make({ keepAlive: Duration.seconds(620), maxIdle: 1000 }), { port: 0, host: "127.0.0.1", gracefulShutdownTimeout: 0 })
  const simulated = Layer.unwrap(Effect.gen(function*() {
    const { reroute, ...simulator } = options.simulator ?? {}
    const url = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
    return Simulator.layer({
      authToken: Redacted.make(authToken),
      callsPerSecond: 1000,
      ...simulator,
      ...(reroute === undefined ? {} : { reroute: { ...reroute, serviceUrl: url } })
    })
  }))
  const tools = Layer.effect(
    Service,
    Effect.gen(function*() {
      const url = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
      return at(url, apiKey, (yield* Simulator).accountSid, authToken)
    })
  )
  // Fresh, so that a second service in one test shares nothing with the first.
  return Layer.fresh(Layer.mergeAll(tools, App.layer).pipe(
    Layer.provide(Engines.layer),
    Layer.provide(configured(options.env)),
    Layer.provideMerge(simulated),
    Layer.provideMerge(served),
    // The service has its own metrics, apart from those of another service in this process.
    Layer.provide(Layer.succeed(Metric.MetricRegistry, new Map())),
    Layer.provideMerge(NodeServices.layer)
  ))
}

export interface Both {
  readonly service: Service["Service"]
  readonly simulator: Simulator["Service"]
}

/** Runs a test with a service of its own. */
export const withService = <A, E, R>(options: Options, test: (both: Both) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    return yield* test({ service: yield* Service, simulator: yield* Simulator })
  }).pipe(
    Effect.provide(layer(options)),
    Effect.scoped
  ) as Effect.Effect<A, unknown, Exclude<R, Scope.Scope>>

/** Waits until a condition holds; a slow machine has half a minute. */
export const until = <A, E, R>(what: string, look: Effect.Effect<A, E, R>, isSo: (value: A) => boolean) =>
  Effect.gen(function*() {
    let seen = yield* look
    const deadline = performance.now() + 30_000
    while (!isSo(seen)) {
      if (performance.now() > deadline) assert.fail(`${what}: still ${JSON.stringify(seen)}`)
      yield* Effect.sleep("20 millis")
      seen = yield* look
    }
    return seen
  })
