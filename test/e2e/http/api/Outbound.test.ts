import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { PhoneBehaviour } from "../../../../src/simulator/twilio/CallLife.ts"
import * as Faults from "../../../../src/simulator/twilio/Faults.ts"
import { Simulator } from "../../../../src/simulator/Simulator.ts"
import type { RestFaults } from "../../../../src/simulator/twilio/RestRequests.ts"
import * as Service from "../../../support/service/Service.ts"

const { somebody, until, withService } = Service

/** The requests to Twilio's API that create a call. */
const dials = (simulator: Simulator["Service"]) =>
  Effect.map(simulator.requests, (requests) => requests.filter(({ method, path }) => method === "POST" && path.endsWith("/Calls.json")))

const withFaults = (restFaults: RestFaults, env: Service.Options["env"] = {}) =>
  withService({ env, simulator: { restFaults } }, ({ service, simulator }) =>
    Effect.gen(function*() {
      const answer = yield* service.dial({ to: somebody })
      const asked = (yield* dials(simulator)).length
      const metrics = yield* service.metrics
      return { ...answer, asked, metrics, placed: (yield* simulator.calls).length, calls: (yield* service.health).calls }
    }))

layer(Service.layer(), { excludeTestServices: true, timeout: "60 seconds" })("a request to place a call", (it) => {
  const refusals: ReadonlyArray<readonly [what: string, body: unknown, query: string | undefined, status: number, name: string]> = [
    ["a body that is not JSON", "{\"to\":", undefined, 400, "invalid-request"],
    ["a body that is not an object", "[1]", undefined, 400, "invalid-request"],
    ["JSON without a number", { agent: "echo" }, undefined, 400, "invalid-number"],
    ["JSON with a number of the wrong kind", { to: 14_155_550_123 }, undefined, 400, "invalid-number"],
    ["JSON with an agent of the wrong kind", { to: somebody, agent: 7 }, undefined, 400, "invalid-request"],
    ["neither body nor query", undefined, undefined, 400, "invalid-request"],
    ["a number that is not a telephone number", { to: "12" }, undefined, 400, "invalid-number"],
    ["a number without its country code", { to: "4155550123" }, undefined, 400, "invalid-number"],
    ["words for a number", { to: "call me" }, undefined, 400, "invalid-number"],
    ["a number that is not a telephone number, in the query", undefined, "to_number=nobody", 400, "invalid-number"],
    ["an empty number in the query", undefined, "to_number=", 400, "invalid-number"],
    ["an unknown agent", { to: somebody, agent: "nobody" }, undefined, 400, "no-such-agent"],
    ["an impossible agent name in the query", undefined, "to_number=%2B14155550123&agent=No%20One", 400, "no-such-agent"],
    ["a foreign websocket_url", { to: somebody, websocket_url: "wss://evil.example/ws" }, undefined, 400, "foreign-websocket"],
    ["a foreign websocket_url in the query", undefined, "to_number=%2B14155550123&websocket_url=wss://evil.example/ws", 400, "foreign-websocket"],
    ["a websocket_url that is not a URL", { to: somebody, websocket_url: "nonsense" }, undefined, 400, "foreign-websocket"],
    ["a body that is text", "\"+14155550123\"", undefined, 400, "invalid-request"],
    ["a body that is a number", "14155550123", undefined, 400, "invalid-request"],
    ["a misspelled field", { to: somebody, agnet: "echo" }, undefined, 400, "invalid-request"],
    ["a field that does not exist", { to: somebody, from: "+14155550100" }, undefined, 400, "invalid-request"],
    ["a field in another case", { To: somebody }, undefined, 400, "invalid-request"],
    ["a field of the body by its name in the query", { to_number: somebody }, undefined, 400, "invalid-request"],
    ["metadata over 4 KiB", { to: somebody, metadata: { note: "ü".repeat(2048) } }, undefined, 400, "invalid-request"],
    ["metadata of eight thousand arrays inside each other", `{"to":"${somebody}","metadata":${"[".repeat(8000)}${"]".repeat(8000)}}`, undefined, 400, "invalid-request"],
    ["metadata of eight thousand objects inside each other", `{"to":"${somebody}","metadata":${"{\"a\":".repeat(8000)}1${"}".repeat(8000)}}`, undefined, 400, "invalid-request"],
    ["a body that is not UTF-8", Buffer.from(`{"to":"${somebody}","campaign":"\xe4"}`, "latin1"), undefined, 400, "invalid-request"],
    ["a campaign over 64 characters", { to: somebody, campaign: "c".repeat(65) }, undefined, 400, "invalid-request"],
    ["metadata that is nested deeply", `{"to":"${somebody}","metadata":${"[".repeat(30_000)}${"]".repeat(30_000)}}`, undefined, 400, "invalid-request"],
    ["metadata with a number that would be rounded", `{"to":"${somebody}","metadata":{"id":12345678901234567890}}`, undefined, 400, "invalid-request"],
    ["a blank campaign", { to: somebody, campaign: " " }, undefined, 400, "invalid-request"],
    ["an invisible campaign, which no filter could name", { to: somebody, campaign: "\u200b" }, undefined, 400, "invalid-request"],
    ["a campaign with a control character", undefined, "to_number=%2B14155550123&campaign=a%00b", 400, "invalid-request"],
    ["a webhook_url that is not a URL", { to: somebody, webhook_url: "example.com" }, undefined, 400, "invalid-request"],
    ["a webhook_url with credentials", { to: somebody, webhook_url: "https://user:password@example.com" }, undefined, 400, "invalid-request"],
    ["a webhook_url of a private network", { to: somebody, webhook_url: "https://10.0.0.7/hooks" }, undefined, 400, "invalid-request"],
    ["a webhook_url of this machine in the query", undefined, "to_number=%2B14155550123&webhook_url=https://localhost/", 400, "invalid-request"],
    ["a text for store", { to: somebody, store: "false" }, undefined, 400, "invalid-request"],
    ["a recording that is not to be kept", { to: somebody, store: false, recording: true }, undefined, 400, "invalid-request"],
    ["a transcript that is not kept", { to: somebody, store: false, transcript_in_webhook: true }, undefined, 400, "invalid-request"],
    ["another word for true in the query", undefined, "to_number=%2B14155550123&recording=yes", 400, "invalid-request"],
    ["the field __proto__, which every object has", `{"to":"${somebody}","__proto__":{"agent":"echo"}}`, undefined, 400, "invalid-request"],
    ["a field twice", `{"to":"${somebody}","to":"+14155550124"}`, undefined, 400, "invalid-request"],
    ["a misspelled field in the query", undefined, "to_number=%2B14155550123&agnet=echo", 400, "invalid-request"],
    ["a field of the query by its name in the body", undefined, "to=%2B14155550123", 400, "invalid-request"],
    ["a field twice in the query", undefined, "to_number=%2B14155550123&to_number=%2B14155550124", 400, "invalid-request"],
    ["a field with the same value twice in the query", undefined, "to_number=%2B14155550123&to_number=%2B14155550123", 400, "invalid-request"],
    ["fields in body and query", { to: somebody }, "agent=echo", 400, "invalid-request"],
    ["the number in body and query", { to: somebody }, "to_number=%2B14155550123", 400, "invalid-request"],
    ["an unknown field in the query beside a body", { to: somebody }, "agnet=echo", 400, "invalid-request"],
    ["an array beside a query", "[]", "to_number=%2B14155550123", 400, "invalid-request"],
    ["an empty object and no query", {}, undefined, 400, "invalid-request"],
    ["a body over 64 KiB", { to: somebody, agent: "a".repeat(70_000) }, undefined, 413, "payload-too-large"]
  ]
  for (const [what, body, query, status, name] of refusals) {
    it.effect(`is refused with ${what}`, () =>
      Effect.gen(function*() {
        const service = yield* Service.Service
        const before = (yield* service.metrics)("client_caller_api_refused_total", { reason: name })
        const answer = yield* service.dial(body, query === undefined ? {} : { query })
        assert.strictEqual(answer.status, status)
        assert.strictEqual(answer.contentType, "application/problem+json")
        assert.deepInclude(answer.problem, { type: `urn:client-caller:problem:${name}`, status })
        assert.isNotEmpty(answer.problem.title)
        assert.isNotEmpty(answer.problem.detail)
        assert.strictEqual((yield* service.metrics)("client_caller_api_refused_total", { reason: name }), before + 1)
        assert.deepStrictEqual(yield* dials(yield* Simulator), [])
      }))
  }

  it.effect("for a number that may not be dialled gets the rule and the variable named, and Twilio is not asked", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const [to, rule, variable] of [["+1 900 555 0100", "premium", "DIAL_ALSO"], [Service.ourNumber, "own-number", "TWILIO_PHONE_NUMBER"]]) {
        const { problem, status, text } = yield* service.dial({ to })
        assert.strictEqual(status, 422)
        assert.deepInclude(problem, { type: "urn:client-caller:problem:not-allowed-to-call", rule })
        assert.include(problem.detail, variable)
        assert.notMatch(text, /\d{7}/)
      }
      assert.deepStrictEqual(yield* dials(yield* Simulator), [])
    }))

  it.effect("gets all of its unknown fields named, and what was probably meant", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const { problem } = yield* service.dial({ To: somebody, agnet: "echo", from: "x" }, { query: "number=1&callback=2" })
      for (const part of ["\"To\". Did you mean \"to\"?", "\"agnet\". Did you mean \"agent\"?", "\"from\". It takes: to, agent, websocket_url, metadata, campaign, store, recording, webhook_url, transcript_in_webhook.", "\"number\". Did you mean \"to_number\"?", "\"callback\""]) {
        assert.include(problem.detail, part)
      }
      const many = yield* service.dial(Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`field ${index}`, 1])))
      assert.strictEqual(many.status, 400)
      assert.match(many.problem.detail, /And 2980 more\.$/)
      assert.isBelow(many.text.length, 4000)
    }))

  it.effect("for a call's events is refused with a query", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const headers = { authorization: `Bearer ${Service.apiKey}` }
      const events = `/calls/CA${"0".repeat(32)}/events`
      const { problem, status } = yield* service.ask(`${events}?since=3`, { headers })
      assert.strictEqual(status, 400)
      assert.include(problem.detail, "\"since\"")
      assert.strictEqual((yield* service.ask(events, { headers })).status, 404)
      assert.strictEqual((yield* service.ask(`${events}?since=3`)).status, 401)
      assert.strictEqual((yield* service.ask("/health?at=3")).status, 200)
    }))

  it.effect("is refused without the API key, or with another", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const headers: ReadonlyArray<Record<string, string>> = [
        {},
        { authorization: "Bearer another-key" },
        { authorization: "Bearer " },
        { authorization: `Basic ${Buffer.from(`user:${Service.apiKey}`).toString("base64")}` }
      ]
      for (const one of headers) {
        const answer = yield* service.ask("/call/outbound", {
          method: "POST",
          headers: one,
          body: JSON.stringify({ to: somebody })
        })
        assert.strictEqual(answer.status, 401)
        assert.strictEqual(answer.problem.type, "urn:client-caller:problem:unauthorized")
        assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer\b/)
      }
      assert.deepStrictEqual(yield* dials(yield* Simulator), [])
    }))

  it.effect("does not tell a caller without the key what is wrong with the body", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const { status } = yield* service.ask("/call/outbound", { method: "POST", body: "{" })
      assert.strictEqual(status, 401)
    }))

  it.effect("with an Idempotency-Key that is too long is refused", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const answer = yield* service.dial({ to: somebody }, { headers: { "idempotency-key": "k".repeat(256) } })
      assert.strictEqual(answer.status, 400)
      assert.strictEqual(answer.contentType, "application/problem+json")
      assert.isNotEmpty(answer.problem.type)
    }))

  it.effect("exists only at its path, and only by POST", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const nowhere = yield* service.ask("/call/inbound", { method: "POST" })
      assert.strictEqual(nowhere.status, 404)
      assert.strictEqual(nowhere.problem.type, "urn:client-caller:problem:not-found")
      for (const [path, method] of [["/call/outbound", "GET"], ["/health", "DELETE"], ["/twiml", "PUT"], ["/metrics", "POST"]]) {
        const answer = yield* service.ask(path, { method })
        assert.strictEqual(answer.status, 405, `${method} ${path}`)
        assert.strictEqual(answer.problem.type, "urn:client-caller:problem:method-not-allowed")
        assert.isNotEmpty(answer.headers.get("allow") ?? "")
      }
    }))
})

