import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import { PublicUrl } from "../../../../src/http/connections/PublicUrl.ts"
import * as Process from "../../../support/service/Process.ts"
import * as Service from "../../../support/service/Service.ts"

const { ourNumber, somebody, withService } = Service

const publicUrl = "https://calls.example.com"
const host = "calls.example.com"
const client = "203.0.113.7"
const lb = "10.0.0.1"

/** Each call has a SID of its own, since the service knows an ended call for a day. */
let calls = 0
const voice = { From: somebody, To: ourNumber, Direction: "inbound", CallStatus: "ringing" }

/** Returns the WebSocket that a webhook's TwiML names, and ends the call. */
const ask = (service: Service.Service["Service"], headers: Record<string, string>, signedBase = publicUrl) =>
  Effect.gen(function*() {
    const CallSid = `CA${String(++calls).padStart(32, "0")}`
    const { status, text } = yield* service.webhook("/twiml", { ...voice, CallSid }, { signedBase, headers })
    yield* service.webhook("/twilio/status", { CallSid, CallStatus: "completed", SequenceNumber: "9" }, { signedBase, headers })
    return status === 200 ? /<Stream [^>]*\burl="([^"]*)"/.exec(text)?.[1] ?? text : status
  })

describe("behind several proxies", () => {
  const cases: ReadonlyArray<readonly [what: string, headers: Record<string, string>]> = [
    ["two hops and one scheme", { "x-forwarded-for": `${client}, ${lb}`, "x-forwarded-proto": "https", "x-forwarded-host": host }],
    ["two hops and two schemes", { "x-forwarded-for": `${client}, ${lb}`, "x-forwarded-proto": "https,http", "x-forwarded-host": host }],
    ["one hop and two schemes", { "x-forwarded-for": client, "x-forwarded-proto": "https,http", "x-forwarded-host": host }],
    ["a hop that is not trusted", { "x-forwarded-for": `${client}, 192.168.1.1`, "x-forwarded-proto": "https", "x-forwarded-host": host }],
    ["no addresses", { "x-forwarded-proto": "https", "x-forwarded-host": host }],
    ["no scheme", { "x-forwarded-for": client, "x-forwarded-host": host }],
    ["the inner proxy's own scheme", { "x-forwarded-for": `${client}, ${lb}`, "x-forwarded-proto": "http", "x-forwarded-host": host }],
    ["the inner proxy's own port", { "x-forwarded-proto": "https", "x-forwarded-host": host, "x-forwarded-port": "8080" }],
    ["Forwarded", { forwarded: `for="[2001:db8::7]:4711";proto=https;host=${host}, for=${lb}` }]
  ]
  it.live("the address that Twilio signed is found, and the answer uses it", () =>
    withService({ env: { TRUSTED_PROXIES: "loopback, 10.0.0.0/8" } }, ({ service }) =>
      Effect.gen(function*() {
        for (const [what, headers] of cases) assert.strictEqual(yield* ask(service, headers), `wss://${host}/ws`, what)
        const withPort = { "x-forwarded-proto": "https", "x-forwarded-host": host, "x-forwarded-port": "8443" }
        assert.strictEqual(yield* ask(service, withPort, `${publicUrl}:8443`), `wss://${host}:8443/ws`)
        // Another host is never tried, and neither are headers that contradict each other.
        assert.strictEqual(yield* ask(service, { "x-forwarded-proto": "https", "x-forwarded-host": "other.example" }), 403)
        assert.strictEqual(yield* ask(service, { ...cases[0][1], forwarded: "host=evil.example" }), 403)
        assert.strictEqual(yield* ask(service, { ...cases[0][1], forwarded: "host=evil.example" }, "https://evil.example"), 403)
      })))
})

describe("a webhook that Twilio sends over http://", () => {
  const headers = { "x-forwarded-for": client, "x-forwarded-proto": "http", "x-forwarded-host": host }
  for (const [who, api, scheme] of [["Twilio itself", "https://api.twilio.com", "wss"], ["a stand-in for Twilio", undefined, "ws"]] as const) {
    it.live(`is answered with a ${scheme}:// stream to ${who}`, () =>
      withService({ env: { TRUSTED_PROXIES: "loopback", ...(api === undefined ? {} : { TWILIO_API_BASE_URL: api }) } }, ({ service }) =>
        Effect.gen(function*() {
          assert.strictEqual(yield* ask(service, headers, `http://${host}`), `${scheme}://${host}/ws`)
        })))
  }
})

