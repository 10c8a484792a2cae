import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { RestClient, type TwilioError } from "../../../../src/twilio/rest/RestClient.ts"
import * as TwiML from "../../../../src/twilio/webhook/TwiML.ts"
import * as FakeTwilioServer from "../../../support/telephone/FakeTwilioServer.ts"
import { accountSid, authToken, caller, callSid, ours } from "../../../support/conversation/Samples.ts"
import { config, identity } from "../../../support/service/TestConfig.ts"

const { cut, json, refusal, silence } = FakeTwilioServer

const clientAt = (url: string, timeout = "5s", others: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function*() {
    return yield* RestClient
  }).pipe(
    Effect.provide(
      RestClient.layer.pipe(
        Layer.provide(Layer.merge(config({ TWILIO_API_BASE_URL: url, TWILIO_TIMEOUT: timeout, ...others }), identity()))
      )
    )
  )

const setUp = Effect.fnUntraced(function*(
  answers: readonly [FakeTwilioServer.Answer, ...Array<FakeTwilioServer.Answer>],
  timeout?: string,
  others?: Readonly<Record<string, string>>
) {
  const server = yield* FakeTwilioServer.make(...answers)
  const client = yield* clientAt(server.url, timeout, others)
  return {
    ...server,
    dial: client.dial({
      to: caller,
      from: ours,
      url: "https://calls.example.com/twiml?agent=echo",
      statusCallback: "https://calls.example.com/twilio/status"
    }),
    hangUp: client.hangUp(callSid()),
    transfer: client.transfer({
      callSid: callSid(),
      to: caller,
      callerId: Option.some(ours),
      action: Option.some("https://calls.example.com/twilio/continue")
    })
  }
})

const created = json(201, { sid: callSid(), status: "queued", direction: "outbound-api" })
const updated = json(200, { sid: callSid(), status: "completed" })

const page: FakeTwilioServer.Answer = (response) => {
  response.writeHead(201).end("<html>")
}

/** An answer that never ends. */
const endless: FakeTwilioServer.Answer = (response) => {
  response.writeHead(201, { "content-type": "application/json" })
  const chunk = " ".repeat(65_536)
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on("drain", more)
  more()
}

const summaryOf = (error: TwilioError) => [error.failure, Option.getOrUndefined(error.status), Option.getOrUndefined(error.code)]

describe("dial", () => {
  it.live("makes Twilio call the number, request the TwiML and report every step", () =>
    Effect.gen(function*() {
      const { dial, received } = yield* setUp([created])
      assert.deepStrictEqual(yield* dial, { callSid: callSid(), status: "queued" })
      assert.strictEqual(received.length, 1)
      const [{ authorization, form, method, path }] = received
      assert.strictEqual(method, "POST")
      assert.strictEqual(path, `/2010-04-01/Accounts/${accountSid}/Calls.json`)
      assert.strictEqual(authorization, `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`)
      assert.deepStrictEqual([...form.entries()].sort(), [
        ["From", ours],
        ["Method", "POST"],
        ["StatusCallback", "https://calls.example.com/twilio/status#rc=5&rp=all&ct=2000"],
        ["StatusCallbackEvent", "answered"],
        ["StatusCallbackEvent", "completed"],
        ["StatusCallbackEvent", "initiated"],
        ["StatusCallbackEvent", "ringing"],
        ["StatusCallbackMethod", "POST"],
        ["To", caller],
        ["Url", "https://calls.example.com/twiml?agent=echo#rc=5&rp=all&ct=2000"]
      ].sort())
    }))

  it.live("passes the configured fallback URL on unchanged", () =>
    Effect.gen(function*() {
      const fallback = "https://handler.twilio.com/twiml/EH1?wait=2#rc=2"
      const { dial, received } = yield* setUp([created], undefined, { TWILIO_FALLBACK_URL: fallback })
      yield* dial
      const [{ form }] = received
      assert.deepStrictEqual([form.get("FallbackUrl"), form.get("FallbackMethod")], [fallback, "POST"])
    }))

  it.live("fails with Twilio's refusal and its code, without a retry", () =>
    Effect.gen(function*() {
      const { dial, received } = yield* setUp([refusal(400, 21211, `The number ${caller} is not valid`)])
      const error = yield* Effect.flip(dial)
      assert.deepStrictEqual(summaryOf(error), ["rejected", 400, 21211])
      assert.isTrue(Option.contains(error.detail, `The number ${caller} is not valid`))
      assert.strictEqual(received.length, 1)
    }))

  it.live("fails with a message that has neither the number nor the token", () =>
    Effect.gen(function*() {
      const { dial } = yield* setUp([refusal(400, 21211, `The number ${caller} is not valid`)])
      const { message } = yield* Effect.flip(dial)
      assert.include(message, "21211")
      assert.notInclude(message, caller)
      assert.notInclude(message, authToken)
    }))

  it.live("fails when Twilio does not know the credentials", () =>
    Effect.gen(function*() {
      const { dial, received } = yield* setUp([refusal(401, 20003, "Authenticate")])
      assert.deepStrictEqual(summaryOf(yield* Effect.flip(dial)), ["unauthorized", 401, 20003])
      assert.strictEqual(received.length, 1)
    }))

  it.live("retries after a 429: no call was placed", () =>
    Effect.gen(function*() {
      const { dial, received } = yield* setUp([refusal(429, 20429), refusal(429, 20429), created])
      assert.strictEqual((yield* dial).callSid, callSid())
      assert.strictEqual(received.length, 3)
      assert.strictEqual(new Set(received.map(({ form }) => form.toString())).size, 1)
    }))

  it.live("gives up after three retries of a 429", () =>
    Effect.gen(function*() {
      const { dial, received } = yield* setUp([refusal(429, 20429)])
      assert.deepStrictEqual(summaryOf(yield* Effect.flip(dial)), ["tooManyRequests", 429, 20429])
      assert.strictEqual(received.length, 4)
    }))

  it.live.each([500, 502, 503])("does not retry after a %i: the call may have been placed", (status) =>
    Effect.gen(function*() {
      const { dial, received } = yield* setUp([refusal(status, 20500)])
      assert.deepStrictEqual(summaryOf(yield* Effect.flip(dial)).slice(0, 2), ["failed", status])
      assert.strictEqual(received.length, 1)
    }))

  it.live("does not retry when no answer comes in time", () =>
    Effect.gen(function*() {
      const { dial, received } = yield* setUp([silence, created], "200ms")
      assert.deepStrictEqual(summaryOf(yield* Effect.flip(dial)), ["timedOut", undefined, undefined])
      assert.strictEqual(received.length, 1)
    }))

  it.live("does not retry when the connection breaks", () =>
    Effect.gen(function*() {
      const { dial, received } = yield* setUp([cut, created])
      assert.deepStrictEqual(summaryOf(yield* Effect.flip(dial)), ["interrupted", undefined, undefined])
      assert.strictEqual(received.length, 1)
    }))

  it.live("fails as unreachable when nothing listens at the address", () =>
    Effect.gen(function*() {
      const { dial, received, stop } = yield* setUp([created])
      stop()
      assert.deepStrictEqual(summaryOf(yield* Effect.flip(dial)), ["unreachable", undefined, undefined])
      assert.strictEqual(received.length, 0)
    }))

  it.live.each([
    ["HTML", page],
    ["more than 1 MiB", endless],
    ["a call without a SID", json(201, { status: "queued" })],
    ["an invalid SID", json(201, { sid: "CA1/../x", status: "queued" })]
  ] as const)("fails on an answer with %s", ([, answer]) =>
    Effect.gen(function*() {
      const { dial, received } = yield* setUp([answer])
      assert.strictEqual((yield* Effect.flip(dial)).failure, "failed")
      assert.strictEqual(received.length, 1)
    }))
})

