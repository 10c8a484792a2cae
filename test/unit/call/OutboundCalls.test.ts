import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Fiber, Layer, Option, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { Agents } from "../../../src/agent/Agents.ts"
import * as NoStore from "../../support/store/NoStore.ts"
import { CallHistories } from "../../../src/call/history/CallHistories.ts"
import { CallRegistry } from "../../../src/call/CallRegistry.ts"
import type { OutboundRequest } from "../../../src/call/outbound/OutboundRequest.ts"
import { OutboundCalls } from "../../../src/call/OutboundCalls.ts"
import { AgentName } from "../../../src/domain/AgentName.ts"
import { PhoneNumber } from "../../../src/domain/PhoneNumber.ts"
import { silent } from "../../support/conversation/Agents.ts"
import { failure, FakeRestClient, layer as fakeRest } from "../../support/telephone/FakeRestClient.ts"
import { caller, callSid, ours } from "../../support/conversation/Samples.ts"
import { config, identity } from "../../support/service/TestConfig.ts"
import { settle } from "../../support/service/Time.ts"
import * as WallClock from "../../support/service/WallClock.ts"

const baseUrl = "https://calls.example.com"

const request = (change: Partial<OutboundRequest> = {}): OutboundRequest => ({
  to: caller,
  agent: Option.none(),
  websocketUrl: Option.none(),
  idempotencyKey: Option.none(),
  settings: {},
  baseUrl,
  ...change
})

const withKey = (key: string, change: Partial<OutboundRequest> = {}) =>
  request({ idempotencyKey: Option.some(key), ...change })

/** Far enough for the next turn at Twilio. */
const nextTurn = TestClock.adjust("1 second")

const receptionist = { ...silent, name: AgentName.make("receptionist") }

interface Bench {
  readonly place: OutboundCalls["Service"]["place"]
  readonly rest: FakeRestClient["Service"]
  readonly registry: CallRegistry["Service"]
}

const withOutbound = <A, E>(
  test: (bench: Bench) => Effect.Effect<A, E, Scope.Scope>,
  env: Record<string, string> = {},
  options: Parameters<typeof identity>[0] = {}
) =>
  Effect.gen(function*() {
    const { place } = yield* OutboundCalls
    return yield* test({ place, rest: yield* FakeRestClient, registry: yield* CallRegistry })
  }).pipe(
    Effect.provide(
      OutboundCalls.layer.pipe(
        Layer.provideMerge(CallRegistry.layer),
        Layer.provide([CallHistories.layerNone, NoStore.layer]),
        Layer.provideMerge(fakeRest),
        Layer.provide(Agents.layerWith([silent, receptionist])),
        Layer.provide(identity(options)),
        Layer.provide(
          config({ TWILIO_PHONE_NUMBER: ours, AGENT: "scripted", CALLS_PER_SECOND: "1000", MAX_CALLS: "1000", ...env })
        )
      )
    ),
    Effect.scoped
  )

