/**
 * The kinds of values that several variables share: durations, addresses, lists, numbers and secrets.
 */
import { Duration, Effect, Schema, SchemaGetter, SchemaIssue } from "effect"
import * as Environment from "../Environment.ts"
import { optional, withDefault } from "./Variable.ts"

// -- Durations ----------------------------------------------------------------------------------

const millisOfUnit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** A duration such as `30`, `30s`, `500ms`, `2m` or `1h`. A number without a unit is in seconds. */
export const DurationText = Schema.String.pipe(
  Schema.decodeTo(Schema.Duration, {
    decode: SchemaGetter.transformEffect((text: string) => {
      const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim())
      return match === null
        ? Effect.fail(new SchemaIssue.InvalidValue({ expected: "a duration" }))
        : Effect.succeed(Duration.millis(Number(match[1]) * millisOfUnit[(match[2] ?? "s") as keyof typeof millisOfUnit]))
    }),
    encode: SchemaGetter.transform((duration: Duration.Duration) => `${Duration.toMillis(duration)}ms`)
  })
)

/** The longest duration. No setting needs more. Node's timers last 24 days at most: a longer timer would fire at once. */
const maxDuration = Duration.days(1)

const minimums = { "from 0": Duration.zero, "above 0": Duration.millis(1), "from 1s": Duration.seconds(1) } as const

export const duration = (from: keyof typeof minimums, fallback: Duration.Input, example: string) =>
  withDefault(
    DurationText.check(Schema.makeFilter((value) => Duration.between(value, { minimum: minimums[from], maximum: maxDuration }))),
    Duration.fromInputUnsafe(fallback),
    `a duration ${from} to 24h, such as 30s, 500ms or 2m (a number without a unit is in seconds)`,
    example
  )

// -- Addresses ----------------------------------------------------------------------------------

/** An `http` or `https` address without credentials, query and fragment. Its trailing slash is removed. */
export const HttpUrl = Schema.String.pipe(
  Schema.decodeTo(Schema.URL, {
    decode: SchemaGetter.transformEffect((text: string) => {
      const url = URL.parse(text.trim().replace(/\/+$/, ""))
      // The text is checked, too: `URL` keeps a `?` or `#` at the end of the address, although its query and fragment are empty.
      return url !== null && /^https?:$/.test(url.protocol) && !/[?#]/.test(text) && url.username === "" && url.password === ""
        ? Effect.succeed(url)
        : Effect.fail(new SchemaIssue.InvalidValue({ expected: "an http or https URL" }))
    }),
    encode: SchemaGetter.transform((url: URL) => url.href)
  })
)

export const url = (example: string) => optional(HttpUrl, "an http or https URL without a query", example)

// -- Texts and lists ----------------------------------------------------------------------------

export const text = (expected: string, example: string) => optional(Schema.NonEmptyString, expected, example)

/** The items between commas, trimmed. Empty items are left out. */
export const splitList = (list: string): ReadonlyArray<string> =>
  list.split(",").map(Environment.trim).filter((item) => item.length > 0)

/** A list: items with commas between. */
export const List = Schema.String.pipe(
  Schema.decodeTo(Schema.Array(Schema.String), {
    decode: SchemaGetter.transform(splitList),
    encode: SchemaGetter.transform((items: ReadonlyArray<string>) => items.join(","))
  })
)

export const NonEmptyList = List.pipe(Schema.check(Schema.isMinLength(1)))

export const NonEmptySecrets = NonEmptyList.pipe(Schema.decodeTo(Schema.NonEmptyArray(Schema.RedactedFromValue(Schema.String))))

// -- Switches -----------------------------------------------------------------------------------

const words = { on: true, off: false } as const

/** `on` or `off`. */
export const Switch = Schema.Literals(["on", "off"]).pipe(
  Schema.decodeTo(Schema.Boolean, {
    decode: SchemaGetter.transform((word: keyof typeof words) => words[word]),
    encode: SchemaGetter.transform((isOn: boolean) => isOn ? "on" as const : "off" as const)
  })
)

/** The example is the value that is not the default, since nobody needs to set the default. */
export const onOrOff = (fallback: keyof typeof words) => withDefault(Switch, words[fallback], "on or off", fallback === "on" ? "off" : "on")

// -- Numbers ------------------------------------------------------------------------------------

/** A whole number between two bounds, both included. */
export const Whole = (minimum: number, maximum: number) =>
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))

export const count = (minimum: number, maximum: number, fallback: number) =>
  withDefault(Whole(minimum, maximum), fallback, `a whole number from ${minimum} to ${maximum}`, String(fallback))

export const optionalCount = (minimum: number, maximum: number, example: string) =>
  optional(Whole(minimum, maximum), `a whole number from ${minimum} to ${maximum}`, example)
