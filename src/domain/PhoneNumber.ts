/**
 * A telephone number in E.164 form (ITU-T E.164: `+`, country code, subscriber number; 15 digits at
 * most), parsed by libphonenumber's metadata.
 *
 * A number is personal data: it is never written into the text of a log or an error.
 */
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString, validatePhoneNumberLength } from "libphonenumber-js/min"
import { Effect, Option, Result, Schema, SchemaGetter, SchemaIssue } from "effect"

const isE164 = Schema.isPattern(/^\+[1-9]\d{1,14}$/, { expected: "a phone number in E.164 form, such as +14155550100" })

/** A number that is already in E.164 form. */
export const PhoneNumber = Schema.String.check(isE164).pipe(Schema.brand("PhoneNumber"))
export type PhoneNumber = typeof PhoneNumber.Type

// ---------------------------------------------------------------------------------------------
// What people write
// ---------------------------------------------------------------------------------------------

const maxLength = 64

/** Characters without a shape, which come along when a number is copied: zero-width ones, marks of direction, fillers. */
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]/gu

const isDigit = (codePoint: number) => /\p{Nd}/u.test(String.fromCodePoint(codePoint))

/** The ASCII digit of a decimal digit of any script. Unicode has them in runs of ten, from zero to nine. */
const asciiDigit = (digit: string): string => {
  const codePoint = digit.codePointAt(0) ?? 0
  let zero = codePoint
  while (isDigit(zero - 1)) zero--
  return String((codePoint - zero) % 10)
}

/** The same number in ASCII: every plus, dash, space, bracket, dot and digit as the usual one. */
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

