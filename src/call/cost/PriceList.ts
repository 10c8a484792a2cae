/**
 * The operator's price list: Twilio's price for a minute, and each engine's prices for its units. `docs/costs.md` explains the file.
 *
 * An engine has separate prices for each stage, because one server may serve several stages. A `minute` of one stage is not a `minute` of
 * another. A stage has only the units that are counted for it.
 */
import { Schema } from "effect"
import { valueKind } from "../../agent/file/SchemaValues.ts"

/** The highest price. With this limit, all products and sums stay finite. */
const maxPrice = 1_000_000

const Price = valueKind(`a price from 0 to ${maxPrice}, such as 0.0085`, Schema.Number, (input) =>
  typeof input === "number" && input >= 0 && input <= maxPrice ? input : undefined)

const Currency = valueKind("a currency in three capital letters (ISO 4217), such as USD", Schema.String, (input) =>
  typeof input === "string" && /^[A-Z]{3}$/.test(input) ? input : undefined)

const optionalPrice = Schema.optionalKey(Price)

const optionalMinutePrice = Schema.optionalKey(Schema.Struct({ minute: Price }))

const EnginePrices = Schema.Struct({
  transcript: Schema.optionalKey(Schema.Struct({ request: optionalPrice, minute: optionalPrice })),
  reply: Schema.optionalKey(Schema.Struct({ request: optionalPrice, million_input_tokens: optionalPrice, million_output_tokens: optionalPrice })),
  speech: Schema.optionalKey(Schema.Struct({ request: optionalPrice, minute: optionalPrice, million_characters: optionalPrice }))
})

const PriceListSchema = Schema.Struct({
  currency: Currency,
  twilio: Schema.optionalKey(Schema.Struct({ inbound: optionalMinutePrice, outbound: optionalMinutePrice })),
  engines: Schema.optionalKey(Schema.Record(Schema.String, EnginePrices))
})
export type PriceList = typeof PriceListSchema.Type

/** Reports all issues, not only the first. An unknown key is an issue, too. */
export const decode = Schema.decodeUnknownResult(PriceListSchema, { errors: "all", onExcessProperty: "error" })
