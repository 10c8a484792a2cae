/**
 * A telephone number in E.164 form (ITU-T E.164: `+`, country code, subscriber number; 15 digits at most), parsed with libphonenumber's
 * metadata.
 *
 * A number is personal data, so it never appears in the text of a log line or an error.
 */
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString, validatePhoneNumberLength } from "libphonenumber-js/min"
import { Data, Effect, Option, Result, Schema, SchemaGetter, SchemaIssue } from "effect"

const isE164 = Schema.isPattern(/^\+[1-9]\d{1,14}$/, { expected: "a phone number in E.164 form, such as +14155550100" })

/** A number that is already in E.164 form. */
export const PhoneNumber = Schema.String.check(isE164).pipe(Schema.brand("PhoneNumber"))
export type PhoneNumber = typeof PhoneNumber.Type

// ---------------------------------------------------------------------------------------------
// What people write
// ---------------------------------------------------------------------------------------------

/**
 * The text is not a phone number. `why` continues a sentence that begins with "It". `why` may name a character of the text, but never the
 * number.
 */
class NotAPhoneNumber extends Data.TaggedError("NotAPhoneNumber")<{ readonly why: string }> {
  override get message() {
    return `It ${this.why}.`
  }
}

const refuse = (why: string) => Result.fail(new NotAPhoneNumber({ why }))

/** The longest written number, in characters. Invisible characters don't count. */
const maxLength = 64

/** Invisible characters that are copied along with a number: zero-width characters, direction marks, fillers. */
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]/gu

const isDigit = (codePoint: number) => /\p{Nd}/u.test(String.fromCodePoint(codePoint))

/** The ASCII digit for a decimal digit of any script. In Unicode the ten digits of a script stand in a row, from zero to nine. */
const asciiDigit = (digit: string): string => {
  const codePoint = digit.codePointAt(0) ?? 0
  let zero = codePoint
  while (isDigit(zero - 1)) zero--
  return String((codePoint - zero) % 10)
}

/**
 * The number in ASCII: each form of plus, dash, space, bracket, dot, slash and digit becomes the ASCII one. Invisible characters are left
 * out.
 */
const inAscii = (text: string): string =>
  text
    .replaceAll(invisible, "")
    .replaceAll(/[\uff0b\ufe62\u2795]/g, "+")
    .replaceAll(/[\p{Pd}\u2212\u02d7\u2043\u30fc\uff70]/gu, "-")
    .replaceAll(/[\s\p{Zs}]/gu, " ")
    .replaceAll(/[\uff08\uff3b[]/g, "(")
    .replaceAll(/[\uff09\uff3d\]]/g, ")")
    .replaceAll(/[\uff0e\u00b7\u30fb]/g, ".")
    .replaceAll(/[\uff0f\u2044]/g, "/")
    .replaceAll(/\p{Nd}/gu, asciiDigit)

