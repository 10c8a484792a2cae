/**
 * Events of a call that come before the service knows the call, and requests that come after the call has ended.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { PhoneBehaviour } from "../../../src/simulator/twilio/CallLife.ts"
import { RestFault } from "../../../src/simulator/twilio/Faults.ts"
import type { SimulatedCall } from "../../../src/simulator/caller/PhoneCall.ts"
import * as BarePeer from "../../support/telephone/BarePeer.ts"
import { authToken, type Both, ourNumber, somebody, until, withService } from "../../support/service/Service.ts"
import { assertEcho, awaitFrames, brief, endedBecause, place, speaker, streamEnds } from "../../support/service/Talk.ts"

const noCallLeft = ({ service }: Both) => until("no call left", service.health, ({ calls }) => calls === 0)

const early = ({ service }: Both, outcome: string) =>
  Effect.map(service.metrics, (metrics) => metrics("client_caller_early_reports_total", { outcome }))

const verbsOf = (call: SimulatedCall) =>
  Effect.map(call.events, (events) => events.flatMap((event) => event._tag === "Twiml" ? [event.verbs.join(" ")] : []))

/** The requests for TwiML that Twilio made for a call, to be sent again byte for byte. */
const voiceWebhooks = (call: SimulatedCall) =>
  Effect.map(call.events, (events) =>
    events.flatMap((event) =>
      event._tag === "Webhook" && event.kind === "voice" ? [{ path: new URL(event.url).pathname, parameters: event.parameters }] : []
    ))

