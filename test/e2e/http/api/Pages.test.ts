import { assert, layer } from "@effect/vitest"
import { Effect, Metric } from "effect"
import { createHash } from "node:crypto"
import * as Metrics from "../../../../src/observability/Metrics.ts"
import * as Service from "../../../support/service/Service.ts"
import { awaitFrames, place } from "../../../support/service/Talk.ts"
import { Simulator } from "../../../../src/simulator/Simulator.ts"

interface Schema {
  readonly $ref?: string
  readonly anyOf?: ReadonlyArray<Schema>
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly security: ReadonlyArray<Record<string, unknown>>
  readonly parameters: ReadonlyArray<{ readonly name: string; readonly in: string; readonly required: boolean }>
  readonly requestBody?: { readonly required: boolean; readonly content: Record<string, { readonly schema: Schema }> }
  readonly responses: Record<string, { readonly description: string; readonly content: Record<string, { readonly schema: Schema }> }>
}

interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, unknown>; readonly securitySchemes: Record<string, unknown> }
}

const describeApi = Effect.gen(function*() {
  const answer = yield* (yield* Service.Service).ask("/openapi.json")
  assert.strictEqual(answer.status, 200)
  assert.strictEqual(answer.contentType, "application/json")
  return answer.json as Document
})

const referencesOf = (text: string) => [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name)

