import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { createHash } from "node:crypto"
import { Simulator } from "../../../../src/simulator/Simulator.ts"
import * as Signature from "../../../../src/twilio/webhook/Signature.ts"
import * as Service from "../../../support/service/Service.ts"
import { assertEcho, brief, endedBecause, place, speaker } from "../../../support/service/Talk.ts"

const { ourNumber, somebody, until, withService } = Service

const sid = (digits: string) => `CA${digits.padStart(32, "0")}`

/** The parameters of Twilio's request for a new call's TwiML. */
const voice = (callSid: string) => ({ CallSid: callSid, From: somebody, To: ourNumber, Direction: "inbound", CallStatus: "ringing" })

/** Sends Twilio's final status of these calls. */
const hangUpAll = (service: Service.Service["Service"], ...digits: ReadonlyArray<string>) =>
  Effect.forEach(digits, (one) =>
    service.webhook("/twilio/status", { CallSid: sid(one), CallStatus: "completed", SequenceNumber: "9" }), { discard: true })

const attribute = (twiml: string, name: string) =>
  new RegExp(`\\b${name}="([^"]*)"`).exec(twiml)?.[1]?.replaceAll("&amp;", "&")

/** Twilio's connection overrides, which end every URL that the service gives to Twilio. */
const retries = "#rc=5&rp=all&ct=2000"

const assertForbidden = (answer: Effect.Success<ReturnType<Service.Service["Service"]["ask"]>>) => {
  assert.strictEqual(answer.status, 403)
  assert.strictEqual(answer.contentType, "application/problem+json")
  assert.strictEqual(answer.problem.type, "urn:client-caller:problem:invalid-signature")
  assert.include(answer.problem.detail, "PUBLIC_URL")
}

const all = ["/twiml", "/twilio/continue", "/twilio/status", "/twilio/stream"]

