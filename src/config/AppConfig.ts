/**
 * Every variable that this service reads, once: its name, what it may be, what it is when unset.
 *
 * Values come from the environment, then from `.env`. `.env.example` explains each variable to the
 * operator; a test holds the two together.
 */
import { Array, Config, ConfigProvider, Context, Data, Duration, Effect, Layer, Option, Redacted, Result, Schema, SchemaGetter, SchemaIssue } from "effect"
import { AgentName } from "../domain/AgentName.ts"
import * as DialRules from "../domain/DialRules.ts"
import * as PhoneNumbers from "../domain/PhoneNumber.ts"
import { PhoneNumber, PhoneNumberFromText } from "../domain/PhoneNumber.ts"
import { AccountSid } from "../domain/Sid.ts"
import * as Contradictions from "./Contradictions.ts"
import * as Environment from "./Environment.ts"
import * as Networks from "./Networks.ts"

// ---------------------------------------------------------------------------------------------
// Kinds of values
// ---------------------------------------------------------------------------------------------

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** `30`, `30s`, `500ms`, `2m`, `1h`; a bare number counts seconds. */
const DurationText = Schema.String.pipe(
  Schema.decodeTo(Schema.Duration, {
    decode: SchemaGetter.transformEffect((text: string) => {
      const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim())
      return match === null
        ? Effect.fail(new SchemaIssue.InvalidValue({ expected: "a duration" }))
        : Effect.succeed(Duration.millis(Number(match[1]) * units[(match[2] ?? "s") as keyof typeof units]))
    }),
    encode: SchemaGetter.transform((duration: Duration.Duration) => `${Duration.toMillis(duration)}ms`)
  })
)

/** An `http` or `https` address without query and fragment; kept without its trailing slash. */
const HttpUrl = Schema.String.pipe(
  Schema.decodeTo(Schema.URL, {
    decode: SchemaGetter.transformEffect((text: string) => {
      const url = URL.parse(text.trim().replace(/\/+$/, ""))
      return url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "" &&
          url.username === "" && url.password === ""
        ? Effect.succeed(url)
        : Effect.fail(new SchemaIssue.InvalidValue({ expected: "an http or https URL" }))
    }),
    encode: SchemaGetter.transform((url: URL) => url.href)
  })
)

const splitList = (text: string) => text.split(",").map(Environment.trimmed).filter((item) => item.length > 0)

const List = Schema.String.pipe(
  Schema.decodeTo(Schema.Array(Schema.String), {
    decode: SchemaGetter.transform((text: string) => splitList(text)),
    encode: SchemaGetter.transform((items: ReadonlyArray<string>) => items.join(","))
  })
)

/** Networks, each as `address/prefix`; see {@link Networks.parse}. */
const NetworksText = List.pipe(
  Schema.decodeTo(Schema.Array(Schema.String), {
    decode: SchemaGetter.transformEffect((items: ReadonlyArray<string>) => {
      const networks = items.map(Networks.parse)
      return networks.every(Option.isSome)
        ? Effect.succeed([...new Set(networks.flatMap(({ value }) => value))])
        : Effect.fail(new SchemaIssue.InvalidValue({ expected: "IP addresses or networks" }))
    }),
    encode: SchemaGetter.passthrough()
  })
)

/** The engine that runs in this process, in a list of engines. */
const embedded = "embedded"

/** One or more engines in the order in which they are tried: addresses, and the one that runs here. */
const EngineList = List.pipe(
  Schema.check(Schema.isMinLength(1)),
  Schema.decodeTo(Schema.Array(Schema.Union([Schema.Literal(embedded), HttpUrl])))
)

const NonEmptyTexts = List.pipe(Schema.check(Schema.isMinLength(1)))

const Switches = NonEmptyTexts.pipe(Schema.decodeTo(Schema.Array(Schema.Literals(["on", "off"]))))

const NonEmptySecrets = List.pipe(
  Schema.check(Schema.isMinLength(1)),
  Schema.decodeTo(Schema.NonEmptyArray(Schema.RedactedFromValue(Schema.String)))
)

