import { assert, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { connect } from "node:net"
import * as Signature from "../../../src/twilio/webhook/Signature.ts"
import * as Service from "../../support/service/Service.ts"

/** Sends a request exactly as written, and returns the head of the response. */
const raw = (url: string, lines: ReadonlyArray<string>) =>
  Effect.callback<string>((resume) => {
    const { host, hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname, () => {
      socket.write([...lines, `Host: ${host}`, "", ""].join("\r\n"))
    })
    let text = ""
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      if (text.includes("\r\n\r\n")) socket.destroy()
    })
    socket.on("close", () => resume(Effect.succeed(text)))
    return Effect.sync(() => socket.destroy())
  })

const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]

layer(Service.layer(), { excludeTestServices: true, timeout: "60 seconds" })("the media WebSocket", (it) => {
  it.effect("that is requested without an upgrade says that it is a WebSocket (426)", () =>
    Effect.gen(function*() {
      const answer = yield* (yield* Service.Service).ask("/ws")
      assert.strictEqual(answer.status, 426)
      assert.strictEqual(answer.problem.type, "urn:client-caller:problem:upgrade-required")
      assert.strictEqual(answer.headers.get("upgrade"), "websocket")
    }))

  it.effect("is not opened without a signature, or with a forged one (403), and the refusal is counted", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const signature of [[], ["X-Twilio-Signature: Zm9yZ2VkIQ=="]]) {
        const head = yield* raw(service.url, ["GET /ws HTTP/1.1", ...upgrade, ...signature])
        assert.match(head, /^HTTP\/1\.1 403 /)
        assert.match(head, /content-type: application\/problem\+json/i)
      }
      const metrics = yield* service.metrics
      assert.strictEqual(metrics("client_caller_webhooks_refused_total", { path: "/ws", reason: "missing" }), 1)
      assert.strictEqual(metrics("client_caller_webhooks_refused_total", { path: "/ws", reason: "wrong" }), 1)
    }))

  it.effect("whose handshake lacks a header is refused (400), and leaves nothing behind", () =>
    Effect.gen(function*() {
      // The end of this service waits for all of its requests.
      yield* Service.withService({}, ({ service }) =>
        Effect.gen(function*() {
          const url = `${service.url.replace("http", "ws")}/ws`
          const signature = Signature.sign(Redacted.make(Service.authToken), url, {})
          const head = yield* raw(service.url, ["GET /ws HTTP/1.1", ...upgrade.slice(0, 2), `X-Twilio-Signature: ${signature}`])
          assert.match(head, /^HTTP\/1\.1 400 /)
          yield* Service.until(
            "the count",
            Effect.map(service.metrics, (metrics) => metrics("client_caller_streams_refused_total", { reason: "handshake" })),
            (count) => count === 1
          )
        }))
    }))

  it.effect("is at no other path", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      assert.match(yield* raw(service.url, ["GET /elsewhere HTTP/1.1", ...upgrade]), /^HTTP\/1\.1 404 /)
      // A request for an upgrade does not turn a page into a WebSocket.
      assert.match(yield* raw(service.url, ["GET /health HTTP/1.1", ...upgrade]), /^HTTP\/1\.1 (?:200|4\d\d) /)
      assert.strictEqual((yield* service.health).active_connections, 0)
    }))

  it.effect("survives a request that is not HTTP", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      assert.match(yield* raw(service.url, ["NONSENSE"]), /^HTTP\/1\.1 400 /)
      assert.strictEqual((yield* service.ask("/health")).status, 200)
    }))
})