layer(Service.layer(), { excludeTestServices: true, timeout: "60 seconds" })("what can be read", (it) => {
  it.effect("/openapi.json is OpenAPI 3.1 with every path that people call", () =>
    Effect.gen(function*() {
      const document = yield* describeApi
      assert.match(document.openapi, /^3\.1\.\d+$/)
      assert.isNotEmpty(document.info.title)
      assert.isNotEmpty(document.info.version)
      assert.sameMembers(Object.keys(document.paths), [
        "/call/outbound", "/calls", "/calls/{callSid}", "/calls/{callSid}/transcript", "/calls/{callSid}/recording.wav", "/calls/{callSid}/events",
        "/calls/{callSid}/deliveries/{deliveryId}/resend", "/health", "/ready"
      ])
      const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
      assert.strictEqual(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
      for (const operation of operations) {
        assert.isNotEmpty(operation.summary)
        for (const [status, { description }] of Object.entries(operation.responses)) {
          assert.match(status, /^[2-5]\d\d$/)
          assert.isNotEmpty(description)
        }
      }
      // Every reference leads somewhere.
      for (const name of referencesOf(JSON.stringify(document))) assert.property(document.components.schemas, name)
    }))

  it.effect("/openapi.json describes how to place a call, the key, and the errors", () =>
    Effect.gen(function*() {
      const document = yield* describeApi
      const { post } = document.paths["/call/outbound"]
      assert.deepStrictEqual(post.security, [{ bearer: [] }])
      assert.match(JSON.stringify(document.components.securitySchemes["bearer"]), /"type":"http","scheme":"bearer"/i)
      assert.deepStrictEqual(Object.keys(post.requestBody?.content ?? {}), ["application/json"])
      assert.strictEqual(post.requestBody?.required, false)
      assert.includeMembers(post.parameters.map(({ name }) => name), ["to_number", "websocket_url", "agent", "idempotency-key"])
      assert.isTrue(post.parameters.every(({ required }) => !required))
      assert.includeMembers(Object.keys(post.responses), ["200", "400", "401", "413", "422", "429", "502", "503", "504"])
      for (const [status, { content }] of Object.entries(post.responses)) {
        assert.deepStrictEqual(Object.keys(content), [status === "200" ? "application/json" : "application/problem+json"])
      }
      assert.deepStrictEqual(document.paths["/health"]["get"].security, [])
    }))

  it.effect("/docs is one page that needs nothing from elsewhere", () =>
    Effect.gen(function*() {
      const { contentType, status, text } = yield* (yield* Service.Service).ask("/docs")
      assert.strictEqual(status, 200)
      assert.strictEqual(contentType, "text/html")
      assert.include(text, "/call/outbound")
      const tags = [...text.matchAll(/<(?:script|link|img|iframe)\b[^>]*>/g)].map(([tag]) => tag)
      assert.isNotEmpty(tags)
      assert.deepStrictEqual(tags.filter((tag) => /\b(?:src|href)\s*=\s*["']?(?:https?:)?\/\//.test(tag)), [])
      assert.notMatch(text, /@import\s+(?:url\()?["']?https?:/)
    }))

  it.effect("/docs and /openapi.json are compressed if the client accepts that, and not sent again to a client that has them", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const fetched = (path: string, headers: Record<string, string>) =>
        Effect.promise(async () => {
          const response = await fetch(service.url + path, { headers })
          return { status: response.status, headers: response.headers, text: await response.text() }
        })
      for (const path of ["/docs", "/openapi.json"]) {
        const plain = yield* fetched(path, { "accept-encoding": "identity" })
        assert.isNull(plain.headers.get("content-encoding"))
        for (const [accepted, coding] of [["gzip, deflate, br", "br"], ["gzip", "gzip"], ["gzip, br;q=0", "gzip"]]) {
          const answer = yield* Service.until(
            `${path} as ${coding}`,
            fetched(path, { "accept-encoding": accepted }),
            ({ headers }) => headers.get("content-encoding") === coding
          )
          assert.strictEqual(answer.text, plain.text)
          assert.strictEqual(answer.headers.get("vary"), "accept-encoding")
          const etag = answer.headers.get("etag")!
          assert.notStrictEqual(etag, plain.headers.get("etag"))
          const again = yield* fetched(path, { "accept-encoding": accepted, "if-none-match": `"other", W/${etag}` })
          assert.deepStrictEqual([again.status, again.text], [304, ""])
        }
      }
    }))

  it.effect("every page forbids foreign scripts and frames", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const path of ["/docs", "/openapi.json", "/health", "/metrics", "/ready", "/nothing", "/", "/ws", "/twiml"]) {
        const { headers } = yield* service.ask(path)
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff", path)
        const policy = headers.get("content-security-policy") ?? ""
        for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"]) assert.include(policy, part, path)
        assert.notMatch(policy, /script-src[^;]*(?:unsafe|\*|https?:)/, path)
      }
      const { headers, text } = yield* service.ask("/docs")
      const script = text.slice(text.indexOf("<script>") + "<script>".length, text.lastIndexOf("</script>"))
      assert.include(headers.get("content-security-policy") ?? "", `script-src 'sha256-${createHash("sha256").update(script).digest("base64")}';`)
    }))

  it.effect("/ leads to /docs", () =>
    Effect.gen(function*() {
      const { headers, status } = yield* (yield* Service.Service).ask("/")
      assert.include([301, 302, 303, 307, 308], status)
      assert.strictEqual(headers.get("location"), "/docs")
    }))

  it.effect("/health and /ready answer GET and HEAD without a key", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const path of ["/health", "/ready"]) {
        for (const method of ["GET", "HEAD"]) {
          const answer = yield* service.ask(path, { method })
          assert.strictEqual(answer.status, 200)
          assert.strictEqual(answer.contentType, "application/json")
        }
      }
      assert.deepStrictEqual((yield* service.ask("/ready")).json, { status: "ready", engines: [], store: "ready" })
    }))

  it.effect("/health tells no secret", () =>
    Effect.gen(function*() {
      const { text } = yield* (yield* Service.Service).ask("/health")
      const { accountSid } = yield* Simulator
      for (const secret of [Service.apiKey, Service.authToken, accountSid, "4155550100"]) assert.notInclude(text, secret)
    }))

  it.effect("an unknown path is a problem (404), whatever it looks like", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const path of ["/nothing", "/call", "/call/outbound/1", "/%zz", "/twilio/amd/x", "/openapi.yaml"]) {
        const answer = yield* service.ask(path)
        assert.strictEqual(answer.status, 404, path)
        assert.strictEqual(answer.problem.type, "urn:client-caller:problem:not-found")
      }
    }))

  it.effect("/metrics is Prometheus text, with the names of this service", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const call = yield* place({ service, simulator: yield* Simulator })
      yield* awaitFrames(call, 60)
      const { contentType, text } = yield* service.ask("/metrics")
      assert.strictEqual(contentType, "text/plain")
      for (const line of text.trimEnd().split("\n")) {
        assert.match(line, /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{[^}]*\})? (?:-?[\d.]+(?:e[+-]?\d+)?|[+-]Inf|NaN))$/)
      }
      const types = Object.fromEntries([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
      const metrics: ReadonlyArray<Metric.Metric<never, unknown>> = [
        Metrics.callsLive("Streaming", "inbound"),
        Metrics.framesReceived,
        Metrics.framesScanned,
        Metrics.framesSent,
        Metrics.queueLatency,
        Metrics.echoLatency
      ]
      for (const { id, type } of metrics) assert.strictEqual(types[id], type.toLowerCase(), id)
      assert.strictEqual(types["client_caller_event_loop_delay_seconds"], "gauge")
      assert.strictEqual(types["client_caller_memory_bytes"], "gauge")
      assert.notInclude(text, "4155550")
      // The simulator writes its messages as Twilio does, so the scanner must read all of them.
      const [received, scanned] = ["received", "scanned"].map((what) => new RegExp(`^client_caller_frames_${what}_total (\\d+)$`, "m").exec(text)?.[1])
      assert.isAtLeast(Number(received), 40)
      assert.strictEqual(scanned, received)
      yield* call.hangUp
      yield* call.settled
    }))
})
