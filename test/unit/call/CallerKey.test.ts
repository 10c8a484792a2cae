import { assert, describe, it } from "@effect/vitest"
import * as CallerKey from "../../../src/call/CallerKey.ts"

describe("the key by which a caller's calls are counted", () => {
  it.each(["+14155550123", "sip:alice@example.com", "sip:+14155550123@example.com", "client:alice", "whatsapp:+14155550123", "+1", "sip:464@pbx.example.com"])(
    "is the address itself, in lower case: %s",
    (from) => {
      assert.strictEqual(CallerKey.of(from), from)
      assert.strictEqual(CallerKey.of(` ${from.toUpperCase()} `), from)
    }
  )

  it("differs for each address", () => {
    const all = ["+14155550123", "+14155550124", "sip:+14155550123@example.com", "sip:alice@example.com", "client:alice"]
    assert.strictEqual(new Set(all.map(CallerKey.of)).size, all.length)
  })

  it.each([
    ["a word", "anonymous"],
    ["a word in capitals", "RESTRICTED"],
    ["Twilio's number for anonymous", "+266696687"],
    ["Twilio's number for restricted", "+7378742833"],
    ["Twilio's number for blocked", "+2562533"],
    ["Twilio's number for unknown", "+8656696"],
    ["Twilio's number for unavailable", "+86282452253"],
    ["Twilio's number for private", "+7748283"],
    ["a number of Twilio's without a word", "+464"],
    ["the same without its plus", "266696687"],
    ["an anonymous SIP address (RFC 3323)", "sip:anonymous@anonymous.invalid"],
    ["a SIP address of a carrier", "sip:Restricted@sip.example.com;user=phone"],
    ["a SIP address with Twilio's number for it", "sip:+266696687@sip.example.com"],
    ["a client without a name", "client:Anonymous"],
    ["nothing", ""],
    ["blanks", "  "],
    ["a plus", "+"],
    ["zeros", "+0000"],
    ["no text", undefined],
    ["two values", ["+14155550123", "+14155550124"]]
  ])("is missing if the number is withheld: %s", (_, from) => assert.isUndefined(CallerKey.of(from)))

  it("is cut to 256 characters", () => assert.strictEqual(CallerKey.of(`sip:${"a".repeat(60_000)}`)?.length, 256))
})
