import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { isWhole, parse, parseAddress, PhoneNumber, PhoneNumberFromText, read } from "../../../src/domain/PhoneNumber.ts"

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
    ["that space, and spaces in the number", " 1 415 555 0100"],
    ["brackets around its country code", "(+1) 415 555 0100"],
    ["a slash", "+1 415/555-0100"],
    ["direction marks around it", "\u202a+14155550100\u202c"],
    ["direction marks in it", "\u200e+1\u00a0415\u2066 555\u2069 0100\u200f"],
    ["zero-width characters in it", "+1\u200b415\u200c555\u200d01\u206000\ufeff"],
    ["a soft hyphen and a filler", "+1\u00ad415\u3164555\u28000100"],
    ["a variation selector", "+1\ufe0f4155550100"],
    ["no-break, thin and ideographic spaces", "+1\u00a0415\u2009555\u30000100"],
    ["a full-width plus", "＋14155550100"],
    ["full-width digits, dashes, dots and brackets", "＋１（４１５）５５５－０１．００"],
    ["a small plus, a heavy one", "﹢14155550100"],
    ["a heavy plus", "➕14155550100"],
    ["dashes of other kinds", "+1\u2010415\u2011555\u20120\u20131\u20140\u22120"],
    ["Arabic digits", "+١٤١٥٥٥٥٠١٠٠"],
    ["Persian digits", "+۱۴۱۵۵۵۵۰۱۰۰"],
    ["Devanagari digits", "+१४१५५५५०१००"],
    ["bold digits", "+𝟏𝟒𝟏𝟓𝟓𝟓𝟓𝟎𝟏𝟎𝟎"],
    ["a tel: URI", "tel:+14155550100"],
    ["a tel: URI in capitals, with separators", "TEL:+1-415-555-0100"],
    ["a tel: URI with slashes", "tel://+14155550100"],
    ["a tel: URI with an escaped plus", "tel:%2B14155550100"],
    ["a tel: URI with blanks around and invisible characters in it", " \u202atel:+1%20415 555\u200b0100\u202c\n"],
    ["a tel: URI that is local to a country", "tel:415-555-0100;phone-context=+1"],
    ["a tel: URI that is global, with a context", "tel:+14155550100;phone-context=example.com"]
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
    ["a tel: URI with an extension", "tel:+14155550100;ext=7"],
    ["a tel: URI with an unknown parameter", "tel:+14155550100;postd=7"],
    ["a tel: URI that is local to a domain", "tel:5550100;phone-context=example.com"],
    ["a tel: URI that is local to nothing", "tel:4155550100"],
    ["a tel: URI with a broken escape", "tel:%2"],
    ["the international prefix of most countries", "0014155550100"],
    ["the international prefix of North America", "01114155550100"],
    ["a tab in place of the +", "\t14155550100"],
    ["two plus signs", "++14155550100"],
    ["a plus in it", "+1415+5550100"],
    ["an O for a 0", "+1415555010O"],
    ["a raised 2 after it", "+1415555010²"],
    ["a circled digit", "+1415555010①"],
    ["a pause after it", "+14155550100,,7"],
    ["a waiting pause after it", "+14155550100;7"],
    ["an extension by x", "+14155550100x7"],
    ["an extension by #", "+14155550100 #7"],
    ["a control character", "+1415555\u00000100"],
    ["a text that is far too long", `+1${"4155550100 ".repeat(100)}`]
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

  it.prop("never throws, and gives nothing but E.164", [Schema.String], ([text]) => {
    for (const candidate of [text, `+${text}`, `+1415555${text}`, ` 1${text}`]) {
      const result = parse(candidate)
      if (Option.isSome(result)) assert.isTrue(isE164(result.value))
    }
  })
})

