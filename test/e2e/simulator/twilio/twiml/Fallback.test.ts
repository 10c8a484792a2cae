import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import twilio from "twilio"
import * as Caller from "../../../../../src/simulator/caller/Caller.ts"
import { PhoneBehaviour } from "../../../../../src/simulator/twilio/CallLife.ts"
import * as TwimlBins from "../../../../../src/simulator/twilio/twiml/TwimlBins.ts"
import { type Options, type PlaceCall, Simulator } from "../../../../../src/simulator/Simulator.ts"
import * as FailingServer from "../../../../support/telephone/FailingServer.ts"
import * as FakeService from "../../../../support/telephone/FakeService.ts"

const token = "token-of-this-test"
const from = "+14155550123"
const to = "+14155550199"
const hangUp = "<Response><Hangup/></Response>"

interface Both {
  readonly simulator: Simulator["Service"]
  readonly service: FakeService.FakeService
}

const withSimulator = <A, E, R>(options: Options, test: (both: Both) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const service = yield* FakeService.make(token)
    service.answer("/status", "")
    return yield* test({ service, simulator: yield* Simulator })
  }).pipe(
    Effect.provide(Simulator.layer({ authToken: Redacted.make(token), callsPerSecond: 1000, ...options })),
    Effect.scoped
  )

const place = ({ service, simulator }: Both, options: Partial<PlaceCall> = {}) =>
  simulator.placeCall({
    from,
    to,
    webhookUrl: `${service.url}/twiml`,
    fallbackUrl: `${service.url}/fallback`,
    statusCallback: `${service.url}/status`,
    caller: Caller.silent,
    ...options
  })

const asked = ({ service }: Both, path: string) => service.hooks.filter((hook) => hook.path === path)
const errorOf = (hook: FakeService.Hook | undefined) => [hook?.parameters["ErrorCode"], hook?.parameters["ErrorUrl"], hook?.signed]

describe("the fallback URL of a number", () => {
  it.live("is asked at once with the error and the URL that failed, and its TwiML goes on", () =>
    withSimulator({}, (both) =>
      Effect.gen(function*() {
        both.service.answer("/fallback", "<Response><Say>One moment.</Say></Response>")
        const call = yield* place(both, { webhookUrl: `${both.service.url}/away#rc=2&rp=4xx` })
        assert.strictEqual(yield* call.settled, "completed")
        assert.strictEqual((yield* call.awaitEvent("Said")).text, "One moment.")
        assert.strictEqual(asked(both, "/away").length, 3)
        assert.deepStrictEqual(errorOf(asked(both, "/fallback")[0]), ["11200", `${both.service.url}/away`, true])
        assert.strictEqual(asked(both, "/fallback")[0]?.parameters["CallStatus"], "ringing")
      })))

  it.live("is asked with the code of each failure", () =>
    withSimulator({}, (both) =>
      Effect.gen(function*() {
        both.service.answer("/fallback", hangUp)
        const outcome = (webhookUrl: string) =>
          Effect.gen(function*() {
            assert.strictEqual(yield* (yield* place(both, { webhookUrl })).settled, "completed")
            return errorOf(asked(both, "/fallback").at(-1))[0]
          })
        const closing = yield* FailingServer.make("close")
        const silent = yield* FailingServer.make("hang")
        assert.strictEqual(yield* outcome("http://127.0.0.1:9/twiml"), "11202")
        assert.strictEqual(yield* outcome(closing.url), "11206")
        assert.strictEqual(yield* outcome(`${silent.url}/#rt=100`), "11205")
        both.service.answer("/twiml", "<Response>")
        assert.strictEqual(yield* outcome(`${both.service.url}/twiml`), "12100")
      })))

  it.live("is asked when <Connect action> or <Redirect> fails, unless the fault no-fallback says otherwise", () =>
    withSimulator({}, (both) =>
      Effect.gen(function*() {
        both.service.answer("/fallback", hangUp)
        both.service.answer("/redirect", "<Response><Redirect>/nowhere</Redirect></Response>")
        both.service.answer("/twiml", FakeService.connectTwiml(both.service, "action=\"/gone\""))
        both.service.onMessage((socket, message) => {
          if (message.media?.chunk === "3") socket.close(1000)
        })
        const outcome = (path: string, noFallback: boolean) =>
          Effect.gen(function*() {
            const before = asked(both, "/fallback").length
            const call = yield* place(both, { webhookUrl: `${both.service.url}${path}`, faults: { noFallback } })
            // The status callback reports the end in both cases.
            assert.strictEqual(yield* call.settled, "completed")
            assert.strictEqual(asked(both, "/status").at(-1)?.parameters["CallStatus"], "completed")
            return asked(both, "/fallback").slice(before).map((hook) => errorOf(hook)[1])
          })
        assert.deepStrictEqual(yield* outcome("/redirect", false), [`${both.service.url}/nowhere`])
        assert.deepStrictEqual(yield* outcome("/twiml", false), [`${both.service.url}/gone`])
        assert.deepStrictEqual(yield* outcome("/redirect", true), [])
        assert.deepStrictEqual(yield* outcome("/twiml", true), [])
        assert.deepStrictEqual(yield* outcome("/missing", true), [`${both.service.url}/missing`])
      })))

  it.live("may fail, too: then the call is failed before its answer, and completed after it", () =>
    withSimulator({}, (both) =>
      Effect.gen(function*() {
        const unanswered = yield* place(both)
        assert.strictEqual(yield* unanswered.settled, "failed")
        assert.strictEqual(asked(both, "/status").at(-1)?.parameters["CallStatus"], "failed")
        assert.deepStrictEqual((yield* unanswered.problems).map(({ code }) => code), [11200, 11200])
        both.service.answer("/twiml", "<Response><Redirect>/nowhere</Redirect></Response>")
        const answered = yield* place(both)
        assert.strictEqual(yield* answered.settled, "completed")
        assert.strictEqual(asked(both, "/fallback").length, 2)
      })))
})