/** An agent as the operator names it: by its name, or by its file. */
export type AgentChoice =
  | { readonly _tag: "Named"; readonly name: AgentName }
  | { readonly _tag: "File"; readonly path: string }

const isAgentName = Schema.is(AgentName)

/** Text with a slash or `.yaml` is a path; a name can hold neither. */
const readAgent = (text: string): Option.Option<AgentChoice> => {
  const choice = text.trim()
  if (/[\\/]|\.ya?ml$/i.test(choice)) return Option.some({ _tag: "File", path: choice })
  return isAgentName(choice) ? Option.some({ _tag: "Named", name: choice }) : Option.none()
}

const AgentChoice = Schema.Union([
  Schema.TaggedStruct("Named", { name: AgentName }),
  Schema.TaggedStruct("File", { path: Schema.String })
])

const AgentText = Schema.String.pipe(
  Schema.decodeTo(AgentChoice, {
    decode: SchemaGetter.transformEffect((text: string) =>
      Option.match(readAgent(text), {
        onSome: Effect.succeed,
        onNone: () => Effect.fail(new SchemaIssue.InvalidValue({ expected: "an agent" }))
      })
    ),
    encode: SchemaGetter.transform((choice) => choice._tag === "Named" ? choice.name : choice.path)
  })
)

interface AgentNumber {
  readonly number: PhoneNumber
  readonly agent: AgentChoice
}

/** `+14155550100=receptionist`. A SIP address may hold an `=`, and so may a path: the first that leaves a number and an agent counts. */
const readAgentNumber = (entry: string): Result.Result<AgentNumber, string> => {
  const first = entry.indexOf("=")
  if (first < 0) return Result.fail("has no = between number and agent")
  let hasNumber = false
  for (let at = first; at >= 0; at = entry.indexOf("=", at + 1)) {
    const number = PhoneNumbers.parseAddress(entry.slice(0, at))
    if (Option.isNone(number)) continue
    hasNumber = true
    const agent = readAgent(entry.slice(at + 1))
    if (Option.isSome(agent)) return Result.succeed({ number: number.value, agent: agent.value })
  }
  if (hasNumber) return Result.fail("names no agent behind the =")
  const oddity = PhoneNumbers.read(entry.slice(0, first))
  return Result.fail(`has a number that ${Result.isFailure(oddity) ? oddity.failure : "is none"}`)
}

/** The agents of called numbers, or what is wrong with the first bad entry. */
const readAgentNumbers = (entries: ReadonlyArray<string>): Result.Result<ReadonlyArray<AgentNumber>, string> => {
  const read: Array<AgentNumber> = []
  for (const [index, entry] of entries.entries()) {
    const one = readAgentNumber(entry)
    if (Result.isFailure(one)) return Result.fail(`entry ${index + 1} ${one.failure}`)
    const same = read.findIndex(({ number }) => number === one.success.number)
    if (same >= 0) return Result.fail(`entries ${same + 1} and ${index + 1} have the same number`)
    read.push(one.success)
  }
  return Result.succeed(read)
}

/** One agent for each called number: `+14155550100=receptionist,+14155550101=./agents/shop.yaml`. */
const AgentNumbersText = List.pipe(
  Schema.decodeTo(Schema.Array(Schema.Struct({ number: PhoneNumber, agent: AgentChoice })), {
    decode: SchemaGetter.transformEffect((entries: ReadonlyArray<string>) =>
      Result.match(readAgentNumbers(entries), {
        onSuccess: Effect.succeed,
        onFailure: () => Effect.fail(new SchemaIssue.InvalidValue({ expected: "an agent for each number" }))
      })
    ),
    encode: SchemaGetter.transform((entries) =>
      entries.map(({ agent, number }) => `${number}=${agent._tag === "Named" ? agent.name : agent.path}`)
    )
  })
)

/** Countries by their codes of two letters; see {@link DialRules.readCountries}. */
const CountriesText = List.pipe(
  Schema.check(Schema.isMinLength(1)),
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

/** `media.example.com`, `media.example.com:8443`, `[2001:db8::1]:8443`: what a URL has between `//` and `/`. */
const HostText = Schema.String.check(Schema.isPattern(/^(?:\[[0-9a-f:.]+\]|[\p{L}\p{N}._-]+)(?::\d{1,5})?$/iu))

const Secret = Schema.RedactedFromValue(Schema.NonEmptyString)

const whole = (minimum: number, maximum: number) =>
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))

