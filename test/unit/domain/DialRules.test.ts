import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import examples from "libphonenumber-js/examples.mobile.json" with { type: "json" }
import { type CountryCode, getCountries, getExampleNumber } from "libphonenumber-js/max"
import { type DialRules, readCountries, refusal, type SpecialKind } from "../../../src/domain/DialRules.ts"
import { PhoneNumber } from "../../../src/domain/PhoneNumber.ts"

const rules = (change: { readonly countries?: ReadonlyArray<string>; readonly also?: ReadonlyArray<SpecialKind>; readonly own?: ReadonlyArray<string> } = {}): DialRules => ({
  countries: Option.map(Option.fromUndefinedOr(change.countries), (codes) => new Set(codes)),
  allowedKinds: new Set(change.also),
  ownNumbers: new Set((change.own ?? []).map((number) => PhoneNumber.make(number)))
})

/** The rule by which a number is refused, if it is. */
const ruleFor = (number: string, change: Parameters<typeof rules>[0] = {}) =>
  Option.getOrUndefined(Option.map(refusal(rules(change), PhoneNumber.make(number)), ({ rule }) => rule))

describe("a number that may be dialled", () => {
  it.each([
    ["a number of the United States", "+14155550100"],
    ["toll-free numbers", "+18005550100"],
    ["personal numbers", "+15005550100"],
    ["Cuba", "+5351234567"],
    ["Jamaica, which shares +1", "+18765551234"],
    ["a British mobile", "+447400123456"],
    ["a number whose kind is not known", "+440312345678"],
    ["an area code that is not known", "+19995550100"],
    ["Taiwan and Bangladesh, which begin with +88 too", "+886912345678"],
    ["Bangladesh", "+8801812345678"],
    ["Italian Caserta, whose area code looks like a premium one", "+390823123456"],
    ["Norwegian mobiles of 90, which is premium elsewhere", "+4790012345"],
    ["international freephone", "+80012345678"]
  ])("is %s", (_, number) => assert.isUndefined(ruleFor(number)))

  it("is the usual mobile number of every country", () => {
    for (const country of getCountries()) {
      const example = getExampleNumber(country, examples)
      if (example !== undefined) assert.isUndefined(ruleFor(example.number), country)
    }
  })
})

describe("a number that is refused", () => {
  it.each<readonly [SpecialKind, string, string]>([
    ["premium", "US 900", "+19005550100"],
    ["premium", "the exchange 976 of an area", "+12129765555"],
    ["premium", "UK 09", "+449098790000"],
    ["premium", "UK 09, of a length that is not in use", "+4491234567"],
    ["premium", "Latvia 90", "+37190012345"],
    ["premium", "Latvia 81", "+37181123456"],
    ["premium", "+979", "+979123456789"],
    ["premium", "+979 of another length", "+9791234"],
    ["premium", "France 089", "+33899123456"],
    ["premium", "Germany 0900, too short for today's plan", "+49900123456"],
    ["premium", "Australia 190", "+61190012345"],
    ["premium", "Russia 809", "+78091234567"],
    ["premium", "Norway 82", "+4782012345"],
    ["premium", "Ukraine 900", "+380900123456"],
    ["premium", "Hong Kong 900, of a length that is not in use", "+85290012345"],
    ["premium", "a range that only the metadata has (Singapore 1900)", "+6519001234567"],
    ["shared-cost", "Germany 0180", "+491801234567"],
    ["shared-cost", "UK 0843", "+448430000000"],
    ["shared-cost", "Switzerland 0840", "+41840123456"],
    ["shared-cost", "+808", "+80812345678"],
    ["shared-cost", "a range that only the metadata has (Italy 848)", "+39848123456"],
    ["international", "Inmarsat, which the metadata calls mobile", "+870773123456"],
    ["international", "Iridium", "+8816123456789"],
    ["international", "Thuraya", "+8821612345678"],
    ["international", "+882", "+88213123456"],
    ["international", "+883", "+883510012345"],
    ["international", "+888", "+88812345678901"],
    ["international", "+878", "+878101234567890"]
  ])("by the rule %s: %s", (kind, _, number) => {
    assert.strictEqual(ruleFor(number), kind)
    const [refused] = Option.toArray(refusal(rules(), PhoneNumber.make(number)))
    assert.include(refused.message, `(rule ${kind})`)
    assert.include(refused.message, "DIAL_ALSO")
    assert.notInclude(refused.message, number.slice(1))
    assert.isUndefined(ruleFor(number, { also: [kind] }))
  })

  it.each([
    ["Cuba", "+5351234567", "CU"],
    ["Jamaica, though it shares +1", "+18765551234", "JM"],
    ["the Dominican Republic, though it shares +1", "+18095551234", "DO"],
    ["Guernsey, though it shares +44", "+447911123456", "GG"],
    ["Kazakhstan, though it shares +7", "+77001234567", "KZ"],
    ["Réunion, though it shares +262", "+262692123456", "RE"]
  ])("by its own country: %s", (_, number, country) => {
    const countries = ["US", "CA", "GB", "RU", "YT"]
    const [refused] = Option.toArray(refusal(rules({ countries }), PhoneNumber.make(number)))
    assert.strictEqual(refused.rule, "country")
    assert.include(refused.message, `add ${country} and`)
    assert.include(refused.message, "DIAL_COUNTRIES")
    assert.notInclude(refused.message, number.slice(1))
    assert.isUndefined(ruleFor(number, { countries: [...countries, country] }))
    assert.isUndefined(ruleFor("+14155550100", { countries }))
  })

  it("may belong to several countries that are not all allowed", () => {
    assert.strictEqual(ruleFor("+440312345678", { countries: ["GB"] }), "country")
    assert.isUndefined(ruleFor("+440312345678", { countries: ["GB", "GG", "IM", "JE"] }))
    assert.isUndefined(ruleFor("+4790012345", { countries: ["NO", "SJ"] }))
  })

  it("belongs to no country if countries are listed, unless its kind is allowed", () => {
    assert.strictEqual(ruleFor("+80012345678", { countries: ["US"] }), "country")
    assert.isUndefined(ruleFor("+870773123456", { countries: ["US"], also: ["international"] }))
    assert.strictEqual(ruleFor("+449098790000", { countries: ["US"], also: ["premium"] }), "country")
  })

  it("is the service's own", () => {
    assert.strictEqual(ruleFor("+14155550100", { own: ["+14155550101", "+14155550100"] }), "own-number")
    assert.isUndefined(ruleFor("+14155550102", { own: ["+14155550101", "+14155550100"] }))
  })
})

describe("readCountries", () => {
  it("reads codes in either case, each once", () => {
    assert.deepStrictEqual(readCountries(["us", "CA", "Us"]), Result.succeed(new Set<string>(["US", "CA"] satisfies Array<CountryCode>)))
  })

  it.each([["UK", "write GB"], ["USA", "\"USA\" is not a country's code"], ["+1", "not a country's code"], ["XX", "not a country's code"]])(
    "says what is wrong with %s",
    (code, why) => {
      const read = readCountries(["US", code])
      assert.include(Result.isFailure(read) ? read.failure.why : "", why)
    }
  )
})
