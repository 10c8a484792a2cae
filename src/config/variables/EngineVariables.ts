/**
 * The variables for the engines of the three stages: speech to text (`STT_`), language model (`LLM_`), text to speech (`TTS_`).
 *
 * Each stage has a list of addresses. A model, a key or a voice is set once for all addresses, or once for each address.
 */
import { Array, Option, Schema } from "effect"
import { embedded, type EngineChoice, type EngineChoices, type ReplySettings, type StageSettings } from "../EngineSettings.ts"
import { count, HttpUrl, NonEmptyList, NonEmptySecrets, onOrOff, Switch, Whole } from "./Values.ts"
import { optional, type ValuesOf, withDefault } from "./Variable.ts"

/** The addresses of a stage's engines, in the order in which the engines are tried. */
const EngineList = NonEmptyList.pipe(Schema.decodeTo(Schema.Array(Schema.Union([Schema.Literal(embedded), HttpUrl]))))

const Switches = NonEmptyList.pipe(Schema.decodeTo(Schema.Array(Switch)))

/** Context windows in tokens. A window below 512 tokens is too small for a conversation. */
const ContextWindows = NonEmptyList.pipe(Schema.decodeTo(Schema.Array(Whole(512, 10_000_000))))

const engines = (example: string) =>
  optional(EngineList, "http or https URLs without a query, or the word embedded, with commas between", example)
const eachEngine = (what: string, example: string) =>
  optional(NonEmptyList, `${what}, or one for each address with commas between`, example)
const eachKey = optional(NonEmptySecrets, "the engine's key, or one for each address with commas between", "…")

export const engineVariables = {
  STT_URL: engines("http://127.0.0.1:8001/v1,embedded"),
  STT_MODEL: eachEngine("the name of a model", "openai/whisper-large-v3-turbo"),
  STT_API_KEY: eachKey,
  STT_PARTIALS: onOrOff("on"),
  STT_LEAST_CONFIDENCE: withDefault(
    Schema.NumberFromString.check(Schema.isBetween({ minimum: 0, maximum: 0.9 })),
    0.45,
    "a number from 0 (never ask again) to 0.9",
    "0.3"
  ),
  LLM_URL: engines("http://127.0.0.1:8002/v1,embedded"),
  LLM_MODEL: eachEngine("the name of a model", "google/gemma-3-27b-it"),
  LLM_API_KEY: eachKey,
  LLM_MAX_TOKENS: count(16, 100_000, 200),
  LLM_THINKING: withDefault(Schema.Literals(["off", "low", "medium", "high"]), "off", "off, low, medium or high", "off"),
  LLM_THINKING_TOKENS: count(0, 100_000, 1000),
  LLM_CONTEXT_WINDOW: optional(
    ContextWindows,
    "a whole number of tokens from 512 to 10000000, or one for each address with commas between",
    "8192"
  ),
  TTS_URL: engines("http://127.0.0.1:8003/v1,embedded"),
  TTS_MODEL: eachEngine("the name of a model", "sesame/csm-1b"),
  TTS_API_KEY: eachKey,
  TTS_VOICE: eachEngine("the name of a voice", "0"),
  TTS_SAMPLE_RATE: count(4000, 192_000, 24_000),
  TTS_NORMALIZE: optional(Switches, "on or off, or one of them for each address with commas between", "off")
} as const

type Values = ValuesOf<typeof engineVariables>

const stagePrefixes = ["STT", "LLM", "TTS"] as const
type Prefix = typeof stagePrefixes[number]

const serverCount = (values: Values, prefix: Prefix): number =>
  Option.getOrElse(values[`${prefix}_URL`], () => []).filter((engine) => engine !== embedded).length

/** The lists of a stage that have one entry for all of its addresses, or one entry for each address. */
const listsPerAddress = (values: Values, prefix: Prefix) => ({
  [`${prefix}_MODEL`]: values[`${prefix}_MODEL`],
  [`${prefix}_API_KEY`]: values[`${prefix}_API_KEY`],
  ...(prefix === "LLM" ? { LLM_CONTEXT_WINDOW: values.LLM_CONTEXT_WINDOW } : {}),
  ...(prefix === "TTS" ? { TTS_VOICE: values.TTS_VOICE, TTS_NORMALIZE: values.TTS_NORMALIZE } : {})
})

/** A line about each list with too few or too many entries. With a wrong count, an engine would get the model, key or voice of another. */
export const engineListProblems = (values: Values): ReadonlyArray<string> =>
  stagePrefixes.flatMap((prefix) => {
    const servers = serverCount(values, prefix)
    return Object.entries(listsPerAddress(values, prefix)).flatMap(([name, list]) => {
      const entries = Option.match<ReadonlyArray<unknown>, number, number>(list, { onNone: () => 0, onSome: (items) => items.length })
      return entries <= 1 || entries === servers ? [] : [
        `${name} has ${entries} entries, but ${prefix}_URL has ${servers} addresses. Set one for all of them, or one for each, with commas between.`
      ]
    })
  })

const entryFor = <A>(list: Option.Option<ReadonlyArray<A>>, server: number): Option.Option<A> =>
  Option.flatMap(list, (entries) => Option.fromUndefinedOr(entries.length === 1 ? entries[0] : entries[server]))

const replySettings = (values: Values, server: number): ReplySettings => {
  const contextWindow = entryFor(values.LLM_CONTEXT_WINDOW, server)
  return {
    maxTokens: values.LLM_MAX_TOKENS,
    thinking: values.LLM_THINKING,
    thinkingTokens: values.LLM_THINKING_TOKENS,
    ...(Option.isSome(contextWindow) ? { contextWindow: contextWindow.value } : {})
  }
}

/** `server`: the index of the server in the stage's list, from 0. */
const serverChoice = (values: Values, prefix: Prefix, url: URL, server: number): EngineChoice => ({
  _tag: "Server",
  settings: {
    url,
    model: entryFor(values[`${prefix}_MODEL`], server),
    apiKey: entryFor(values[`${prefix}_API_KEY`], server),
    voice: prefix === "TTS" ? entryFor(values.TTS_VOICE, server) : Option.none(),
    ...(prefix === "STT" ? { hasPartials: values.STT_PARTIALS, leastConfidence: values.STT_LEAST_CONFIDENCE } : {}),
    ...(prefix === "LLM" ? { reply: replySettings(values, server) } : {}),
    ...(prefix === "TTS"
      ? { sampleRate: values.TTS_SAMPLE_RATE, writesFiguresOut: Option.contains(entryFor(values.TTS_NORMALIZE, server), false) }
      : {})
  }
})

const engineChoices = (values: Values, prefix: Prefix): EngineChoices => {
  let servers = 0
  const choices = Option.getOrElse(values[`${prefix}_URL`], () => [embedded] as const).map((engine): EngineChoice =>
    engine === embedded ? { _tag: "Embedded" } : serverChoice(values, prefix, engine, servers++))
  return Array.isArrayNonEmpty(choices) ? choices : [{ _tag: "Embedded" }]
}

export const stageSettings = (values: Values): StageSettings => ({
  speechToText: engineChoices(values, "STT"),
  replyModel: engineChoices(values, "LLM"),
  textToSpeech: engineChoices(values, "TTS")
})