layer(Service.layer(), { excludeTestServices: true, timeout: "60 seconds" })("a webhook", (it) => {
  it.effect("without a signature is refused, by GET and POST, and counted", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const path of all) {
        for (const method of ["GET", "POST"] as const) {
          const answer = yield* service.webhook(path, voice(sid("1")), { method, signature: undefined })
          assertForbidden(answer)
        }
        const metrics = yield* service.metrics
        assert.strictEqual(metrics("client_caller_webhooks_refused_total", { path, reason: "missing" }), 2)
      }
      assert.strictEqual((yield* service.health).calls, 0)
    }))

  it.effect("with a forged signature is refused, and counted", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const path of all) {
        assertForbidden(yield* service.webhook(path, voice(sid("1")), { signature: "Zm9yZ2VkIQ==" }))
        assertForbidden(yield* service.webhook(path, voice(sid("1")), { token: "another-account's-token" }))
        const metrics = yield* service.metrics
        assert.strictEqual(metrics("client_caller_webhooks_refused_total", { path, reason: "wrong" }), 2)
      }
    }))

  it.effect("with a JSON body is accepted only if the hash in its URL is the body's", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const { accountSid } = yield* Simulator
      const body = JSON.stringify({ AccountSid: accountSid, ...voice(sid("77")), Extra: { deep: 1 } })
      const path = `/twiml?bodySHA256=${createHash("sha256").update(body).digest("hex")}`
      const headers = {
        "content-type": "application/json",
        [Signature.header]: Signature.sign(Redacted.make(Service.authToken), `${service.url}${path}`, {})
      }
      assertForbidden(yield* service.ask(path, { method: "POST", headers, body: `${body} ` }))
      const answer = yield* service.ask(path, { method: "POST", headers, body })
      assert.strictEqual(answer.status, 200)
      assert.include(answer.text, "<Stream")
      yield* hangUpAll(service, "77")
    }))

  it.effect("with a repeated name is accepted, with the name's last value", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const { accountSid } = yield* Simulator
      const values = { AccountSid: accountSid, CallSid: sid("78"), CallStatus: "completed" }
      const signature = Signature.sign(Redacted.make(Service.authToken), `${service.url}/twilio/status`, { ...values, SequenceNumber: ["1", "2"] })
      const answer = yield* service.ask("/twilio/status", {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", [Signature.header]: signature },
        body: `${new URLSearchParams(values).toString()}&SequenceNumber=1&SequenceNumber=2`
      })
      assert.strictEqual(answer.status, 204)
    }))

  it.effect("signed for another URL is refused", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const signedBase of ["https://calls.example.com", service.url.replace("http:", "https:")]) {
        assertForbidden(yield* service.webhook("/twiml", voice(sid("1")), { signedBase }))
      }
    }))

  it.effect("whose parameters were changed on the way is refused", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const { accountSid } = yield* Simulator
      const signed = { AccountSid: accountSid, ...voice(sid("1")) }
      const signature = Signature.sign(Redacted.make(Service.authToken), `${service.url}/twiml`, signed)
      assertForbidden(yield* service.webhook("/twiml", { ...voice(sid("1")), From: "+14155550124" }, { signature }))
      assertForbidden(yield* service.webhook("/twiml?agent=echo", voice(sid("1")), { signature }))
    }))

  it.effect("has one series in the metrics, however its path is spelled", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const path of ["//twiml", "/TWIML", "/twiml/", "///Twiml//"]) {
        assert.strictEqual((yield* service.webhook(path, {}, { signature: undefined })).status, 403)
      }
      const { text } = yield* service.ask("/metrics")
      const paths = new Set([...text.matchAll(/client_caller_webhooks_refused_total\{.*?path="([^"]*)"/g)].map(([, path]) => path))
      for (const path of paths) assert.include(all, path)
    }))

  it.effect("of a call is answered with a stream to this service, by GET and POST", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const method of ["GET", "POST"] as const) {
        const answer = yield* service.webhook("/twiml", voice(sid(method === "GET" ? "a1" : "a2")), { method })
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.contentType, "text/xml")
        assert.match(answer.text, /<Response><Connect [^>]*><Stream [^>]*><Parameter [^>]*\/><\/Stream><\/Connect><\/Response>/)
        assert.strictEqual(attribute(answer.text, "url"), `${service.url.replace("http", "ws")}/ws`)
        assert.strictEqual(attribute(answer.text, "action"), `${service.url}/twilio/continue?agent=echo${retries}`)
        assert.strictEqual(attribute(answer.text, "statusCallback"), `${service.url}/twilio/stream${retries}`)
        assert.strictEqual(attribute(answer.text, "name"), "token")
        assert.isAbove(attribute(answer.text, "value")?.length ?? 0, 40)
      }
    }))

  it.effect("is accepted with a signature over the connection overrides of its URL, or over the URL without them", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const { accountSid, authToken } = yield* Simulator
      for (const [one, signedPath] of [["b8", "/twiml"], ["b9", `/twiml${retries}`]] as const) {
        const parameters = { ...voice(sid(one)), AccountSid: accountSid }
        const signature = Signature.sign(authToken, service.url + signedPath, parameters)
        assert.strictEqual((yield* service.webhook("/twiml", parameters, { signature })).status, 200, signedPath)
      }
      yield* hangUpAll(service, "b8", "b9")
    }))

  it.effect("that comes twice makes one call, with a token for each answer", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const before = (yield* service.health).calls
      const first = yield* service.webhook("/twiml", voice(sid("b1")))
      const second = yield* service.webhook("/twiml", voice(sid("b1")))
      assert.notStrictEqual(attribute(first.text, "value"), attribute(second.text, "value"))
      assert.strictEqual((yield* service.health).calls, before + 1)
    }))

  it.effect("may have unknown parameters, and may lack those that are not needed", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const answer = yield* service.webhook("/twiml", {
        ...voice(sid("c1")),
        StirVerstat: "TN-Validation-Passed-A",
        SomethingNew: "é & = +",
        Empty: ""
      })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual((yield* service.webhook("/twiml", { CallSid: sid("c2") })).status, 200)
      const anonymous = yield* service.webhook("/twiml", { ...voice(sid("c3")), From: "anonymous", Caller: "+266696687" })
      assert.strictEqual(anonymous.status, 200)
    }))

  it.effect("with a malformed CallSid is refused with the reason (400), and counted", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const path of all) {
        for (const CallSid of ["", "CA1", "MZ00000000000000000000000000000001", "CA0000000000000000000000000000000g"]) {
          const answer = yield* service.webhook(path, { ...voice(sid("1")), CallSid })
          assert.strictEqual(answer.status, 400, path)
          assert.strictEqual(answer.problem.name, "invalid-request")
          assert.include(answer.problem.detail, "CallSid")
        }
        const metrics = yield* service.metrics
        assert.strictEqual(metrics("client_caller_webhooks_refused_total", { path, reason: "malformed" }), 4)
      }
    }))

  it.effect("with a body over 64 KiB is refused (413)", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const answer = yield* service.webhook("/twiml", { ...voice(sid("1")), Big: "x".repeat(70_000) })
      assert.strictEqual(answer.status, 413)
      assert.strictEqual(answer.problem.name, "payload-too-large")
    }))

  it.effect("with more than 256 parameters is refused (413), and with 256 it is accepted", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`AddOn${index}`, "x".repeat(200)]))
      for (const method of ["GET", "POST"] as const) {
        // Node itself refuses longer URLs.
        const size = method === "GET" ? 60 : 250
        const params = { CallSid: sid("f1"), CallStatus: "completed", ...names(size) }
        assert.isBelow((yield* service.webhook("/twilio/status", params, { method })).status, 300, method)
      }
      const answer = yield* service.webhook("/twilio/status", { CallSid: sid("f1"), CallStatus: "completed", ...names(260) })
      assert.strictEqual(answer.status, 413)
      assert.include(answer.problem.detail, "256")
      const url = yield* service.ask(`/twilio/status?${"&".repeat(300)}`, { headers: { [Signature.header]: `${"A".repeat(27)}=` } })
      assert.strictEqual(url.status, 413)
    }))

  it.effect("that is signed is accepted from an address that has failed a hundred times", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      yield* Effect.forEach(Array.from({ length: 100 }), () => service.webhook("/twiml", voice(sid("1")), { token: "another's" }), {
        concurrency: 10,
        discard: true
      })
      // The last spelling of the URL that the service tries is accepted, too.
      const { accountSid } = yield* Simulator
      const parameters = { AccountSid: accountSid, CallSid: sid("f2"), CallStatus: "completed" }
      const signature = Signature.sign(Redacted.make(Service.authToken), `${service.url}/twilio/status/?x=%27`, parameters)
      const answer = yield* service.webhook("/twilio/status?x='", { CallSid: sid("f2"), CallStatus: "completed" }, { signature })
      assert.isBelow(answer.status, 300)
    }))

  it.effect("of another account's call is refused although it is signed, and counted", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const answer = yield* service.webhook("/twiml", { ...voice(sid("f3")), AccountSid: `AC${"f".repeat(32)}` })
      assert.strictEqual(answer.status, 403)
      assert.include(answer.problem.detail, "TWILIO_ACCOUNT_SID")
      assert.strictEqual((yield* service.metrics)("client_caller_webhooks_refused_total", { path: "/twiml", reason: "foreign account" }), 1)
    }))

  it.effect("gives a token to our own WebSocket only", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const parameterOf = (url: string, digits: string) =>
        Effect.map(service.webhook(`/twiml?websocket_url=${encodeURIComponent(url)}`, voice(sid(digits))), ({ text }) => {
          assert.strictEqual(attribute(text, "url"), url)
          return /<Parameter/.test(text)
        })
      assert.isTrue(yield* parameterOf(`${service.url.replace("http", "ws")}/ws`, "f4"))
      assert.isFalse(yield* parameterOf("wss://media.example.com/stream", "f5"))
      assert.isFalse(yield* parameterOf(`${service.url.replace("http", "ws")}0/ws`, "f6"))
      yield* hangUpAll(service, "f4", "f5", "f6")
    }))

  it.effect("of an unknown call is accepted, and changes nothing", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const before = (yield* service.health).calls
      const status = yield* service.webhook("/twilio/status", { CallSid: sid("d1"), CallStatus: "completed", SequenceNumber: "3" })
      assert.isBelow(status.status, 300)
      const proceed = yield* service.webhook("/twilio/continue", voice(sid("d2")))
      assert.match(proceed.text, /<Response><Hangup\/><\/Response>/)
      const stream = yield* service.webhook("/twilio/stream", {
        CallSid: sid("d3"),
        StreamSid: `MZ${"0".repeat(32)}`,
        StreamEvent: "stream-started"
      })
      assert.isBelow(stream.status, 300)
      assert.strictEqual((yield* service.health).calls, before)
    }))

  it.effect("asks what comes next: another stream, or the end after a stream elsewhere or a transfer", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const { calls } = yield* service.health
      const next = (path: string, digits: string, more: Record<string, string> = {}) =>
        Effect.map(service.webhook(path, { ...voice(sid(digits)), ...more }), ({ text }) => /<(Connect|Hangup)/.exec(text)?.[1])
      for (const digits of ["e1", "e2", "e3", "e4"]) yield* service.webhook("/twiml", voice(sid(digits)))
      assert.strictEqual(yield* next("/twilio/continue", "e1"), "Connect")
      assert.strictEqual(yield* next("/twilio/continue", "e2", { DialCallStatus: "no-answer" }), "Connect")
      assert.strictEqual(yield* next("/twilio/continue", "e3", { DialCallStatus: "completed" }), "Hangup")
      assert.strictEqual(yield* next("/twilio/continue?then=hangup", "e4"), "Hangup")
      yield* until("those calls", service.health, (health) => health.calls === calls + 2)
      yield* hangUpAll(service, "e1", "e2")
    }))

  for (
    const [status, reason] of [
      ["completed", "completed"],
      ["busy", "busy"],
      ["no-answer", "noAnswer"],
      ["failed", "failed"],
      ["canceled", "canceled"],
      [" Completed", "completed"]
    ] as const
  ) {
    it.effect(`with a call's final status is answered with <Hangup/>, and ends the call: ${JSON.stringify(status)}`, () =>
      Effect.gen(function*() {
        const service = yield* Service.Service
        const before = yield* service.metrics
        const { calls } = yield* service.health
        let index = 0
        for (const path of ["/twiml", "/twilio/continue"] as const) {
          for (const method of ["GET", "POST"] as const) {
            for (const DialCallStatus of [undefined, "no-answer", "completed"]) {
              const callSid = `CA${Buffer.from(status).toString("hex").slice(0, 16).padStart(28, "0")}${(index++).toString().padStart(4, "0")}`
              const last = { ...voice(callSid), CallStatus: status, ...(DialCallStatus === undefined ? {} : { DialCallStatus }) }
              yield* service.webhook("/twiml", voice(callSid))
              const answer = yield* service.webhook(path, last, { method })
              assert.strictEqual(answer.status, 200)
              assert.match(answer.text, /<Response><Hangup\/><\/Response>/, `${method} ${path} ${DialCallStatus}`)
              assert.strictEqual((yield* service.health).calls, calls)
            }
          }
        }
        const after = yield* service.metrics
        const ended = (metrics: typeof after) => metrics("client_caller_calls_ended_total", { reason })
        assert.strictEqual(ended(after) - ended(before), index)
      }))
  }

  it.effect("with the final status of an unknown call makes no call", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const { calls } = yield* service.health
      const last = { ...voice(sid("ab1")), CallStatus: "completed" }
      assert.match((yield* service.webhook("/twiml", last)).text, /<Response><Hangup\/><\/Response>/)
      assert.match((yield* service.webhook("/twilio/continue", last)).text, /<Response><Hangup\/><\/Response>/)
      // Now an earlier request for this call counts as a replay.
      assert.match((yield* service.webhook("/twiml", voice(sid("ab1")))).text, /<Response><Hangup\/><\/Response>/)
      assert.strictEqual((yield* service.health).calls, calls)
    }))

  it.effect("with an unknown status makes a call like any other", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      for (const [index, CallStatus] of ["", "done", "complete", "completed!", "null"].entries()) {
        const callSid = sid(`ac${index}`)
        for (const path of ["/twiml", "/twilio/continue"]) {
          assert.match((yield* service.webhook(path, { ...voice(callSid), CallStatus })).text, /<Connect/, `${path} ${CallStatus}`)
        }
        yield* hangUpAll(service, `ac${index}`)
      }
    }))

  for (
    const [name, digits, path, more] of [
      ["Twilio's last status", "ad1", "/twilio/status", { CallStatus: "completed", SequenceNumber: "3" }],
      ["a terminal status in /twiml", "ad2", "/twiml", { CallStatus: "canceled" }],
      ["a terminal status in /twilio/continue", "ad3", "/twilio/continue", { CallStatus: "completed" }],
      ["our hang-up at the end of a transfer", "ad4", "/twilio/continue", { DialCallStatus: "completed" }],
      ["our hang-up at the end of a stream elsewhere", "ad5", "/twilio/continue?then=hangup", {}]
    ] as const
  ) {
    it.effect(`that was signed for a call has no effect after ${name}`, () =>
      Effect.gen(function*() {
        const service = yield* Service.Service
        const { calls } = yield* service.health
        const refused = (path: string) =>
          Effect.map(service.metrics, (metrics) => metrics("client_caller_ended_calls_refused_total", { path }))
        const before = { twiml: yield* refused("/twiml"), next: yield* refused("/twilio/continue") }
        const begun = { ...voice(sid(digits)), CallStatus: "in-progress" }
        assert.match((yield* service.webhook("/twiml", begun)).text, /<Connect/)
        yield* service.webhook(path, { ...begun, ...more })
        assert.strictEqual((yield* service.health).calls, calls)
        for (let count = 1; count <= 3; count++) {
          assert.match((yield* service.webhook("/twiml", begun)).text, /<Response><Hangup\/><\/Response>/)
          assert.match((yield* service.webhook("/twilio/continue", begun)).text, /<Response><Hangup\/><\/Response>/)
          assert.strictEqual(yield* refused("/twiml"), before.twiml + count)
          assert.strictEqual(yield* refused("/twilio/continue"), before.next + count)
        }
        assert.strictEqual((yield* service.health).calls, calls)
      }))
  }

  it.effect("that reports an unknown status is refused (400)", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const answer = yield* service.webhook("/twilio/status", { CallSid: sid("1"), CallStatus: "confused", SequenceNumber: "1" })
      assert.strictEqual(answer.status, 400)
      assert.strictEqual(answer.problem.name, "invalid-request")
    }))

  it.effect("whose URL names an unknown agent makes the caller hear so, and hangs up", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const simulator = yield* Simulator
      const before = (yield* service.health).calls
      const call = yield* place({ service, simulator }, { webhookUrl: `${service.url}/twiml?agent=nobody` })
      assert.strictEqual(yield* call.settled, "completed")
      assert.match((yield* call.awaitEvent("Said")).text, /not set up/)
      assert.strictEqual((yield* service.health).calls, before)
    }))

  it.effect("may name the agent", () =>
    Effect.gen(function*() {
      const service = yield* Service.Service
      const simulator = yield* Simulator
      const call = yield* place({ service, simulator }, { webhookUrl: `${service.url}/twiml?agent=echo`, caller: brief })
      assert.strictEqual(yield* call.settled, "completed")
      yield* assertEcho(call)
    }))
})