describe("a request in the query", () => {
  for (const body of [undefined, "", " \n", "null", "{}", "{ }"]) {
    it.live(`is taken beside the body ${JSON.stringify(body)}`, () =>
      withService({}, ({ service, simulator }) =>
        Effect.gen(function*() {
          const headers = { "idempotency-key": "one" }
          const query = "to_number=%2B1%20415%20555%200123&agent=echo"
          assert.strictEqual((yield* service.dial(body, { query, headers })).status, 200)
          // The same request in its other form has the same fingerprint.
          assert.strictEqual((yield* service.dial({ to: somebody, agent: "echo" }, { headers })).status, 200)
          assert.strictEqual((yield* dials(simulator)).length, 1)
          const other = yield* service.dial({ to: somebody }, { headers })
          assert.strictEqual(other.problem.name, "idempotency-key-reused")
        })))
  }
})

describe("a request that says what is to be kept", () => {
  const headers = { authorization: `Bearer ${Service.apiKey}` }

  it.live("has its fields stored with the call, even if Twilio requests the TwiML first, and the call is found by them", () =>
    withService({}, ({ service }) =>
      Effect.gen(function*() {
        const asked = { to: somebody, metadata: { customer: "c-7", nested: [1, { a: null }] }, campaign: "spring", webhook_url: "https://example.com/hook" }
        const { json, status } = yield* service.dial(asked)
        assert.strictEqual(status, 200)
        const { call_sid: sid } = json as { call_sid: string }
        const found = yield* service.ask(`/calls/${sid}`, { headers })
        assert.deepInclude(found.json, { metadata: asked.metadata, campaign: "spring", direction: "outbound", to: somebody, words: "kept" })
        for (const query of ["campaign=spring", "metadata.customer=c-7", "direction=outbound"]) {
          const { json } = yield* service.ask(`/calls?${query}`, { headers })
          assert.deepStrictEqual((json as { calls: ReadonlyArray<{ call_sid: string }> }).calls.map((call) => call.call_sid), [sid])
        }
      })))

  it.live("keeps only figures if it says so, in the query, too", () =>
    withService({}, ({ service }) =>
      Effect.gen(function*() {
        for (const dialled of [service.dial({ to: somebody, store: false }), service.dial(undefined, { query: "to_number=%2B14155550123&store=false&campaign=autumn" })]) {
          const { json, status } = yield* dialled
          assert.strictEqual(status, 200)
          const found = yield* service.ask(`/calls/${(json as { call_sid: string }).call_sid}`, { headers })
          assert.deepInclude(found.json, { words: "never" })
        }
      })))

  it.live("conflicts with another request under the same Idempotency-Key", () =>
    withService({}, ({ service }) =>
      Effect.gen(function*() {
        const key = { headers: { "idempotency-key": "k" } }
        assert.strictEqual((yield* service.dial({ to: somebody, metadata: { a: 1 } }, key)).status, 200)
        assert.strictEqual((yield* service.dial({ to: somebody, metadata: { a: 1 } }, key)).status, 200)
        assert.strictEqual((yield* service.dial({ to: somebody, metadata: { a: 2 } }, key)).problem.name, "idempotency-key-reused")
        // The order of an object's members means nothing, the order of an array's items does.
        const other = { headers: { "idempotency-key": "l" } }
        const placed = yield* service.dial({ to: somebody, metadata: { a: { c: 1, d: [1, 2] }, b: 2 } }, other)
        const again = yield* service.dial({ metadata: { b: 2, a: { d: [1, 2], c: 1 } }, to: "tel:+1-415-555-0123" }, other)
        assert.deepStrictEqual(again.json, placed.json)
        assert.strictEqual((yield* service.dial({ to: somebody, metadata: { a: { c: 1, d: [2, 1] }, b: 2 } }, other)).problem.name, "idempotency-key-reused")
        assert.strictEqual((yield* service.dial({ to: somebody }, key)).problem.name, "idempotency-key-reused")
      })))
})