describe("a call that is placed", () => {
  it.effect("is dialled once, and is live", () =>
    withOutbound(({ place, registry, rest }) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* place(request()), {
          callSid: callSid(1),
          status: "queued",
          to: caller,
          from: ours,
          agent: silent.name,
          queuedMillis: 0
        })
        assert.deepStrictEqual(rest.dials, [{
          to: caller,
          from: ours,
          url: `${baseUrl}/twiml?agent=scripted`,
          statusCallback: `${baseUrl}/twilio/status`
        }])
        const call = Option.getOrThrow(yield* registry.find(callSid(1)))
        assert.strictEqual(call.info.direction, "outbound")
        assert.strictEqual((yield* call.state).phase._tag, "Initiated")
      })))

  it.effect("is with the agent that was asked for", () =>
    withOutbound(({ place, registry, rest }) =>
      Effect.gen(function*() {
        const placed = yield* place(request({ agent: Option.some(receptionist.name) }))
        assert.strictEqual(placed.agent, "receptionist")
        assert.strictEqual(new URL(rest.dials[0].url).searchParams.get("agent"), "receptionist")
        assert.strictEqual(Option.getOrThrow(yield* registry.find(callSid(1))).info.agent, receptionist)
      })))

  it.effect("is not dialled for an agent that does not exist", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(place(request({ agent: Option.some(AgentName.make("nobody")) })))
        assert.strictEqual(error._tag, "UnknownAgent")
        assert.include(error.message, "scripted, receptionist")
        assert.deepStrictEqual(rest.dials, [])
      })))

  it.effect("is not dialled if Twilio could not open its stream", () =>
    Effect.gen(function*() {
      const here = "http://127.0.0.1:8000"
      const account = { TWILIO_ACCOUNT_SID: `AC${"1".repeat(32)}`, TWILIO_AUTH_TOKEN: "token" }
      for (const env of [account, { ...account, TWILIO_API_BASE_URL: "https://api.dublin.ie1.twilio.com" }]) {
        yield* withOutbound(({ place, rest }) =>
          Effect.gen(function*() {
            const error = yield* Effect.flip(place(request({ baseUrl: here })))
            assert.deepStrictEqual(error._tag === "OutboundNotConfigured" && error.missing, ["PUBLIC_URL (https)"])
            assert.deepStrictEqual(rest.dials, [])
          }), env)
      }
      yield* withOutbound(({ place, rest }) =>
        Effect.gen(function*() {
          yield* place(request({ baseUrl: here }))
          assert.strictEqual(rest.dials.length, 1)
        }), { TWILIO_API_BASE_URL: "http://127.0.0.1:8010" })
    }))

  it.effect("that Twilio refuses takes no line afterwards", () =>
    withOutbound(({ place, registry, rest }) =>
      Effect.gen(function*() {
        rest.onDial = () => Effect.fail(failure("rejected"))
        assert.strictEqual((yield* Effect.flip(place(request())))._tag, "TwilioError")
        assert.strictEqual(yield* registry.liveCount, 0)
        rest.onDial = () => Effect.succeed({ callSid: callSid(5), status: "queued" })
        yield* nextTurn
        yield* place(request())
      }), { MAX_CALLS: "1" }))
})

describe("a service that is not set up for calls", () => {
  it.effect("says that it lacks an account and a number", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(place(request()))
        assert.strictEqual(error._tag, "OutboundNotConfigured")
        assert.include(error.message, "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_PHONE_NUMBER")
        assert.deepStrictEqual(rest.dials, [])
      }), { TWILIO_PHONE_NUMBER: "" }, { isLocalAccount: true }))

  it.effect("says that it lacks a number only", () =>
    withOutbound(({ place }) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(place(request()))
        assert.deepStrictEqual(error._tag === "OutboundNotConfigured" && error.missing, ["TWILIO_PHONE_NUMBER"])
      }), { TWILIO_PHONE_NUMBER: "" }))

  it.effect("says that it lacks an account only", () =>
    withOutbound(({ place }) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(place(request()))
        assert.deepStrictEqual(error._tag === "OutboundNotConfigured" && error.missing, [
          "TWILIO_ACCOUNT_SID",
          "TWILIO_AUTH_TOKEN"
        ])
      }), {}, { isLocalAccount: true }))

  it.effect("may use a local account at a stand-in for Twilio", () =>
    withOutbound(
      ({ place }) => place(request()),
      { TWILIO_API_BASE_URL: "http://127.0.0.1:8010" },
      { isLocalAccount: true }
    ))
})