describe("a service that is full", () => {
  it.live("does not accept a refused call later", () =>
    withService({ env: { MAX_CALLS: "1" } }, ({ service }) =>
      Effect.gen(function*() {
        yield* service.webhook("/twiml", voice(sid("a1")))
        assert.match((yield* service.webhook("/twiml", voice(sid("a2")))).text, /busy/)
        yield* hangUpAll(service, "a1")
        assert.match((yield* service.webhook("/twiml", voice(sid("a2")))).text, /<Response><Hangup\/><\/Response>/)
        assert.match((yield* service.webhook("/twiml", voice(sid("a3")))).text, /<Connect/)
        yield* hangUpAll(service, "a3")
      })))

  it.live("refuses a caller's third call when one caller may have two, and takes other callers' calls", () =>
    withService({ env: { MAX_CALLS: "4" } }, ({ service }) =>
      Effect.gen(function*() {
        const ask = (last: string, From: string) => Effect.map(service.webhook("/twiml", { ...voice(sid(last)), From }), ({ text }) => /<Connect/.test(text))
        assert.deepStrictEqual([yield* ask("b1", "+14155550123"), yield* ask("b2", "+14155550123"), yield* ask("b3", "+14155550123")], [true, true, false])
        assert.isTrue(yield* ask("b2", "+14155550123"))
        assert.strictEqual((yield* service.metrics)("client_caller_calls_refused_total", { reason: "callerBusy" }), 1)
        assert.isTrue(yield* ask("b4", "sip:alice@example.com"))
        yield* hangUpAll(service, "b1", "b2")
        assert.deepStrictEqual([yield* ask("b5", "anonymous"), yield* ask("b6", "+266696687"), yield* ask("b7", "")], [true, true, true])
        yield* hangUpAll(service, "b4", "b5", "b6", "b7")
      })))

  it.live("says that the lines are busy, counts it, and takes the next call when one has ended", () =>
    withService({ env: { MAX_CALLS: "1" } }, (both) =>
      Effect.gen(function*() {
        const { service } = both
        const first = yield* place(both)
        yield* first.awaitEvent("FirstSound")
        const second = yield* place(both, { from: "+14155550124" })
        assert.strictEqual(yield* second.settled, "completed")
        assert.match((yield* second.awaitEvent("Said")).text, /busy/)
        assert.deepStrictEqual((yield* second.traffic).sentAt, [])
        assert.strictEqual((yield* service.metrics)("client_caller_calls_refused_total", { reason: "busy" }), 1)
        yield* first.hangUp
        assert.strictEqual(yield* first.settled, "completed")
        yield* until("no call left", service.health, ({ calls }) => calls === 0)
        const third = yield* place(both, { caller: brief })
        assert.strictEqual(yield* third.settled, "completed")
        yield* assertEcho(third)
      })))
})

