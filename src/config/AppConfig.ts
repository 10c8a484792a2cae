/**
 * Every variable that this service reads, once: its name, what it may be, what it is when unset.
 *
 * Values come from the environment, then from `.env`. `.env.example` explains each variable to the
 * operator; a test holds the two together.
 */
import { Array, Config, Context, Data, Duration, Effect, Layer, Option, Redacted, Result, Schema, SchemaGetter, SchemaIssue } from "effect"
import { AgentName } from "../domain/AgentName.ts"
import * as PhoneNumbers from "../domain/PhoneNumber.ts"
import { PhoneNumber, PhoneNumberFromText } from "../domain/PhoneNumber.ts"
import { AccountSid } from "../domain/Sid.ts"

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

const List = Schema.String.pipe(
  Schema.decodeTo(Schema.Array(Schema.String), {
    decode: SchemaGetter.transform((text: string) =>
      text.split(",").map((item) => item.trim()).filter((item) => item.length > 0)
    ),
    encode: SchemaGetter.transform((items: ReadonlyArray<string>) => items.join(","))
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

/** One agent for each called number: `+14155550100=receptionist,+14155550101=./agents/shop.yaml`. */
const AgentNumbersText = List.pipe(
  Schema.decodeTo(Schema.Array(Schema.Struct({ number: PhoneNumber, agent: AgentChoice })), {
    decode: SchemaGetter.transformEffect((items: ReadonlyArray<string>) => {
      const entries = items.flatMap((item) => {
        const at = item.indexOf("=")
        const number = at < 0 ? Option.none() : PhoneNumbers.parse(item.slice(0, at))
        const agent = readAgent(item.slice(at + 1))
        return Option.isSome(number) && Option.isSome(agent) ? [{ number: number.value, agent: agent.value }] : []
      })
      return entries.length === items.length && new Set(entries.map(({ number }) => number)).size === entries.length
        ? Effect.succeed(entries)
        : Effect.fail(new SchemaIssue.InvalidValue({ expected: "an agent for each number" }))
    }),
    encode: SchemaGetter.transform((entries) =>
      entries.map(({ agent, number }) => `${number}=${agent._tag === "Named" ? agent.name : agent.path}`)
    )
  })
)

const Secret = Schema.RedactedFromValue(Schema.NonEmptyString)

const whole = (minimum: number, maximum: number) =>
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))

const atLeast = (minimum: number) => Schema.NumberFromString.check(Schema.isFinite(), Schema.isGreaterThan(minimum))

// ---------------------------------------------------------------------------------------------
// The variables
// ---------------------------------------------------------------------------------------------

interface Variable<A> {
  readonly schema: Schema.ConstraintCodec<A, unknown>
  /** Completes the sentence "NAME must be …". */
  readonly expected: string
  readonly example: string
}

const required = <A>(schema: Schema.ConstraintCodec<A, unknown>, expected: string, example: string): Variable<A> => ({
  schema,
  expected,
  example
})

interface WithDefault<A> extends Variable<A> {
  readonly fallback: A
}

const withDefault = <A>(
  schema: Schema.ConstraintCodec<A, unknown>,
  fallback: A,
  expected: string,
  example: string
): WithDefault<A> => ({ schema, fallback, expected, example })

const url = (example: string) => required(HttpUrl, "an http or https URL without a query", example)
const engines = (example: string) =>
  required(EngineList, "http or https URLs without a query, or the word embedded, with commas between", example)
const eachEngine = (what: string, example: string) =>
  required(NonEmptyTexts, `${what}, or one for each address with commas between`, example)
const eachKey = required(NonEmptySecrets, "the engine's key, or one for each address with commas between", "…")
const text = (expected: string, example: string) => required(Schema.NonEmptyString, expected, example)
const secret = (what: string) => required(Secret, what, "…")
const duration = (fallback: Duration.Input, example: string) =>
  withDefault(
    DurationText,
    Duration.fromInputUnsafe(fallback),
    "a duration, such as 30s, 500ms or 2m (a bare number counts seconds)",
    example
  )
const count = (minimum: number, maximum: number, fallback: number) =>
  withDefault(whole(minimum, maximum), fallback, `a whole number from ${minimum} to ${maximum}`, String(fallback))

/** One entry a variable; those without a fallback may be left out, and then are `None`. */
const variables = {
  TWILIO_ACCOUNT_SID: required(AccountSid, "an account SID: AC and 32 hexadecimal digits", "AC0123…"),
  TWILIO_AUTH_TOKEN: required(NonEmptySecrets, "the account's auth token, or several with commas while rotating", "…"),
  TWILIO_PHONE_NUMBER: required(PhoneNumberFromText, "a phone number in E.164 form", "+14155550100"),
  TWILIO_API_BASE_URL: url("http://127.0.0.1:8010"),
  TWILIO_TIMEOUT: duration("10 seconds", "10s"),
  CALLS_PER_SECOND: withDefault(atLeast(0), 1, "a number above 0", "1"),

  SERVER_HOST: withDefault(Schema.NonEmptyString, "127.0.0.1", "an address to listen on", "127.0.0.1"),
  SERVER_PORT: withDefault(whole(0, 65_535), 8000, "a port number from 0 to 65535", "8000"),
  PUBLIC_URL: url("https://calls.example.com"),
  TRUSTED_PROXIES: withDefault(List, [], "IP addresses or networks with commas between", "127.0.0.1,10.0.0.0/8"),
  WEBSOCKET_HOSTS: withDefault(List, [], "host names with commas between", "media.example.com"),
  API_KEY: secret("a secret that callers of the API send as their bearer token"),

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
    "+14155550100=receptionist,+14155550101=./agents/shop.yaml"
  ),
  AGENTS_DIR: text("a folder with agent files", "agents"),
  DATA_DIR: withDefault(Schema.NonEmptyString, "data", "a folder that the service may write to", "data"),
  EVENTS_DIR: text("a folder that the service may write to", "data/events"),
  DATABASE_URL: secret("a postgres:// address"),

  STT_URL: engines("http://127.0.0.1:8001/v1,embedded"),
  STT_MODEL: eachEngine("the name of a model", "openai/whisper-large-v3-turbo"),
  STT_API_KEY: eachKey,
  STT_PARTIALS: withDefault(Schema.Literals(["on", "off"]), "on", "on or off", "off"),
  LLM_URL: engines("http://127.0.0.1:8002/v1,embedded"),
  LLM_MODEL: eachEngine("the name of a model", "google/gemma-3-27b-it"),
  LLM_API_KEY: eachKey,
  TTS_URL: engines("http://127.0.0.1:8003/v1,embedded"),
  TTS_MODEL: eachEngine("the name of a model", "sesame/csm-1b"),
  TTS_API_KEY: eachKey,
  TTS_VOICE: eachEngine("the name of a voice", "0"),
  TTS_SAMPLE_RATE: count(4000, 192_000, 24_000),

  MAX_CALLS: count(1, 100_000, 100),
  MAX_CALL_DURATION: duration("1 hour", "1h"),
  START_TIMEOUT: duration("10 seconds", "10s"),
  MEDIA_TIMEOUT: duration("15 seconds", "15s"),
  MEDIA_BACKLOG: duration("6 seconds", "6s"),
  MAX_MESSAGE_BYTES: count(1024, 16_777_216, 65_536),
  MAX_BAD_MESSAGES: count(1, 1_000_000, 50),
  SHUTDOWN_GRACE: duration("30 seconds", "30s"),

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
    /** Unset: the service makes a local account; see `config/Identity`. */
    readonly account: Option.Option<Account>
    readonly phoneNumber: Option.Option<PhoneNumber>
    readonly apiBaseUrl: Option.Option<URL>
    readonly timeout: Duration.Duration
    readonly callsPerSecond: number
  }
  readonly server: {
    readonly host: string
    readonly port: number
    readonly publicUrl: Option.Option<URL>
    readonly trustedProxies: ReadonlyArray<string>
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
  readonly databaseUrl: Option.Option<Redacted.Redacted>
  readonly engines: {
    readonly speechToText: EngineChoices
    readonly replyModel: EngineChoices
    readonly textToSpeech: EngineChoices
  }
  readonly limits: {
    /** Calls at once; one more is told that the line is busy. */
    readonly calls: number
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

const secretNames = /TOKEN|KEY|DATABASE_URL/

/** What a URL may hold beside its address: credentials, or a key in its query. */
const mayHoldSecret = /[@?#]/

const load = <A>(name: string, variable: Variable<A>): Effect.Effect<Result.Result<Option.Option<A>, string>> =>
  Effect.gen(function*() {
    const raw = yield* Config.option(Config.String(name))
    if (Option.isNone(raw)) return Result.succeed(Option.none<A>())
    const value = yield* Effect.option(Schema.decodeUnknownEffect(variable.schema)(raw.value))
    if (Option.isSome(value)) return Result.succeed(value)
    const shown = secretNames.test(name) || mayHoldSecret.test(raw.value) ? "" : `, not ${JSON.stringify(raw.value)}`
    return Result.fail(
      `${name} must be ${variable.expected}${shown}. Set it in the environment or in .env, for example ${name}=${variable.example}`
    )
  }).pipe(Effect.orElseSucceed(() => Result.fail(`${name} could not be read. Set it in the environment or in .env.`)))

const stages = ["STT", "LLM", "TTS"] as const
type EnginePrefix = typeof stages[number]

const serversOf = (values: Values, prefix: EnginePrefix): number =>
  Option.getOrElse(values[`${prefix}_URL`], () => []).filter((engine) => engine !== embedded).length

/** What belongs to the addresses of a stage: one for all of them, or one each. */
const perServer = (values: Values, prefix: EnginePrefix) => ({
  [`${prefix}_MODEL`]: values[`${prefix}_MODEL`],
  [`${prefix}_API_KEY`]: values[`${prefix}_API_KEY`],
  ...(prefix === "TTS" ? { TTS_VOICE: values.TTS_VOICE } : {})
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
        ...(prefix === "STT" ? { hasPartials: values.STT_PARTIALS === "on" } : {}),
        ...(prefix === "TTS" ? { sampleRate: values.TTS_SAMPLE_RATE } : {})
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
      const count = Option.match(list, { onNone: () => 0, onSome: (items) => items.length })
      return count <= 1 || count === servers ? [] : [
        `${name} has ${count} entries, but ${prefix}_URL has ${servers} addresses. Set one for all of them, or one for each, with commas between.`
      ]
    })
  })

const toSettings = (values: Values): Settings => ({
  twilio: {
    account: Option.all({ accountSid: values.TWILIO_ACCOUNT_SID, authTokens: values.TWILIO_AUTH_TOKEN }),
    phoneNumber: values.TWILIO_PHONE_NUMBER,
    apiBaseUrl: values.TWILIO_API_BASE_URL,
    timeout: values.TWILIO_TIMEOUT,
    callsPerSecond: values.CALLS_PER_SECOND
  },
  server: {
    host: values.SERVER_HOST,
    port: values.SERVER_PORT,
    publicUrl: values.PUBLIC_URL,
    trustedProxies: values.TRUSTED_PROXIES,
    websocketHosts: values.WEBSOCKET_HOSTS,
    shutdownGrace: values.SHUTDOWN_GRACE
  },
  apiKey: values.API_KEY,
  agents: { standard: values.AGENT, numbers: values.AGENT_NUMBERS, dir: values.AGENTS_DIR },
  dataDir: values.DATA_DIR,
  eventsDir: values.EVENTS_DIR,
  databaseUrl: values.DATABASE_URL,
  engines: {
    speechToText: engineChoices(values, "STT"),
    replyModel: engineChoices(values, "LLM"),
    textToSpeech: engineChoices(values, "TTS")
  },
  limits: {
    calls: values.MAX_CALLS,
    callDuration: values.MAX_CALL_DURATION,
    start: values.START_TIMEOUT,
    media: values.MEDIA_TIMEOUT,
    backlog: values.MEDIA_BACKLOG,
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

/** A stall must be told from silence before the stream is given up; less than half a second is no stall. */
const badBacklog = ({ MEDIA_BACKLOG, MEDIA_TIMEOUT }: Values): ReadonlyArray<string> =>
  Duration.between(MEDIA_BACKLOG, { minimum: Duration.millis(500), maximum: MEDIA_TIMEOUT }) ? [] : [
    `MEDIA_BACKLOG (${Duration.format(MEDIA_BACKLOG)}) must be from 500ms to MEDIA_TIMEOUT (${Duration.format(MEDIA_TIMEOUT)}). Lower MEDIA_BACKLOG or raise MEDIA_TIMEOUT.`
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
      if (wrong.length === 0) wrong.push(...halfAccount(values as Values), ...unevenEngines(values as Values), ...badBacklog(values as Values))
      if (Array.isArrayNonEmpty(wrong)) return yield* new InvalidConfig({ lines: wrong })
      return toSettings(values as Values)
    })
  )
}