describe("a WebSocket of the client's choice", () => {
  const hosts = { WEBSOCKET_HOSTS: "media.example.com,Other.Example.com,127.0.0.1,ports.example.com:8443,plain.example.com:443" }
  const asked = (websocketUrl: string) => request({ websocketUrl: Option.some(websocketUrl) })

  it.effect.each([
    ["of the service's own host", "wss://calls.example.com/ws"],
    ["of a host that is allowed", "wss://media.example.com/some/path"],
    ["of an allowed host that is written otherwise", "wss://OTHER.example.com/ws"],
    ["at an allowed host's port", "wss://ports.example.com:8443/ws"],
    ["at 443, where the host is allowed with it", "wss://plain.example.com/ws"],
    ["on this machine, unencrypted", "ws://127.0.0.1:9000/ws"]
  ])("may be one %s", ([, url]) =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* place(asked(url))
        const passed = new URL(rest.dials[0].url).searchParams.get("websocket_url")
        assert.strictEqual(passed, url.replace("OTHER", "other"))
      }), hosts))

  it.effect.each([
    ["a foreign host", "wss://evil.example.net/ws"],
    ["a host below an allowed one", "wss://x.media.example.com/ws"],
    ["a host that ends like an allowed one", "wss://evilmedia.example.com/ws"],
    ["a host that begins like an allowed one", "wss://media.example.com.evil.example.net/ws"],
    ["an allowed host as the user", "wss://media.example.com@evil.example.net/ws"],
    ["an allowed host as user and password", "wss://media.example.com:x@evil.example.net/ws"],
    ["a user at an allowed host", "wss://user@media.example.com/ws"],
    ["an allowed host in the path", "wss://evil.example.net/media.example.com"],
    ["a port of a host that is allowed without one", "wss://media.example.com:8443/ws"],
    ["443 of a host that is allowed with another port", "wss://ports.example.com/ws"],
    ["another port of a host that is allowed with its port", "wss://ports.example.com:9443/ws"],
    ["an allowed host unencrypted", "ws://media.example.com/ws"],
    ["https", "https://media.example.com/ws"],
    ["no scheme", "media.example.com/ws"],
    ["nothing", ""],
    ["a query, which Twilio drops", "wss://media.example.com/ws?token=1"],
    ["a fragment", "wss://media.example.com/ws#x"],
    ["this machine by another of its addresses", "ws://127.0.0.2/ws"]
  ])("may not be %s", ([, url]) =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(place(asked(url)))
        assert.strictEqual(error._tag, "WebSocketUrlRefused")
        assert.include(error.message, "WEBSOCKET_HOSTS")
        assert.deepStrictEqual(rest.dials, [])
      }), hosts))

  it.effect("is passed on as it was parsed, so that no other parser finds another host in it", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* place(asked(" wss://media.example.com\\@evil.example.net/w\ts"))
        const passed = new URL(rest.dials[0].url).searchParams.get("websocket_url")
        assert.strictEqual(passed, "wss://media.example.com/@evil.example.net/ws")
      }), hosts))
})

describe("the turns at Twilio", () => {
  it.effect("are CALLS_PER_SECOND apart, in order", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        const fibers = yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkScoped(place(request())))
        yield* settle
        assert.strictEqual(rest.dials.length, 1)
        yield* TestClock.adjust("499 millis")
        assert.strictEqual(rest.dials.length, 1)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(rest.dials.length, 2)
        yield* TestClock.adjust("1 second")
        const placed = yield* Effect.forEach(fibers, Fiber.join)
        assert.deepStrictEqual(placed.map(({ queuedMillis }) => queuedMillis), [0, 500, 1000, 1500])
      }), { CALLS_PER_SECOND: "2" }))

  it.effect("are not saved up: after a pause the next call is dialled at once, and the one after it waits", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* place(request())
        yield* TestClock.adjust("1 minute")
        yield* place(request())
        const third = yield* Effect.forkScoped(place(request()))
        yield* settle
        assert.strictEqual(rest.dials.length, 2)
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(third)).queuedMillis, 1000)
      }), { CALLS_PER_SECOND: "1" }))

  it.effect("that are too far away are refused, with the time after which to try again", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* Effect.forEach(Array.from({ length: 11 }), () => Effect.forkScoped(place(request())))
        yield* settle
        const error = yield* Effect.flip(place(request()))
        assert.strictEqual(error._tag, "TooManyWaiting")
        assert.strictEqual(error._tag === "TooManyWaiting" && Duration.toMillis(error.retryAfter), 11_000)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(rest.dials.length, 11)
        const after = yield* Effect.forkScoped(place(request()))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(after)).status, "queued")
      }), { CALLS_PER_SECOND: "1" }))
})

