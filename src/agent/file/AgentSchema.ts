/**
 * What an agent's file may hold, as a schema, and what is wrong with one in words that its writer understands.
 */
import { Effect, Option, Schema, SchemaGetter, SchemaIssue } from "effect"
import type { After } from "../../definition/DialogScript.ts"
import { AgentName } from "../../domain/AgentName.ts"
import * as PhoneNumber from "../../domain/PhoneNumber.ts"
import { suggest } from "../../domain/DidYouMean.ts"
import { isPhraseLine, type Path, type Problem, type Source } from "./YamlSource.ts"

/** The longest duration that a file may name, in ms: a day. */
const maxMillis = 86_400_000

// ---------------------------------------------------------------------------------------------
// What a file may hold
// ---------------------------------------------------------------------------------------------

/** A value that is read by a function; `undefined` is not what was expected. */
const value = <S extends Schema.ConstraintCodec<unknown, unknown>>(
  expected: string,
  schema: S,
  read: (value: unknown) => S["Encoded"] | undefined
) =>
  Schema.Unknown.pipe(
    Schema.decodeTo(schema, {
      decode: SchemaGetter.transformEffect((given: unknown) => {
        const found = read(given)
        return found === undefined ? Effect.fail(new SchemaIssue.InvalidValue({ expected })) : Effect.succeed(found)
      }),
      encode: SchemaGetter.passthrough({ strict: false })
    })
  )

const tidy = (text: string): string => text.replace(/\s+/g, " ").trim()

const readText = (given: unknown): string | undefined =>
  typeof given === "string" && given.trim() !== "" ? tidy(given) : undefined

const Text = value("a text (in quotes, if it looks like something else)", Schema.String, readText)
const MaybeText = value("a text; empty for none", Schema.String, (given) => given === null ? "" : typeof given === "string" ? tidy(given) : undefined)
const Instructions = value("a text", Schema.String, (given) => typeof given === "string" ? given.trim() : undefined)

const Texts = value("a text, or a list of texts", Schema.Array(Schema.String), (given) => {
  const list = Array.isArray(given) ? given.map(readText) : [readText(given)]
  return list.every((text) => text !== undefined) && list.length > 0 ? list : undefined
})

/** Phrases: a list, or one a line. An empty one is left to the checks, which know what it is for. */
const readPhrases = (given: unknown): ReadonlyArray<string> | undefined => {
  if (given === null) return []
  if (typeof given === "string") return phraseLines(given)
  if (!Array.isArray(given) || !given.every((phrase) => typeof phrase === "string")) return undefined
  return given.map(tidy)
}

const phraseLines = (text: string): ReadonlyArray<string> => text.split("\n").map(tidy).filter(isPhraseLine)

const phrasesExpected = "phrases: one a line below \"|\", or a list of texts in quotes"
const Phrases = value(phrasesExpected, Schema.Array(Schema.String), readPhrases)

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** ms. */
const Millis = value("a duration, such as 300ms, 8s or 2m (a bare number counts ms)", Schema.Number, (given) => {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(String(given).trim())
  if (match === null || (typeof given !== "string" && typeof given !== "number")) return undefined
  const millis = Number(match[1]) * units[(match[2] ?? "ms") as keyof typeof units]
  return millis > 0 && millis <= maxMillis ? millis : undefined
})

const Language = value("a language as two letters, such as en", Schema.String, (given) =>
  typeof given === "string" && /^[a-z]{2}$/.test(given) ? given : undefined)

const Region = value("a country as two capital letters, such as GB", Schema.String, (given) =>
  typeof given === "string" && PhoneNumber.isRegion(given) ? given : undefined)

const Name = value("an agent's name: a lower-case letter, then letters, digits, '-' or '_'", AgentName, (given) =>
  typeof given === "string" && /^[a-z][a-z0-9_-]{0,63}$/.test(given) ? given : undefined)

const Digits = value("keys of the telephone, such as \"1\"", Schema.String, (given) => {
  const keys = typeof given === "number" ? String(given) : given
  return typeof keys === "string" && /^[0-9*]{1,8}$/.test(keys) ? keys : undefined
})

const afters: Readonly<Record<string, After>> = {
  listen: "listen",
  "hang up": "hangUp",
  "start over": "startOver",
  repeat: "repeat",
  transfer: "transfer"
}

const Next = value(
  "one of: listen, hang up, start over, repeat, transfer",
  Schema.Literals(["listen", "hangUp", "startOver", "repeat", "transfer"]),
  (given) => typeof given === "string" && Object.hasOwn(afters, given) ? afters[given] : undefined
)

