/**
 * An agent's file: YAML, read into a persona. `docs/agents.md` explains it to those who write one.
 *
 * Everything that is wrong with a file is reported at once, each with its line and what to do: keys, types,
 * phrases, names of slots and intents, and what the engines can't say or hear.
 */
import { Array, Context, Data, Duration, Effect, FileSystem, Layer, Result, Schema, SchemaGetter, SchemaIssue } from "effect"
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from "yaml"
import { AppConfig } from "../config/AppConfig.ts"
import type { EngineFailed } from "../conversation/Engine.ts"
import type { Persona } from "../conversation/Persona.ts"
import * as Phrase from "../conversation/Phrase.ts"
import { type After, type Intent, type Script, type Slot, slotsIn } from "../conversation/Script.ts"
import { type Hints, SpeechToText } from "../conversation/SpeechToText.ts"
import { TextToSpeech } from "../conversation/TextToSpeech.ts"
import { AgentName } from "../domain/AgentName.ts"
import * as Defaults from "./Defaults.ts"

/** The largest file that is read, in bytes. */
export const maxBytes = 262_144

/** How often the aliases of a file may be followed: enough to write a thing once, too few for a bomb. */
const maxAliases = 100

/** The longest phrase, in characters: notation nests, and each level costs. */
const maxPhrase = 400

/** The longest duration that a file may name, in ms: a day. */
const maxMillis = 86_400_000

/** Problems of one file that its error's message tells. */
const shown = 50

export interface Problem {
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly message: string
}

/** All that is wrong with a file: one line each, fit to be shown to whoever wrote it. */
export class AgentFileInvalid extends Data.TaggedError("AgentFileInvalid")<{
  readonly file: string
  readonly problems: Array.NonEmptyReadonlyArray<Problem>
}> {
  override get message() {
    const lines = this.problems.slice(0, shown).map(({ column, line, message }) => `${this.file}:${line}:${column}: ${message}`)
    const more = this.problems.length - lines.length
    return [...lines, ...more > 0 ? [`${this.file}: and ${more} more.`] : []].join("\n")
  }
}

/** The file itself can't be had. */
export class AgentFileUnreadable extends Data.TaggedError("AgentFileUnreadable")<{ readonly file: string; readonly why: string }> {
  override get message() {
    return `The agent's file ${this.file} ${this.why}`
  }
}

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
  const list = globalThis.Array.isArray(given) ? given.map(readText) : [readText(given)]
  return list.every((text) => text !== undefined) && list.length > 0 ? list : undefined
})

/** Phrases: a list, or one a line. An empty one is left to the checks, which know what it is for. */
const readPhrases = (given: unknown): ReadonlyArray<string> | undefined => {
  if (given === null) return []
  if (typeof given === "string") return phraseLines(given)
  if (!globalThis.Array.isArray(given) || !given.every((phrase) => typeof phrase === "string")) return undefined
  return given.map(tidy)
}

const phraseLines = (text: string): ReadonlyArray<string> => text.split("\n").map(tidy).filter(isPhraseLine)

const isPhraseLine = (line: string): boolean => line.trim() !== "" && !line.trim().startsWith("#")

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

const Name = value("an agent's name: a lower-case letter, then letters, digits, '-' or '_'", AgentName, (given) =>
  typeof given === "string" && /^[a-z][a-z0-9_-]{0,63}$/.test(given) ? given : undefined)

const Digits = value("keys of the telephone, such as \"1\"", Schema.String, (given) => {
  const keys = typeof given === "number" ? String(given) : given
  return typeof keys === "string" && /^[0-9*]{1,8}$/.test(keys) ? keys : undefined
})

const afters: Readonly<Record<string, After>> = { listen: "listen", "hang up": "hangUp", "start over": "startOver", repeat: "repeat" }

const Next = value("one of: listen, hang up, start over, repeat", Schema.Literals(["listen", "hangUp", "startOver", "repeat"]), (given) =>
  typeof given === "string" && Object.hasOwn(afters, given) ? afters[given] : undefined)

