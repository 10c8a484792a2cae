import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { HttpClient } from "effect/http"
import type { Scope } from "effect"
import type { EngineFailed } from "../../../../../src/conversation/ports/Engine.ts"
import * as EngineHttpClient from "../../../../../src/engines/openai/client/EngineHttpClient.ts"
import * as OpenAiClient from "../../../../../src/engines/openai/client/OpenAiClient.ts"
import * as Liveness from "../../../../../src/engines/openai/client/Liveness.ts"
import * as FakeHttpServer from "../../../../support/engines/FakeHttpServer.ts"

const probeOf = Effect.fnUntraced(function*(url: string): Effect.fn.Return<Effect.Effect<void, EngineFailed>, never, HttpClient.HttpClient> {
  const settings = { url: new URL(url), model: Option.none(), apiKey: Option.none(), voice: Option.none() }
  return Liveness.make(yield* OpenAiClient.make("speechToText", settings))
})

/** A server that answers each path with this status or fault. */
const serverOf = (answer: (path: string) => number | FakeHttpServer.Fault) =>
  FakeHttpServer.make((exchange) => {
    const outcome = answer(exchange.path)
    return FakeHttpServer.send(
      exchange,
      { status: typeof outcome === "number" ? outcome : 200, headers: { "content-type": "text/html" }, pieces: ["<html></html>"] },
      {},
      typeof outcome === "number" ? undefined : outcome
    )
  })

const live = <A, E>(test: () => Effect.Effect<A, E, HttpClient.HttpClient | Scope.Scope>) => () =>
  Effect.provide(Effect.scoped(test()), EngineHttpClient.layer)

describe("a server is alive", () => {
  const servers: ReadonlyArray<readonly [what: string, answer: (path: string) => number | FakeHttpServer.Fault, paths: ReadonlyArray<string>]> = [
    ["with all pages", () => 200, ["/v1/models"]],
    ["without any page", () => 404, ["/v1/models"]],
    ["that takes only POST", () => 405, ["/v1/models"]],
    ["that does not know GET", () => 501, ["/v1/models"]],
    ["that wants a key", () => 401, ["/v1/models"]],
    ["that is too busy for probes", () => 429, ["/v1/models"]],
    ["that redirects", () => 307, ["/v1/models"]],
    ["whose list is broken", (path) => path === "/v1/models" ? 500 : 200, ["/v1/models", "/health"]],
    ["whose list is broken, with a health page of the API's", (path) => path === "/v1/health" ? 200 : 500, ["/v1/models", "/health", "/v1/health"]],
    ["with only a front page", (path) => path === "/" ? 200 : "hangUp", ["/v1/models", "/health", "/v1/health", "/"]]
  ]
  for (const [what, answer, paths] of servers) {
    it.live(what, live(() =>
      Effect.gen(function*() {
        const { received, url } = yield* serverOf(answer)
        const probe = yield* probeOf(`${url}/v1`)
        yield* probe
        // A request whose connection is closed at once is sent twice.
        assert.deepStrictEqual([...new Set(received.map(({ path }) => path))], paths)
        const before = received.length
        yield* probe
        // The page that answered is remembered.
        assert.deepStrictEqual(received.slice(before).map(({ path }) => path), [paths.at(-1)])
      })))
  }
})

describe("a server is not alive", () => {
  const servers: ReadonlyArray<readonly [what: string, answer: (path: string) => number | FakeHttpServer.Fault, reason: EngineFailed["reason"], asked: number]> = [
    ["while it loads its model, whatever its front page says", (path) => path === "/" ? 200 : 503, "unavailable", 1],
    ["behind a proxy without a server", () => 502, "unavailable", 1],
    ["whose every page is broken", () => 500, "broken", 4],
    ["that closes every connection", () => "hangUp", "broken", 4]
  ]
  for (const [what, answer, reason, asked] of servers) {
    it.live(what, live(() =>
      Effect.gen(function*() {
        const { received, url } = yield* serverOf(answer)
        assert.strictEqual((yield* Effect.flip(yield* probeOf(`${url}/v1`))).reason, reason)
        assert.strictEqual(new Set(received.map(({ path }) => path)).size, asked)
      })))
  }

  it.live("if nobody listens, which the first page shows", live(() =>
    Effect.gen(function*() {
      const port = yield* Effect.callback<number>((resume) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          server.close(() => resume(Effect.succeed(port)))
        })
      })
      assert.strictEqual((yield* Effect.flip(yield* probeOf(`http://127.0.0.1:${port}/v1`))).reason, "unavailable")
    })))
})
