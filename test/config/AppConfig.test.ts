import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Redacted } from "effect"
import { AppConfig, type EngineChoice, names } from "../../src/config/AppConfig.ts"
import { AgentName } from "../../src/domain/AgentName.ts"
import { PhoneNumber } from "../../src/domain/PhoneNumber.ts"
import { exactly } from "../fakes/TestConfig.ts"

const accountSid = `AC${"1".repeat(32)}`

const settings = (env: Record<string, string> = {}) =>
  Effect.gen(function*() {
    return yield* AppConfig
  }).pipe(Effect.provide(exactly(env)))

const problems = (env: Record<string, string>) => Effect.map(Effect.flip(settings(env)), (error) => error.lines)

const millis = Duration.toMillis

/** An engine by what is set for it. */
const shown = (choice: EngineChoice) =>
  choice._tag === "Embedded" ? "embedded" : [
    choice.settings.url.href,
    Option.getOrUndefined(choice.settings.model),
    Option.getOrUndefined(Option.map(choice.settings.apiKey, Redacted.value)),
    Option.getOrUndefined(choice.settings.voice)
  ]

describe("AppConfig", () => {
  it.effect("needs nothing: every variable has a default or may be left out", () =>
    Effect.gen(function*() {
      const { limits, server, twilio, ...rest } = yield* settings()
      assert.isTrue(Option.isNone(twilio.account))
      assert.isTrue(Option.isNone(twilio.phoneNumber))
      assert.isTrue(Option.isNone(twilio.apiBaseUrl))
      assert.strictEqual(millis(twilio.timeout), 10_000)
      assert.strictEqual(twilio.callsPerSecond, 1)
      assert.strictEqual(server.host, "127.0.0.1")
      assert.strictEqual(server.port, 8000)
      assert.isTrue(Option.isNone(server.publicUrl))
      assert.deepStrictEqual([server.trustedProxies, server.websocketHosts], [[], []])
      assert.strictEqual(millis(server.shutdownGrace), 30_000)
      assert.strictEqual(limits.calls, 100)
      assert.strictEqual(millis(limits.callDuration), 3_600_000)
      assert.strictEqual(millis(limits.start), 10_000)
      assert.strictEqual(millis(limits.media), 15_000)
      assert.strictEqual(limits.messageBytes, 65_536)
      assert.strictEqual(limits.badMessages, 50)
      assert.deepStrictEqual(rest, {
        apiKey: Option.none(),
        agents: { standard: { _tag: "Named", name: AgentName.make("receptionist") }, numbers: [], dir: Option.none() },
        dataDir: "data",
        eventsDir: Option.none(),
        databaseUrl: Option.none(),
        engines: { speechToText: [{ _tag: "Embedded" }], replyModel: [{ _tag: "Embedded" }], textToSpeech: [{ _tag: "Embedded" }] },
        log: { format: "auto", level: "Info" }
      })
    }))

  it.effect("listens to this machine only unless told otherwise", () =>
    Effect.map(settings(), ({ server }) => assert.strictEqual(server.host, "127.0.0.1")))

  it.effect("takes several engines of a stage, with what belongs to each", () =>
    Effect.gen(function*() {
      const { engines } = yield* settings({
        STT_URL: "http://a/v1, http://b/v1/,embedded",
        STT_MODEL: "small,large",
        STT_API_KEY: "one",
        LLM_URL: "embedded",
        LLM_MODEL: "gemma",
        TTS_URL: "embedded,http://c/v1",
        TTS_VOICE: "3"
      })
      assert.deepStrictEqual(engines.speechToText.map(shown), [
        ["http://a/v1", "small", "one", undefined],
        ["http://b/v1", "large", "one", undefined],
        "embedded"
      ])
      assert.deepStrictEqual(engines.replyModel.map(shown), ["embedded"])
      assert.deepStrictEqual(engines.textToSpeech.map(shown), ["embedded", ["http://c/v1", undefined, undefined, "3"]])
    }))

  it.effect("refuses an uneven list of what belongs to engines", () =>
    Effect.gen(function*() {
      const { lines } = yield* Effect.flip(settings({
        STT_URL: "http://a/v1,http://b/v1,embedded",
        STT_MODEL: "one,two,three",
        TTS_URL: "http://a/v1",
        TTS_VOICE: "1,2",
        LLM_URL: "http://a/v1,elsewhere"
      }))
      assert.strictEqual(lines.length, 1)
      assert.match(lines[0], /^LLM_URL must be /)
      const { lines: uneven } = yield* Effect.flip(settings({
        STT_URL: "http://a/v1,http://b/v1,embedded",
        STT_MODEL: "one,two,three",
        TTS_URL: "http://a/v1",
        TTS_VOICE: "1,2"
      }))
      assert.deepStrictEqual(uneven.map((line) => line.slice(0, 34)), ["STT_MODEL has 3 entries, but STT_U", "TTS_VOICE has 2 entries, but TTS_U"])
    }))

  it.effect("reads every variable", () =>
    Effect.gen(function*() {
      const { engines, limits, log, server, twilio, ...rest } = yield* settings({
        TWILIO_ACCOUNT_SID: accountSid,
        TWILIO_AUTH_TOKEN: "new,old",
        TWILIO_PHONE_NUMBER: "+1 (415) 555-0100",
        TWILIO_API_BASE_URL: "http://127.0.0.1:8010",
        TWILIO_TIMEOUT: "3s",
        CALLS_PER_SECOND: "2.5",
        SERVER_HOST: "0.0.0.0",
        SERVER_PORT: "0",
        PUBLIC_URL: "https://calls.example.com/line/",
        TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8,",
        WEBSOCKET_HOSTS: "media.example.com",
        API_KEY: "key",
        AGENT: "front-desk",
        AGENT_NUMBERS: "+1 415 555 0100=echo, +14155550101=./agents/shop=1.yaml",
        AGENTS_DIR: "agents",
        DATA_DIR: "somewhere",
        DATABASE_URL: "postgres://u:p@db/calls",
        STT_URL: "http://127.0.0.1:8001/v1",
        STT_MODEL: "whisper",
        STT_API_KEY: "stt",
        STT_PARTIALS: "off",
        LLM_URL: "http://127.0.0.1:8002/v1/",
        LLM_MODEL: "gemma",
        LLM_API_KEY: "llm",
        TTS_URL: "http://127.0.0.1:8003/v1",
        TTS_MODEL: "csm",
        TTS_API_KEY: "tts",
        TTS_VOICE: "7",
        TTS_SAMPLE_RATE: "16000",
        MAX_CALLS: "7",
        MAX_CALL_DURATION: "5m",
        START_TIMEOUT: "4s",
        MEDIA_TIMEOUT: "6s",
        MAX_MESSAGE_BYTES: "4096",
        MAX_BAD_MESSAGES: "3",
        SHUTDOWN_GRACE: "8s",
        LOG_FORMAT: "json",
        LOG_LEVEL: "Debug"
      })
      const account = Option.getOrThrow(twilio.account)
      assert.strictEqual(account.accountSid, accountSid)
      assert.deepStrictEqual(account.authTokens.map(Redacted.value), ["new", "old"])
      assert.strictEqual(Option.getOrThrow(twilio.phoneNumber), "+14155550100")
      assert.strictEqual(Option.getOrThrow(twilio.apiBaseUrl).href, "http://127.0.0.1:8010/")
      assert.strictEqual(millis(twilio.timeout), 3000)
      assert.strictEqual(twilio.callsPerSecond, 2.5)
      assert.strictEqual(server.host, "0.0.0.0")
      assert.strictEqual(server.port, 0)
      assert.strictEqual(Option.getOrThrow(server.publicUrl).href, "https://calls.example.com/line")
      assert.deepStrictEqual(server.trustedProxies, ["127.0.0.1", "10.0.0.0/8"])
      assert.deepStrictEqual(server.websocketHosts, ["media.example.com"])
      assert.strictEqual(millis(server.shutdownGrace), 8000)
      assert.strictEqual(Redacted.value(Option.getOrThrow(rest.apiKey)), "key")
      assert.deepStrictEqual(rest.agents, {
        standard: { _tag: "Named", name: AgentName.make("front-desk") },
        numbers: [
          { number: PhoneNumber.make("+14155550100"), agent: { _tag: "Named", name: AgentName.make("echo") } },
          { number: PhoneNumber.make("+14155550101"), agent: { _tag: "File", path: "./agents/shop=1.yaml" } }
        ],
        dir: Option.some("agents")
      })
      assert.strictEqual(rest.dataDir, "somewhere")
      assert.strictEqual(Redacted.value(Option.getOrThrow(rest.databaseUrl)), "postgres://u:p@db/calls")
      assert.deepStrictEqual(engines.speechToText.map(shown), [["http://127.0.0.1:8001/v1", "whisper", "stt", undefined]])
      assert.deepStrictEqual(engines.replyModel.map(shown), [["http://127.0.0.1:8002/v1", "gemma", "llm", undefined]])
      assert.deepStrictEqual(engines.textToSpeech.map(shown), [["http://127.0.0.1:8003/v1", "csm", "tts", "7"]])
      assert.strictEqual(engines.textToSpeech[0]._tag === "Server" && engines.textToSpeech[0].settings.sampleRate, 16_000)
      assert.strictEqual(engines.speechToText[0]._tag === "Server" && engines.speechToText[0].settings.hasPartials, false)
      assert.deepStrictEqual(
        [limits.calls, millis(limits.callDuration), millis(limits.start), millis(limits.media)],
        [7, 300_000, 4000, 6000]
      )
      assert.deepStrictEqual([limits.messageBytes, limits.badMessages], [4096, 3])
      assert.deepStrictEqual(log, { format: "json", level: "Debug" })
    }))

  it.effect("takes an empty variable for one that is not set", () =>
    Effect.gen(function*() {
      const empty = Object.fromEntries(names.map((name) => [name, ""]))
      assert.deepStrictEqual(JSON.stringify(yield* settings(empty)), JSON.stringify(yield* settings()))
    }))

  it.effect.each([
    ["30", 30_000],
    ["30s", 30_000],
    ["500ms", 500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["1.5 s", 1500],
    ["0", 0],
    [" 7s ", 7000]
  ] as const)("reads the duration %s", ([text, expected]) =>
    Effect.map(settings({ SHUTDOWN_GRACE: text }), ({ server }) => assert.strictEqual(millis(server.shutdownGrace), expected)))

  it.effect.each([
    ["one", "only", "only"],
    ["several", "new,old,older", "new old older"],
    ["several with spaces and an empty one", " new , old ,, ", "new old"]
  ] as const)("takes %s of the auth tokens, the first first", ([, text, expected]) =>
    Effect.gen(function*() {
      const { twilio } = yield* settings({ TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: text })
      assert.deepStrictEqual(Option.getOrThrow(twilio.account).authTokens.map(Redacted.value).join(" "), expected)
    }))

  it.effect.each([
    ["TWILIO_ACCOUNT_SID", "CA11111111111111111111111111111111", "an account SID: AC and 32 hexadecimal digits"],
    ["TWILIO_PHONE_NUMBER", "4155550100", "a phone number in E.164 form"],
    ["TWILIO_API_BASE_URL", "ftp://127.0.0.1", "an http or https URL"],
    ["TWILIO_TIMEOUT", "soon", "a duration"],
    ["TWILIO_TIMEOUT", "-1s", "a duration"],
    ["TWILIO_TIMEOUT", "3 days", "a duration"],
    ["CALLS_PER_SECOND", "0", "a number above 0"],
    ["CALLS_PER_SECOND", "Infinity", "a number above 0"],
    ["SERVER_PORT", "65536", "a port number from 0 to 65535"],
    ["SERVER_PORT", "http", "a port number from 0 to 65535"],
    ["SERVER_PORT", "80.5", "a port number from 0 to 65535"],
    ["SERVER_PORT", "-1", "a port number from 0 to 65535"],
    ["PUBLIC_URL", "calls.example.com", "an http or https URL"],
    ["PUBLIC_URL", "wss://calls.example.com", "an http or https URL"],
    ["PUBLIC_URL", "https://calls.example.com/?x=1", "an http or https URL"],
    ["PUBLIC_URL", "https://calls.example.com/#x", "an http or https URL"],
    ["AGENT", "Front Desk", "the name of an agent"],
    ["AGENT_NUMBERS", "receptionist", "called numbers, each once"],
    ["AGENT_NUMBERS", "555=receptionist", "called numbers, each once"],
    ["AGENT_NUMBERS", "+14155550100=", "called numbers, each once"],
    ["AGENT_NUMBERS", "+14155550100=Front Desk", "called numbers, each once"],
    ["AGENT_NUMBERS", "+14155550100=echo,+1 415 555 0100=receptionist", "called numbers, each once"],
    ["STT_URL", "localhost:8001/v1", "http or https URLs"],
    ["MAX_CALLS", "0", "a whole number from 1 to"],
    ["MAX_CALLS", "many", "a whole number from 1 to"],
    ["MAX_MESSAGE_BYTES", "100", "a whole number from 1024 to"],
    ["LOG_FORMAT", "xml", "auto, json or pretty"],
    ["LOG_LEVEL", "loud", "Trace, Debug, Info, Warn or Error"]
  ] as const)("tells in one line what is wrong with %s=%s", ([name, value, expected]) =>
    Effect.gen(function*() {
      const lines = yield* problems({ [name]: value })
      assert.strictEqual(lines.length, 1)
      const [line] = lines
      assert.isTrue(line.startsWith(`${name} must be ${expected}`), line)
      assert.strictEqual(line.includes(JSON.stringify(value)), !/[?#]/.test(value))
      assert.include(line, `for example ${name}=`)
      assert.notInclude(line, "\n")
    }))

  it.effect("gives an example that it would accept itself", () =>
    Effect.gen(function*() {
      const lines = yield* problems({
        TWILIO_TIMEOUT: "x",
        CALLS_PER_SECOND: "x",
        SERVER_PORT: "x",
        PUBLIC_URL: "x",
        MAX_CALLS: "x",
        LOG_LEVEL: "x"
      })
      const examples = lines.map((line) => /for example (\w+)=(\S+)$/.exec(line)!.slice(1) as [string, string])
      assert.strictEqual(examples.length, 6)
      yield* settings(Object.fromEntries(examples))
    }))

  it.effect.each(["shop.yaml", "./shop", "agents\\shop", "/etc/agents/Shop.YML"])("takes %s for the path of an agent's file", (path) =>
    Effect.map(settings({ AGENT: path }), ({ agents }) => assert.deepStrictEqual(agents.standard, { _tag: "File", path })))

  it.effect("reports all that is wrong, in the order of the variables", () =>
    Effect.gen(function*() {
      const lines = yield* problems({ LOG_LEVEL: "loud", SERVER_PORT: "http", MAX_CALLS: "0", AGENT: "echo" })
      assert.deepStrictEqual(lines.map((line) => line.split(" ")[0]), ["SERVER_PORT", "MAX_CALLS", "LOG_LEVEL"])
    }))

  it.effect("has a message of one line a variable", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(settings({ LOG_LEVEL: "loud", SERVER_PORT: "http" }))
      assert.strictEqual(error.message.split("\n").length, 2)
    }))

  it.effect("never echoes a secret that it refuses", () =>
    Effect.gen(function*() {
      const lines = yield* problems({ TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: " , ,, " })
      assert.strictEqual(lines.length, 1)
      assert.notInclude(lines[0], ", ,")
      const secret = "hunter2"
      for (const name of ["PUBLIC_URL", "TWILIO_API_BASE_URL", "STT_URL", "LLM_URL", "TTS_URL"]) {
        for (const value of [
          `https://user:${secret}@host.example`,
          `https://:${secret}@host.example`,
          `https://${secret}@host.example`,
          `https://host.example/?key=${secret}`,
          `https://host.example/#${secret}`
        ]) {
          const [line, ...others] = yield* problems({ [name]: value })
          assert.deepStrictEqual(others, [])
          assert.isTrue(line.startsWith(`${name} must be`))
          assert.notInclude(line, secret)
        }
      }
    }))

  it.effect("does not show secrets when the settings are printed", () =>
    Effect.gen(function*() {
      const all = yield* settings({
        TWILIO_ACCOUNT_SID: accountSid,
        TWILIO_AUTH_TOKEN: "hunter2,hunter2b",
        API_KEY: "hunter2",
        DATABASE_URL: "postgres://u:hunter2@db/calls",
        STT_URL: "http://127.0.0.1:8001/v1",
        STT_API_KEY: "hunter2"
      })
      assert.notInclude(JSON.stringify(all), "hunter2")
    }))

  it.effect("takes half an account for a mistake, and names the other half", () =>
    Effect.gen(function*() {
      const [noToken, ...one] = yield* problems({ TWILIO_ACCOUNT_SID: accountSid })
      assert.isTrue(noToken.startsWith("TWILIO_AUTH_TOKEN is missing while TWILIO_ACCOUNT_SID is set"))
      const [noSid, ...two] = yield* problems({ TWILIO_AUTH_TOKEN: "hunter2" })
      assert.isTrue(noSid.startsWith("TWILIO_ACCOUNT_SID is missing while TWILIO_AUTH_TOKEN is set"))
      assert.notInclude(noSid, "hunter2")
      assert.deepStrictEqual([...one, ...two], [])
    }))
})