/** A character as an error shows it: quoted with its code point, or the code point alone for an invisible character. */
const showCharacter = (character: string) => {
  const codePoint = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`
  return /[\p{C}\p{Z}\p{M}]/u.test(character) ? codePoint : `"${character}" (${codePoint})`
}

const extensionRefusal = "has an extension, and an extension can't be dialled"

/** The number of a `tel:` URI (RFC 3966). A local number gets the country code of its `phone-context`. */
const fromTelUri = (uri: string): Result.Result<string, NotAPhoneNumber> => {
  const decoded = Result.try(() => decodeURIComponent(uri.replace(/^tel:(?:\/\/)?/i, "")))
  if (Result.isFailure(decoded)) return refuse("is not a readable tel: URI")
  const [number, ...parameters] = decoded.success.split(";")
  let context = ""
  for (const parameter of parameters) {
    const [name, value = ""] = parameter.split("=", 2)
    switch (name.trim().toLowerCase()) {
      case "phone-context":
        context = value.trim()
        break
      case "ext":
        return refuse(extensionRefusal)
      default:
        return refuse("has an unknown parameter after the number")
    }
  }
  if (number.trim().startsWith("+") || context === "") return Result.succeed(number)
  return context.startsWith("+")
    ? Result.succeed(`${context} ${number}`)
    : refuse("is local to a phone-context that is not a country code")
}

/** Addresses that {@link read} refuses, although they may contain a number. {@link parseAddress} reads the ones that Twilio writes. */
const otherAddress = /^(sips?|whatsapp|client|callto|https?|mailto|sms):/i

/** Why the digits of a text are not a number. */
const lengthProblem = (text: string): string => {
  switch (validatePhoneNumberLength(text)) {
    case "TOO_SHORT":
      return "has too few digits"
    case "TOO_LONG":
      return "has too many digits"
    case "INVALID_COUNTRY":
      return "has a country code that no country has"
    default:
      return "is not a possible number of its country"
  }
}

/**
 * Parses a number as a person or a query string writes it.
 *
 * Spaces, dashes, dots, brackets and invisible characters are dropped. Digits of every script and `tel:` URIs are accepted. A leading space
 * counts as `+`, because an unescaped `+` in a query string arrives as a space.
 *
 * A country code is required. There is no default country, because a wrong guess would ring a stranger. For the same reason a text with an
 * extension, with letters or with a second number is refused, and is not shortened.
 */
export const read = (written: string): Result.Result<PhoneNumber, NotAPhoneNumber> => {
  // No number is longer, even with invisible characters between its digits.
  if (written.length > 4 * maxLength) return refuse("is too long for a number")
  const isUri = /^[\s\p{Cf}]*tel:/iu.test(written)
  const number = isUri ? fromTelUri(written.replaceAll(invisible, "").trim()) : Result.succeed(written)
  if (Result.isFailure(number)) return Result.fail(number.failure)
  const ascii = inAscii(number.success)
  const text = (/^ +[1-9]/.test(written) ? `+${ascii.trim()}` : ascii.trim())
    // Removes the brackets in `(+44) 20 …`.
    .replace(/^\(\s*(\+[\d\s]+)\)/, "$1 ")
  if (text === "") return refuse("is empty")
  const [, scheme] = otherAddress.exec(text) ?? []
  if (scheme !== undefined) return refuse(`is a ${scheme.toLowerCase()}: address, and not a telephone number alone`)
  if (text.length > maxLength) return refuse("is too long for a number")
  if (/[\d)] ?(?:[;,]? ?(?:ext|extn|extension)[.:=]?|x|#) ?\d+$/i.test(text)) return refuse(extensionRefusal)
  const unexpected = [...text].find((character) => !/[-+\d ()./~]/.test(character))
  if (unexpected !== undefined) return refuse(`contains ${showCharacter(unexpected)}, which is not part of a number`)
  if (text.startsWith("00")) return refuse("begins with 00: write + instead")
  if (!text.startsWith("+")) return refuse("has no country code: it must begin with +")
  if (text.includes("+", 1)) return refuse("has a second +")
  // `extract: false`: the whole text must be the number. Otherwise the library would search the text for a number.
  const parsed = parsePhoneNumberFromString(text, { extract: false })
  if (parsed === undefined || !parsed.isPossible()) return refuse(lengthProblem(text))
  if (parsed.ext !== undefined) return refuse(extensionRefusal)
  // Each parsing drops one national prefix ("0"). A number with two prefixes is not valid, and its meaning is not guessed.
  const again = parsePhoneNumberFromString(parsed.number, { extract: false })
  return again?.number === parsed.number && again.isPossible()
    ? Result.succeed(PhoneNumber.make(parsed.number))
    : refuse("is not a possible number of its country")
}

/** Like {@link read}, without the reason. */
export const parse = (text: string): Option.Option<PhoneNumber> => Result.getSuccess(read(text))

/** Whether the metadata has the numbers of this region (ISO 3166). */
export const isRegion = (region: string): boolean => isSupportedCountry(region)

/**
 * Whether the digits are a complete number of this region (ISO 3166): no further digit would make another valid number. Numbers of some
 * regions differ in length, so there a short valid number may be incomplete.
 */
export const isWhole = (digits: string, region: string): boolean => {
  if (!isSupportedCountry(region)) return false
  const country: CountryCode = region
  const number = parsePhoneNumberFromString(digits, country)
  if (number?.isPossible() !== true) return false
  if (number.isValid()) return Array.from("0123456789").every((digit) => parsePhoneNumberFromString(digits + digit, country)?.isValid() !== true)
  // The number is in no known range, but no number of the region is longer. A number with a leading zero belongs to another numbering plan.
  return !digits.startsWith("0") && validatePhoneNumberLength(`${digits}0`, country) === "TOO_LONG"
}

/**
 * The number in an address of Twilio's `From` and `To`: a number, `sip:+14155550100@example.com`, `whatsapp:+14155550100`. `None` for an
 * address without a number, such as `sip:alice@example.com`, and for `client:+14155550100`, where the text is a name.
 */
export const parseAddress = (text: string): Option.Option<PhoneNumber> => {
  const address = /^\s*(?:[^<>]*<)?\s*(sips?|whatsapp):([^<>]*)>?\s*$/i.exec(text)
  if (address === null) return parse(text)
  const [, scheme, userAndHost] = address
  // The user part of a SIP address, without host, parameters and password.
  const user = scheme.toLowerCase() === "whatsapp" ? userAndHost : userAndHost.replace(/@[^@]*$/, "").replace(/[:;?].*$/s, "")
  const decoded = Result.getOrElse(Result.try(() => decodeURIComponent(user)), () => "")
  // Digits without a plus are an extension of the SIP domain, not a number.
  return /^[^\d]*[+\uff0b]/.test(decoded) ? parse(decoded) : Option.none()
}

const expected = "a phone number with its country code, such as +14155550100"

/** Decodes free text into a {@link PhoneNumber}; see {@link read}. */
export const PhoneNumberFromText = Schema.String.pipe(
  Schema.decodeTo(PhoneNumber, {
    decode: SchemaGetter.transformEffect((text: string) =>
      Result.match(read(text), {
        onSuccess: Effect.succeed,
        onFailure: ({ why }) => Effect.fail(new SchemaIssue.InvalidValue({ expected: `${expected} (this ${why})` }))
      })
    ),
    encode: SchemaGetter.passthrough()
  })
).annotate({
  title: "PhoneNumber",
  description: "A phone number with its country code, best in E.164 form",
  examples: ["+14155550100" as PhoneNumber]
})