/** Unquoted, YAML takes it for a number and drops the `+`: what is left might be a stranger's. */
const Telephone = value("a phone number with its country code, in quotes, such as \"+14155550100\"", PhoneNumber.PhoneNumber, (given) =>
  typeof given === "string" ? Option.getOrUndefined(PhoneNumber.parse(given)) : undefined)

const WebUrl = value("a URL that begins with http:// or https://", Schema.String, (given) => {
  const url = typeof given === "string" ? URL.parse(given.trim()) : null
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined
})

/** As far as every server of language models wants it: an object, and its properties' names are its own. */
const isParameters = (given: unknown): given is { readonly [key: string]: Schema.Json } => {
  if (!isObject(given) || !isJson(given)) return false
  const { properties = {}, required = [], type = "object" } = given
  return type === "object" && isObject(properties) && Object.values(properties).every(isObject) && Array.isArray(required) &&
    required.every((name) => typeof name === "string" && Object.hasOwn(properties, name))
}

const isJson = Schema.is(Schema.Json)

const Parameters = value(
  "a JSON schema of an object: \"properties\", each with its schema, and \"required\", a list of some of their names",
  Schema.Record(Schema.String, Schema.Json),
  (given) => isParameters(given) ? given : undefined
)

const ToolEntry = Schema.Struct({
  description: Text,
  parameters: Schema.optionalKey(Parameters),
  url: WebUrl,
  timeout: Schema.optionalKey(Millis),
  repeatable: Schema.optionalKey(Schema.Boolean)
})

const SlotValues = value(
  "values: a list of them, or each with its ways to say it",
  Schema.Array(Schema.Struct({ value: Schema.String, ways: Schema.Array(Schema.String) })),
  (given) => {
    if (Array.isArray(given)) {
      return given.every((item) => typeof item === "string" || typeof item === "number")
        ? given.map((item) => ({ value: tidy(String(item)), ways: [tidy(String(item)).toLowerCase()] }))
        : undefined
    }
    if (typeof given !== "object" || given === null) return undefined
    const values = Object.entries(given).map(([value, ways]) => ({
      value: tidy(value),
      ways: ways === null ? [tidy(value).toLowerCase()] : readPhrases(ways)
    }))
    return values.every((value): value is { value: string; ways: Array<string> } => value.ways !== undefined) ? values : undefined
  }
)

const IntentEntry = Schema.Struct({
  phrases: Schema.optionalKey(Phrases),
  digits: Schema.optionalKey(Digits),
  needs: Schema.optionalKey(Schema.Record(Schema.String, Text)),
  confirm: Schema.optionalKey(Text),
  denied: Schema.optionalKey(Text),
  answer: Schema.optionalKey(Texts),
  yes: Schema.optionalKey(Text),
  no: Schema.optionalKey(Text),
  next: Schema.optionalKey(Next),
  transfer: Schema.optionalKey(Text)
})

const SlotEntry = Schema.Struct({ values: SlotValues, phrases: Schema.optionalKey(Phrases) })

/** A text, or keys below it. */
const GreetingEntry = value(
  "a text, or keys below it: \"text\" and \"interruptible\"",
  Schema.Struct({ text: Schema.optionalKey(MaybeText), interruptible: Schema.optionalKey(Schema.Boolean) }),
  (given) => isObject(given) ? given : given === null || typeof given === "string" ? { text: given } : undefined
)

export const File = Schema.Struct({
  name: Name,
  language: Schema.optionalKey(Language),
  region: Schema.optionalKey(Region),
  voice: Schema.optionalKey(Text),
  instructions: Schema.optionalKey(Instructions),
  greeting: Schema.optionalKey(GreetingEntry),
  lines: Schema.optionalKey(Schema.Struct({
    idle: Schema.optionalKey(Text),
    idleGoodbye: Schema.optionalKey(Text),
    apology: Schema.optionalKey(Text),
    failure: Schema.optionalKey(Text),
    timeIsUp: Schema.optionalKey(Text),
    transferFailed: Schema.optionalKey(Text),
    hold: Schema.optionalKey(MaybeText)
  })),
  prompt: Schema.optionalKey(Text),
  intents: Schema.optionalKey(Schema.Record(Schema.String, IntentEntry)),
  slots: Schema.optionalKey(Schema.Record(Schema.String, SlotEntry)),
  yes: Schema.optionalKey(Phrases),
  no: Schema.optionalKey(Phrases),
  notUnderstood: Schema.optionalKey(Schema.Struct({
    first: Schema.optionalKey(Text),
    second: Schema.optionalKey(Text),
    third: Schema.optionalKey(Text),
    next: Schema.optionalKey(Text)
  })),
  endpointing: Schema.optionalKey(Schema.Struct({
    silence: Schema.optionalKey(Millis),
    complete: Schema.optionalKey(Millis),
    trailing: Schema.optionalKey(Millis),
    speculate: Schema.optionalKey(Millis),
    dictation: Schema.optionalKey(Millis)
  })),
  interruption: Schema.optionalKey(Schema.Struct({
    minSpeech: Schema.optionalKey(Millis),
    backchannels: Schema.optionalKey(Phrases)
  })),
  idle: Schema.optionalKey(Schema.Struct({
    after: Schema.optionalKey(Millis),
    hangUpAfter: Schema.optionalKey(Millis),
    hold: Schema.optionalKey(Millis)
  })),
  timeouts: Schema.optionalKey(Schema.Struct({
    transcript: Schema.optionalKey(Millis),
    reply: Schema.optionalKey(Millis),
    speech: Schema.optionalKey(Millis)
  })),
  fillers: Schema.optionalKey(Schema.Struct({ after: Schema.optionalKey(Millis), lines: Schema.optionalKey(Texts) })),
  transfers: Schema.optionalKey(Schema.Record(Schema.String, Telephone)),
  tools: Schema.optionalKey(Schema.Record(Schema.String, ToolEntry)),
  maxDuration: Schema.optionalKey(Millis)
})
export type File = typeof File.Type

