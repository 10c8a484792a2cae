import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import twilio from "twilio"
import * as WebhookClient from "../../../../../src/simulator/twilio/webhook/WebhookClient.ts"
import * as FailingServer from "../../../../support/telephone/FailingServer.ts"

const token = "token-of-this-test"
const { send } = WebhookClient.make(Redacted.make(token))
const parameters = { CallSid: "CA1", From: "+14155550100" }
const good: FailingServer.Action = { twiml: "<Response/>" }

/** Sends a webhook; returns the result and the requests that the server received. */
const outcome = Effect.fnUntraced(function*(fragment: string, ...actions: ReadonlyArray<FailingServer.Action>) {
  const server = yield* FailingServer.make(...actions)
  const result = yield* Effect.result(send({ url: `${server.url}/twiml${fragment}`, method: "POST", parameters }))
  const seen = Result.isSuccess(result)
    ? { status: result.success.status, requests: result.success.requests }
    : { code: result.failure.code, requests: result.failure.requests }
  return { server, seen }
})

const resultOf = (fragment: string, ...actions: ReadonlyArray<FailingServer.Action>) =>
  Effect.scoped(Effect.map(outcome(fragment, ...actions), ({ seen }) => seen))

/** A port at which nobody listens. */
const nobody = Effect.scoped(Effect.map(FailingServer.make("hang"), ({ url }) => url))

describe("a webhook that fails", () => {
  it.live("has Twilio's code for each failure, and is not sent again", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* resultOf("", 500), { code: 11200, requests: 1 })
      assert.deepStrictEqual(yield* resultOf("", 403), { code: 11200, requests: 1 })
      assert.deepStrictEqual(yield* resultOf("", "close"), { code: 11206, requests: 1 })
      assert.deepStrictEqual(yield* resultOf("", "garbage"), { code: 11206, requests: 1 })
      assert.deepStrictEqual(yield* resultOf("#rt=200", "hang"), { code: 11205, requests: 1 })
    }))

  it.live("by default is sent once more at once when nobody listens", () =>
    Effect.gen(function*() {
      const url = yield* nobody
      const error = yield* Effect.flip(send({ url, method: "POST", parameters }))
      assert.deepStrictEqual([error.code, error.requests], [11202, 2])
      const never = yield* Effect.flip(send({ url: `${url}#rc=0`, method: "POST", parameters }))
      assert.strictEqual(never.requests, 1)
    }))

  it.live("is sent again as its fragment says, until it is answered", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* resultOf("#rc=3&rp=5xx", 503, 502, good), { status: 200, requests: 3 })
      assert.deepStrictEqual(yield* resultOf("#rc=3&rp=5xx", 503, 404, good), { code: 11200, requests: 2 })
      assert.deepStrictEqual(yield* resultOf("#rc=1&rp=4xx", 404, 404, good), { code: 11200, requests: 2 })
      assert.deepStrictEqual(yield* resultOf("#rc=5&rp=all", 503, "close", "garbage", 302, 404, good), { status: 200, requests: 6 })
      assert.deepStrictEqual(yield* resultOf("#rc=1&rp=rt&rt=200", "hang", good), { status: 200, requests: 2 })
      assert.deepStrictEqual(yield* resultOf("#rc=1&rp=ct,rt", "close", good), { status: 200, requests: 2 })
    }))

  it.live("is given up after its total time, whatever retries are left", () =>
    Effect.gen(function*() {
      const begin = performance.now()
      assert.deepStrictEqual(yield* resultOf("#rc=5&rp=all&rt=200&tt=500", "hang"), { code: 11205, requests: 3 })
      assert.isBelow(performance.now() - begin, 3000)
    }))

  it.live("has no fragment in its request and its signature, and one idempotency token for all retries", () =>
    Effect.scoped(Effect.gen(function*() {
      const { server } = yield* outcome("?agent=a#rc=2&rp=all", 503, good)
      for (const request of server.requests) {
        assert.match(request, /^POST \/twiml\?agent=a HTTP\/1\.1\r\n/)
        assert.notInclude(request, "rc=2")
        const signature = /x-twilio-signature: (\S+)/i.exec(request)?.[1] ?? ""
        assert.isTrue(twilio.validateRequest(token, signature, `${server.url}/twiml?agent=a`, parameters))
      }
      const tokens = server.requests.map((request) => /i-twilio-idempotency-token: (\S+)/i.exec(request)?.[1])
      assert.strictEqual(tokens.length, 2)
      assert.strictEqual(new Set(tokens).size, 1)
    })))

  it.live("by GET has its parameters before the fragment", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* FailingServer.make(good)
      yield* send({ url: `${server.url}/twiml#rc=2`, method: "GET", parameters: { CallSid: "CA1" } })
      assert.match(server.requests[0]!, /^GET \/twiml\?CallSid=CA1 HTTP/)
    })))
})