/** Tokens. Less holds no conversation. */
const Windows = NonEmptyTexts.pipe(Schema.decodeTo(Schema.Array(whole(512, 10_000_000))))

const atLeast = (minimum: number) => Schema.NumberFromString.check(Schema.isFinite(), Schema.isGreaterThan(minimum))

// ---------------------------------------------------------------------------------------------
// The variables
// ---------------------------------------------------------------------------------------------

interface Variable<A> {
  readonly schema: Schema.ConstraintCodec<A, unknown>
  /** Completes the sentence "NAME must be …". */
  readonly expected: string
  readonly example: string
  /** What is odd in a value that is refused: a clause. */
  readonly why?: (value: string) => Result.Result<unknown, string>
}

const required = <A>(
  schema: Schema.ConstraintCodec<A, unknown>,
  expected: string,
  example: string,
  why?: Variable<A>["why"]
): Variable<A> => ({ schema, expected, example, ...(why === undefined ? {} : { why }) })

interface WithDefault<A> extends Variable<A> {
  readonly fallback: A
}

const withDefault = <A>(
  schema: Schema.ConstraintCodec<A, unknown>,
  fallback: A,
  expected: string,
  example: string,
  why?: Variable<A>["why"]
): WithDefault<A> => ({ ...required(schema, expected, example, why), fallback })

const url = (example: string) => required(HttpUrl, "an http or https URL without a query", example)
const engines = (example: string) =>
  required(EngineList, "http or https URLs without a query, or the word embedded, with commas between", example)
const eachEngine = (what: string, example: string) =>
  required(NonEmptyTexts, `${what}, or one for each address with commas between`, example)
const eachKey = required(NonEmptySecrets, "the engine's key, or one for each address with commas between", "…")
const text = (expected: string, example: string) => required(Schema.NonEmptyString, expected, example)

/** A timer of Node's takes 24 days at most, and a longer one fires at once; nothing here is meant to last longer than a day. */
const longest = Duration.days(1)

const duration = (from: "from 0" | "above 0" | "from 1s", fallback: Duration.Input, example: string) =>
  withDefault(
    DurationText.check(Schema.makeFilter((value) =>
      Duration.isLessThanOrEqualTo(value, longest) &&
      Duration.isGreaterThanOrEqualTo(value, Duration.millis({ "from 0": 0, "above 0": 1, "from 1s": 1000 }[from]))
    )),
    Duration.fromInputUnsafe(fallback),
    `a duration ${from} to 24h, such as 30s, 500ms or 2m (a bare number counts seconds)`,
    example
  )
const count = (minimum: number, maximum: number, fallback: number) =>
  withDefault(whole(minimum, maximum), fallback, `a whole number from ${minimum} to ${maximum}`, String(fallback))