export const decode = Schema.decodeUnknownResult(File, { errors: "all", onExcessProperty: "error" })

// ---------------------------------------------------------------------------------------------
// The schema's issues
// ---------------------------------------------------------------------------------------------

export interface Flaw {
  readonly path: Path
  readonly problem: "unknown" | "missing" | "wrong"
  readonly detail: string
}

const inWords: Readonly<Record<string, string>> = { Objects: "keys with values below it", Arrays: "a list", String: "a text", Number: "a number", Boolean: "true or false" }

export const flaws = (issue: SchemaIssue.Issue, path: Path): ReadonlyArray<Flaw> => {
  switch (issue._tag) {
    case "Pointer":
      return flaws(issue.issue, [...path, ...issue.path])
    case "Composite":
      return issue.issues.flatMap((inner) => flaws(inner, path))
    case "Encoding":
    case "Filter":
      return flaws(issue.issue, path)
    case "UnexpectedKey": {
      const known = issue.ast._tag === "Objects" ? issue.ast.propertySignatures.map(({ name }) => String(name)) : []
      return [{ path, problem: "unknown", detail: suggest(String(path.at(-1)), known) }]
    }
    case "MissingKey":
      return [{ path, problem: "missing", detail: "" }]
    case "InvalidValue": {
      const expected: unknown = issue.annotations?.["expected"]
      return [{ path, problem: "wrong", detail: typeof expected === "string" ? expected : "something else" }]
    }
    case "InvalidType":
      return [{ path, problem: "wrong", detail: inWords[issue.ast._tag] ?? "something else" }]
    default:
      return [{ path, problem: "wrong", detail: "something else" }]
  }
}

/** A path as people write it: `intents.book.needs`. */
export const nameOf = (path: Path): string => path.map((step, index) => typeof step === "number" ? `[${step + 1}]` : `${index === 0 ? "" : "."}${String(step)}`).join("")

export const explain = ({ detail, path, problem }: Flaw, { place }: Source): Problem => {
  switch (problem) {
    case "unknown":
      return { ...place(path, "key"), message: `There is no key "${String(path.at(-1))}"${path.length > 1 ? ` in "${nameOf(path.slice(0, -1))}"` : ""}. ${detail}` }
    case "missing":
      return { ...place(path.slice(0, -1), "key"), message: `"${nameOf(path)}" is missing. Add it.` }
    case "wrong":
      return { ...place(path), message: path.length === 0 ? "An agent's file consists of keys with values, such as \"name: receptionist\"." : `"${nameOf(path)}" must be ${detail}.` }
  }
}

/** The data without what is wrong with it, so that the rest can be checked too. */
export const without = (data: unknown, path: Path): unknown => {
  const [first, ...rest] = path
  if (first === undefined || typeof data !== "object" || data === null || Array.isArray(data)) return data
  const { [first as string]: inner, ...others } = data as Record<string, unknown>
  return rest.length === 0 || (path.length <= 2 && inner === undefined)
    ? others
    : { ...others, [first as string]: without(inner, rest) }
}

/** How much is left out because of a flaw: one key; of a slot, all of it, as it is nothing without its values. */
export const extent = ({ path, problem }: Flaw): Path => problem === "unknown" ? path : path.slice(0, path[0] === "intents" ? 3 : 2)

export const isObject = (given: unknown): given is Record<string, unknown> =>
  typeof given === "object" && given !== null && !Array.isArray(given)