describe("the fallback URL of a call that the service makes", () => {
  it.live("is the request's FallbackUrl, asked with FallbackMethod", () =>
    withSimulator({ phones: () => PhoneBehaviour.Answers({ after: 0, caller: Caller.silent }) }, (both) =>
      Effect.gen(function*() {
        const { service, simulator } = both
        service.answer("/fallback", hangUp)
        const client = twilio(simulator.accountSid, token, { timeout: 5000 })
        client.api.baseUrl = simulator.baseUrl
        yield* Effect.promise(() =>
          client.calls.create({ to, from, url: `${service.url}/away`, fallbackUrl: `${service.url}/fallback`, fallbackMethod: "GET" }))
        const [call] = yield* simulator.calls
        assert.strictEqual(yield* call!.settled, "completed")
        assert.deepStrictEqual(errorOf(asked(both, "/fallback")[0]), ["11200", `${service.url}/away`, true])
        const refused = yield* Effect.flip(Effect.tryPromise({
          try: () => client.calls.create({ to, from, url: `${service.url}/away`, fallbackUrl: "nonsense" }),
          catch: (error) => error as { readonly code: number }
        }))
        assert.strictEqual(refused.code, 21205)
      })))
})

describe("a TwiML Bin", () => {
  it.live("keeps a call up until the service is back", () =>
    Effect.scoped(Effect.gen(function*() {
      const service = yield* FailingServer.make(503, 503, 503, { twiml: "<Response><Say>Here again.</Say></Response>" })
      const bins = { wait: TwimlBins.pauseAndRedirect(`${service.url}/twiml?a=1&b=2`, 0) }
      yield* withSimulator({ bins }, (both) =>
        Effect.gen(function*() {
          const call = yield* place(both, { webhookUrl: `${service.url}/twiml?a=1&b=2`, fallbackUrl: both.simulator.binUrl("wait") })
          assert.strictEqual(yield* call.settled, "completed")
          assert.strictEqual((yield* call.awaitEvent("Said")).text, "Here again.")
          assert.strictEqual(service.requests.length, 4)
          // Twilio itself serves the bins, so they are no requests to its API.
          assert.deepStrictEqual(yield* both.simulator.requests, [])
        }))
    })))

  it.live("that does not exist gives no document", () =>
    withSimulator({ bins: { "a name": hangUp } }, (both) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* (yield* place(both, { webhookUrl: both.simulator.binUrl("a name") })).settled, "completed")
        const call = yield* place(both, { webhookUrl: both.simulator.binUrl("another"), fallbackUrl: both.simulator.binUrl("none") })
        assert.strictEqual(yield* call.settled, "failed")
      })))
})
