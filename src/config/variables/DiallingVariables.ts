/**
 * The variables that say which numbers may be dialled, and how often in a day.
 */
import { Effect, Option, Result, Schema, SchemaGetter, SchemaIssue } from "effect"
import * as DialRules from "../../domain/DialRules.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import { List, NonEmptyList, optionalCount, splitList } from "./Values.ts"
import { optional, type ValuesOf, withDefault } from "./Variable.ts"

/** Countries as two-letter codes; see {@link DialRules.readCountries}. */
const CountriesText = NonEmptyList.pipe(
  Schema.decodeTo(Schema.Array(Schema.String), {
    decode: SchemaGetter.transformEffect((codes: ReadonlyArray<string>) =>
      Result.match(DialRules.readCountries(codes), {
        onSuccess: (countries) => Effect.succeed([...countries]),
        onFailure: () => Effect.fail(new SchemaIssue.InvalidValue({ expected: "country codes" }))
      })
    ),
    encode: SchemaGetter.passthrough()
  })
)

const SpecialKinds = List.pipe(Schema.decodeTo(Schema.Array(Schema.Literals(DialRules.specialKinds))))

export const diallingVariables = {
  DIAL_COUNTRIES: optional(
    CountriesText,
    "countries by their codes of two letters (ISO 3166), with commas between",
    "US,CA,GB",
    (value) => Option.map(Result.getFailure(DialRules.readCountries(splitList(value))), ({ why }) => why)
  ),
  DIAL_ALSO: withDefault(SpecialKinds, [], `one or more of ${DialRules.specialKinds.join(", ")}, with commas between`, "shared-cost"),
  DIAL_MAX_PER_DAY: optionalCount(1, 1_000_000, "500"),
  DIAL_MAX_PER_NUMBER: optionalCount(1, 10_000, "3")
} as const

/** Both limits are numbers of calls in 24 hours. `None`: no limit. */
export interface DiallingSettings {
  readonly rules: DialRules.DialRules
  readonly maxPerDay: Option.Option<number>
  readonly maxPerNumber: Option.Option<number>
}

/** `ownNumbers`: the numbers at which the service itself answers. */
export const diallingSettings = (values: ValuesOf<typeof diallingVariables>, ownNumbers: ReadonlyArray<PhoneNumber>): DiallingSettings => ({
  rules: {
    countries: Option.map(values.DIAL_COUNTRIES, (codes) => new Set(codes)),
    allowedKinds: new Set(values.DIAL_ALSO),
    ownNumbers: new Set(ownNumbers)
  },
  maxPerDay: values.DIAL_MAX_PER_DAY,
  maxPerNumber: values.DIAL_MAX_PER_NUMBER
})
