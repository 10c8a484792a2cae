import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import twilio from "twilio"
import { PhoneNumber } from "../../../../../src/domain/PhoneNumber.ts"
import * as TwimlReader from "../../../../../src/simulator/twilio/twiml/TwimlReader.ts"

const base = "https://calls.example.com/app/twiml"

const parse = (text: string) => TwimlReader.parse(text, base)
const code = (text: string) => Effect.map(Effect.flip(parse(text)), ({ code }) => code).pipe(Effect.orElseSucceed(() => undefined))
const stream = (url: string) => `<Response><Connect><Stream url="${url}"/></Connect></Response>`

describe("Twiml", () => {
  it.effect("reads what the twilio package writes", () =>
    Effect.gen(function*() {
      const response = new twilio.twiml.VoiceResponse()
      response.say("Please hold & wait")
      response.pause({ length: 3 })
      const connect = response.connect({ action: "/twilio/continue" })
      connect.stream({ url: "wss://calls.example.com/ws", name: "s1", statusCallback: "https://calls.example.com/s" })
        .parameter({ name: "token", value: "a&b\"<" })
      response.redirect({ method: "GET" }, "next?a=1&b=2")
      response.hangup()
      const { verbs, warnings } = yield* parse(response.toString())
      assert.deepStrictEqual(warnings, [])
      assert.deepStrictEqual(verbs, [
        TwimlReader.Verb.Say({ text: "Please hold & wait" }),
        TwimlReader.Verb.Pause({ seconds: 3 }),
        TwimlReader.Verb.Connect({
          action: { url: "https://calls.example.com/twilio/continue", method: "POST" },
          stream: {
            url: "wss://calls.example.com/ws",
            name: "s1",
            statusCallback: { url: "https://calls.example.com/s", method: "POST" },
            parameters: { token: "a&b\"<" }
          }
        }),
        TwimlReader.Verb.Redirect({ url: "https://calls.example.com/app/next?a=1&b=2", method: "GET" }),
        TwimlReader.Verb.Hangup()
      ])
    }))

  it.effect("reads <Dial>, with a number inside it or as its text", () =>
    Effect.gen(function*() {
      const { verbs } = yield* parse(
        "<Response><Dial callerId=\"+14155550100\" timeout=\"20\" action=\"/next\"><Number>+1 415 555 0177</Number></Dial><Dial>+14155550178</Dial></Response>"
      )
      assert.deepStrictEqual(verbs, [
        TwimlReader.Verb.Dial({
          to: PhoneNumber.make("+14155550177"),
          callerId: "+14155550100",
          seconds: 20,
          action: { url: "https://calls.example.com/next", method: "POST" }
        }),
        TwimlReader.Verb.Dial({ to: PhoneNumber.make("+14155550178"), callerId: undefined, seconds: 30, action: undefined })
      ])
      assert.strictEqual(yield* code("<Response><Dial><Number>somebody</Number></Dial></Response>"), 13224)
    }))

  it.effect("reads comments, CDATA, numeric entities and single quotes", () =>
    Effect.gen(function*() {
      const { verbs } = yield* parse("<?xml version='1.0'?>\n<!-- a -->\n<Response><!-- b --><Say>&#72;&#x69;<![CDATA[ <you>]]></Say></Response>")
      assert.deepStrictEqual(verbs, [TwimlReader.Verb.Say({ text: "Hi <you>" })])
    }))

  it.effect("skips unknown verbs and attributes, with a warning", () =>
    Effect.gen(function*() {
      const { verbs, warnings } = yield* parse("<Response><Dance/><Reject reason=\"busy\"/></Response>")
      assert.deepStrictEqual(verbs, [TwimlReader.Verb.Reject({ reason: "busy" })])
      assert.deepStrictEqual(warnings.map((warning) => warning.code), [12200])
    }))

  it.effect("refuses XML that is not well-formed", () =>
    Effect.gen(function*() {
      for (
        const bad of [
          "",
          "hello",
          "<Response>",
          "<Response></Respons>",
          "<Response/><Response/>",
          "<Response><Say>a & b</Say></Response>",
          "<Response><Say a=\"1\" a=\"2\"/></Response>",
          "<Response><Say a=1/></Response>",
          "<Response><!-- x </Response>",
          "<!DOCTYPE x><Response/>",
          "<Response>&unknown;</Response>",
          "<Other/>"
        ]
      ) assert.strictEqual(yield* code(bad), 12100, bad)
    }))

  it.effect("accepts wss, relative URLs, and ws only on this machine, all without a query", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* code(stream("wss://x.example/ws")), undefined)
      assert.strictEqual(yield* code(stream("ws://127.0.0.1:8000/ws")), undefined)
      assert.strictEqual(yield* code(stream("ws://localhost:8000/ws")), undefined)
      assert.strictEqual(yield* code(stream("ws://x.example/ws")), 31922)
      assert.strictEqual(yield* code(stream("https://x.example/ws")), 31922)
      assert.strictEqual(yield* code(stream("wss://x.example/ws?token=1")), 31920)
      assert.strictEqual(yield* code(stream("wss://")), 31923)
      const { verbs: [verb] } = yield* parse(stream("/ws"))
      assert.strictEqual(verb?._tag === "Connect" ? verb.stream.url : undefined, "wss://calls.example.com/ws")
    }))
})