/** One entry a variable; those without a fallback may be left out, and then are `None`. */
const variables = {
  TWILIO_ACCOUNT_SID: required(AccountSid, "an account SID: AC and 32 hexadecimal digits", "AC0123…"),
  TWILIO_AUTH_TOKEN: required(NonEmptySecrets, "the account's auth token, or several with commas while rotating", "…"),
  TWILIO_PHONE_NUMBER: required(PhoneNumberFromText, "a phone number in E.164 form", "+14155550100", (value) =>
    Result.mapError(PhoneNumbers.read(value), (oddity) => `it ${oddity}`)),
  TWILIO_API_BASE_URL: url("http://127.0.0.1:8010"),
  TWILIO_TIMEOUT: duration("above 0", "10 seconds", "10s"),
  CALLS_PER_SECOND: withDefault(atLeast(0), 1, "a number above 0", "1"),
  DIAL_COUNTRIES: required(
    CountriesText,
    "countries by their codes of two letters (ISO 3166), with commas between",
    "US,CA,GB",
    (value) => DialRules.readCountries(splitList(value))
  ),
  DIAL_ALSO: withDefault(SpecialKinds, [], `one or more of ${DialRules.specialKinds.join(", ")}, with commas between`, "shared-cost"),
  DIAL_MAX_PER_DAY: required(whole(1, 1_000_000), "a whole number from 1 to 1000000", "500"),
  DIAL_MAX_PER_NUMBER: required(whole(1, 10_000), "a whole number from 1 to 10000", "3"),

  SERVER_HOST: withDefault(Schema.NonEmptyString, "127.0.0.1", "an address to listen on", "127.0.0.1"),
  SERVER_PORT: withDefault(whole(0, 65_535), 8000, "a port number from 0 to 65535", "8000"),
  PUBLIC_URL: url("https://calls.example.com"),
  TRUSTED_PROXIES: withDefault(
    NetworksText,
    [],
    "IP addresses, networks or the words loopback, private or linklocal, with commas between",
    "127.0.0.1,10.0.0.0/8"
  ),
  SERVER_KEEP_ALIVE: duration("from 1s", "620 seconds", "620s"),
  SERVER_MAX_IDLE_CONNECTIONS: count(1, 1_000_000, 1000),
  ADMIN_HOST: withDefault(Schema.NonEmptyString, "127.0.0.1", "an address to listen on", "127.0.0.1"),
  ADMIN_PORT: required(whole(0, 65_535), "a port number from 0 to 65535", "8001"),
  WEBSOCKET_HOSTS: withDefault(
    List.pipe(Schema.decodeTo(Schema.Array(HostText))),
    [],
    "host names, without scheme and path, with commas between",
    "media.example.com"
  ),
  API_KEY: required(
    Schema.String.check(Schema.isPattern(/^[\x20-\x7e]+$/)).pipe(Schema.decodeTo(Secret)),
    "a secret of ASCII characters, for callers of the API send it in a header",
    "…"
  ),

  AGENT: withDefault(
    AgentText,
    { _tag: "Named", name: AgentName.make("receptionist") },
    "the name of an agent or the path of its file",
    "receptionist"
  ),
  AGENT_NUMBERS: withDefault(
    AgentNumbersText,
    [],
    "called numbers, each once, with an agent's name or file",
    "+14155550100=receptionist,+14155550101=./agents/shop.yaml",
    (value) => readAgentNumbers(splitList(value))
  ),
  AGENTS_DIR: text("a folder with agent files", "agents"),
  DATA_DIR: withDefault(Schema.NonEmptyString, "data", "a folder that the service may write to", "data"),
  EVENTS_DIR: text("a folder that the service may write to", "data/events"),

  STT_URL: engines("http://127.0.0.1:8001/v1,embedded"),
  STT_MODEL: eachEngine("the name of a model", "openai/whisper-large-v3-turbo"),
  STT_API_KEY: eachKey,
  STT_PARTIALS: withDefault(Schema.Literals(["on", "off"]), "on", "on or off", "off"),
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
  LLM_CONTEXT_WINDOW: required(
    Windows,
    "a whole number of tokens from 512 to 10000000, or one for each address with commas between",
    "8192"
  ),
  TTS_URL: engines("http://127.0.0.1:8003/v1,embedded"),
  TTS_MODEL: eachEngine("the name of a model", "sesame/csm-1b"),
  TTS_API_KEY: eachKey,
  TTS_VOICE: eachEngine("the name of a voice", "0"),
  TTS_SAMPLE_RATE: count(4000, 192_000, 24_000),
  TTS_NORMALIZE: required(Switches, "on or off, or one of them for each address with commas between", "off"),

  MAX_CALLS: count(1, 100_000, 100),
  MAX_CALLS_PER_CALLER: required(whole(1, 100_000), "a whole number from 1 to 100000", "50"),
  MAX_CALL_DURATION: duration("above 0", "1 hour", "1h"),
  START_TIMEOUT: duration("above 0", "10 seconds", "10s"),
  MEDIA_TIMEOUT: duration("above 0", "15 seconds", "15s"),
  MEDIA_BACKLOG: withDefault(
    DurationText.check(
      Schema.makeFilter((backlog) => Duration.between(backlog, { minimum: Duration.millis(500), maximum: Duration.minutes(1) }))
    ),
    Duration.seconds(6),
    "a duration from 500ms to 1m",
    "6s"
  ),
  MAX_MESSAGE_BYTES: count(1024, 16_777_216, 65_536),
  MAX_BAD_MESSAGES: count(1, 1_000_000, 50),
  SHUTDOWN_GRACE: duration("from 0", "30 seconds", "30s"),

  LOG_FORMAT: withDefault(Schema.Literals(["auto", "json", "pretty"]), "auto", "auto, json or pretty", "auto"),
  LOG_LEVEL: withDefault(
    Schema.Literals(["Trace", "Debug", "Info", "Warn", "Error"]),
    "Info",
    "Trace, Debug, Info, Warn or Error",
    "Info"
  )
} as const

