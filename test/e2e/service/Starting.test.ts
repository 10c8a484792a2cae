import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect, createServer, type Socket } from "node:net"
import * as Signature from "../../../src/twilio/webhook/Signature.ts"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import * as Client from "../../support/service/Client.ts"
import * as Process from "../../support/service/Process.ts"
import { apiKey, until } from "../../support/service/Service.ts"
import { awaitFrames, place } from "../../support/service/Talk.ts"

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/** The response's status and body, or "no answer". */
const statusOf = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(() => fetch(url, { headers }).then(async (response) => `${response.status} ${await response.text()}`, () => "no answer"))

const signed = { [Signature.header]: `${"A".repeat(27)}=` }

/** A connection that has sent this text and waits, with what it has received. */
const open = (port: number, text: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly socket: Socket; readonly received: () => string }>((resume) => {
      let received = ""
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(text)
        resume(Effect.succeed({ socket, received: () => received }))
      })
      socket.on("data", (chunk) => received += chunk.toString())
      socket.on("error", () => undefined)
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

layer(Process.layer, { excludeTestServices: true, timeout: "120 seconds" })("a service that starts", (it) => {
  /** Starts a service with the embedded engines, which take a second or two. */
  const begin = Effect.fnUntraced(function*() {
    const port = yield* freePort
    const started = yield* Process.start({ env: { SERVER_PORT: `${port}`, API_KEY: apiKey } })
    const url = `http://127.0.0.1:${port}`
    const first = yield* until("the port", statusOf(`${url}/health`), (answer) => answer !== "no answer")
    return { port, started, url, first }
  })

  it.effect("answers /health from the first moment, keeps webhooks that have a signature waiting, and answers other requests with 503", () =>
    Effect.gen(function*() {
      const { first, started, url } = yield* begin()
      assert.match(first, /^200 .*(?:"starting"|"healthy")/)
      if (first.includes("starting")) {
        const [webhook, unsigned, ready, page] = yield* Effect.all([
          statusOf(`${url}/twiml?CallSid=CA1`, signed),
          statusOf(`${url}/twiml`),
          statusOf(`${url}/ready`),
          statusOf(`${url}/docs`)
        ], { concurrency: "unbounded" })
        for (const answer of [ready, page, unsigned]) assert.match(answer, /^(?:200|403|503 .*engines)/)
        // The webhook waited until the service was ready to check its signature, which is forged.
        assert.match(webhook, /^403 .*invalid-signature/)
      }
      assert.match(yield* started.url, /^http/)
      assert.match(yield* statusOf(`${url}/ready`), /^200/)
    }).pipe(Effect.scoped))

  it.effect("ends on SIGTERM, and answers the waiting webhooks", () =>
    Effect.gen(function*() {
      const { port, started, url } = yield* begin()
      const waiting = yield* open(port, `GET /twiml HTTP/1.1\r\nHost: x\r\n${Signature.header}: ${signed[Signature.header]}\r\n\r\n`)
      const half = yield* open(port, `POST /twiml HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n${Signature.header}: ${signed[Signature.header]}\r\n\r\na`)
      // The service has read both requests before it answers this third one.
      const state = yield* statusOf(`${url}/health`)
      yield* started.signal("SIGTERM")
      const { code } = yield* started.ended
      assert.isNumber(code, started.stderr())
      if (state.includes("starting")) {
        assert.match(waiting.received(), /^HTTP\/1.1 (?:503|403)/)
        assert.match(half.received(), /^(?:HTTP\/1.1 (?:503|403)|$)/)
      }
    }).pipe(Effect.scoped))

  it.effect("and fails prints the reason and exits 1, even if webhooks wait", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      // Nothing listens at the speech recognition's address, which the service tries for a while.
      const nobody = yield* freePort
      const started = yield* Process.start({
        env: { SERVER_PORT: `${port}`, API_KEY: apiKey, AGENT: "nobody", STT_URL: `http://127.0.0.1:${nobody}/v1` }
      })
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(
        Effect.promise((signal) => fetch(`http://127.0.0.1:${port}/twiml`, { headers: signed, signal }).then(() => undefined, () => undefined)),
        Effect.sleep("20 millis")
      )))
      assert.strictEqual((yield* started.ended).code, 1)
      assert.match(started.stderr(), /^AGENT: /)
    }).pipe(Effect.scoped))
})

layer(Process.layer, { excludeTestServices: true, timeout: "120 seconds" })("a process that was halted", (it) => {
  it.effect("loses no call: the sound of the halt waits in the sockets", () =>
    Effect.gen(function*() {
      const { service, started, simulator } = yield* Process.startWithTwilio({ MEDIA_TIMEOUT: "2s", START_TIMEOUT: "2s" })
      const caller = Caller.make(Caller.Step.Silence({ duration: "20 seconds" }), Caller.Step.HangUp())
      const calls = yield* Effect.forEach([1, 2, 3, 4, 5], () => place({ service, simulator }, { caller }))
      for (const call of calls) yield* awaitFrames(call, 20)
      yield* started.signal("SIGSTOP")
      yield* Effect.sleep("4 seconds")
      yield* started.signal("SIGCONT")
      yield* Effect.sleep("3 seconds")
      assert.strictEqual((yield* service.health).calls, 5)
      const { text } = yield* Client.ask(`${service.url}/metrics`)
      assert.notInclude(text, "mediaTimeout")
    }).pipe(Effect.scoped))
})