describe("the client's address", () => {
  for (const url of [undefined, publicUrl]) {
    it.live(`is found through TRUSTED_PROXIES, ${url === undefined ? "without" : "also with"} PUBLIC_URL`, () =>
      Effect.gen(function*() {
        const { base, clientAddress } = yield* PublicUrl
        const request = HttpServerRequest.fromWeb(
          new Request("http://inner.example/", {
            headers: { "x-forwarded-for": `192.0.2.66, ${client}, ${lb}`, "x-forwarded-proto": "https", "x-forwarded-host": host }
          })
        )
        const from = (peer: string) => request.modify({ remoteAddress: Option.some(peer) })
        assert.deepStrictEqual(clientAddress(from("::ffff:127.0.0.1")), Option.some(client))
        assert.deepStrictEqual(clientAddress(from("192.0.2.1")), Option.some("192.0.2.1"))
        assert.strictEqual(base(from("127.0.0.1")), publicUrl)
      }).pipe(Effect.provide(Service.layer({ env: { TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8", PUBLIC_URL: url } })), Effect.scoped))
  }
})

describe("what keeps a signature from matching PUBLIC_URL", () => {
  it.live("is diagnosed from the request's host", () =>
    Effect.gen(function*() {
      const { diagnose } = yield* PublicUrl
      const kindOf = (headers: Record<string, string>) =>
        diagnose(HttpServerRequest.fromWeb(new Request("http://x/", { headers })).modify({ remoteAddress: Option.some(client) })).kind
      assert.strictEqual(kindOf({ host: "other.example" }), "PUBLIC_URL of another host")
      assert.strictEqual(kindOf({ host: `${host}:8443` }), "PUBLIC_URL of another host")
      assert.strictEqual(kindOf({ host: `${host}:443` }), "PUBLIC_URL")
      assert.strictEqual(kindOf({ host: "inner:8000", "x-forwarded-host": "Calls.Example.Com" }), "PUBLIC_URL")
    }).pipe(Effect.provide(Service.layer({ env: { PUBLIC_URL: publicUrl } })), Effect.scoped))
})

layer(Process.layer, { excludeTestServices: true, timeout: "60 seconds" })("a signature that does not match", (it) => {
  const cases: ReadonlyArray<readonly [env: Record<string, string>, headers: Record<string, string>, advice: RegExp]> = [
    [{}, { "x-forwarded-proto": "https", "x-forwarded-host": host }, /proxy that is not in TRUSTED_PROXIES/],
    [{}, {}, /PUBLIC_URL is not set/],
    [{ TRUSTED_PROXIES: "127.0.0.1" }, {}, /forwards no address/],
    [{ TRUSTED_PROXIES: "127.0.0.1" }, { "x-forwarded-proto": "https" }, /changes the Host header/]
  ]
  it.effect("is logged once for each kind, with what was seen and what to set, and without text of a stranger", () =>
    Effect.gen(function*() {
      for (const [env, headers, advice] of cases) {
        const { service, started } = yield* Process.startWithTwilio(env)
        const rude = { ...headers, "x-forwarded-for": "14155550199", "x-forwarded-port": "4155550198", forwarded: "for=4155550197.example" }
        for (let times = 0; times < 3; times++) {
          assert.strictEqual(yield* ask(service, headers), 403)
          assert.strictEqual(yield* ask(service, rude), 403)
        }
        yield* service.webhook("/twiml", voice, { signature: undefined })
        yield* started.signal("SIGTERM")
        yield* started.ended
        const lines = started.stdout().split("\n").filter((line) => line.includes("If Twilio sent it"))
        assert.strictEqual(lines.filter((line) => advice.test(line)).length, 1, started.stdout())
        assert.isAtMost(lines.length, 2)
        for (const line of lines) assert.match(line, /"host":"an IP address with a port"/)
        assert.notMatch(started.stdout(), /4155550|calls\.example\.com/)
      }
    }).pipe(Effect.scoped), 120_000)
})