describe("an idempotency key", () => {
  it.effect("used twice dials once, and both requests get the same answer", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        const first = yield* place(withKey("k"))
        yield* TestClock.adjust("23 hours")
        assert.deepStrictEqual(yield* place(withKey("k")), first)
        assert.strictEqual(rest.dials.length, 1)
        yield* place(withKey("another"))
        assert.strictEqual(rest.dials.length, 2)
      })))

  it.effect("used again while the first request is in flight dials once", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        rest.onDial = () => Effect.as(Deferred.await(gate), { callSid: callSid(7), status: "queued" })
        const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkScoped(place(withKey("k"))))
        yield* settle
        assert.strictEqual(rest.dials.length, 1)
        yield* Deferred.succeed(gate, undefined)
        const placed = yield* Effect.forEach(fibers, Fiber.join)
        assert.deepStrictEqual(placed.map(({ callSid }) => callSid), [callSid(7), callSid(7), callSid(7)])
        assert.strictEqual(rest.dials.length, 1)
      })))

  it.effect.each([
    ["number", { to: PhoneNumber.make("+14155550199") }],
    ["agent", { agent: Option.some(receptionist.name) }],
    ["WebSocket", { websocketUrl: Option.some("wss://calls.example.com/other") }]
  ] as const)("used for another %s is a conflict, and does not dial", ([, change]) =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* place(withKey("k"))
        assert.strictEqual((yield* Effect.flip(place(withKey("k", change))))._tag, "IdempotencyConflict")
        assert.strictEqual(rest.dials.length, 1)
      })))

  it.effect.each(["rejected", "unauthorized", "tooManyRequests", "unreachable"] as const)(
    "can be tried again when the phone surely did not ring: %s",
    (why) =>
      withOutbound(({ place, rest }) =>
        Effect.gen(function*() {
          const { onDial } = rest
          rest.onDial = () => Effect.fail(failure(why))
          assert.strictEqual((yield* Effect.flip(place(withKey("k"))))._tag, "TwilioError")
          rest.onDial = onDial
          yield* nextTurn
          assert.strictEqual((yield* place(withKey("k"))).status, "queued")
          assert.strictEqual(rest.dials.length, 2)
        }))
  )

  it.effect.each(["timedOut", "interrupted", "failed"] as const)(
    "keeps the failure when the phone may have rung: %s",
    (why) =>
      withOutbound(({ place, rest }) =>
        Effect.gen(function*() {
          rest.onDial = () => Effect.fail(failure(why))
          const first = yield* Effect.flip(place(withKey("k")))
          assert.deepStrictEqual(yield* Effect.flip(place(withKey("k"))), first)
          assert.strictEqual(rest.dials.length, 1)
        }))
  )

  it.effect("can be tried again after a refusal of our own", () =>
    withOutbound(({ place, registry, rest }) =>
      Effect.gen(function*() {
        yield* place(request())
        assert.strictEqual((yield* Effect.flip(place(withKey("k"))))._tag, "LineBusy")
        yield* registry.report(callSid(1), "completed", 3)
        yield* nextTurn
        yield* place(withKey("k"))
        assert.strictEqual(rest.dials.length, 2)
      }), { MAX_CALLS: "1" }))

  it.effect("is forgotten after a day", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* place(withKey("k"))
        yield* TestClock.adjust("24 hours")
        yield* place(withKey("k"))
        assert.strictEqual(rest.dials.length, 2)
      })))

  it.effect("may be missing: then every request is a call", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* place(request())
        yield* TestClock.adjust("1 second")
        yield* place(request())
        assert.strictEqual(rest.dials.length, 2)
      })))
})

describe("a dial whose callbacks are faster than Twilio's answer", () => {
  /** Dials. `before` happens before Twilio answers the dial. */
  const placeAfter = ({ place, rest }: Bench, before: Effect.Effect<unknown>) => {
    rest.onDial = () => Effect.as(before, { callSid: callSid(7), status: "queued" })
    return place(request())
  }

  it.effect.each(["busy", "no-answer", "failed", "canceled", "completed"] as const)(
    "succeeds, and its call takes no line if it has ended already: %s",
    (status) =>
      withOutbound((bench) =>
        Effect.gen(function*() {
          const { registry } = bench
          const placed = yield* placeAfter(
            bench,
            Effect.andThen(registry.report(callSid(7), "ringing", 1), registry.report(callSid(7), status, 2))
          )
          assert.strictEqual(placed.callSid, callSid(7))
          assert.strictEqual(yield* registry.liveCount, 0)
          yield* Effect.scoped(registry.reserve)
          assert.isTrue(Option.isSome(yield* registry.events(callSid(7))))
        }), { MAX_CALLS: "1" })
  )

  it.effect("finds the call that its webhook has made", () =>
    withOutbound((bench) =>
      Effect.gen(function*() {
        const { registry } = bench
        const webhook = registry.admit({
          callSid: callSid(7),
          direction: "outbound",
          from: Option.some(ours),
          to: Option.some(caller),
          agent: receptionist
        })
        yield* placeAfter(bench, Effect.orDie(webhook))
        assert.strictEqual(yield* registry.liveCount, 1)
        assert.strictEqual(Option.getOrThrow(yield* registry.find(callSid(7))).info.agent, receptionist)
      }), { MAX_CALLS: "1" }))

  it.effect("that Twilio never answers takes no line afterwards", () =>
    withOutbound(({ place, registry, rest }) =>
      Effect.gen(function*() {
        rest.onDial = () => Effect.andThen(registry.report(callSid(7), "ringing", 1), Effect.fail(failure("timedOut")))
        yield* Effect.flip(place(request()))
        yield* registry.report(callSid(7), "no-answer", 2)
        assert.strictEqual(yield* registry.liveCount, 0)
        yield* Effect.scoped(registry.reserve)
        yield* TestClock.adjust("2 minutes")
        yield* Effect.scoped(registry.reserve)
      }), { MAX_CALLS: "1" }))
})