type Variables = typeof variables
type Values = {
  readonly [Name in keyof Variables]: Variables[Name] extends WithDefault<infer A> ? A
    : Variables[Name] extends Variable<infer A> ? Option.Option<A>
    : never
}

/** The names, in the order of `.env.example`. */
export const names: ReadonlyArray<string> = Object.keys(variables)

// ---------------------------------------------------------------------------------------------
// Settings
// ---------------------------------------------------------------------------------------------

/** One speech or language engine at an OpenAI-compatible address. */
export interface EngineSettings {
  readonly url: URL
  readonly model: Option.Option<string>
  readonly apiKey: Option.Option<Redacted.Redacted>
  readonly voice: Option.Option<string>
  /** Hz of a speech engine's samples where its answer does not say; unset: 24000. */
  readonly sampleRate?: number
  /** Of speech to text: whether it is asked for the words so far while the caller speaks. Default true. */
  readonly hasPartials?: boolean
  /** Of speech to text: words of less confidence (0 to 0.9) are doubtful; 0: none are. Unset: the engine's own. */
  readonly leastConfidence?: number
  /** A speech engine that writes figures out itself gets them as they are written. Unset: it does not. */
  readonly writesFiguresOut?: boolean
  /** How a language engine answers. */
  readonly reply?: ReplySettings
}

/** The size of a language model's answers. */
export interface ReplySettings {
  /** Of what is spoken. */
  readonly maxTokens: number
  /** How much the model is to think before it answers. */
  readonly thinking: "off" | "low" | "medium" | "high"
  /** On top of `maxTokens`, where the model thinks: servers count both together. */
  readonly thinkingTokens: number
  /** Tokens of prompt and answer together that the server holds. Unset: the server is asked. */
  readonly contextWindow?: number
}

/** An engine of a stage; where there are several, the first that works is used. */
export type EngineChoice =
  | { readonly _tag: "Embedded" }
  | { readonly _tag: "Server"; readonly settings: EngineSettings }

type EngineChoices = Array.NonEmptyReadonlyArray<EngineChoice>

/** A Twilio account: webhooks are accepted when signed with any of the tokens, REST uses the first. */
export interface Account {
  readonly accountSid: AccountSid
  readonly authTokens: Array.NonEmptyReadonlyArray<Redacted.Redacted>
}

