import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PhoneBehaviour } from "../../../src/simulator/twilio/CallLife.ts"
import type { SimulatedCall } from "../../../src/simulator/caller/PhoneCall.ts"
import * as BarePeer from "../../support/telephone/BarePeer.ts"
import { somebody, until, withService } from "../../support/service/Service.ts"
import { assertEcho, awaitFrames, besideAGoodCall, brief, endedBecause, place, problemCodes, speaker, streamEnds } from "../../support/service/Talk.ts"

const streamsOf = (call: SimulatedCall) =>
  Effect.map(call.events, (events) => events.flatMap((event) => event._tag === "StreamStarted" ? [event] : []))

const verbsOf = (call: SimulatedCall) =>
  Effect.map(call.events, (events) => events.flatMap((event) => event._tag === "Twiml" ? [event.verbs.join(" ")] : []))

describe("a call", () => {
  it.live("ends when the caller hangs up, and has that reason", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: brief })
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(yield* streamEnds(call), ["callerHungUp"])
        yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
        assert.strictEqual(yield* endedBecause(both, "callerLeft"), 1)
      })))

  it.live("that is longer than MAX_CALL_DURATION is ended by the service: the stream, then the call", () =>
    withService({ env: { MAX_CALL_DURATION: "1s" } }, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both)
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(yield* streamEnds(call), ["closedByService 1000"])
        assert.deepStrictEqual(yield* verbsOf(call), ["Connect", "Hangup"])
        const action = (yield* call.events).flatMap((event) => event._tag === "Webhook" && event.kind === "voice" ? [event] : [])
        assert.deepStrictEqual(action.map(({ answer, url }) => [new URL(url).pathname, answer]), [
          ["/twiml", 200],
          ["/twilio/continue", 200]
        ])
        yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
        assert.strictEqual(yield* endedBecause(both, "tooLong"), 1)
      })))

  it.live("whose socket is lost goes on with a fresh stream and a fresh token", () =>
    withService({}, (both) =>
      besideAGoodCall(
        both,
        Effect.gen(function*() {
          const call = yield* place(both, {
            caller: brief,
            faults: { suddenClose: { atMillis: 300 }, onlyFirstStream: true }
          })
          assert.strictEqual(yield* call.settled, "completed")
          assert.deepStrictEqual(yield* streamEnds(call), ["fault", "callerHungUp"])
          const [first, second] = yield* streamsOf(call)
          assert.notStrictEqual(first.streamSid, second.streamSid)
          assert.notStrictEqual(first.parameters["token"], second.parameters["token"])
          assert.deepStrictEqual(yield* verbsOf(call), ["Connect", "Connect"])
          // The sentence came back in two pieces; the sound during the loss is missing.
          yield* assertEcho(call)
          assert.strictEqual(yield* endedBecause(both, "callerLeft"), 1)
        })
      )))

  it.live("whose socket is lost again and again is given up", () =>
    withService({}, (both) =>
      besideAGoodCall(
        both,
        Effect.gen(function*() {
          const call = yield* place(both, { faults: { suddenClose: { atMillis: 60 } } })
          assert.strictEqual(yield* call.settled, "completed")
          const ends = yield* streamEnds(call)
          assert.isTrue(ends.every((end) => end === "fault"))
          assert.isAtLeast(ends.length, 2)
          assert.isAtMost(ends.length, 10)
          assert.strictEqual((yield* verbsOf(call)).at(-1), "Hangup")
          yield* until("the end", endedBecause(both, "streamLost"), (count) => count === 1)
        })
      )), 30_000)

  it.live("whose stream is refused at every upgrade is given up", () =>
    withService({}, (both) =>
      besideAGoodCall(
        both,
        Effect.gen(function*() {
          const call = yield* place(both, { faults: { upgradeSignature: "forged" } })
          assert.strictEqual(yield* call.settled, "completed")
          const codes = yield* problemCodes(call)
          assert.isTrue(codes.every((code) => code === 31920))
          assert.isAtMost(codes.length, 10)
          assert.strictEqual((yield* verbsOf(call)).at(-1), "Hangup")
          yield* until("no other call", both.service.health, ({ calls }) => calls === 1)
        })
      )), 30_000)

  it.live("whose stream never comes is hung up over REST after START_TIMEOUT", () =>
    withService({ env: { START_TIMEOUT: "1s" }, simulator: { phones: () => PhoneBehaviour.Answers({ after: "20 millis", caller: speaker }) } }, (both) =>
      Effect.gen(function*() {
        // The test itself requests the TwiML, and never opens the stream.
        const { callSid } = yield* BarePeer.answerCall(both)
        yield* until("the end", endedBecause(both, "noStream"), (count) => count === 1)
        const requests = yield* both.simulator.requests
        assert.isTrue(requests.some(({ parameters, path }) => path.includes(callSid) && parameters["Status"] === "completed"))
        yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
      })), 30_000)

  it.live("whose stream never comes ends when Twilio reports its final status", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const { callSid } = yield* BarePeer.answerCall(both)
        yield* until("the call", both.service.health, ({ calls }) => calls === 1)
        yield* BarePeer.complete(both, callSid)
        yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
        // Status callbacks after the end change nothing.
        for (const [CallStatus, SequenceNumber] of [["ringing", "1"], ["in-progress", "10"], ["completed", "9"]]) {
          const { status } = yield* both.service.webhook("/twilio/status", { CallSid: callSid, CallStatus, SequenceNumber })
          assert.isBelow(status, 300)
        }
        const metrics = yield* both.service.metrics
        assert.strictEqual(metrics("client_caller_calls_ended_total"), 1)
        assert.strictEqual(metrics("client_caller_calls"), 0)
      })))

  it.live("that a user redirects over REST gets the stream's stop, and ends with Twilio's final status", () =>
    withService({}, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both)
        yield* awaitFrames(call, 10)
        const { baseUrl, accountSid } = both.simulator
        const credentials = Buffer.from(`${accountSid}:auth-token-of-the-tests`).toString("base64")
        const answer = yield* Effect.promise(() =>
          fetch(`${baseUrl}/2010-04-01/Accounts/${accountSid}/Calls/${call.sid}.json`, {
            method: "POST",
            headers: { authorization: `Basic ${credentials}` },
            body: new URLSearchParams({ Twiml: "<Response><Hangup/></Response>" })
          })
        )
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(yield* streamEnds(call), ["callChanged"])
        yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
      })))
})