describe("a client that goes away", () => {
  it.effect.each([["without a key", request()], ["with a key", withKey("k")]] as const)(
    "does not stop its dial: %s",
    ([, asked]) =>
      withOutbound(({ place, registry, rest }) =>
        Effect.gen(function*() {
          const gate = yield* Deferred.make<void>()
          rest.onDial = () => Effect.as(Deferred.await(gate), { callSid: callSid(7), status: "queued" })
          const client = yield* Effect.forkScoped(place(asked))
          yield* settle
          yield* Fiber.interrupt(client)
          yield* Deferred.succeed(gate, undefined)
          yield* settle
          assert.isTrue(Option.isSome(yield* registry.find(callSid(7))))
          if (Option.isSome(asked.idempotencyKey)) assert.strictEqual((yield* place(asked)).callSid, callSid(7))
          assert.strictEqual(rest.dials.length, 1)
        }))
  )

  it.effect("while its request waits for a turn still gets its call, and may repeat the request with its key", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* place(request())
        const client = yield* Effect.forkScoped(place(withKey("k")))
        yield* settle
        yield* Fiber.interrupt(client)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(rest.dials.length, 2)
        assert.strictEqual((yield* place(withKey("k"))).callSid, callSid(2))
      }), { CALLS_PER_SECOND: "1" }))
})

describe("MAX_CALLS", () => {
  it.effect("counts calls that are not yet dialled", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* Effect.forEach([1, 2], () => Effect.forkScoped(place(request())))
        yield* settle
        assert.strictEqual(rest.dials.length, 1)
        const error = yield* Effect.flip(place(request()))
        assert.strictEqual(error._tag === "LineBusy" && error.reason, "busy")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(rest.dials.length, 2)
      }), { MAX_CALLS: "2", CALLS_PER_SECOND: "1" }))

  it.effect("frees the line of a dial that failed", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        const { onDial } = rest
        rest.onDial = () => Effect.fail(failure("timedOut"))
        for (let count = 0; count < 5; count++) {
          yield* Effect.flip(place(request()))
          yield* nextTurn
        }
        rest.onDial = onDial
        yield* place(request())
      }), { MAX_CALLS: "1" }))

  it.effect("has no free line while the service drains", () =>
    withOutbound(({ place, registry, rest }) =>
      Effect.gen(function*() {
        yield* registry.drain(Duration.zero)
        const error = yield* Effect.flip(place(request()))
        assert.strictEqual(error._tag === "LineBusy" && error.reason, "draining")
        assert.deepStrictEqual(rest.dials, [])
      })))
})