const SlotValues = value(
  "values: a list of them, or each with its ways to say it",
  Schema.Array(Schema.Struct({ value: Schema.String, ways: Schema.Array(Schema.String) })),
  (given) => {
    if (globalThis.Array.isArray(given)) {
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
  next: Schema.optionalKey(Next)
})

const SlotEntry = Schema.Struct({ values: SlotValues, phrases: Schema.optionalKey(Phrases) })

const File = Schema.Struct({
  name: Name,
  language: Schema.optionalKey(Language),
  voice: Schema.optionalKey(Text),
  instructions: Schema.optionalKey(Instructions),
  greeting: Schema.optionalKey(MaybeText),
  lines: Schema.optionalKey(Schema.Struct({
    idle: Schema.optionalKey(Text),
    idleGoodbye: Schema.optionalKey(Text),
    apology: Schema.optionalKey(Text),
    failure: Schema.optionalKey(Text),
    timeIsUp: Schema.optionalKey(Text)
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
    speculate: Schema.optionalKey(Millis)
  })),
  interruption: Schema.optionalKey(Schema.Struct({
    minSpeech: Schema.optionalKey(Millis),
    backchannels: Schema.optionalKey(Phrases)
  })),
  idle: Schema.optionalKey(Schema.Struct({ after: Schema.optionalKey(Millis), hangUpAfter: Schema.optionalKey(Millis) })),
  timeouts: Schema.optionalKey(Schema.Struct({
    transcript: Schema.optionalKey(Millis),
    reply: Schema.optionalKey(Millis),
    speech: Schema.optionalKey(Millis)
  })),
  maxDuration: Schema.optionalKey(Millis)
})
type File = typeof File.Type

const decode = Schema.decodeUnknownResult(File, { errors: "all", onExcessProperty: "error" })

// ---------------------------------------------------------------------------------------------
// Where things stand
// ---------------------------------------------------------------------------------------------

type Path = ReadonlyArray<PropertyKey>

interface Place {
  readonly line: number
  readonly column: number
}

/** A text as parsed, and the place of everything in it. */
interface Source {
  readonly data: unknown
  /** Of a value; `key`: of the key before it. What is not there is where it would be. */
  readonly place: (path: Path, at?: "key" | "value") => Place
  /** Of a character of the phrase number `index` at a path. */
  readonly phrase: (path: Path, index: number, character: number) => Place
}

const keyText = (key: unknown): string => String(isScalar(key) ? key.value ?? "" : key)

const source = (text: string): Result.Result<Source & { readonly duplicates: ReadonlyArray<Problem> }, Array.NonEmptyReadonlyArray<Problem>> => {
  const counter = new LineCounter()
  const placeOf = (offset: number): Place => {
    const { col, line } = counter.linePos(Math.min(Math.max(0, offset), text.length))
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const read = Result.try(() => parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false, logLevel: "error" }))
  if (Result.isFailure(read) || read.success.errors.some(({ code, message }) => code === "RESOURCE_EXHAUSTION" || /overflow|call stack/i.test(message))) {
    return Result.fail([{ line: 1, column: 1, message: "This is no YAML that can be read: it nests too deeply." }])
  }
  const document = read.success
  // Those behind the first few follow from them.
  const broken = document.errors.slice(0, 3).map(({ code, message, pos }): Problem => ({
    ...placeOf(pos[0]),
    message: code === "MULTIPLE_DOCS"
      ? "A file is one agent. Take out the line \"---\", or make two files of it."
      : `This is not YAML: ${message.split("\n")[0]}.`.replace(/\.\.$/, ".") + adviceFor(code, message)
  }))
  if (Array.isArrayNonEmpty(broken)) return Result.fail(broken)

  const data = Result.try(() => document.toJS({ maxAliasCount: maxAliases }) as unknown)
  if (Result.isFailure(data)) {
    return Result.fail([{ line: 1, column: 1, message: "The aliases (*name) of this file stand for too much. Write out what they stand for." }])
  }

  const follow = (node: unknown): unknown => isAlias(node) ? node.resolve(document) : node
  const offsetOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0]

  const find = (path: Path): { readonly node: unknown; readonly key: number; readonly value: number } => {
    let node: unknown = follow(document.contents)
    let key = offsetOf(node) ?? 0
    let value = key
    for (const step of path) {
      let next: unknown
      if (isMap(node)) {
        const pair = node.items.find((item) => keyText(item.key) === String(step))
        if (pair === undefined) return { node: undefined, key, value: key }
        key = offsetOf(pair.key) ?? key
        next = pair.value
      } else if (isSeq(node)) {
        next = node.items[Number(step)]
        key = offsetOf(next) ?? key
      } else return { node: undefined, key, value: key }
      // Where an alias stands is what the reader looks for, not what it stands for.
      value = offsetOf(next) ?? key
      node = follow(next)
    }
    return { node, key, value }
  }

  const place: Source["place"] = (path, at = "value") => {
    const found = find(path)
    return placeOf(at === "key" ? found.key : found.value)
  }

  const phrase: Source["phrase"] = (path, index, character) => {
    const { node, value } = find(path)
    if (isSeq(node)) {
      const item = follow(node.items[index])
      const start = offsetOf(item) ?? value
      const isQuoted = isScalar(item) && (item.type === "QUOTE_DOUBLE" || item.type === "QUOTE_SINGLE")
      return placeOf(start + character + (isQuoted ? 1 : 0))
    }
    if (isScalar(node) && node.type === "BLOCK_LITERAL" && node.range) {
      let lineStart = text.indexOf("\n", node.range[0]) + 1
      for (let seen = 0; lineStart > 0 && lineStart < text.length;) {
        const end = text.indexOf("\n", lineStart)
        const line = text.slice(lineStart, end < 0 ? text.length : end)
        if (isPhraseLine(line) && seen++ === index) return placeOf(lineStart + line.search(/\S/) + character)
        lineStart = end < 0 ? 0 : end + 1
      }
    }
    const isQuoted = isScalar(node) && (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE")
    return placeOf(value + (index === 0 ? character + (isQuoted ? 1 : 0) : 0))
  }

  const duplicates: Array<Problem> = []
  visit(document, {
    Map: (_, map) => {
      const seen = new Map<string, Place>()
      for (const { key } of map.items) {
        const name = keyText(key)
        const at = placeOf(offsetOf(key) ?? 0)
        const first = seen.get(name)
        if (first === undefined) seen.set(name, at)
        else duplicates.push({ ...at, message: `"${name}" is here for the second time; the first is in line ${first.line}. Give one of them another name.` })
      }
    }
  })
  return Result.succeed({ data: data.success, place, phrase, duplicates })
}

