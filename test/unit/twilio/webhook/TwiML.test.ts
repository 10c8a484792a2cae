import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Xml from "../../../../src/simulator/twilio/Xml.ts"
import * as TwiML from "../../../../src/twilio/webhook/TwiML.ts"
import { caller, ours } from "../../../support/conversation/Samples.ts"

const parse = (text: string) => Result.getOrThrow(Xml.parse(text))

const connect = (parameters: Record<string, string>, url = "wss://calls.example.com/ws") =>
  TwiML.connectStream({
    url,
    action: "https://calls.example.com/twilio/continue?a=1&b=<2>",
    statusCallback: "https://calls.example.com/twilio/stream",
    parameters
  })

const streamOf = (text: string) => parse(text).children[0].children[0]

describe("dial", () => {
  it("rings one number as ours for a while, and asks what next", () => {
    const [verb] = parse(TwiML.dial({ to: caller, callerId: ours, action: "https://calls.example.com/twilio/continue" })).children
    assert.strictEqual(verb.name, "Dial")
    assert.deepStrictEqual(verb.attributes, {
      callerId: ours,
      timeout: "20",
      answerOnBridge: "true",
      action: "https://calls.example.com/twilio/continue",
      method: "POST"
    })
    assert.deepStrictEqual(verb.children.map(({ name, text }) => [name, text]), [["Number", caller]])
  })

  it("without the rest names nobody and asks nothing", () => {
    assert.deepStrictEqual(parse(TwiML.dial({ to: caller })).children[0].attributes, { timeout: "20", answerOnBridge: "true" })
  })
})

describe("connectStream", () => {
  it("is one blocking <Connect> with one <Stream>, and asks what next", () => {
    const response = parse(connect({ token: "abc" }))
    assert.strictEqual(response.name, "Response")
    assert.deepStrictEqual(response.children.map(({ name }) => name), ["Connect"])
    const [verb] = response.children
    assert.deepStrictEqual(verb.attributes, {
      action: "https://calls.example.com/twilio/continue?a=1&b=<2>",
      method: "POST"
    })
    assert.deepStrictEqual(verb.children.map(({ name }) => name), ["Stream"])
    assert.deepStrictEqual(streamOf(connect({})).attributes, {
      url: "wss://calls.example.com/ws",
      statusCallback: "https://calls.example.com/twilio/stream",
      statusCallbackMethod: "POST"
    })
  })

  it("passes every parameter on, in order", () => {
    const { children } = streamOf(connect({ token: "abc", agent: "echo" }))
    assert.deepStrictEqual(children.map(({ attributes, name }) => [name, attributes["name"], attributes["value"]]), [
      ["Parameter", "token", "abc"],
      ["Parameter", "agent", "echo"]
    ])
  })

  it("has no parameter when there is none", () => assert.deepStrictEqual(streamOf(connect({})).children, []))

  it("says that it is XML in UTF-8", () => assert.match(connect({}), /^<\?xml version="1.0" encoding="UTF-8"\?>/))

  it.each(["a&b", "a<b>c", "\"double\" 'single'", "]]>", "&amp;", "Zürich ☎ 🙂", "a\"/><Hangup/><x y=\""])(
    "keeps %s as a value, and lets it be nothing else",
    (value) => {
      const response = parse(connect({ value }))
      assert.strictEqual(response.children.length, 1)
      assert.strictEqual(streamOf(connect({ value })).children[0].attributes["value"], value)
    }
  )

  const printable = Schema.String.check(Schema.isPattern(/^[\u0020-\u007e\u00a0-\u024f]*$/))

  it.prop("gives back what was put in", [printable, printable], ([value, path]) => {
    const url = `wss://calls.example.com/${path}`
    const stream = streamOf(connect({ value }, url))
    assert.strictEqual(stream.attributes["url"], url)
    assert.strictEqual(stream.children[0].attributes["value"], value)
  })
})

describe("sayAndHangUp", () => {
  it("says the sentence as text, then hangs up", () => {
    const sentence = "All lines are busy & <b>closed</b>. Goodbye."
    const response = parse(TwiML.sayAndHangUp(sentence))
    assert.deepStrictEqual(response.children.map(({ name, text }) => [name, text]), [["Say", sentence], ["Hangup", ""]])
  })
})

describe("hangUp", () => {
  it("does nothing but hang up", () => {
    assert.deepStrictEqual(parse(TwiML.hangUp()).children.map(({ name }) => name), ["Hangup"])
  })
})
