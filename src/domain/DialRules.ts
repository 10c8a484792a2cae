/**
 * Decides which numbers may be dialled, before a call costs money.
 *
 * The rules refuse the service's own numbers, premium-rate and shared-cost numbers, and numbers of networks without a country, such as
 * satellite networks. If countries are listed, the rules refuse the numbers of all other countries. A table of prefixes and libphonenumber's
 * full metadata give a number's kind and country. A number of unknown kind may be dialled, because numbering plans grow faster than metadata.
 *
 * The message of a refusal names the rule and the variable that changes the rule. It never contains the number.
 */
import { isSupportedCountry, type NumberType, parsePhoneNumberFromString } from "libphonenumber-js/max"
import { Data, Option, Result } from "effect"
import type { PhoneNumber } from "./PhoneNumber.ts"

/** Kinds of numbers that are refused unless `DIAL_ALSO` names them. */
export const specialKinds = ["premium", "shared-cost", "international"] as const

/**
 * - `premium`: the callee gets a part of the call's price (US 900, UK 09, +979);
 * - `shared-cost`: the caller pays more than for an ordinary number of the same country (Germany 0180, +808);
 * - `international`: satellite and other networks that belong to no country (+870, +878, +881, +882, +883, +888).
 */
export type SpecialKind = typeof specialKinds[number]

export interface DialRules {
  /** ISO 3166 codes of two letters; `None`: every country. */
  readonly countries: Option.Option<ReadonlySet<string>>
  /** Special kinds that may be dialled. */
  readonly allowedKinds: ReadonlySet<SpecialKind>
  /** Numbers at which the service itself answers. */
  readonly ownNumbers: ReadonlySet<PhoneNumber>
}

export interface DialRefusal {
  readonly rule: "own-number" | "country" | SpecialKind
  /** One or two sentences for the client that requested the call. */
  readonly message: string
}

/** Matches numbers, without their `+`, that begin with one of these expressions. */
const prefixes = (...texts: ReadonlyArray<string>) => new RegExp(`^(?:${texts.join("|")})`)

/**
 * Ranges of special numbers by their prefix, for numbers of any length. The metadata has most of these ranges, too, but only for numbers
 * with the lengths that are in use today. Sources: the list of assigned country codes of ITU-T E.164, and the national numbering plans.
 */
const ranges: Readonly<Record<SpecialKind, RegExp>> = {
  premium: prefixes(
    "979",
    // North America: area code 900, and the exchange 976 of every area.
    "1900",
    "1[2-9]\\d\\d976\\d{4}$",
    "2[07]900",
    "3090[019]",
    "31(?:900|906|909)",
    "3290",
    "338[29]",
    "34(?:803|806|807|905|907)",
    "357900",
    "358(?:600|700)",
    "359900",
    "370900",
    "371(?:81|90)",
    "372900",
    "380900",
    "3856[01]",
    "38690",
    "3989[2459]",
    "41(?:900|901|906)",
    "42090",
    "421900",
    "43(?:900|901|930|931)",
    "449",
    "46(?:900|939|944)",
    "4782",
    "4870",
    "49(?:137|900)",
    "52900",
    "55900",
    "61190",
    "62809",
    "64900",
    "661900",
    "7(?:803|809)",
    "81990",
    "8260",
    "852900",
    "90(?:888|898|900)",
    "9721(?:90[0-2]|919)"
  ),
  "shared-cost": prefixes("808", "3381", "41(?:840|842|844|848)", "43(?:810|820|821)", "448[47]", "49180"),
  international: prefixes("870", "878", "881", "882", "883", "888")
}

const kindOfType = (type: NumberType): SpecialKind | undefined =>
  type === "PREMIUM_RATE" ? "premium" : type === "SHARED_COST" ? "shared-cost" : undefined

const kindOf = (number: PhoneNumber, type: NumberType): SpecialKind | undefined => {
  const digits = number.slice(1)
  return specialKinds.find((kind) => ranges[kind].test(digits)) ?? kindOfType(type)
}

