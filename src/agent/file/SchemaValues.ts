/**
 * The kinds of values in an agent file: texts, phrases, durations, phone numbers and so on.
 *
 * Each kind has the end of the sentence `"KEY" must be …`, which the file's author reads when the value is wrong.
 */
import { Effect, Option, Schema, SchemaGetter, SchemaIssue } from "effect"
import { isTextLine } from "../../config/yaml/YamlPlaces.ts"
import { isObject } from "../../config/yaml/YamlSource.ts"
import type { AfterAnswer } from "../../definition/DialogScript.ts"
import { AgentName } from "../../domain/AgentName.ts"
import * as PhoneNumber from "../../domain/PhoneNumber.ts"

/** The longest duration that a file may name, in ms: a day. */
const maxDurationMillis = 86_400_000

/** A kind of value that `read` converts. If `read` returns `undefined`, the value is wrong, and the error says what was `expected`. */
export const valueKind = <S extends Schema.ConstraintCodec<unknown, unknown>>(
  expected: string,
  schema: S,
  read: (value: unknown) => S["Encoded"] | undefined
) =>
  Schema.Unknown.pipe(
    Schema.decodeTo(schema, {
      decode: SchemaGetter.transformEffect((input: unknown) => {
        const found = read(input)
        return found === undefined ? Effect.fail(new SchemaIssue.InvalidValue({ expected })) : Effect.succeed(found)
      }),
      encode: SchemaGetter.passthrough({ strict: false })
    })
  )

// -- Texts --------------------------------------------------------------------------------------

const withSingleBlanks = (text: string): string => text.replace(/\s+/g, " ").trim()

const readText = (input: unknown): string | undefined =>
  typeof input === "string" && input.trim() !== "" ? withSingleBlanks(input) : undefined

export const Text = valueKind("a text (in quotes, if it looks like something else)", Schema.String, readText)

export const TextOrEmpty = valueKind(
  "a text, or empty to say nothing",
  Schema.String,
  (input) => input === null ? "" : typeof input === "string" ? withSingleBlanks(input) : undefined
)

/** Line breaks are kept, since they mean something to a language model. */
export const Instructions = valueKind("a text", Schema.String, (input) => typeof input === "string" ? input.trim() : undefined)

export const Texts = valueKind("a text, or a list of texts", Schema.Array(Schema.String), (input) => {
  const list = Array.isArray(input) ? input.map(readText) : [readText(input)]
  return list.every((text) => text !== undefined) && list.length > 0 ? list : undefined
})

// -- Phrases ------------------------------------------------------------------------------------

const phraseLines = (text: string): ReadonlyArray<string> => text.split("\n").map(withSingleBlanks).filter(isTextLine)

/** A list, or a block with one phrase on each line. An empty phrase is not an error here; `PhraseChecker` reports it. */
const readPhrases = (input: unknown): ReadonlyArray<string> | undefined => {
  if (input === null) return []
  if (typeof input === "string") return phraseLines(input)
  if (!Array.isArray(input) || !input.every((phrase) => typeof phrase === "string")) return undefined
  return input.map(withSingleBlanks)
}

export const Phrases = valueKind("phrases, one on each line below \"|\" or in a list of texts in quotes", Schema.Array(Schema.String), readPhrases)

/** The values of a slot. `ways`: the phrases with which callers say the value. In a plain list each value is its own phrase. */
export const SlotValues = valueKind(
  "a list of values, or each value with its phrases",
  Schema.Array(Schema.Struct({ value: Schema.String, ways: Schema.Array(Schema.String) })),
  (input) => {
    if (Array.isArray(input)) {
      return input.every((item) => typeof item === "string" || typeof item === "number")
        ? input.map((item) => ({ value: withSingleBlanks(String(item)), ways: [withSingleBlanks(String(item)).toLowerCase()] }))
        : undefined
    }
    if (typeof input !== "object" || input === null) return undefined
    const values = Object.entries(input).map(([value, ways]) => ({
      value: withSingleBlanks(value),
      ways: ways === null ? [withSingleBlanks(value).toLowerCase()] : readPhrases(ways)
    }))
    return values.every((value): value is { value: string; ways: Array<string> } => value.ways !== undefined) ? values : undefined
  }
)

// -- Settings -----------------------------------------------------------------------------------

const millisOfUnit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** A duration in ms: above 0, at most a day. */
export const Millis = valueKind("a duration, such as 300ms, 8s or 2m (a number without a unit is in ms)", Schema.Number, (input) => {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(String(input).trim())
  if (match === null || (typeof input !== "string" && typeof input !== "number")) return undefined
  const millis = Number(match[1]) * millisOfUnit[(match[2] ?? "ms") as keyof typeof millisOfUnit]
  return millis > 0 && millis <= maxDurationMillis ? millis : undefined
})

/** A language code of ISO 639-1. */
export const Language = valueKind("a language as two letters, such as en", Schema.String, (input) =>
  typeof input === "string" && /^[a-z]{2}$/.test(input) ? input : undefined)

/** A country code of ISO 3166-1 alpha-2. */
export const Region = valueKind("a country as two capital letters, such as GB", Schema.String, (input) =>
  typeof input === "string" && PhoneNumber.isRegion(input) ? input : undefined)

const isAgentName = Schema.is(AgentName)

export const Name = valueKind("an agent's name: a lower-case letter, then letters, digits, '-' or '_'", AgentName, (input) =>
  isAgentName(input) ? input : undefined)

export const Digits = valueKind("keys of the telephone, such as \"1\"", Schema.String, (input) => {
  const keys = typeof input === "number" ? String(input) : input
  return typeof keys === "string" && /^[0-9*]{1,8}$/.test(keys) ? keys : undefined
})

/** The steps after an answer. The keys are the words for them in an agent file. */
const nextSteps: Readonly<Record<string, AfterAnswer>> = {
  listen: "listen",
  "hang up": "hangUp",
  "start over": "startOver",
  repeat: "repeat",
  transfer: "transfer"
}

export const Next = valueKind(
  "one of: listen, hang up, start over, repeat, transfer",
  Schema.Literals(["listen", "hangUp", "startOver", "repeat", "transfer"]),
  (input) => typeof input === "string" && Object.hasOwn(nextSteps, input) ? nextSteps[input] : undefined
)

/** A phone number must be in quotes. YAML reads a bare `+14155550100` as a number without the `+`, which may be a stranger's phone number. */
export const Telephone = valueKind("a phone number with its country code, in quotes, such as \"+14155550100\"", PhoneNumber.PhoneNumber, (input) =>
  typeof input === "string" ? Option.getOrUndefined(PhoneNumber.parse(input)) : undefined)

export const WebUrl = valueKind("a URL that begins with http:// or https://", Schema.String, (input) => {
  const url = typeof input === "string" ? URL.parse(input.trim()) : null
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined
})

const isJson = Schema.is(Schema.Json)

/** Whether the input is the JSON schema of an object, and declares all properties that it requires. Every language model server accepts such a schema. */
const isToolParameters = (input: unknown): input is { readonly [key: string]: Schema.Json } => {
  if (!isObject(input) || !isJson(input)) return false
  const { properties = {}, required = [], type = "object" } = input
  return type === "object" && isObject(properties) && Object.values(properties).every(isObject) && Array.isArray(required) &&
    required.every((name) => typeof name === "string" && Object.hasOwn(properties, name))
}

export const ToolParameters = valueKind(
  "a JSON schema of an object: \"properties\", each with its schema, and \"required\", a list of some of their names",
  Schema.Record(Schema.String, Schema.Json),
  (input) => isToolParameters(input) ? input : undefined
)