/** The most usual mistakes: brackets of a phrase that YAML takes for its own, and a colon in a text. */
const adviceFor = (code: string, message: string): string =>
  code === "BLOCK_AS_IMPLICIT_KEY" || /implicit key|Nested mappings/i.test(message)
    ? " A text with a colon in it has to be put in quotes."
    : code === "BAD_ALIAS" || code === "UNEXPECTED_TOKEN" || code === "MISSING_CHAR" || code === "BAD_INDENT" || /flow/i.test(message)
    ? " A phrase that begins with [, ( or { has to be put in quotes, or on a line of its own below \"phrases: |\"."
    : code === "TAB_AS_INDENT"
    ? " Indent with blanks."
    : ""

// ---------------------------------------------------------------------------------------------
// Names that are nearly right
// ---------------------------------------------------------------------------------------------

/** How many letters differ; two that have changed places count as one (optimal string alignment). */
const distance = (one: string, other: string): number => {
  let before: ReadonlyArray<number> = []
  let row = globalThis.Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let at = 1; at <= one.length; at++) {
    const next = [at]
    for (let index = 1; index <= other.length; index++) {
      const isSame = one[at - 1] === other[index - 1]
      const isSwapped = at > 1 && index > 1 && one[at - 1] === other[index - 2] && one[at - 2] === other[index - 1]
      next.push(Math.min(
        row[index] + 1,
        next[index - 1] + 1,
        row[index - 1] + (isSame ? 0 : 1),
        isSwapped ? before[index - 2] + 1 : Infinity
      ))
    }
    before = row
    row = next
  }
  return row[other.length]
}

