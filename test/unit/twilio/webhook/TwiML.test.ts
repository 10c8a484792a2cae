import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as XmlTree from "../../../../src/simulator/twilio/twiml/XmlTree.ts"
import * as TwiML from "../../../../src/twilio/webhook/TwiML.ts"
import { caller, ours } from "../../../support/conversation/Samples.ts"

const { parse } = XmlTree

const connect = (parameters: Record<string, string>, url = "wss://calls.example.com/ws") =>
  TwiML.connectStream({
    url,
    action: "https://calls.example.com/twilio/continue?a=1&b=<2>",
    statusCallback: "https://calls.example.com/twilio/stream",
    parameters
  })

const streamOf = (text: string) => Effect.map(parse(text), ({ children }) => children[0].children[0])

describe("dial", () => {
  it.effect("rings one number for 20 seconds with our caller ID, and makes Twilio request the action afterwards", () =>
    Effect.gen(function*() {
      const { children: [verb] } = yield* parse(TwiML.dial({ to: caller, callerId: ours, action: "https://calls.example.com/twilio/continue" }))
      assert.strictEqual(verb.name, "Dial")
      assert.deepStrictEqual(verb.attributes, {
        callerId: ours,
        timeout: "20",
        answerOnBridge: "true",
        action: "https://calls.example.com/twilio/continue#rc=5&rp=all&ct=2000",
        method: "POST"
      })
      assert.deepStrictEqual(verb.children.map(({ name, text }) => [name, text]), [["Number", caller]])
    }))

  it.effect("has no caller ID and no action unless they are given", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* parse(TwiML.dial({ to: caller }))).children[0].attributes, { timeout: "20", answerOnBridge: "true" })
    }))
})

describe("connectStream", () => {
  it.effect("is one <Connect> with one <Stream>, and makes Twilio request the action afterwards", () =>
    Effect.gen(function*() {
      const response = yield* parse(connect({ token: "abc" }))
      assert.strictEqual(response.name, "Response")
      assert.deepStrictEqual(response.children.map(({ name }) => name), ["Connect"])
      const [verb] = response.children
      assert.deepStrictEqual(verb.attributes, {
        action: "https://calls.example.com/twilio/continue?a=1&b=<2>#rc=5&rp=all&ct=2000",
        method: "POST"
      })
      assert.deepStrictEqual(verb.children.map(({ name }) => name), ["Stream"])
      assert.deepStrictEqual((yield* streamOf(connect({}))).attributes, {
        url: "wss://calls.example.com/ws",
        statusCallback: "https://calls.example.com/twilio/stream#rc=5&rp=all&ct=2000",
        statusCallbackMethod: "POST"
      })
    }))

  it.effect("passes every parameter on, in order", () =>
    Effect.gen(function*() {
      const { children } = yield* streamOf(connect({ token: "abc", agent: "echo" }))
      assert.deepStrictEqual(children.map(({ attributes, name }) => [name, attributes["name"], attributes["value"]]), [
        ["Parameter", "token", "abc"],
        ["Parameter", "agent", "echo"]
      ])
    }))

  it.effect("has no parameter when there is none", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* streamOf(connect({}))).children, [])
    }))

  it("says that it is XML in UTF-8", () => assert.match(connect({}), /^<\?xml version="1.0" encoding="UTF-8"\?>/))

  it.effect.each(["a&b", "a<b>c", "\"double\" 'single'", "]]>", "&amp;", "Zürich ☎ 🙂", "a\"/><Hangup/><x y=\""])(
    "escapes the value %s, so that it adds no TwiML",
    (value) =>
      Effect.gen(function*() {
        const response = yield* parse(connect({ value }))
        assert.strictEqual(response.children.length, 1)
        assert.strictEqual((yield* streamOf(connect({ value }))).children[0].attributes["value"], value)
      })
  )

  const printable = Schema.String.check(Schema.isPattern(/^[\u0020-\u007e\u00a0-\u024f]*$/))

  it.effect.prop("keeps any URL and value unchanged", [printable, printable], ([value, path]) =>
    Effect.gen(function*() {
      const url = `wss://calls.example.com/${path}`
      const stream = yield* streamOf(connect({ value }, url))
      assert.strictEqual(stream.attributes["url"], url)
      assert.strictEqual(stream.children[0].attributes["value"], value)
    }))
})

describe("sayAndHangUp", () => {
  it.effect("says the sentence as text, then hangs up", () =>
    Effect.gen(function*() {
      const sentence = "All lines are busy & <b>closed</b>. Goodbye."
      const response = yield* parse(TwiML.sayAndHangUp(sentence))
      assert.deepStrictEqual(response.children.map(({ name, text }) => [name, text]), [["Say", sentence], ["Hangup", ""]])
    }))
})

describe("hangUp", () => {
  it.effect("does nothing but hang up", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* parse(TwiML.hangUp())).children.map(({ name }) => name), ["Hangup"])
    }))
})