/** What the service is to do, parsed and checked. */
export interface Settings {
  readonly twilio: {
    /** Unset: the service makes a local account; see `config/Credentials`. */
    readonly account: Option.Option<Account>
    readonly phoneNumber: Option.Option<PhoneNumber>
    readonly apiBaseUrl: Option.Option<URL>
    readonly timeout: Duration.Duration
    readonly callsPerSecond: number
  }
  /** Which numbers are dialled, and how often in a day; unset limits: none. */
  readonly dialling: {
    readonly rules: DialRules.DialRules
    readonly maxPerDay: Option.Option<number>
    readonly maxPerNumber: Option.Option<number>
  }
  readonly server: {
    readonly host: string
    readonly port: number
    readonly publicUrl: Option.Option<URL>
    /** Networks, each as `address/prefix`. */
    readonly trustedProxies: ReadonlyArray<string>
    readonly connections: {
      /** How long a connection may wait for its next request. */
      readonly keepAlive: Duration.Duration
      /** Connections that may wait; of more, the one is closed that has waited longest. */
      readonly maxIdle: number
    }
    /** Where the documentation, the metrics and the readiness are, if not beside the rest. */
    readonly admin: Option.Option<{ readonly host: string; readonly port: number }>
    readonly websocketHosts: ReadonlyArray<string>
    readonly shutdownGrace: Duration.Duration
  }
  readonly apiKey: Option.Option<Redacted.Redacted>
  readonly agents: {
    /** The one that answers when nothing else is said. */
    readonly standard: AgentChoice
    /** The ones that answer calls to these numbers. */
    readonly numbers: ReadonlyArray<{ readonly number: PhoneNumber; readonly agent: AgentChoice }>
    /** All files in it are agents, by the names in them. */
    readonly dir: Option.Option<string>
  }
  readonly dataDir: string
  /** Where the events of conversations are written down, for replay; unset: nowhere. */
  readonly eventsDir: Option.Option<string>
  readonly engines: {
    readonly speechToText: EngineChoices
    readonly replyModel: EngineChoices
    readonly textToSpeech: EngineChoices
  }
  readonly limits: {
    /** Calls at once; one more is told that the line is busy. */
    readonly calls: number
    /** Of these, the ones that one caller may have at once. */
    readonly callsPerCaller: number
    readonly callDuration: Duration.Duration
    /** From the TwiML's answer, and again from the WebSocket's upgrade, to `start`. */
    readonly start: Duration.Duration
    /** Without a `media` message while the stream is open. */
    readonly media: Duration.Duration
    /** How much sound a stalled network may bring at once, and how long a stall may be before it is a pause. */
    readonly backlog: Duration.Duration
    readonly messageBytes: number
    /** Bad messages of one stream before it is closed; good ones pay them back one by one. */
    readonly badMessages: number
  }
  /** What was set and does nothing, or more than was probably meant: a line each, to be told at the start. */
  readonly warnings: ReadonlyArray<string>
  readonly log: {
    readonly format: "auto" | "json" | "pretty"
    readonly level: "Trace" | "Debug" | "Info" | "Warn" | "Error"
  }
}

/** What is wrong with the configuration: a line for each variable, fit to be shown to the operator. */
export class InvalidConfig extends Data.TaggedError("InvalidConfig")<{
  readonly lines: Array.NonEmptyReadonlyArray<string>
}> {
  override get message() {
    return this.lines.join("\n")
  }
}

const secretNames = /TOKEN|KEY/

