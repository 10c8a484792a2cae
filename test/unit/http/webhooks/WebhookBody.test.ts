import { assert, describe, it } from "@effect/vitest"
import * as WebhookBody from "../../../../src/http/webhooks/WebhookBody.ts"

const form = (count: number) => Buffer.from(Array.from({ length: count }, (_, index) => `p${index}=x`).join("&"))

describe("the parameters of a webhook", () => {
  it("may be 256, and not 257", () => {
    assert.isFalse(WebhookBody.hasTooManyParameters(form(0)))
    assert.isFalse(WebhookBody.hasTooManyParameters(form(256)))
    assert.isTrue(WebhookBody.hasTooManyParameters(form(257)))
  })

  it("keep the last value of a name that was sent twice", () => {
    assert.deepStrictEqual(WebhookBody.lastOfEach({ CallSid: "one", Digits: ["1", "2"] }), { CallSid: "one", Digits: "2" })
  })

  it("are the text fields of a JSON body", () => {
    assert.deepStrictEqual(WebhookBody.fieldsOfJson("{\"CallSid\":\"one\",\"SequenceNumber\":2,\"Nested\":{\"a\":\"b\"}}"), { CallSid: "one" })
  })

  it.each(["", "{\"CallSid\":", "[\"CallSid\"]", "null", "\"CallSid\""])("of %j are none", (text) => {
    assert.deepStrictEqual(WebhookBody.fieldsOfJson(text), {})
  })
})

describe("a webhook's body", () => {
  it.each([
    [undefined, true],
    ["", true],
    ["application/x-www-form-urlencoded", true],
    [" Application/X-WWW-Form-Urlencoded; charset=utf-8", true],
    ["application/json", false]
  ])("with the content type %j is a form: %s", (contentType, expected) => assert.strictEqual(WebhookBody.isForm(contentType), expected))

  it("has the hash that the query names, in either case", () => {
    const hash = "ab".repeat(32)
    assert.strictEqual(WebhookBody.bodyHashIn(`/twiml?bodySHA256=${hash}`), hash)
    assert.strictEqual(WebhookBody.bodyHashIn(`/twiml?agent=sales&bodySHA256=${hash.toUpperCase()}&x=1`), hash)
  })

  it.each(["/twiml", "/twiml?bodySHA256=ab", `/twiml?bodySHA256=${"ab".repeat(33)}`, `/twiml?otherbodySHA256=${"ab".repeat(32)}`])(
    "has no hash in %s",
    (target) => assert.isUndefined(WebhookBody.bodyHashIn(target))
  )
})
