import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { parse, PhoneNumber, PhoneNumberFromText } from "../../src/domain/PhoneNumber.ts"

const number = "+14155550100"
const isE164 = Schema.is(PhoneNumber)

const parsed = (text: string) => Option.getOrUndefined(parse(text)) as string | undefined

describe("parse", () => {
  it.each([
    ["E.164", "+14155550100"],
    ["spaces", "+1 415 555 0100"],
    ["dashes", "+1-415-555-0100"],
    ["brackets", "+1 (415) 555-0100"],
    ["dots", "+1.415.555.0100"],
    ["space around it", "\t+14155550100 \n"],
    ["a + that an unescaped query string made a space", " 14155550100"],
    ["that space, and spaces in the number", " 1 415 555 0100"]
  ])("takes a number with %s", (_, text) => assert.strictEqual(parsed(text), number))

  it.each([
    ["nothing", ""],
    ["spaces only", "   "],
    ["a + only", "+"],
    ["no country code", "4155550100"],
    ["a country code without its +", "14155550100"],
    ["a national prefix", "0041555501"],
    ["the + as a space before a zero", " 0155550100"],
    ["too few digits", "+1415"],
    ["too many digits for its country", "+141555501000"],
    ["more digits than E.164 has", "+12345678901234567890"],
    ["a country code that no country has", "+9991234567"],
    ["an extension", "+1 415 555 0100 ext. 7"],
    ["an extension in the way of a URI", "+14155550100;ext=7"],
    ["letters for digits", "+1415CALLNOW"],
    ["letters after it", "+14155550100abc"],
    ["a second number after it", "+14155550100, +14155550101"],
    ["a SIP address", "sip:+14155550100@example.com"],
    ["a SIP address after it", "+14155550100@example.com"],
    ["a client's name", "client:alice"],
    ["Twilio's word for a withheld number", "anonymous"],
    ["a line of text beyond reason", `+1${"4155550100 ".repeat(100)}`]
  ])("refuses %s", (_, text) => assert.strictEqual(parsed(text), undefined))

  it("drops the national prefix that people put in brackets", () => {
    assert.strictEqual(parsed("+44 (0)20 7946 0018"), "+442079460018")
  })

  const punctuation = Schema.Literals(["", " ", "-", ".", "(", ")", "\u00a0"])
  const pieces = Schema.Array(Schema.Struct({
    digit: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
    punctuation
  })).check(Schema.isMaxLength(18))

  it.prop("gives E.164, which parses to itself", [pieces], ([pieces]) => {
    const result = parse(`+${pieces.map(({ digit, punctuation }) => `${digit}${punctuation}`).join("")}`)
    if (Option.isNone(result)) return
    assert.isTrue(isE164(result.value))
    assert.deepStrictEqual(parse(result.value), result)
  }, { arbitrary: { runs: 1000 } })

  it.prop("never throws, and never gives what is not E.164", [Schema.String], ([text]) => {
    for (const candidate of [text, `+${text}`, `+1415555${text}`, ` 1${text}`]) {
      const result = parse(candidate)
      if (Option.isSome(result)) assert.isTrue(isE164(result.value))
    }
  })
})

describe("PhoneNumberFromText", () => {
  const decode = Schema.decodeUnknownResult(PhoneNumberFromText)

  it("decodes what a person writes", () => {
    assert.deepStrictEqual(decode("+1 (415) 555-0100"), Result.succeed(PhoneNumber.make(number)))
  })

  it("says what it wants without repeating the number", () => {
    const message = Result.getOrThrow(Result.flip(decode("415 555 0100"))).message
    assert.include(message, "country code")
    assert.notInclude(message, "0100\"")
    assert.notInclude(message, "415 555")
  })

  it("leaves a number as it is on the way out", () => {
    assert.strictEqual(Schema.encodeSync(PhoneNumberFromText)(PhoneNumber.make(number)), number)
  })
})