/** What a URL may hold beside its address: credentials, or a key in its query. */
const mayHoldSecret = /[@?#]/

const load = <A>(name: string, variable: Variable<A>): Effect.Effect<Result.Result<Option.Option<A>, string>> =>
  Effect.gen(function*() {
    const raw = Environment.trimmed(Option.getOrElse(yield* Config.option(Config.String(name)), () => ""))
    if (raw === "") return Result.succeed(Option.none<A>())
    // A number may be copied with what can't be seen: that is read as it is meant, or told with the number.
    const odd = variable.why === undefined || /^["']/.test(raw) ? Environment.oddity(raw) : undefined
    if (odd !== undefined) return Result.fail(`${name} ${odd}.`)
    const value = yield* Effect.option(Schema.decodeUnknownEffect(variable.schema)(raw))
    if (Option.isSome(value)) return Result.succeed(value)
    const shown = secretNames.test(name) || mayHoldSecret.test(raw) ? "" : `, not ${JSON.stringify(raw)}`
    const why = variable.why?.(raw)
    const because = why === undefined || Result.isSuccess(why) ? "" : ` (${why.failure})`
    return Result.fail(
      `${name} must be ${variable.expected}${shown}${because}. Set it in the environment or in .env, for example ${name}=${variable.example}`
    )
  }).pipe(Effect.orElseSucceed(() => Result.fail(`${name} could not be read. Set it in the environment or in .env.`)))

/** The names of all variables that have a value; none where they can't be listed. */
const givenNames = Effect.gen(function*() {
  return yield* Environment.namesOf(yield* ConfigProvider.ConfigProvider)
}).pipe(Effect.orElseSucceed(() => []))

const stages = ["STT", "LLM", "TTS"] as const
type EnginePrefix = typeof stages[number]

const serversOf = (values: Values, prefix: EnginePrefix): number =>
  Option.getOrElse(values[`${prefix}_URL`], () => []).filter((engine) => engine !== embedded).length

/** What belongs to the addresses of a stage: one for all of them, or one each. */
const perServer = (values: Values, prefix: EnginePrefix) => ({
  [`${prefix}_MODEL`]: values[`${prefix}_MODEL`],
  [`${prefix}_API_KEY`]: values[`${prefix}_API_KEY`],
  ...(prefix === "LLM" ? { LLM_CONTEXT_WINDOW: values.LLM_CONTEXT_WINDOW } : {}),
  ...(prefix === "TTS" ? { TTS_VOICE: values.TTS_VOICE, TTS_NORMALIZE: values.TTS_NORMALIZE } : {})
})

const replySettings = (values: Values, contextWindow: Option.Option<number>): ReplySettings => ({
  maxTokens: values.LLM_MAX_TOKENS,
  thinking: values.LLM_THINKING,
  thinkingTokens: values.LLM_THINKING_TOKENS,
  ...Option.isSome(contextWindow) ? { contextWindow: contextWindow.value } : {}
})

const engineChoices = (values: Values, prefix: EnginePrefix): EngineChoices => {
  const pick = <A>(list: Option.Option<ReadonlyArray<A>>, index: number): Option.Option<A> =>
    Option.flatMap(list, (items) => Option.fromUndefinedOr(items.length === 1 ? items[0] : items[index]))
  let server = 0
  const choices = Option.getOrElse(values[`${prefix}_URL`], () => [embedded] as const).map((engine): EngineChoice => {
    if (engine === embedded) return { _tag: "Embedded" }
    const index = server++
    return {
      _tag: "Server",
      settings: {
        url: engine,
        model: pick(values[`${prefix}_MODEL`], index),
        apiKey: pick(values[`${prefix}_API_KEY`], index),
        voice: prefix === "TTS" ? pick(values.TTS_VOICE, index) : Option.none(),
        ...(prefix === "STT" ? { hasPartials: values.STT_PARTIALS === "on", leastConfidence: values.STT_LEAST_CONFIDENCE } : {}),
        ...(prefix === "TTS"
          ? { sampleRate: values.TTS_SAMPLE_RATE, writesFiguresOut: Option.contains(pick(values.TTS_NORMALIZE, index), "off") }
          : {}),
        ...(prefix === "LLM" ? { reply: replySettings(values, pick(values.LLM_CONTEXT_WINDOW, index)) } : {})
      }
    }
  })
  return Array.isArrayNonEmpty(choices) ? choices : [{ _tag: "Embedded" }]
}

/** A model, a key or a voice too many or too few would go to the wrong engine. */
const unevenEngines = (values: Values): ReadonlyArray<string> =>
  stages.flatMap((prefix) => {
    const servers = serversOf(values, prefix)
    return Object.entries(perServer(values, prefix)).flatMap(([name, list]) => {
      const count = Option.match<ReadonlyArray<unknown>, number, number>(list, { onNone: () => 0, onSome: (items) => items.length })
      return count <= 1 || count === servers ? [] : [
        `${name} has ${count} entries, but ${prefix}_URL has ${servers} addresses. Set one for all of them, or one for each, with commas between.`
      ]
    })
  })

const toSettings = (values: Values): Omit<Settings, "warnings"> => ({
  twilio: {
    account: Option.all({ accountSid: values.TWILIO_ACCOUNT_SID, authTokens: values.TWILIO_AUTH_TOKEN }),
    phoneNumber: values.TWILIO_PHONE_NUMBER,
    apiBaseUrl: values.TWILIO_API_BASE_URL,
    timeout: values.TWILIO_TIMEOUT,
    callsPerSecond: values.CALLS_PER_SECOND
  },
  dialling: {
    rules: {
      countries: Option.map(values.DIAL_COUNTRIES, (codes) => new Set(codes)),
      also: new Set(values.DIAL_ALSO),
      own: new Set([...Option.toArray(values.TWILIO_PHONE_NUMBER), ...values.AGENT_NUMBERS.map(({ number }) => number)])
    },
    maxPerDay: values.DIAL_MAX_PER_DAY,
    maxPerNumber: values.DIAL_MAX_PER_NUMBER
  },
  server: {
    host: values.SERVER_HOST,
    port: values.SERVER_PORT,
    publicUrl: values.PUBLIC_URL,
    trustedProxies: values.TRUSTED_PROXIES,
    connections: { keepAlive: values.SERVER_KEEP_ALIVE, maxIdle: values.SERVER_MAX_IDLE_CONNECTIONS },
    admin: Option.map(values.ADMIN_PORT, (port) => ({ host: values.ADMIN_HOST, port })),
    websocketHosts: values.WEBSOCKET_HOSTS,
    shutdownGrace: values.SHUTDOWN_GRACE
  },
  apiKey: values.API_KEY,
  agents: { standard: values.AGENT, numbers: values.AGENT_NUMBERS, dir: values.AGENTS_DIR },
  dataDir: values.DATA_DIR,
  eventsDir: values.EVENTS_DIR,
  engines: {
    speechToText: engineChoices(values, "STT"),
    replyModel: engineChoices(values, "LLM"),
    textToSpeech: engineChoices(values, "TTS")
  },
  limits: {
    calls: values.MAX_CALLS,
    callsPerCaller: Option.getOrElse(values.MAX_CALLS_PER_CALLER, () => Math.max(1, Math.floor(values.MAX_CALLS / 2))),
    callDuration: values.MAX_CALL_DURATION,
    start: values.START_TIMEOUT,
    media: values.MEDIA_TIMEOUT,
    // A stream that is given up has no stall to wait for.
    backlog: Duration.min(values.MEDIA_BACKLOG, values.MEDIA_TIMEOUT),
    messageBytes: values.MAX_MESSAGE_BYTES,
    badMessages: values.MAX_BAD_MESSAGES
  },
  log: { format: values.LOG_FORMAT, level: values.LOG_LEVEL }
})

/** Half an account is a mistake, not a wish for the local one. */
const halfAccount = (values: Values): ReadonlyArray<string> =>
  Option.isSome(values.TWILIO_ACCOUNT_SID) === Option.isSome(values.TWILIO_AUTH_TOKEN) ? [] : [
    Option.isSome(values.TWILIO_ACCOUNT_SID)
      ? "TWILIO_AUTH_TOKEN is missing while TWILIO_ACCOUNT_SID is set. Set it in the environment or in .env; the token stands in Twilio's console beside the account SID."
      : "TWILIO_ACCOUNT_SID is missing while TWILIO_AUTH_TOKEN is set. Set it in the environment or in .env; the account SID stands in Twilio's console."
  ]

export class AppConfig extends Context.Service<AppConfig, Settings>()("client-caller/config/AppConfig") {
  /** Reads every variable and reports all that are wrong, not only the first. */
  static readonly layer: Layer.Layer<AppConfig, InvalidConfig> = Layer.effect(
    AppConfig,
    Effect.gen(function*() {
      const wrong: Array<string> = []
      const values: Record<string, unknown> = {}
      for (const [name, variable] of Object.entries<Variable<unknown>>(variables)) {
        const loaded = yield* load(name, variable)
        if (Result.isFailure(loaded)) wrong.push(loaded.failure)
        else values[name] = "fallback" in variable ? Option.getOrElse(loaded.success, () => variable.fallback) : loaded.success
      }
      if (Array.isArrayNonEmpty(wrong)) return yield* new InvalidConfig({ lines: wrong })
      const settings = toSettings(values as Values)
      wrong.push(...halfAccount(values as Values), ...unevenEngines(values as Values), ...Contradictions.impossible(settings))
      if (Array.isArrayNonEmpty(wrong)) return yield* new InvalidConfig({ lines: wrong })
      return { ...settings, warnings: Contradictions.doubtful(settings, yield* givenNames, names) }
    })
  )
}