describe("read", () => {
  const whyNot = (text: string) => Option.getOrUndefined(Result.getFailure(read(text)))?.why

  it.each([
    ["", "is empty"],
    ["\u200b", "is empty"],
    ["4155550100", "has no country code: it must begin with +"],
    ["0041446681800", "begins with 00: write + instead"],
    ["sip:+14155550100@example.com", "is a sip: address, and not a telephone number alone"],
    [" WhatsApp:+14155550100", "is a whatsapp: address, and not a telephone number alone"],
    ["client:alice", "is a client: address, and not a telephone number alone"],
    ["+1415555010O", "contains \"O\" (U+004F), which is not part of a number"],
    ["+1415555\u00010100", "contains U+0001, which is not part of a number"],
    ["+1415555\u03010100", "contains U+0301, which is not part of a number"],
    ["+14155550100👍", "contains \"👍\" (U+1F44D), which is not part of a number"],
    ["+1 415 555 0100 ext. 7", "has an extension, and an extension can't be dialled"],
    ["tel:+14155550100;ext=7", "has an extension, and an extension can't be dialled"],
    ["+1415", "has too few digits"],
    ["+141555501000000", "has too many digits"],
    ["+9991234567", "has a country code that no country has"],
    ["++14155550100", "has a second +"],
    ["+1".repeat(100), "is too long for a number"]
  ])("says of %j that it %s", (text, oddity) => assert.strictEqual(whyNot(text), oddity))

  it.prop("shows none of the number's digits", [Schema.String], ([text]) => {
    const why = whyNot(`4155550199${text}`)
    assert.isDefined(why)
    assert.notInclude(why, "4155550199")
  })

  const noise = Schema.Literals(["\u200b", "\u200e", "\u202a", "\u2069", "\ufeff", "\u00ad", "\u00a0", "\u2009", "-", "\u2013", "(", "）"])
  it.prop("drops invisible characters and separators anywhere after the +", [Schema.Array(Schema.Struct({ at: Schema.Int, noise })).check(Schema.isMaxLength(12))], ([pieces]) => {
    const characters = [...number]
    for (const piece of pieces) characters.splice(1 + Math.abs(piece.at) % number.length, 0, piece.noise)
    assert.strictEqual(parsed(characters.join("")), number)
  })
})

describe("parseAddress", () => {
  const found = (text: string) => Option.getOrUndefined(parseAddress(text)) as string | undefined

  it.each([
    ["+14155550100"],
    [" 14155550100"],
    ["sip:+14155550100@example.com"],
    ["SIPS:+14155550100@example.com:5061;transport=tls"],
    ["sip:+14155550100@[2001:db8::1]"],
    ["sip:+14155550100;user=phone@example.com"],
    ["sip:+14155550100@example.com;user=phone?subject=x"],
    ["sip:+14155550100:secret@example.com"],
    ["sip:%2B1-415-555-0100@example.com"],
    ["sip:+14155550100"],
    ["\"Maple Dental\" <sip:+14155550100@example.com>"],
    ["whatsapp:+14155550100"],
    ["WhatsApp:+1 415 555 0100"],
    ["tel:+14155550100"]
  ])("finds the number of %s", (text) => assert.strictEqual(found(text), number))

  it.each([
    [""],
    ["anonymous"],
    ["sip:alice@example.com"],
    ["sip:alice@+14155550100"],
    ["sip:4155550100@example.com"],
    ["sip:14155550100@example.com"],
    ["sip:+14155550100abc@example.com"],
    ["sip:%zz@example.com"],
    ["client:alice"],
    ["client:+14155550100"],
    ["whatsapp:alice"],
    ["+14155550100@example.com"]
  ])("finds none in %j", (text) => assert.isUndefined(found(text)))

  it.prop("never throws, and finds each number that parse finds", [Schema.String], ([text]) => {
    for (const scheme of ["sip:", "whatsapp:", "tel:+1", "sip:+1"]) found(scheme + text)
    if (Option.isSome(parse(text))) assert.deepStrictEqual(parseAddress(text), parse(text))
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

  it("encodes a number unchanged", () => {
    assert.strictEqual(Schema.encodeSync(PhoneNumberFromText)(PhoneNumber.make(number)), number)
  })
})

describe("isWhole", () => {
  it.each([
    ["4155550100", "US", true],
    ["415555010", "US", false],
    ["14155550100", "US", true],
    ["5551234567", "US", true],
    ["0207946095", "US", false],
    ["+14155550100", "DE", true],
    ["02079460958", "GB", true],
    ["0207946095", "GB", false],
    ["0612345678", "FR", true],
    ["030123456", "DE", false],
    ["4155550100", "nowhere", false],
    ["", "US", false]
  ] as const)("%s in %s: %s", (digits, region, expected) => {
    assert.strictEqual(isWhole(digits, region), expected)
  })
})