describe("ten outbound calls at once", () => {
  it.live("each hear their own sound, and leave nothing behind", () =>
    withService({ simulator: { phones: () => PhoneBehaviour.Answers({ after: "50 millis", caller: brief }) } }, (both) =>
      Effect.gen(function*() {
        const answers = yield* Effect.all(
          Array.from({ length: 10 }, (_, index) => both.service.dial({ to: `+141555501${index + 10}` })),
          { concurrency: "unbounded" }
        )
        assert.isTrue(answers.every(({ status }) => status === 200))
        const calls = yield* both.simulator.calls
        assert.strictEqual(calls.length, 10)
        for (const call of calls) assert.strictEqual(yield* call.settled, "completed")
        for (const call of calls) yield* assertEcho(call)
        yield* until("no call left", both.service.health, ({ calls, active_connections }) => calls === 0 && active_connections === 0)
        const metrics = yield* both.service.metrics
        assert.strictEqual(metrics("client_caller_calls"), 0)
        assert.strictEqual(metrics("client_caller_calls_ended_total", { direction: "outbound" }), 10)
      })))

  it.live("of which half are busy end as they should", () =>
    withService({
      simulator: {
        phones: (to) => to === somebody ? PhoneBehaviour.Busy({ after: "30 millis" }) : PhoneBehaviour.Answers({ after: "30 millis", caller: brief })
      }
    }, (both) =>
      Effect.gen(function*() {
        yield* Effect.all(
          Array.from({ length: 10 }, (_, index) => both.service.dial({ to: index % 2 === 0 ? somebody : "+14155550124" })),
          { concurrency: "unbounded" }
        )
        for (const call of yield* both.simulator.calls) {
          assert.strictEqual(yield* call.settled, call.to === somebody ? "busy" : "completed")
        }
        yield* until("the end", endedBecause(both, "busy"), (count) => count === 5)
        yield* until("no call left", both.service.health, ({ calls }) => calls === 0)
      })))
})
