import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import twilio from "twilio"
import webhooks from "twilio/lib/webhooks/webhooks.js"
import * as ConnectionOverrides from "../../../../src/twilio/webhook/ConnectionOverrides.ts"
import * as Signature from "../../../../src/twilio/webhook/Signature.ts"

const token = Redacted.make("12345")
const elsewhere = Redacted.make("54321")

/** Signed over one URL, checked against another. */
const accepts = (signed: string, checked: string, parameters: Signature.Parameters = {}) =>
  Signature.isValid({
    authTokens: [token],
    signature: Signature.sign(token, signed, parameters),
    url: checked,
    parameters
  })

// The published example; its numbers are part of what is signed.
const published = "https://mycompany.com/myapp.php?foo=1&bar=2"
const publishedParameters = {
  CallSid: "CA1234567890ABCDE",
  Caller: "+14158675309",
  Digits: "1234",
  From: "+14158675309",
  To: "+18005551212"
}

describe("known signatures", () => {
  it.each([
    [published, publishedParameters, "RSOYDt4T1cUTdK1PDd93/VVr8B8="],
    [published, { ...publishedParameters, Caller: "+12349013030", From: "+12349013030" }, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="],
    [
      "https://example.com/voice",
      {
        CallSid: "CA00000000000000000000000000000001",
        From: "+15550001111",
        To: "+15550002222",
        CallStatus: "ringing"
      },
      "eG7HPZoKT3MkBg6PJLQwQDN1cUk="
    ],
    ["wss://example.com/media", {}, "7PR3qMkpDyEJtMrVOY/LDyNq8J8="],
    ["wss://example.com/media/", {}, "T+WBXwUXC0/CyoZ1DA+p9ilZORs="]
  ])("%s", (url, parameters, signature) => {
    assert.strictEqual(Signature.sign(token, url, parameters as Signature.Parameters), signature)
    assert.isTrue(
      Signature.isValid({ authTokens: [token], signature, url, parameters: parameters as Signature.Parameters })
    )
  })
})

describe("the spellings of one URL", () => {
  it.each([
    ["the same", "wss://example.com/media", "wss://example.com/media"],
    ["an explicit 443 of wss that this service leaves out", "wss://example.com:443/media", "wss://example.com/media"],
    ["an explicit 443 of wss that Twilio leaves out", "wss://example.com/media", "wss://example.com:443/media"],
    ["an explicit 443 of https that this service leaves out", "https://example.com:443/x", "https://example.com/x"],
    ["an explicit 443 of https that Twilio leaves out", "https://example.com/x", "https://example.com:443/x"],
    ["a slash too many", "wss://example.com/media/", "wss://example.com/media"],
    ["a slash too few", "wss://example.com/media", "wss://example.com/media/"],
    ["a slash too many, and the port", "wss://example.com:443/media/", "wss://example.com/media"],
    ["a slash before the query", "https://example.com/x/?agent=echo", "https://example.com/x?agent=echo"],
    ["no path and its slash", "wss://example.com/", "wss://example.com"],
    ["no path and no slash", "wss://example.com", "wss://example.com/"],
    ["the port of an IPv6 address", "wss://[2001:db8::1]:443/media", "wss://[2001:db8::1]/media"],
    ["the connection overrides that Twilio was given", ConnectionOverrides.withRetries("https://example.com/x?a=1"), "https://example.com/x?a=1"],
    ["another port that both name", "wss://example.com:8443/media", "wss://example.com:8443/media"]
  ])("takes %s", (_, signed, checked) => assert.isTrue(accepts(signed, checked)))

  it.each([
    ["another case of the host", "wss://Example.com/media", "wss://example.com/media"],
    ["another case of the path", "wss://example.com/Media", "wss://example.com/media"],
    ["another fragment", "https://example.com/x#rc=1", "https://example.com/x"],
    ["connection overrides of a WebSocket, which has none", ConnectionOverrides.withRetries("wss://example.com/media"), "wss://example.com/media"],
    ["another scheme", "wss://example.com/media", "https://example.com/media"],
    ["another scheme, the other way", "https://example.com/media", "wss://example.com/media"],
    ["another host", "wss://example.org/media", "wss://example.com/media"],
    ["another path", "wss://example.com/media/x", "wss://example.com/media"],
    ["two slashes", "wss://example.com/media//", "wss://example.com/media"],
    ["another port", "wss://example.com:8443/media", "wss://example.com/media"],
    ["another query", "https://example.com/twiml?agent=a", "https://example.com/twiml?agent=b"],
    ["a query that was not signed", "https://example.com/twiml", "https://example.com/twiml?agent=b"]
  ])("refuses %s", (_, signed, checked) => assert.isFalse(accepts(signed, checked)))
})

describe("the cost of a check", () => {
  const bases = ["https://example.com", "https://example.com:8443", "http://127.0.0.1:8000", "https://user:pass@example.com", "https://[2001:db8::1]", "https://EXAMPLE.com:443"]
  const targets = ["/twiml", "/twiml/", "/twiml?agent=echo", "/twiml?a=it's&b=%27", "/twiml?a=1&a=2&ä=ö", "/twiml?q=a b", "/twiml?", "//twiml?x=%zz", "/"]

  it("is bounded: a URL has few spellings, each once, and the first is the URL itself", () => {
    for (const base of bases) {
      for (const target of targets) {
        const spellings = [...Signature.spellings(base + target)]
        assert.strictEqual(spellings[0], base + target)
        assert.strictEqual(new Set(spellings).size, spellings.length)
        assert.isAtMost(spellings.length, 15, spellings.join(" "))
        if (!target.includes("?")) assert.isAtMost(spellings.length, 9, spellings.join(" "))
      }
    }
    assert.deepStrictEqual([...Signature.spellings("https://example.com/twiml")], [
      "https://example.com/twiml",
      "https://example.com/twiml/",
      "https://example.com:443/twiml",
      "https://example.com:443/twiml/",
      "https://example.com/twiml#rc=5&rp=all&ct=2000"
    ])
  })

  it.prop(
    "does not change the result: a URL that the package accepts is accepted",
    [Schema.Literals(bases), Schema.Literals(targets), Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Array(Schema.String)]))],
    ([base, target, parameters]) => {
      const url = base + target
      for (const signed of [...Signature.spellings(url), new URL(url).toString(), `${url}&x`, url.replace("twiml", "other")]) {
        const signature = webhooks.getExpectedTwilioSignature("12345", signed, parameters as Record<string, any>)
        const byPackage = twilio.validateRequest("12345", signature, url, parameters as Record<string, any>)
        if (byPackage) assert.isTrue(Signature.isValid({ authTokens: [token], signature, url, parameters }), signed)
      }
    }
  )
})