describe("a service that can't place calls", () => {
  it.live("without a number of its own says what to set (503)", () =>
    withService({ env: { TWILIO_PHONE_NUMBER: undefined } }, ({ service }) =>
      Effect.gen(function*() {
        const { problem, status } = yield* service.dial({ to: somebody })
        assert.strictEqual(status, 503)
        assert.strictEqual(problem.name, "not-configured")
        assert.include(problem.detail, "TWILIO_PHONE_NUMBER")
        assert.notInclude(problem.detail, "TWILIO_AUTH_TOKEN")
      })
    ))

  it.live("without credentials says what to set (503)", () =>
    withService({
      env: {
        TWILIO_ACCOUNT_SID: undefined,
        TWILIO_AUTH_TOKEN: undefined,
        TWILIO_PHONE_NUMBER: undefined,
        TWILIO_API_BASE_URL: undefined
      }
    }, ({ service }) =>
      Effect.gen(function*() {
        const { problem, status } = yield* service.dial({ to: somebody })
        assert.strictEqual(status, 503)
        assert.strictEqual(problem.name, "not-configured")
        for (const name of ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER"]) assert.include(problem.detail, name)
      })))

  it.live("that is full says so, and when to try again (503)", () =>
    withService({ env: { MAX_CALLS: "1" } }, ({ service, simulator }) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* service.dial({ to: somebody })).status, 200)
        const { headers, problem, status } = yield* service.dial({ to: "+14155550124" })
        assert.strictEqual(status, 503)
        assert.strictEqual(problem.name, "busy")
        assert.match(headers.get("retry-after") ?? "", /^[1-9]\d*$/)
        assert.strictEqual(Number(headers.get("retry-after")), problem.retry_after)
        assert.strictEqual((yield* dials(simulator)).length, 1)
        const metrics = yield* service.metrics
        assert.strictEqual(metrics("client_caller_calls_refused_total", { reason: "busy" }), 1)
      })))
})

