import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import type { Server } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { AppConfig } from "../../../src/config/AppConfig.ts"
import * as EarlySignature from "../../../src/http/webhooks/EarlySignature.ts"
import * as NodeServer from "../../../src/http/connections/NodeServer.ts"
import * as Signature from "../../../src/twilio/webhook/Signature.ts"
import { accountSid, authToken } from "../../support/conversation/Samples.ts"
import * as TestConfig from "../../support/service/TestConfig.ts"
import { until } from "../../support/service/Service.ts"

const base = "https://calls.example.com"
const bogus = `${"A".repeat(27)}=`

const post = (body: string, signature: string, length = Buffer.byteLength(body), target = "/twiml") =>
  `POST ${target} HTTP/1.1\r\nHost: x\r\n${Signature.header}: ${signature}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${length}\r\n\r\n${body}`

const send = (port: number, text: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly received: () => string; readonly write: (text: string) => void }>((resume) => {
      let received = ""
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(text)
        resume(Effect.succeed({ received: () => received, write: (text) => void socket.write(text) }))
      })
      socket.on("data", (chunk) => received += chunk.toString())
      socket.on("error", () => undefined)
    }),
    () => Effect.void
  )

/** A server on an open port, whose `request` event has no listener yet. */
const make = Effect.gen(function*() {
  const isSigned = EarlySignature.make(yield* AppConfig)
  const server = yield* Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = NodeServer.make({ keepAlive: Duration.seconds(620), maxIdle: 1000, isSigned })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  return { server, port: (server.address() as AddressInfo).port }
}).pipe(Effect.provide(TestConfig.config({
  PUBLIC_URL: base,
  TWILIO_ACCOUNT_SID: accountSid,
  TWILIO_AUTH_TOKEN: authToken,
  API_KEY: "an-api-key-of-the-tests-only"
})))

describe("while the service starts", () => {
  for (const [what, stranger] of [["whole", post("a=b", bogus)], ["half", post("a=b", bogus, 1000)]] as const) {
    it.live(`a request that Twilio signed waits, however many ${what} requests of strangers wait`, () =>
      Effect.gen(function*() {
        const { port, server } = yield* make
        const flood = Effect.gen(function*() {
          const strangers = yield* Effect.forEach(Array.from({ length: 150 }), () => send(port, stranger), { concurrency: 20 })
          yield* until("those for whom there is no room", Effect.sync(() => strangers.filter(({ received }) => received().startsWith("HTTP/1.1 503")).length), (count) => count >= 50)
        })
        yield* flood
        const signature = Signature.sign(Redacted.make(authToken), `${base}/twiml`, { CallSid: "CA1", CallerName: "Zoë" })
        const body = "CallSid=CA1&CallerName=Zo%C3%AB"
        // Some proxies send the target in absolute form.
        const targets = Array.from({ length: 20 }, (_, index) => index % 2 === 0 ? "/twiml" : "http://inner:8000/twiml")
        const calls = yield* Effect.forEach(targets, (target) => send(port, post(body, signature, undefined, target)))
        yield* flood
        server.on("request", (request, response) => {
          let read = ""
          request.on("data", (chunk: Buffer) => read += chunk.toString())
          request.on("end", () => void response.end(`<${read}>`))
        })
        for (const call of calls) yield* until("the answer", Effect.sync(call.received), (text) => text.includes(`<${body}>`) || text.includes(" 503 "))
        for (const call of calls) assert.match(call.received(), /^HTTP\/1\.1 200 /)
      }).pipe(Effect.scoped))
  }
})