describe("a refused request", () => {
  const url = "https://example.com/voice"
  const parameters = { CallSid: "CA1", Digits: "12" }
  const signature = Signature.sign(token, url, parameters)
  const check = (change: Partial<Parameters<typeof Signature.isValid>[0]>) =>
    Signature.isValid({ authTokens: [token], signature, url, parameters, ...change })

  it("is never a request that Twilio signed", () => assert.isTrue(check({})))

  it.each([
    ["no signature", { signature: undefined }],
    ["an empty signature", { signature: "" }],
    ["a signature of another length", { signature: "AAAA" }],
    ["a signature followed by a blank", { signature: `${signature} ` }],
    ["a signature whose last character holds more than 20 bytes", { signature: signature.replace(/.=$/, "B=") }],
    ["a signature in the alphabet of URLs", { signature: "-_".repeat(14).replace(/.$/, "=") }],
    ["a signature that is not base64", { signature: "☎".repeat(28) }],
    ["another token's signature", { signature: Signature.sign(elsewhere, url, parameters) }],
    ["a parameter that was changed", { parameters: { ...parameters, Digits: "13" } }],
    ["a parameter that was added", { parameters: { ...parameters, From: "+14155550100" } }],
    ["a parameter that was removed", { parameters: { CallSid: "CA1" } }],
    ["a parameter's name in another case", { parameters: { callsid: "CA1", Digits: "12" } }]
  ])("is a request with %s", (_, change) => assert.isFalse(check(change)))

  it.prop("is a request with a changed value", [Schema.String, Schema.String], ([one, other]) => {
    const signature = Signature.sign(token, url, { Body: one })
    // A form is UTF-8, in which all lone surrogates become the same bytes.
    const isSame = one.toWellFormed() === other.toWellFormed()
    assert.strictEqual(check({ signature, parameters: { Body: other } }), isSame)
  })
})

describe("signatures", () => {
  const url = "https://example.com/voice"

  it("by any of the auth tokens are accepted, so that a token can be rotated", () => {
    for (const by of [token, elsewhere]) {
      const signature = Signature.sign(by, url, { a: "1" })
      assert.isTrue(Signature.isValid({ authTokens: [token, elsewhere], signature, url, parameters: { a: "1" } }))
    }
    const signature = Signature.sign(Redacted.make("third"), url, {})
    assert.isFalse(Signature.isValid({ authTokens: [token, elsewhere], signature, url, parameters: {} }))
  })

  it("of the twilio package are accepted here, and ours by the package", () => {
    const parameters = { CallSid: "CA1", From: "+14155550100", Städte: "Zürich", Empty: "" }
    assert.isTrue(twilio.validateRequest("12345", Signature.sign(token, url, parameters), url, parameters))
    const signature = webhooks.getExpectedTwilioSignature("12345", url, parameters)
    assert.isTrue(Signature.isValid({ authTokens: [token], signature, url, parameters }))
  })

  it("cover all values of a parameter that was sent twice, in any order", () => {
    const signature = Signature.sign(token, url, { Tag: ["b", "a"] })
    const check = (Tag: string | ReadonlyArray<string>) =>
      Signature.isValid({ authTokens: [token], signature, url, parameters: { Tag } })
    assert.isTrue(check(["a", "b"]))
    assert.isTrue(check(["b", "a"]))
    assert.isFalse(check(["a"]))
    assert.isFalse(check(["a", "c"]))
  })

  it("do not depend on the order of the parameters", () => {
    const parameters = { b: "2", a: "1", B: "3" }
    const reversed = Object.fromEntries(Object.entries(parameters).toReversed())
    assert.strictEqual(Signature.sign(token, url, parameters), Signature.sign(token, url, reversed))
  })
})