const named = (character: string) => {
  const codePoint = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`
  return /[\p{C}\p{Z}\p{M}]/u.test(character) ? codePoint : `"${character}" (${codePoint})`
}

const extension = "has an extension, and an extension can't be dialled"

/** The number of a `tel:` URI (RFC 3966): a global one, or a local one with the country that it is local to. */
const fromTelUri = (uri: string): Result.Result<string, string> => {
  const decoded = Result.try(() => decodeURIComponent(uri.replace(/^tel:(?:\/\/)?/i, "")))
  if (Result.isFailure(decoded)) return Result.fail("is no readable tel: URI")
  const [number, ...parameters] = decoded.success.split(";")
  let context = ""
  for (const parameter of parameters) {
    const [name, value = ""] = parameter.split("=", 2)
    switch (name.trim().toLowerCase()) {
      case "phone-context":
        context = value.trim()
        break
      case "ext":
        return Result.fail(extension)
      default:
        return Result.fail("has a parameter behind the number that is not understood")
    }
  }
  if (number.trim().startsWith("+") || context === "") return Result.succeed(number)
  return context.startsWith("+")
    ? Result.succeed(`${context} ${number}`)
    : Result.fail("is local to a phone-context that is no country code")
}

/** Why a text that looks like a number is none. */
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
 * Parses what a person or a query string wrote, or tells what is odd in it: the end of a sentence that begins with "It". The
 * reason names characters, and never the number.
 *
 * Spaces, dashes, dots and brackets are dropped, invisible characters too; digits of every script are digits; a `tel:` URI
 * is its number. A `+` that arrived as a space (an unescaped query string) is meant as `+`.
 *
 * A country code is required; there is no default country, since a wrong guess would ring a stranger. For the same reason
 * nothing that could be part of a number is dropped: an extension, letters, a second number.
 */
export const read = (written: string): Result.Result<PhoneNumber, string> => {
  if (written.length > 4 * maxLength) return Result.fail("is too long for a number")
  const isUri = /^[\s\p{Cf}]*tel:/iu.test(written)
  const number = isUri ? fromTelUri(written.replaceAll(invisible, "").trim()) : Result.succeed(written)
  if (Result.isFailure(number)) return Result.fail(number.failure)
  const ascii = inAscii(number.success)
  const text = (/^ +[1-9]/.test(written) ? `+${ascii.trim()}` : ascii.trim())
    // `(+44) 20 …`
    .replace(/^\(\s*(\+[\d\s]+)\)/, "$1 ")
  if (text === "") return Result.fail("is empty")
  if (text.length > maxLength) return Result.fail("is too long for a number")
  if (/[\d)] ?(?:[;,]? ?(?:ext|extn|extension)[.:=]?|x|#) ?\d+$/i.test(text)) return Result.fail(extension)
  const odd = [...text].find((character) => !/[-+\d ()./~]/.test(character))
  if (odd !== undefined) return Result.fail(`holds ${named(odd)}, which is no part of a number`)
  if (text.startsWith("00")) return Result.fail("begins with 00: write + instead")
  if (!text.startsWith("+")) return Result.fail("has no country code: it must begin with +")
  if (text.includes("+", 1)) return Result.fail("has a second +")
  // All of the text is the number: by itself the library would search the text for one.
  const parsed = parsePhoneNumberFromString(text, { extract: false })
  if (parsed === undefined || !parsed.isPossible()) return Result.fail(lengthProblem(text))
  if (parsed.ext !== undefined) return Result.fail(extension)
  // A national prefix ("0") that was written twice loses one each time: nobody's number, and not to be guessed at.
  const again = parsePhoneNumberFromString(parsed.number, { extract: false })
  return again?.number === parsed.number && again.isPossible()
    ? Result.succeed(PhoneNumber.make(parsed.number))
    : Result.fail("is not a possible number of its country")
}

/** The number, if what was written is one; see {@link read}. */
export const parse = (text: string): Option.Option<PhoneNumber> => Result.getSuccess(read(text))

/** Whether numbers of this region (ISO 3166) are known. */
export const isRegion = (region: string): boolean => isSupportedCountry(region)

/**
 * Whether digits are a whole number of this region (ISO 3166), to which none could be added. Where numbers differ in length, a
 * shorter one is none: more may follow.
 */
export const isWhole = (digits: string, region: string): boolean => {
  if (!isSupportedCountry(region)) return false
  const country: CountryCode = region
  const number = parsePhoneNumberFromString(digits, country)
  if (number?.isPossible() !== true) return false
  if (number.isValid()) return Array.from("0123456789").every((digit) => parsePhoneNumberFromString(digits + digit, country)?.isValid() !== true)
  // Nobody's number, as far as is known, but as long as numbers are there; a zero before it is of another plan.
  return !digits.startsWith("0") && validatePhoneNumberLength(`${digits}0`, country) === "TOO_LONG"
}

/**
 * The number of an address as Twilio names the parties of a call: a number, `sip:+14155550100@example.com`, `whatsapp:+14155550100`.
 * None for an address without a number in it, such as `sip:alice@example.com` and `client:+14155550100`, whose name is not a number.
 */
export const parseAddress = (text: string): Option.Option<PhoneNumber> => {
  const address = /^\s*(?:[^<>]*<)?\s*(sips?|whatsapp):([^<>]*)>?\s*$/i.exec(text)
  if (address === null) return parse(text)
  const [, scheme, rest] = address
  // Of a SIP address: what stands before the host, its parameters and a password.
  const user = scheme.toLowerCase() === "whatsapp" ? rest : rest.replace(/@[^@]*$/, "").replace(/[:;?].*$/s, "")
  const decoded = Result.getOrElse(Result.try(() => decodeURIComponent(user)), () => "")
  // Without its plus it is a number of the SIP domain's own plan.
  return /^[^\d]*[+\uff0b]/.test(decoded) ? parse(decoded) : Option.none()
}

const expected = "a phone number with its country code, such as +14155550100"

/** Decodes free text into a {@link PhoneNumber}; see {@link read}. */
export const PhoneNumberFromText = Schema.String.pipe(
  Schema.decodeTo(PhoneNumber, {
    decode: SchemaGetter.transformEffect((text: string) =>
      Result.match(read(text), {
        onSuccess: Effect.succeed,
        onFailure: (oddity) => Effect.fail(new SchemaIssue.InvalidValue({ expected: `${expected} (this ${oddity})` }))
      })
    ),
    encode: SchemaGetter.passthrough()
  })
).annotate({
  title: "PhoneNumber",
  description: "A phone number with its country code, best in E.164 form",
  examples: ["+14155550100" as PhoneNumber]
})