const explanations: Readonly<Record<SpecialKind, string>> = {
  premium: "Premium-rate numbers are not dialled",
  "shared-cost": "Shared-cost numbers are not dialled",
  international: "Numbers of satellite networks, and of other networks without a country, are not dialled"
}

const ownNumberRefusal: DialRefusal = {
  rule: "own-number",
  message: "This number is the service's own, so the service would call itself (rule own-number). "
    + "Dial another number. TWILIO_PHONE_NUMBER and AGENT_NUMBERS list the service's own numbers."
}

const specialKindRefusal = (kind: SpecialKind): DialRefusal => ({
  rule: kind,
  message: `${explanations[kind]} (rule ${kind}). To allow them, add ${kind} to DIAL_ALSO and start the service again.`
})

const countryRefusal = (countries: ReadonlyArray<string>): DialRefusal => {
  const [country] = countries
  const toAllow = "and start the service again; without DIAL_COUNTRIES all countries may be dialled."
  return {
    rule: "country",
    message: countries.length === 1
      ? `The number belongs to ${country}, which is not in DIAL_COUNTRIES (rule country). To allow it, add ${country} ${toAllow}`
      : countries.length === 0
      ? "The number belongs to no country, and only the countries in DIAL_COUNTRIES may be dialled (rule country). To allow it, unset DIAL_COUNTRIES."
      : "The number may belong to any of several countries, and not all of them are in DIAL_COUNTRIES (rule country). "
        + `To allow it, add ${countries.join(", ")} ${toAllow}`
  }
}

/** Why a number may not be dialled; `None` for a number that may be dialled. */
export const refusal = (rules: DialRules, number: PhoneNumber): Option.Option<DialRefusal> => {
  if (rules.ownNumbers.has(number)) return Option.some(ownNumberRefusal)
  const parsed = parsePhoneNumberFromString(number, { extract: false })
  const kind = kindOf(number, parsed?.getType())
  if (kind !== undefined && !rules.allowedKinds.has(kind)) return Option.some(specialKindRefusal(kind))
  if (Option.isNone(rules.countries)) return Option.none()
  // Several countries share a calling code, such as +1. If the digits do not decide the country, all possible countries must be allowed.
  const countries: ReadonlyArray<string> = parsed === undefined
    ? []
    : parsed.country === undefined ? parsed.getPossibleCountries() : [parsed.country]
  const allowed = rules.countries.value
  // Numbers without a country pass only if `DIAL_ALSO` names their kind.
  const isAllowed = countries.length === 0 ? kind !== undefined : countries.every((country) => allowed.has(country))
  return isAllowed ? Option.none() : Option.some(countryRefusal(countries))
}

/** Wrong country codes that people often write, each with the right code. */
const misnamed: Readonly<Record<string, string>> = { UK: "GB", EN: "GB", EL: "GR" }

/** A text is not the code of a country with numbers of its own. `why` is a clause that names the text. */
class NotACountry extends Data.TaggedError("NotACountry")<{ readonly why: string }> {
  override get message() {
    return `${this.why}. Write country codes of two letters, such as US.`
  }
}

/** Reads country codes (ISO 3166, two letters, either case). Fails at the first wrong code. */
export const readCountries = (codes: ReadonlyArray<string>): Result.Result<ReadonlySet<string>, NotACountry> => {
  const countries = new Set<string>()
  for (const code of codes) {
    const country = code.toUpperCase()
    const rightCode = misnamed[country]
    if (rightCode !== undefined) return Result.fail(new NotACountry({ why: `${country} is not a country's code: write ${rightCode}` }))
    if (!isSupportedCountry(country)) {
      return Result.fail(new NotACountry({ why: `${JSON.stringify(code.slice(0, 20))} is not a country's code, or has no numbers of its own` }))
    }
    countries.add(country)
  }
  return Result.succeed(countries)
}