/** The known name that was probably meant, else all of them: what to do, in a sentence. */
const suggest = (name: string, known: ReadonlyArray<string>): string => {
  const near = known
    .map((candidate) => ({ candidate, far: distance(name.slice(0, 64).toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.far - other.far)[0]
  if (near !== undefined && near.far <= Math.max(1, Math.floor(near.candidate.length / 3))) return `Did you mean "${near.candidate}"?`
  return known.length === 0 ? "There are none yet." : `There is: ${known.slice(0, 20).join(", ")}.`
}

// ---------------------------------------------------------------------------------------------
// The schema's issues
// ---------------------------------------------------------------------------------------------

interface Flaw {
  readonly path: Path
  readonly problem: "unknown" | "missing" | "wrong"
  readonly detail: string
}

const inWords: Readonly<Record<string, string>> = { Objects: "keys with values below it", Arrays: "a list", String: "a text", Number: "a number", Boolean: "true or false" }

const flaws = (issue: SchemaIssue.Issue, path: Path): ReadonlyArray<Flaw> => {
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

const nameOf = (path: Path): string => path.map((step, index) => typeof step === "number" ? `[${step + 1}]` : `${index === 0 ? "" : "."}${String(step)}`).join("")

const explain = ({ detail, path, problem }: Flaw, { place }: Source): Problem => {
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
const without = (data: unknown, path: Path): unknown => {
  const [first, ...rest] = path
  if (first === undefined || typeof data !== "object" || data === null || globalThis.Array.isArray(data)) return data
  const { [first as string]: inner, ...others } = data as Record<string, unknown>
  return rest.length === 0 || (path.length <= 2 && inner === undefined)
    ? others
    : { ...others, [first as string]: without(inner, rest) }
}

/** How much is left out because of a flaw: one key; of a slot, all of it, as it is nothing without its values. */
const extent = ({ path, problem }: Flaw): Path => problem === "unknown" ? path : path.slice(0, path[0] === "intents" ? 3 : 2)

const isObject = (given: unknown): given is Record<string, unknown> =>
  typeof given === "object" && given !== null && !globalThis.Array.isArray(given)

// ---------------------------------------------------------------------------------------------
// From file to persona
// ---------------------------------------------------------------------------------------------

/** What a file comes to, right or wrong, before engines are asked. */
export interface Draft {
  readonly problems: ReadonlyArray<Problem>
  /** Unset: so much is wrong that there is nothing to ask the engines about. */
  readonly persona?: Persona
  readonly voiceAt: Place
  readonly languageAt: Place
  /** Where a word stands in the file's phrases; nowhere, if it is a standard phrase's. */
  readonly wordAt: (word: string) => ReadonlyArray<Place>
}

const nowhere: Place = { line: 1, column: 1 }
const nothing = (problems: ReadonlyArray<Problem>): Draft => ({ problems, voiceAt: nowhere, languageAt: nowhere, wordAt: () => [] })

const namePattern = /^[a-z][a-z0-9_-]{0,63}$/
const slotPattern = /^[a-z][a-z0-9_]{0,63}$/

/** What callers may say for the slots of an intent when they are asked, or to correct themselves. */
const fillings = (intent: Intent, slots: ReadonlyMap<string, Slot>, leads: string): ReadonlyArray<string> => {
  const said = intent.needs.flatMap(({ slot }) => {
    const phrases = slots.get(slot)?.phrases ?? []
    return phrases.length === 0 ? [] : [`(${phrases.join(" | ")})`]
  })
  return said.flatMap((one) => {
    const others = said.filter((other) => other !== one)
    return [`${leads} ${one}${others.length === 0 ? "" : ` [${others.join(" | ")}]`}`.trim()]
  })
}

/** Reads a text and checks all that can be checked without engines. `limit`: the longest call in ms. */
export const draft = (text: string, limit: number): Draft => {
  const parsed = source(text)
  if (Result.isFailure(parsed)) return nothing(parsed.failure)
  const from = parsed.success
  const problems: Array<Problem> = [...from.duplicates]
  const report = (at: Place, message: string) => void problems.push({ ...at, message })

  const all = isObject(from.data) ? from.data : {}
  const namesOf = (key: string) => isObject(all[key]) ? Object.keys(all[key]) : []
  const intentNames = namesOf("intents")
  const slotNames = namesOf("slots")

  // Whatever is wrong is reported, left out, and the rest is read.
  let data: unknown = from.data
  const leftOut = new Set<string>()
  let file: File | undefined
  for (let round = 0; file === undefined && round < 4; round++) {
    const decoded = decode(data)
    if (Result.isSuccess(decoded)) {
      file = decoded.success
      break
    }
    const found = flaws(decoded.failure.issue, [])
    for (const flaw of found) {
      problems.push(explain(flaw, from))
      leftOut.add(nameOf(flaw.path))
      data = without(data, extent(flaw))
    }
    if (isObject(data) && !Object.hasOwn(data, "name")) data = { ...data, name: "unnamed" }
    if (!isObject(data)) break
  }
  if (file === undefined) return nothing(problems)

  const language = file.language ?? Defaults.language
  const known = Defaults.standards.get(language)
  const standard = known ?? Defaults.standards.get(Defaults.language)
  if (standard === undefined) return nothing(problems)
  if (known === undefined) {
    const wanted = [
      ...file.greeting === undefined ? ["greeting"] : [],
      ...(["idle", "idleGoodbye", "apology", "failure", "timeIsUp"] as const)
        .filter((line) => file.lines?.[line] === undefined && !isFlawed(all["lines"], line)).map((line) => `lines.${line}`)
    ]
    if (wanted.length > 0) {
      report(
        from.place(["language"]),
        `There are standard lines in ${[...Defaults.standards.keys()].join(", ")} only. For "${language}", write: ${wanted.join(", ")}.`
      )
    }
  }
  const isForeign = known === undefined

  // -- phrases --------------------------------------------------------------------------------

  const places: Array<{ readonly text: string; readonly at: (character: number) => Place }> = []

  /** The phrases that can be read; the others are reported. */
  const checkPhrases = (path: Path, phrases: ReadonlyArray<string>, slotsAllowed: boolean): ReadonlyArray<string> =>
    phrases.filter((text, index) => {
      const at = (character: number) => from.phrase(path, index, character)
      if (text === "" || text.length > maxPhrase) {
        report(at(0), text === "" ? "A phrase is empty here. Write what the caller says, or leave it out." : `A phrase may have ${maxPhrase} characters. Make several of it.`)
        return false
      }
      const read = Phrase.parse(text)
      if (Result.isFailure(read)) {
        report(at(read.failure.at), `${read.failure.problem}, in the phrase "${text}".`)
        return false
      }
      places.push({ text, at })
      if (Phrase.mayBeEmpty(read.success)) {
        report(at(0), `All of the phrase "${text}" may be left out. Let at least one word stand outside of [ ].`)
        return false
      }
      const unknown = Phrase.slots(read.success).filter((slot) => !slotsAllowed || !slotNames.includes(slot))
      for (const slot of new Set(unknown)) {
        report(
          at(text.indexOf(`{${slot}}`)),
          slotsAllowed ? `There is no slot "${slot}". ${suggest(slot, slotNames)}` : `A value's own words can't hold the slot "${slot}". Write the words.`
        )
      }
      return unknown.length === 0
    })

  /** Slots in a text that can't have a value there. */
  const checkText = (path: Path, text: string, allowed: ReadonlyArray<string>, isNeed = false) => {
    for (const slot of new Set(slotsIn(text))) {
      if (allowed.includes(slot)) continue
      report(
        from.place(path),
        slotNames.includes(slot)
          ? isNeed
            ? `The question names {${slot}}, which is not known yet. Ask for it before.`
            : `The text names {${slot}}, which this intent does not ask for. Add "${slot}" to its "needs".`
          : `There is no slot "${slot}". ${suggest(slot, slotNames)}`
      )
    }
  }

  const checkIntentName = (path: Path, name: string | undefined, names: ReadonlyArray<string>) => {
    if (name !== undefined && !names.includes(name)) report(from.place(path), `There is no intent "${name}". ${suggest(name, names)}`)
  }

  // -- slots ----------------------------------------------------------------------------------

  const slots = Object.entries(file.slots ?? {}).map(([name, { phrases = [], values }]): Slot => {
    const path = ["slots", name]
    if (!slotPattern.test(name)) report(from.place(path, "key"), `A slot's name is a lower-case letter, then letters, digits or '_'; "${name}" is none.`)
    if (values.length === 0) report(from.place([...path, "values"], "key"), `The slot "${name}" has no values. Write at least one.`)
    const isList = isObject(all["slots"]) && isObject(all["slots"][name]) && globalThis.Array.isArray(all["slots"][name]["values"])
    const read = values.map(({ value, ways }, index) => {
      if (ways.length === 0) report(from.place([...path, "values", value], "key"), `Nobody can say "${value}": it has no words. Write some, or leave the value out.`)
      const good = isList
        ? ways.filter(() => checkValue([...path, "values"], index, value, ways[0]))
        : checkPhrases([...path, "values", value], ways, false)
      return { value, ways: good }
    })
    const own = checkPhrases([...path, "phrases"], phrases, true)
    return { name, values: read, phrases: [...new Set([`{${name}}`, ...own])] }
  })

  /** A value of a plain list is its own phrase. */
  function checkValue(path: Path, index: number, value: string, text: string): boolean {
    const read = Phrase.parse(text)
    if (Result.isFailure(read)) report(from.phrase(path, index, read.failure.at), `${read.failure.problem}, in the value "${value}". Write the values below each other, "${value}:" with its words behind it.`)
    else places.push({ text, at: (character) => from.phrase(path, index, character) })
    return Result.isSuccess(read)
  }

  // -- intents --------------------------------------------------------------------------------

  const entries = Object.entries(file.intents ?? {})
  const standardIntents = isForeign ? [] : standard.intents.filter(({ name }) => !intentNames.includes(name))
  const allIntentNames = [...intentNames, ...standardIntents.map(({ name }) => name)]
  const led = new Set(entries.flatMap(([, entry]) => [entry.yes, entry.no]).concat(file.notUnderstood?.next))
  const keys = new Map<string, string>()

  const intents = entries.map(([name, entry]): Intent => {
    const path = ["intents", name]
    const own = entry.phrases ?? []
    const needs = Object.entries(entry.needs ?? {})
    const needed = needs.map(([slot]) => slot)
    const after = entry.next ?? "listen"
    if (!namePattern.test(name)) report(from.place(path, "key"), `An intent's name is a lower-case letter, then letters, digits, '-' or '_'; "${name}" is none.`)
    const isLeftOut = (key: string) => leftOut.has(nameOf([...path, key]))
    if (own.length === 0 && entry.digits === undefined && !led.has(name) && !isLeftOut("phrases") && !isLeftOut("digits")) {
      report(from.place(path, "key"), `The intent "${name}" is empty: nobody can reach it. Write "phrases" for it, or "digits".`)
    }
    if (entry.answer === undefined && after !== "repeat" && !isLeftOut("answer") && !isLeftOut("next")) {
      report(from.place(path, "key"), `The intent "${name}" has no answer. Write "answer", or "next: repeat".`)
    }
    if (entry.digits !== undefined) {
      const other = keys.get(entry.digits)
      if (other !== undefined) report(from.place([...path, "digits"]), `The keys "${entry.digits}" choose "${other}" already. Take others.`)
      keys.set(entry.digits, name)
    }
    needs.forEach(([slot, ask], index) => {
      if (!slotNames.includes(slot)) report(from.place([...path, "needs", slot], "key"), `There is no slot "${slot}". ${suggest(slot, slotNames)}`)
      checkText([...path, "needs", slot], ask, needed.slice(0, index), true)
    })
    if (entry.confirm !== undefined) checkText([...path, "confirm"], entry.confirm, needed)
    if (entry.denied !== undefined) checkText([...path, "denied"], entry.denied, [])
    for (const answer of entry.answer ?? []) checkText([...path, "answer"], answer, needed)
    checkIntentName([...path, "yes"], entry.yes, allIntentNames)
    checkIntentName([...path, "no"], entry.no, allIntentNames)
    return {
      name,
      phrases: checkPhrases([...path, "phrases"], own, true),
      ...(entry.digits === undefined ? {} : { digits: entry.digits }),
      needs: needs.map(([slot, ask]) => ({ slot, ask })),
      ...(entry.confirm === undefined ? {} : { confirm: entry.confirm, denied: entry.denied ?? standard.denied }),
      answers: entry.answer ?? [],
      ...(entry.yes === undefined ? {} : { yes: entry.yes }),
      ...(entry.no === undefined ? {} : { no: entry.no }),
      after
    }
  })

  const { notUnderstood } = file
  const escalation = notUnderstood?.next
  if (escalation !== undefined && escalation !== "hang up") checkIntentName(["notUnderstood", "next"], escalation, ["hang up", ...allIntentNames])
  const own = (path: Path, phrases: ReadonlyArray<string> | undefined, fallback: ReadonlyArray<string>) =>
    phrases === undefined ? isForeign ? [] : fallback : checkPhrases(path, phrases, false)
  const yes = own(["yes"], file.yes, standard.yes)
  const no = own(["no"], file.no, standard.no)
  const backchannels = own(["interruption", "backchannels"], file.interruption?.backchannels, standard.backchannels)

  const script: Script = {
    intents: [...intents, ...standardIntents],
    slots,
    yes,
    no,
    prompt: file.prompt ?? standard.prompt,
    notUnderstood: {
      first: notUnderstood?.first ?? standard.notUnderstood.first,
      second: notUnderstood?.second ?? standard.notUnderstood.second,
      third: notUnderstood?.third ?? standard.notUnderstood.third,
      next: escalation === undefined || escalation === "hang up" ? "hangUp" : { intent: escalation }
    }
  }

  // -- settings -------------------------------------------------------------------------------

  const idle = { after: file.idle?.after ?? Defaults.idle.after, hangUpAfter: file.idle?.hangUpAfter ?? Defaults.idle.hangUpAfter }
  if (idle.hangUpAfter <= idle.after) {
    report(from.place(["idle"], "key"), `"idle.hangUpAfter" (${idle.hangUpAfter} ms) must be longer than "idle.after" (${idle.after} ms): both count from the same moment.`)
  }

  const bySlot = new Map(slots.map((slot) => [slot.name, slot]))
  const leads = isForeign ? "" : standard.leads
  const hints: Hints = {
    language,
    phrases: [
      ...new Set([
        ...script.intents.flatMap(({ phrases }) => phrases),
        ...script.intents.flatMap((intent) => fillings(intent, bySlot, leads)),
        ...yes,
        ...no,
        ...backchannels
      ])
    ],
    slots: Object.fromEntries(slots.map(({ name, values }) => [name, [...new Set(values.flatMap(({ ways }) => ways))]]))
  }

  const persona: Persona = {
    name: file.name,
    language,
    ...(file.voice === undefined ? {} : { voice: file.voice }),
    instructions: file.instructions ?? Defaults.instructions,
    lines: { ...standard.lines, ...file.lines, greeting: file.greeting ?? standard.lines.greeting },
    script,
    hints,
    endpointing: { ...Defaults.endpointing, ...file.endpointing },
    interruption: { minSpeech: file.interruption?.minSpeech ?? Defaults.minSpeech, backchannels },
    idle,
    timeouts: { ...Defaults.timeouts, ...file.timeouts },
    maxDuration: Math.min(file.maxDuration ?? Defaults.maxDuration, limit)
  }

  const wordAt = (word: string): ReadonlyArray<Place> =>
    places.flatMap(({ at, text }) => {
      const found = new RegExp(`(?<![\\p{L}\\p{M}0-9'’.-])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\p{L}\\p{M}0-9'’.-])`, "u").exec(text)
      return found === null ? [] : [at(found.index)]
    })

  return { problems, persona, voiceAt: from.place(["voice"]), languageAt: from.place(["language"]), wordAt }
}

const isFlawed = (section: unknown, key: string): boolean => isObject(section) && Object.hasOwn(section, key)

const inOrder = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> =>
  problems.toSorted((one, other) => one.line - other.line || one.column - other.column)

const settle = (file: string, persona: Persona | undefined, problems: ReadonlyArray<Problem>): Result.Result<Persona, AgentFileInvalid> => {
  const sorted = inOrder(problems)
  if (Array.isReadonlyArrayNonEmpty(sorted)) return Result.fail(new AgentFileInvalid({ file, problems: sorted }))
  return persona === undefined
    ? Result.fail(new AgentFileInvalid({ file, problems: [{ ...nowhere, message: "This file can't be read." }] }))
    : Result.succeed(persona)
}

/** Reads a text, without asking the engines. `file` is its name in errors, `limit` the longest call in ms. */
export const parse = (text: string, file: string, limit = Infinity): Result.Result<Persona, AgentFileInvalid> => {
  const { persona, problems } = draft(text, limit)
  return settle(file, persona, problems)
}

// ---------------------------------------------------------------------------------------------
// With the engines
// ---------------------------------------------------------------------------------------------

export class AgentFiles extends Context.Service<AgentFiles, {
  /** The persona of a text; `file` is its name in errors. */
  readonly read: (text: string, file: string) => Effect.Effect<Persona, AgentFileInvalid | EngineFailed>
  readonly load: (file: string) => Effect.Effect<Persona, AgentFileInvalid | AgentFileUnreadable | EngineFailed>
}>()("client-caller/agent/AgentFiles") {
  static readonly layer = Layer.effect(
    AgentFiles,
    Effect.gen(function*() {
      const { limits } = yield* AppConfig
      const fs = yield* FileSystem.FileSystem
      const speechToText = yield* SpeechToText
      const textToSpeech = yield* TextToSpeech
      const limit = Duration.toMillis(limits.callDuration)

      const unheard = Effect.fnUntraced(function*({ languageAt, wordAt }: Draft, { hints }: Persona) {
        const words = yield* speechToText.unknownWords(hints).pipe(
          Effect.map((words) => ({ words, refusal: undefined })),
          // The engine's own sentence says what to do.
          Effect.catch((error) => error.reason === "refused" ? Effect.succeed({ words: [], refusal: error.advice }) : Effect.fail(error))
        )
        return [
          ...words.refusal === undefined ? [] : [{ ...languageAt, message: words.refusal }],
          ...words.words.flatMap((word): ReadonlyArray<Problem> => {
            const places = wordAt(word)
            const message = `The speech recognition does not know the word "${word}". Write it in other words, or as it sounds.`
            return (places.length === 0 ? [languageAt] : places).map((at) => ({ ...at, message }))
          })
        ]
      })

      const read = Effect.fn("AgentFiles.read")(function*(text: string, file: string) {
        const found = draft(text, limit)
        if (found.persona === undefined) return yield* Effect.fromResult(settle(file, undefined, found.problems))
        const { voice } = found.persona
        const { voices } = textToSpeech
        const unsaid = voice === undefined || voices.length === 0 || voices.includes(voice)
          ? []
          : [{ ...found.voiceAt, message: `There is no voice "${voice}". ${suggest(voice, voices)}` }]
        const problems = [...found.problems, ...unsaid, ...yield* unheard(found, found.persona)]
        return yield* Effect.fromResult(settle(file, found.persona, problems))
      })

      const load = Effect.fn("AgentFiles.load")(function*(file: string) {
        const unreadable = (why: string) => new AgentFileUnreadable({ file, why })
        const { size, type } = yield* Effect.mapError(
          fs.stat(file),
          () => unreadable("can't be found. Check AGENT, AGENT_NUMBERS and AGENTS_DIR; a relative path begins where the service was started.")
        )
        if (type === "Directory") return yield* unreadable("is a folder. Name a file; AGENTS_DIR is for a folder of them.")
        if (size > maxBytes) return yield* unreadable(`has more than ${maxBytes / 1024} KiB. Make it smaller.`)
        const text = yield* Effect.mapError(fs.readFileString(file), () => unreadable("can't be read. Check its permissions."))
        return yield* read(text, file)
      })

      return AgentFiles.of({ read, load })
    })
  )
}