/** Changes a live call over Twilio's REST API, as a user might. */
const redirect = ({ simulator: { accountSid, baseUrl } }: Both, call: SimulatedCall, change: Record<string, string>) =>
  Effect.promise(() =>
    fetch(`${baseUrl}/2010-04-01/Accounts/${accountSid}/Calls/${call.sid}.json`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}` },
      body: new URLSearchParams(change)
    })
  )

describe("Twilio's callbacks before its answer to the dial", () => {
  for (
    const [phone, status, reason] of [
      [PhoneBehaviour.Busy({ after: "20 millis" }), "busy", "busy"],
      [PhoneBehaviour.NoAnswer({ after: "20 millis" }), "no-answer", "noAnswer"],
      [PhoneBehaviour.Failed({ after: "20 millis" }), "failed", "failed"],
      [PhoneBehaviour.Canceled({ after: "20 millis" }), "canceled", "canceled"]
    ] as const
  ) {
    it.live(`end a call that is over, with its outcome, so that another call may begin: ${status}`, () =>
      withService({
        env: { MAX_CALLS: "1" },
        simulator: { phones: () => phone, restFaults: [RestFault.AnswerLate({ until: "end" })] }
      }, (both) =>
        Effect.gen(function*() {
          const { json, status: answered } = yield* both.service.dial({ to: somebody })
          assert.strictEqual(answered, 200)
          const [call] = yield* both.simulator.calls
          assert.deepInclude(json as object, { call_sid: call.sid, status: "queued" })
          assert.strictEqual(yield* call.settled, status)
          assert.strictEqual((yield* both.service.health).calls, 0)
          assert.strictEqual(yield* endedBecause(both, reason), 1)
          assert.strictEqual(yield* early(both, "remembered"), 3)
          assert.strictEqual(yield* early(both, "applied"), 3)
          assert.strictEqual((yield* both.service.dial({ to: somebody })).status, 200)
        })))
  }

  it.live("end the call once, even if they come twice, late and out of order", () =>
    withService({
      simulator: {
        phones: () => PhoneBehaviour.Busy({ after: "20 millis" }),
        restFaults: [RestFault.AnswerLate({ until: "end" })],
        statusDelivery: { delay: "50 millis", twice: true, swapped: true }
      }
    }, (both) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* both.service.dial({ to: somebody })).status, 200)
        yield* noCallLeft(both)
        assert.strictEqual(yield* endedBecause(both, "busy"), 1)
        assert.strictEqual((yield* both.service.metrics)("client_caller_calls_ended_total"), 1)
      })))

  it.live("and its webhook make a whole call, which Twilio's late answer does not make again", () =>
    withService({
      env: { MAX_CALLS: "1" },
      simulator: {
        phones: () => PhoneBehaviour.Answers({ after: "20 millis", caller: brief }),
        restFaults: [RestFault.AnswerLate({ until: "end" })]
      }
    }, (both) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* both.service.dial({ to: somebody })).status, 200)
        const [call] = yield* both.simulator.calls
        assert.strictEqual(yield* call.settled, "completed")
        yield* assertEcho(call)
        assert.strictEqual((yield* both.service.health).calls, 0)
        const metrics = yield* both.service.metrics
        assert.strictEqual(metrics("client_caller_calls_ended_total"), 1)
        assert.strictEqual(metrics("client_caller_calls"), 0)
      })))

  it.live("during a call belong to one call, before and after Twilio's answer", () =>
    withService({
      simulator: {
        phones: () => PhoneBehaviour.Answers({ after: "20 millis", caller: brief }),
        restFaults: [RestFault.AnswerLate({ until: "in-progress" })]
      }
    }, (both) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* both.service.dial({ to: somebody })).status, 200)
        assert.strictEqual((yield* both.service.health).calls, 1)
        const [call] = yield* both.simulator.calls
        assert.strictEqual(yield* call.settled, "completed")
        yield* noCallLeft(both)
        assert.strictEqual(yield* endedBecause(both, "callerLeft"), 1)
      })))

  it.live("leave nothing behind if Twilio never answers", () =>
    withService({
      env: { MAX_CALLS: "1", TWILIO_TIMEOUT: "300ms" },
      simulator: { phones: () => PhoneBehaviour.Busy({ after: "20 millis" }), restFaults: [RestFault.AcceptThenHang()] }
    }, (both) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* both.service.dial({ to: somebody })).status, 504)
        const [call] = yield* both.simulator.calls
        assert.strictEqual(yield* call.settled, "busy")
        assert.strictEqual((yield* both.service.health).calls, 0)
        assert.strictEqual((yield* both.service.dial({ to: somebody })).status, 200)
      })))
})

describe("a request that says that the call is over", () => {
  for (const path of ["/twiml", "/twilio/continue"]) {
    it.live(`ends a call with an open stream at once: ${path}`, () =>
      withService({}, (both) =>
        Effect.gen(function*() {
          const call = yield* place(both)
          yield* awaitFrames(call, 10)
          const [{ parameters }] = yield* voiceWebhooks(call)
          const { text } = yield* both.service.webhook(path, { ...parameters, CallStatus: "completed", DialCallStatus: "no-answer" })
          assert.match(text, /<Response><Hangup\/><\/Response>/)
          assert.strictEqual((yield* both.service.health).calls, 0)
          assert.strictEqual(yield* endedBecause(both, "completed"), 1)
          // The service closes the stream. The simulator's call goes on, so the service answers its next request with <Hangup/>.
          assert.strictEqual(yield* call.settled, "completed")
          assert.deepStrictEqual(yield* streamEnds(call), ["closedByService 1000"])
          assert.deepStrictEqual(yield* verbsOf(call), ["Connect", "Hangup"])
        })))
  }

  it.live("after the caller has hung up is answered with <Hangup/>, and does not change the call's reason", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: brief, faults: { actionAfterEnd: true } })
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(yield* verbsOf(call), ["Connect", "Hangup"])
        assert.deepStrictEqual((yield* voiceWebhooks(call)).map(({ parameters, path }) => [path, parameters["CallStatus"]]), [
          ["/twiml", "ringing"],
          ["/twilio/continue", "completed"]
        ])
        assert.strictEqual((yield* both.service.health).calls, 0)
        assert.strictEqual(yield* endedBecause(both, "callerLeft"), 1)
      })))
})

describe("a webhook that is sent again", () => {
  it.live("after the call has ended is answered with <Hangup/>, and makes no session", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: brief })
        assert.strictEqual(yield* call.settled, "completed")
        yield* noCallLeft(both)
        for (const { parameters, path } of yield* voiceWebhooks(call)) {
          for (let count = 0; count < 3; count++) {
            const { status, text } = yield* both.service.webhook(path, parameters)
            assert.strictEqual(status, 200)
            assert.match(text, /<Response><Hangup\/><\/Response>/)
          }
        }
        assert.strictEqual((yield* both.service.health).calls, 0)
        const metrics = yield* both.service.metrics
        assert.strictEqual(metrics("client_caller_calls_ended_total"), 1)
        assert.strictEqual(metrics("client_caller_ended_calls_refused_total", { path: "/twiml" }), 3)
      })))

  it.live("is recognized even if no status callback reports the call's end", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* both.simulator.placeCall({
          from: somebody,
          to: ourNumber,
          webhookUrl: `${both.service.url}/twiml`,
          caller: brief
        })
        assert.strictEqual(yield* call.settled, "completed")
        yield* noCallLeft(both)
        const [{ parameters, path }] = yield* voiceWebhooks(call)
        assert.match((yield* both.service.webhook(path, parameters)).text, /<Response><Hangup\/><\/Response>/)
        assert.strictEqual((yield* both.service.health).calls, 0)
      })))

  it.live("for a call that the service hung up over REST is answered with <Hangup/>", () =>
    withService({ env: { START_TIMEOUT: "1s" }, simulator: { phones: () => PhoneBehaviour.Answers({ after: "20 millis", caller: speaker }) } }, (both) =>
      Effect.gen(function*() {
        const { callSid } = yield* BarePeer.answerCall(both)
        yield* until("the end", endedBecause(both, "noStream"), (count) => count === 1)
        assert.strictEqual((yield* BarePeer.answerCall(both, callSid)).token, "")
        assert.strictEqual((yield* both.service.health).calls, 0)
      })))

  it.live("does not harm a live call", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both)
        yield* awaitFrames(call, 10)
        const [{ parameters, path }] = yield* voiceWebhooks(call)
        for (let count = 0; count < 10; count++) yield* both.service.webhook(path, parameters)
        yield* awaitFrames(call, 30)
        assert.deepStrictEqual(yield* streamEnds(call), [])
        yield* call.hangUp
        assert.strictEqual(yield* call.settled, "completed")
        yield* noCallLeft(both)
        assert.strictEqual((yield* both.service.metrics)("client_caller_calls_ended_total"), 1)
      })))
})

describe("a call that is redirected and comes back", () => {
  const secondStream = (call: SimulatedCall) =>
    Effect.gen(function*() {
      yield* until(
        "a second stream",
        Effect.map(call.events, (events) => events.filter(({ _tag }) => _tag === "FirstSound").length),
        (count) => count === 2
      )
      yield* awaitFrames(call, 10)
    })

  it.live("at once is one call, with a second stream", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: Caller.make(...Array.from({ length: 20 }, () => speaker.steps).flat()) })
        yield* awaitFrames(call, 10)
        yield* redirect(both, call, { Url: `${both.service.url}/twiml` })
        yield* secondStream(call)
        assert.deepStrictEqual(yield* streamEnds(call), ["callChanged"])
        yield* call.hangUp
        assert.strictEqual(yield* call.settled, "completed")
        yield* noCallLeft(both)
        assert.strictEqual((yield* both.service.metrics)("client_caller_calls_ended_total"), 1)
      })))

  it.live("after it seemed to have ended has a session again, and none after its real end", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: Caller.make(...Array.from({ length: 20 }, () => speaker.steps).flat()) })
        yield* awaitFrames(call, 10)
        yield* redirect(both, call, {
          Twiml: `<Response><Pause length="5"/><Redirect>${both.service.url}/twiml</Redirect></Response>`
        })
        yield* until("our end", endedBecause(both, "callerLeft"), (count) => count === 1)
        yield* secondStream(call)
        yield* call.hangUp
        assert.strictEqual(yield* call.settled, "completed")
        yield* noCallLeft(both)
        const { parameters } = (yield* voiceWebhooks(call)).at(-1)!
        assert.match((yield* both.service.webhook("/twiml", parameters)).text, /<Response><Hangup\/><\/Response>/)
      })), 40_000)
})