describe("transfer", () => {
  it.live("connects the call to another telephone", () =>
    Effect.gen(function*() {
      const { received, transfer } = yield* setUp([json(200, { sid: callSid(), status: "in-progress" })])
      yield* transfer
      assert.strictEqual(received.length, 1)
      assert.strictEqual(received[0].path, `/2010-04-01/Accounts/${accountSid}/Calls/${callSid()}.json`)
      assert.deepStrictEqual([...received[0].form.entries()], [[
        "Twiml",
        TwiML.dial({ to: caller, callerId: ours, action: "https://calls.example.com/twilio/continue" })
      ]])
    }))

  it.live("fails when the call is over", () =>
    Effect.gen(function*() {
      const { transfer } = yield* setUp([refusal(400, 21220)])
      const error = yield* Effect.flip(transfer)
      assert.deepStrictEqual(summaryOf(error), ["rejected", 400, 21220])
      assert.strictEqual(error.operation, "transfer")
    }))
})

describe("hangUp", () => {
  it.live("completes the call", () =>
    Effect.gen(function*() {
      const { hangUp, received } = yield* setUp([updated])
      yield* hangUp
      assert.strictEqual(received.length, 1)
      assert.strictEqual(received[0].path, `/2010-04-01/Accounts/${accountSid}/Calls/${callSid()}.json`)
      assert.deepStrictEqual([...received[0].form.entries()], [["Status", "completed"]])
    }))

  it.live.each([
    ["in a state that can't be changed", refusal(400, 21220)],
    ["no longer known", refusal(404, 20404)]
  ] as const)("succeeds for a call that is %s", ([, answer]) =>
    Effect.gen(function*() {
      const { hangUp, received } = yield* setUp([answer])
      yield* hangUp
      assert.strictEqual(received.length, 1)
    }))

  it.live("fails if Twilio refuses for another reason", () =>
    Effect.gen(function*() {
      const { hangUp } = yield* setUp([refusal(401, 20003)])
      const error = yield* Effect.flip(hangUp)
      assert.deepStrictEqual(summaryOf(error), ["unauthorized", 401, 20003])
      assert.strictEqual(error.operation, "hangUp")
    }))
})

describe("the local account", () => {
  it.live("sends no request to Twilio, which does not know its calls", () =>
    Effect.gen(function*() {
      const client = yield* RestClient
      const requests = [
        client.dial({ to: caller, from: ours, url: "https://calls.example.com/twiml", statusCallback: "https://calls.example.com/twilio/status" }),
        client.transfer({ callSid: callSid(), to: caller, callerId: Option.none(), action: Option.none() }),
        client.hangUp(callSid())
      ]
      for (const request of requests) assert.deepStrictEqual(summaryOf(yield* Effect.flip(request)), ["unauthorized", undefined, undefined])
    }).pipe(Effect.provide(RestClient.layer.pipe(Layer.provide(Layer.merge(config(), identity({ isLocalAccount: true })))))))
})