describe("a service behind a proxy", () => {
  const publicUrl = "https://calls.example.com"

  it.live("with PUBLIC_URL accepts requests signed for that address, and answers with it", () =>
    withService({
      env: { PUBLIC_URL: publicUrl },
      simulator: { reroute: { publicUrl, serviceUrl: "" } }
    }, (both) =>
      Effect.gen(function*() {
        const twiml = yield* both.service.webhook("/twiml", voice(sid("e1")), { signedBase: publicUrl })
        assert.strictEqual(attribute(twiml.text, "url"), "wss://calls.example.com/ws")
        assert.strictEqual(attribute(twiml.text, "action"), `https://calls.example.com/twilio/continue?agent=echo${retries}`)
        // The forwarding headers change nothing, and a signature over the inner address is refused.
        const forwarded = { "x-forwarded-host": "evil.example", "x-forwarded-proto": "http" }
        const same = yield* both.service.webhook("/twiml", voice(sid("e2")), { signedBase: publicUrl, headers: forwarded })
        assert.strictEqual(attribute(same.text, "url"), "wss://calls.example.com/ws")
        assertForbidden(yield* both.service.webhook("/twiml", voice(sid("e3"))))

        const call = yield* place(both, { webhookUrl: `${publicUrl}/twiml`, caller: brief })
        assert.strictEqual(yield* call.settled, "completed")
        yield* assertEcho(call)
        const last = { CallStatus: "completed", SequenceNumber: "9" }
        yield* both.service.webhook("/twilio/status", { CallSid: sid("e1"), ...last }, { signedBase: publicUrl })
        yield* both.service.webhook("/twilio/status", { CallSid: sid("e2"), ...last }, { signedBase: publicUrl })
      })))

  it.live("with a port in PUBLIC_URL, or a slash at its end, accepts requests signed for that address", () =>
    Effect.forEach(["https://calls.example.com:8443/", "https://calls.example.com:443", "https://calls.example.com"], (url) =>
      withService({ env: { PUBLIC_URL: url } }, ({ service }) =>
        Effect.gen(function*() {
          const base = url.replace(/\/$/, "")
          const answer = yield* service.webhook("/twiml", voice(sid("f1")), { signedBase: base })
          assert.strictEqual(answer.status, 200, url)
          if (!base.includes(":8443")) {
            const other = base.endsWith(":443") ? base.slice(0, -4) : `${base}:443`
            assert.strictEqual((yield* service.webhook("/twiml", voice(sid("f2")), { signedBase: other })).status, 200, other)
          }
          for (const one of ["f1", "f2"]) {
            const last = { CallSid: sid(one), CallStatus: "completed", SequenceNumber: "9" }
            yield* service.webhook("/twilio/status", last, { signedBase: base })
          }
        })), { discard: true }))

  it.live("with TRUSTED_PROXIES believes what the proxy forwards", () =>
    withService({ env: { TRUSTED_PROXIES: "127.0.0.0/8" } }, ({ service }) =>
      Effect.gen(function*() {
        const headers = {
          "x-forwarded-for": "192.0.2.7",
          "x-forwarded-host": "calls.example.com",
          "x-forwarded-proto": "https"
        }
        const answer = yield* service.webhook("/twiml", voice(sid("a1")), { signedBase: publicUrl, headers })
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(attribute(answer.text, "url"), "wss://calls.example.com/ws")
        assert.strictEqual(attribute(answer.text, "statusCallback"), `https://calls.example.com/twilio/stream${retries}`)
        const withPort = { ...headers, "x-forwarded-host": "calls.example.com:8443" }
        const other = yield* service.webhook("/twiml", voice(sid("a2")), {
          signedBase: "https://calls.example.com:8443",
          headers: withPort
        })
        assert.strictEqual(attribute(other.text, "url"), "wss://calls.example.com:8443/ws")
        // Entries that a stranger put in front of the list do not count.
        const spoofed = {
          "x-forwarded-for": "192.0.2.66, 192.0.2.7",
          "x-forwarded-host": "evil.example, calls.example.com",
          "x-forwarded-proto": "http, https"
        }
        const third = yield* service.webhook("/twiml", voice(sid("a3")), { signedBase: publicUrl, headers: spoofed })
        assert.strictEqual(attribute(third.text, "url"), "wss://calls.example.com/ws")
        yield* hangUpAll(service, "a1", "a2", "a3")
      })))

  for (const proxies of [undefined, "192.0.2.1,2001:db8::/32"]) {
    it.live(`${proxies === undefined ? "without TRUSTED_PROXIES" : "from a peer that is not in TRUSTED_PROXIES"} ignores what is forwarded`, () =>
      withService({ env: { TRUSTED_PROXIES: proxies } }, ({ service }) =>
        Effect.gen(function*() {
          const headers = { "x-forwarded-host": "calls.example.com", "x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.1" }
          assertForbidden(yield* service.webhook("/twiml", voice(sid("a1")), { signedBase: publicUrl, headers }))
          const direct = yield* service.webhook("/twiml", voice(sid("a2")), { headers })
          assert.strictEqual(direct.status, 200)
          assert.strictEqual(attribute(direct.text, "url"), `${service.url.replace("http", "ws")}/ws`)
          yield* hangUpAll(service, "a2")
        })))
  }
})

