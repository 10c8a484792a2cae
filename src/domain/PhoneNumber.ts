/**
 * A telephone number in E.164 form (ITU-T E.164: `+`, country code, subscriber number; 15 digits at
 * most), parsed by libphonenumber's metadata.
 *
 * A number is personal data: it is never written into the text of a log or an error.
 */
import { parsePhoneNumberFromString } from "libphonenumber-js/min"
import { Effect, Option, Schema, SchemaGetter, SchemaIssue } from "effect"

const isE164 = Schema.isPattern(/^\+[1-9]\d{1,14}$/, { expected: "a phone number in E.164 form, such as +14155550100" })

/** A number that is already in E.164 form. */
export const PhoneNumber = Schema.String.check(isE164).pipe(Schema.brand("PhoneNumber"))
export type PhoneNumber = typeof PhoneNumber.Type

/**
 * Parses what a person or a query string wrote: spaces, dashes and brackets are dropped, and a `+`
 * that arrived as a space (an unescaped query string) is meant as `+`.
 *
 * A country code is required; there is no default country, since a wrong guess would ring a stranger.
 */
export const parse = (text: string): Option.Option<PhoneNumber> => {
  const international = /^\s+[1-9]/.test(text) ? `+${text.trim()}` : text.trim()
  if (!international.startsWith("+") || international.length > 64) return Option.none()
  // All of the text is the number: by itself the library would search the text for one.
  const parsed = parsePhoneNumberFromString(international, { extract: false })
  if (parsed === undefined || !parsed.isPossible() || parsed.ext !== undefined) return Option.none()
  // A national prefix ("0") that was written twice loses one each time: nobody's number, and not to be guessed at.
  const again = parsePhoneNumberFromString(parsed.number, { extract: false })
  return again?.number === parsed.number && again.isPossible() ? Option.some(PhoneNumber.make(parsed.number)) : Option.none()
}

/** Decodes free text into a {@link PhoneNumber}; see {@link parse}. */
export const PhoneNumberFromText = Schema.String.pipe(
  Schema.decodeTo(PhoneNumber, {
    decode: SchemaGetter.transformEffect((text: string) =>
      Option.match(parse(text), {
        onSome: Effect.succeed,
        onNone: () =>
          Effect.fail(
            new SchemaIssue.InvalidValue({ expected: "a phone number with its country code, such as +14155550100" })
          )
      })
    ),
    encode: SchemaGetter.passthrough()
  })
).annotate({
  title: "PhoneNumber",
  description: "A phone number with its country code, best in E.164 form",
  examples: ["+14155550100" as PhoneNumber]
})