describe("a number that is not dialled", () => {
  it.effect.each([
    ["premium", "+19005550100", {}, "DIAL_ALSO"],
    ["international", "+870773123456", {}, "DIAL_ALSO"],
    ["country", "+5351234567", { DIAL_COUNTRIES: "US,CA" }, "DIAL_COUNTRIES"],
    ["own-number", ours, {}, "TWILIO_PHONE_NUMBER"],
    ["own-number", "+14155550177", { AGENT_NUMBERS: "+14155550177=scripted" }, "AGENT_NUMBERS"]
  ] as const)("is refused with its rule %s, and takes no line and no turn", ([rule, number, env, variable]) =>
    withOutbound(({ place, registry, rest }) =>
      Effect.gen(function*() {
        const to = PhoneNumber.make(number)
        const error = yield* Effect.flip(place(withKey("k", { to })))
        assert.strictEqual(error._tag === "NumberRefused" && error.rule, rule)
        assert.include(error.message, variable)
        assert.notInclude(JSON.stringify(error) + error.message, number.slice(1))
        assert.deepStrictEqual([rest.dials.length, yield* registry.liveCount], [0, 0])
        // The key can be used again, for the right number.
        assert.strictEqual((yield* place(withKey("k"))).queuedMillis, 0)
      }), env))

  it.effect("is dialled if its kind is allowed, and Cuba if no countries are listed", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        for (const to of ["+19005550100", "+5351234567"]) {
          yield* place(request({ to: PhoneNumber.make(to) }))
          yield* nextTurn
        }
        assert.strictEqual(rest.dials.length, 2)
      }), { DIAL_ALSO: "premium" }))
})

describe("the limits of dials in 24 hours", () => {
  it.effect("name their variable and the time to try again, and end after a day", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        yield* place(request())
        yield* TestClock.adjust("1 hour")
        const error = yield* Effect.flip(place(request()))
        assert.deepStrictEqual(error._tag === "DialLimitReached" && [error.limit, Duration.toHours(error.retryAfter)], ["DIAL_MAX_PER_NUMBER", 23])
        assert.include(error.message, "DIAL_MAX_PER_NUMBER")
        yield* place(request({ to: PhoneNumber.make("+14155550124") }))
        const third = yield* Effect.flip(place(request({ to: PhoneNumber.make("+14155550125") })))
        assert.strictEqual(third._tag === "DialLimitReached" && third.limit, "DIAL_MAX_PER_DAY")
        assert.strictEqual(rest.dials.length, 2)
        yield* TestClock.adjust("23 hours")
        yield* place(request())
      }), { DIAL_MAX_PER_DAY: "2", DIAL_MAX_PER_NUMBER: "1" }))

  it.effect.each([["rejected", 2], ["unreachable", 2], ["timedOut", 1], ["failed", 1]] as const)(
    "count a dial that is %s only if the phone may have rung",
    ([outcome, dials]) =>
      withOutbound(({ place, rest }) =>
        Effect.gen(function*() {
          const { onDial } = rest
          rest.onDial = () => Effect.fail(failure(outcome))
          yield* Effect.flip(place(request()))
          rest.onDial = onDial
          yield* nextTurn
          yield* Effect.exit(place(request()))
          assert.strictEqual(rest.dials.length, dials)
        }), { DIAL_MAX_PER_NUMBER: "1" })
  )

  it.effect("count dials that wait for their turn", () =>
    withOutbound(({ place, rest }) =>
      Effect.gen(function*() {
        const all = yield* Effect.forkScoped(Effect.forEach([1, 2, 3, 4], () => Effect.exit(place(request())), { concurrency: 4 }))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual((yield* Fiber.join(all)).map(({ _tag }) => _tag), ["Success", "Success", "Failure", "Failure"])
        assert.strictEqual(rest.dials.length, 2)
      }), { DIAL_MAX_PER_DAY: "2", CALLS_PER_SECOND: "1" }))
})

describe("a change of the time of day", () => {
  it.effect.each([-3_600_000, 3_600_000])("neither delays calls nor lets them be dialled together (%i ms)", (millis) =>
    Effect.gen(function*() {
      const wall = yield* WallClock.make
      yield* withOutbound(({ place: placeCall, rest }) =>
        Effect.gen(function*() {
          const place: typeof placeCall = (asked) => Effect.provideService(placeCall(asked), Clock.Clock, wall.clock)
          yield* place(withKey("k"))
          wall.move(millis)
          yield* Effect.forEach([1, 2], () => Effect.forkScoped(place(request())))
          yield* settle
          assert.strictEqual(rest.dials.length, 1)
          for (const dials of [2, 3]) {
            yield* TestClock.adjust("1 second")
            yield* settle
            assert.strictEqual(rest.dials.length, dials)
          }
          wall.move(30 * millis)
          assert.strictEqual((yield* place(withKey("k"))).callSid, callSid(1))
        }), { CALLS_PER_SECOND: "1" })
    }))
})
