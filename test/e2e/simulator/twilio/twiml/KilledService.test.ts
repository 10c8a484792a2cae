/** A call whose service is killed in mid-call and started again. Twilio keeps the call up. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer, Redacted } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as TwimlBins from "../../../../../src/simulator/twilio/twiml/TwimlBins.ts"
import { Simulator } from "../../../../../src/simulator/Simulator.ts"
import * as Process from "../../../../support/service/Process.ts"
import { apiKey, authToken, ourNumber, somebody } from "../../../../support/service/Service.ts"
import { speaker } from "../../../../support/service/Talk.ts"

class Address extends Context.Service<Address, { readonly port: string; readonly url: string }>()("test/e2e/Address") {}

/** A port on which nobody listens. */
const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** The address of a service that is started later, and a simulator whose bin "wait" redirects calls to that service. */
const addressed = Layer.unwrap(Effect.map(freePort, (port) => {
  const url = `http://127.0.0.1:${port}`
  const options = { authToken: Redacted.make(authToken), bins: { wait: TwimlBins.pauseAndRedirect(`${url}/twiml`) } }
  return Layer.merge(Simulator.layer(options), Layer.succeed(Address, { port: `${port}`, url }))
}))

layer(Layer.merge(Process.layer, addressed), { excludeTestServices: true, timeout: "60 seconds" })("a call whose service is killed", (it) => {
  it.effect("is kept up by the number's fallback until the service is back, and has a stream again", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator
      const { port, url } = yield* Address
      const fs = yield* FileSystem.FileSystem
      const env = {
        SERVER_PORT: port,
        TWILIO_ACCOUNT_SID: simulator.accountSid,
        TWILIO_AUTH_TOKEN: authToken,
        TWILIO_PHONE_NUMBER: ourNumber,
        TWILIO_API_BASE_URL: simulator.baseUrl,
        API_KEY: apiKey,
        AGENT: "echo",
        DATA_DIR: yield* fs.makeTempDirectoryScoped()
      }
      const first = yield* Process.start({ env })
      yield* first.url
      const call = yield* simulator.placeCall({
        from: somebody,
        to: ourNumber,
        webhookUrl: `${url}/twiml`,
        fallbackUrl: simulator.binUrl("wait"),
        caller: speaker
      })
      const { streamSid } = yield* call.awaitEvent("FirstSound")
      yield* first.signal("SIGKILL")
      yield* first.ended
      yield* call.awaitEvent("StreamEnded", ({ why }) => why === "connectionLost")
      yield* (yield* Process.start({ env })).url
      yield* call.awaitEvent("FirstSound", (event) => event.streamSid !== streamSid)
      assert.strictEqual(yield* call.status, "in-progress")

      const asked = (yield* call.events).flatMap((event) => event._tag === "Webhook" && event.kind === "voice" ? [event] : [])
      const failed = asked.find(({ answer }) => answer === undefined)
      assert.include(failed?.url, "/twilio/continue")
      // One request and five retries at once, as the connection overrides of the URL ask.
      assert.strictEqual(failed?.requests, 6)
      const fallback = asked.find(({ url }) => url === simulator.binUrl("wait"))
      assert.strictEqual(fallback?.parameters["ErrorCode"], "11202")
      assert.strictEqual(fallback?.parameters["CallStatus"], "in-progress")
      assert.include((yield* call.problems).map(({ code }) => code), 31903)
      yield* call.hangUp
      yield* call.settled
    }).pipe(Effect.scoped), 90_000)
})