describe("what Twilio answers", () => {
  const cases: ReadonlyArray<readonly [what: string, fault: Faults.RestFault, status: number, name: string, code: number | undefined]> = [
    ["400 21211 (no such number)", Faults.badRequest(21211, "The phone number is not valid."), 400, "invalid-number", 21211],
    ["400 21219 (not verified)", Faults.badRequest(21219, "The number is unverified."), 422, "not-allowed-to-call", 21219],
    ["400 21210 (a caller ID that is not ours)", Faults.badRequest(21210, "The source is not verified."), 502, "twilio-refused", 21210],
    ["401 (our credentials) is our 502, not the client's 401", Faults.unauthorized, 502, "twilio-refused", 20003],
    ["500", Faults.internalServerError, 502, "twilio-refused", undefined]
  ]
  for (const [what, fault, status, name, code] of cases) {
    it.live(`${what} → ${status}`, () =>
      Effect.gen(function*() {
        const answer = yield* withFaults([fault])
        assert.strictEqual(answer.status, status)
        assert.strictEqual(answer.contentType, "application/problem+json")
        assert.strictEqual(answer.problem.name, name)
        if (code !== undefined) assert.strictEqual(answer.problem.twilio_code, code)
        assert.isNull(answer.headers.get("www-authenticate"))
        assert.strictEqual(answer.asked, 1)
        assert.strictEqual(answer.placed, 0)
        assert.strictEqual(answer.calls, 0)
      }))
  }

  it.live("401 for a wrong token is reported without the token", () =>
    withService({ env: { TWILIO_AUTH_TOKEN: "a-token-that-twilio-does-not-know" } }, ({ service, simulator }) =>
      Effect.gen(function*() {
        const { problem, status, text } = yield* service.dial({ to: somebody })
        assert.strictEqual(status, 502)
        assert.include(problem.detail, "TWILIO_AUTH_TOKEN")
        assert.notInclude(text, "a-token-that-twilio-does-not-know")
        assert.strictEqual((yield* dials(simulator)).length, 1)
      })))

  it.live("429 once is tried again, and the call is placed", () =>
    Effect.gen(function*() {
      const answer = yield* withFaults([Faults.tooManyRequests])
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.asked, 2)
      assert.strictEqual(answer.placed, 1)
    }))

  it.live("429 every time → 503 with Retry-After, after a few tries", () =>
    Effect.gen(function*() {
      const answer = yield* withFaults(() => Faults.tooManyRequests)
      assert.strictEqual(answer.status, 503)
      assert.strictEqual(answer.problem.name, "busy")
      assert.strictEqual(answer.problem.twilio_code, 20429)
      assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/)
      assert.isAtLeast(answer.asked, 2)
      assert.isAtMost(answer.asked, 5)
      assert.strictEqual(answer.metrics("client_caller_twilio_requests_total", { outcome: "tooManyRequests" }), answer.asked)
    }))

  for (
    const [what, fault, placed] of [
      ["never", Faults.RestFault.Hang(), 0],
      ["never, although the phone rings", Faults.RestFault.AcceptThenHang(), 1]
    ] as const
  ) {
    it.live(`${what} → 504 with what to check, and the phone rings once at most`, () =>
      Effect.gen(function*() {
        const answer = yield* withFaults(() => fault, { TWILIO_TIMEOUT: "300ms" })
        assert.strictEqual(answer.status, 504)
        assert.strictEqual(answer.problem.name, "twilio-timed-out")
        assert.match(answer.problem.detail, /call log/)
        assert.match(answer.problem.detail, /twice/)
        assert.strictEqual(answer.asked, 1)
        assert.strictEqual(answer.placed, placed)
        assert.strictEqual(answer.metrics("client_caller_twilio_requests_total", { outcome: "timedOut" }), 1)
      }))
  }

  it.live("by cutting the connection → 502, and it is not asked again", () =>
    Effect.gen(function*() {
      const answer = yield* withFaults(() => Faults.RestFault.Cut())
      assert.strictEqual(answer.status, 502)
      assert.match(answer.problem.detail, /call log/)
      assert.strictEqual(answer.asked, 1)
    }))

  it.live("with a refused connection → 502, and no phone rang", () =>
    withService({ env: { TWILIO_API_BASE_URL: "http://127.0.0.1:9" } }, ({ service }) =>
      Effect.gen(function*() {
        const { problem, status } = yield* service.dial({ to: somebody })
        assert.strictEqual(status, 502)
        assert.strictEqual(problem.name, "twilio-refused")
        assert.match(problem.detail, /no call was placed/)
      })))

  it.live("a time-out under an Idempotency-Key is answered again, and not dialled again", () =>
    withService({
      env: { TWILIO_TIMEOUT: "300ms" },
      simulator: { restFaults: [Faults.RestFault.AcceptThenHang()], phones: () => PhoneBehaviour.Busy({}) }
    }, ({ service, simulator }) =>
      Effect.gen(function*() {
        const ask = service.dial({ to: somebody }, { headers: { "idempotency-key": "order-7" } })
        assert.strictEqual((yield* ask).status, 504)
        assert.strictEqual((yield* ask).status, 504)
        assert.strictEqual((yield* dials(simulator)).length, 1)
      })))

  it.live("a refusal under an Idempotency-Key is not kept: the next try is dialled", () =>
    withService({ simulator: { restFaults: [Faults.badRequest(21219, "The number is unverified.")] } }, ({ service, simulator }) =>
      Effect.gen(function*() {
        const ask = service.dial({ to: somebody }, { headers: { "idempotency-key": "order-8" } })
        assert.strictEqual((yield* ask).status, 422)
        assert.strictEqual((yield* ask).status, 200)
        assert.strictEqual((yield* dials(simulator)).length, 2)
        yield* until("the call", service.health, ({ calls }) => calls === 1)
      })))

  it.live("an empty Idempotency-Key does not count: each request is a new call", () =>
    withService({}, ({ service, simulator }) =>
      Effect.gen(function*() {
        for (const to of [somebody, "+14155550124"]) {
          assert.strictEqual((yield* service.dial({ to }, { headers: { "idempotency-key": "" } })).status, 200)
        }
        assert.strictEqual((yield* dials(simulator)).length, 2)
      })))
})

it.live("slows down an address that guesses the API key, and accepts the right key at any time", () =>
  Service.withService({ env: { TRUSTED_PROXIES: "127.0.0.1" } }, ({ service }) =>
    Effect.gen(function*() {
      const guess = (from: string, key: string) => service.dial({ to: "12" }, { headers: { authorization: `Bearer ${key}`, "x-forwarded-for": from, "x-forwarded-proto": "https" } })
      for (let times = 0; times < 10; times++) assert.strictEqual((yield* guess("203.0.113.7", `guess ${times}`)).status, 401)
      const late = yield* guess("203.0.113.7", "one more")
      assert.strictEqual(late.status, 429)
      assert.strictEqual(late.problem.name, "too-many-wrong-keys")
      assert.strictEqual(late.headers.get("retry-after"), "10")
      assert.strictEqual((yield* guess("203.0.113.8", "a first")).status, 401)
      // The number in the body can't be called (400), which shows that the key was accepted.
      assert.strictEqual((yield* guess("203.0.113.7", Service.apiKey)).status, 400)
    })))