describe("while the auth token is rotated", () => {
  it.live("a call that is signed with the old one goes through, and a stranger's does not", () =>
    withService({ env: { TWILIO_AUTH_TOKEN: `the-new-one,${Service.authToken}` } }, (both) =>
      Effect.gen(function*() {
        const call = yield* place(both, { caller: brief })
        assert.strictEqual(yield* call.settled, "completed")
        yield* assertEcho(call)
        const answer = yield* both.service.webhook("/twiml", voice(sid("a1")), { token: "the-new-one" })
        assert.strictEqual(answer.status, 200)
        assertForbidden(yield* both.service.webhook("/twiml", voice(sid("a2")), { token: "the-one-before" }))
        yield* hangUpAll(both.service, "a1")
      })))

  it.live("requests to Twilio are made with the new one", () =>
    withService({ env: { TWILIO_AUTH_TOKEN: `${Service.authToken},the-old-one` } }, (both) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* both.service.dial({ to: somebody })).status, 200)
        const [request] = yield* both.simulator.requests
        assert.isTrue(request.authorized)
      })))
})

describe("a caller whose webhooks are not Twilio's", () => {
  for (const webhookSignature of ["forged", "missing"] as const) {
    it.live(`gets nowhere with a ${webhookSignature} signature`, () =>
      withService({}, (both) =>
        Effect.gen(function*() {
          const call = yield* place(both, { caller: speaker, faults: { webhookSignature } })
          assert.strictEqual(yield* call.settled, "failed")
          assert.strictEqual((yield* both.service.health).calls, 0)
          assert.strictEqual(yield* endedBecause(both, "completed"), 0)
        })))
  }
})
