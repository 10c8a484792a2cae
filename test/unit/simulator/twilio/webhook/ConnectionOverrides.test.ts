import { assert, describe, it } from "@effect/vitest"
import twilio from "twilio"
import * as ConnectionOverrides from "../../../../../src/simulator/twilio/webhook/ConnectionOverrides.ts"

const { defaults, parse } = ConnectionOverrides

const only = (...failures: ReadonlyArray<ConnectionOverrides.RetriedFailure>) => new Set(failures)

describe("connection overrides of a webhook", () => {
  it("are Twilio's defaults where the URL has no fragment", () => {
    assert.deepStrictEqual(parse("https://calls.example.com/twiml?agent=a"), { url: "https://calls.example.com/twiml?agent=a", overrides: defaults })
    assert.deepStrictEqual(defaults, { connectMillis: 5000, readMillis: 15_000, totalMillis: 15_000, retries: 1, retried: only("ct") })
  })

  it("are read from the fragment, which is not part of the URL that is requested", () => {
    assert.deepStrictEqual(parse("https://calls.example.com/twiml?agent=a#ct=200&rt=300&tt=4000&rc=5&rp=ct,5xx"), {
      url: "https://calls.example.com/twiml?agent=a",
      overrides: { connectMillis: 200, readMillis: 300, totalMillis: 4000, retries: 5, retried: only("ct", "5xx") }
    })
    assert.strictEqual(parse("https://calls.example.com/#rp=all").overrides.retried, "all")
    assert.strictEqual(parse("https://calls.example.com/#rc=0").overrides.retries, 0)
  })

  it("are ignored when they are out of range", () => {
    for (const wrong of ["ct=99", "ct=10001", "rt=15001", "tt=1e4", "rc=6", "rc=-1", "rc=1.5", "rp=sometimes", "rp=ct,often", "rp=", "region=ie1"]) {
      assert.deepStrictEqual(parse(`https://calls.example.com/#${wrong}`).overrides, defaults, wrong)
    }
  })

  it("are no part of the signature, since the service sees the URL without them", () => {
    const whole = "https://calls.example.com/twiml#rc=3&rp=all"
    const parameters = { CallSid: "CA1" }
    const { url } = parse(whole)
    const signature = twilio.getExpectedTwilioSignature("token", url, parameters)
    assert.isTrue(twilio.validateRequest("token", signature, "https://calls.example.com/twiml", parameters))
    assert.isFalse(twilio.validateRequest("token", signature, whole, parameters))
  })
})
