import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Redacted } from "effect"
import { AppConfig } from "../../../src/config/AppConfig.ts"
import type { EngineChoice } from "../../../src/config/EngineSettings.ts"
import { names } from "../../../src/config/variables/Variables.ts"
import { AgentName } from "../../../src/domain/AgentName.ts"
import { PhoneNumber } from "../../../src/domain/PhoneNumber.ts"
import { exactly } from "../../support/service/TestConfig.ts"

const accountSid = `AC${"1".repeat(32)}`

const settings = (env: Record<string, string> = {}) =>
  Effect.gen(function*() {
    return yield* AppConfig
  }).pipe(Effect.provide(exactly(env)))

const problems = (env: Record<string, string>) => Effect.map(Effect.flip(settings(env)), (error) => error.lines)

const millis = Duration.toMillis

/** The URL, model, key and voice that are set for an engine. */
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
      assert.isTrue(Option.isNone(twilio.fallbackUrl))
      assert.strictEqual(millis(twilio.timeout), 10_000)
      assert.strictEqual(twilio.callsPerSecond, 1)
      assert.strictEqual(server.host, "127.0.0.1")
      assert.strictEqual(server.port, 8000)
      assert.isTrue(Option.isNone(server.publicUrl))
      assert.deepStrictEqual([server.trustedProxies, server.websocketHosts], [[], []])
      assert.isTrue(server.hasMediaFastPath)
      assert.strictEqual(millis(server.shutdownGrace), 30_000)
      assert.strictEqual(limits.calls, 100)
      assert.strictEqual(millis(limits.callDuration), 3_600_000)
      assert.strictEqual(millis(limits.startTimeout), 10_000)
      assert.strictEqual(millis(limits.mediaTimeout), 15_000)
      assert.strictEqual(limits.resumptions, 5)
      assert.strictEqual(limits.messageBytes, 65_536)
      assert.strictEqual(limits.badMessages, 50)
      assert.deepStrictEqual(rest, {
        apiKey: Option.none(),
        agents: { standard: { _tag: "Named", name: AgentName.make("receptionist") }, numbers: [], dir: Option.none() },
        dialling: {
          rules: { countries: Option.none(), allowedKinds: new Set<never>(), ownNumbers: new Set<never>() },
          maxPerDay: Option.none(),
          maxPerNumber: Option.none()
        },
        dataDir: "data",
        eventsDir: Option.none(),
        store: { database: Option.none(), retention: { wordsDays: 30, figuresDays: 400 }, numbers: "plain", key: Option.none(), encryption: Option.none(), pricesFile: Option.none() },
        recording: { recordsAllCalls: false, dir: Option.none(), keptFor: Duration.days(30), bucket: Option.none() },
        webhooks: { url: Option.none(), secrets: Option.none(), hasTranscript: false, isPrivateAllowed: false },
        engines: { speechToText: [{ _tag: "Embedded" }], replyModel: [{ _tag: "Embedded" }], textToSpeech: [{ _tag: "Embedded" }] },
        warnings: [],
        log: { format: "auto", level: "Info" }
      })
    }))

  it.effect("listens on this machine's own address if SERVER_HOST is not set", () =>
    Effect.map(settings(), ({ server }) => assert.strictEqual(server.host, "127.0.0.1")))

  it.effect("takes a bucket for recordings, with its keys or not at all", () =>
    Effect.gen(function*() {
      const keys = { S3_ACCESS_KEY_ID: "id", S3_SECRET_ACCESS_KEY: "secret" }
      const { recording } = yield* settings({ ...keys, S3_BUCKET: "sound", S3_REGION: "eu-west-3" })
      assert.strictEqual(Option.getOrThrow(recording.bucket).url, "https://s3.eu-west-3.amazonaws.com/sound")
      const { recording: own } = yield* settings({ ...keys, S3_BUCKET: "sound", S3_ENDPOINT: "http://minio:9000/" })
      assert.strictEqual(Option.getOrThrow(own.bucket).url, "http://minio:9000/sound")
      const { lines } = yield* Effect.flip(settings({ S3_BUCKET: "sound" }))
      assert.deepStrictEqual(lines.map((line) => line.split(" ", 1)[0]), ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"])
      const { warnings } = yield* settings({ S3_ENDPOINT: "http://minio:9000" })
      assert.match(warnings.join(), /^S3_ENDPOINT does nothing/)
    }))

  it.effect("warns of recordings that other processes can't read", () =>
    Effect.gen(function*() {
      const shared = { RECORDING: "on", DATABASE_URL: "postgres://database/calls" }
      assert.match((yield* settings(shared)).warnings.join(), /^RECORDING_DIR and S3_BUCKET are not set/)
      assert.deepStrictEqual((yield* settings({ ...shared, RECORDING_DIR: "/shared" })).warnings, [])
      assert.deepStrictEqual((yield* settings({ RECORDING: "on" })).warnings, [])
    }))

  it.effect("takes several engines of a stage, with the settings of each", () =>
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

  it.effect("knows of each speech engine whether it writes figures out itself", () =>
    Effect.gen(function*() {
      const written = (variables: Readonly<Record<string, string>>) =>
        Effect.map(settings(variables), ({ engines }) =>
          engines.textToSpeech.map((choice) => choice._tag === "Server" ? choice.settings.writesFiguresOut : choice._tag))
      const TTS_URL = "http://a/v1,embedded,http://b/v1"
      assert.deepStrictEqual(yield* written({ TTS_URL }), [false, "Embedded", false])
      assert.deepStrictEqual(yield* written({ TTS_URL, TTS_NORMALIZE: "off" }), [true, "Embedded", true])
      assert.deepStrictEqual(yield* written({ TTS_URL, TTS_NORMALIZE: "on, off" }), [false, "Embedded", true])
      const { lines } = yield* Effect.flip(settings({ TTS_URL, TTS_NORMALIZE: "maybe" }))
      assert.match(lines[0], /^TTS_NORMALIZE must be on or off, /)
      const { lines: uneven } = yield* Effect.flip(settings({ TTS_URL, TTS_NORMALIZE: "on,on,off" }))
      assert.match(uneven[0], /^TTS_NORMALIZE has 3 entries, but TTS_URL has 2 addresses/)
    }))

  it.effect("knows the context window of each language server, where it is set", () =>
    Effect.gen(function*() {
      const windows = (variables: Readonly<Record<string, string>>) =>
        Effect.map(settings(variables), ({ engines }) =>
          engines.replyModel.map((choice) => choice._tag === "Server" ? choice.settings.reply?.contextWindow : choice._tag))
      const LLM_URL = "http://a/v1,embedded,http://b/v1"
      assert.deepStrictEqual(yield* windows({ LLM_URL }), [undefined, "Embedded", undefined])
      assert.deepStrictEqual(yield* windows({ LLM_URL, LLM_CONTEXT_WINDOW: "4096" }), [4096, "Embedded", 4096])
      assert.deepStrictEqual(yield* windows({ LLM_URL, LLM_CONTEXT_WINDOW: "4096, 131072" }), [4096, "Embedded", 131_072])
      for (const wrong of ["100", "8k", "4096,no"]) {
        const { lines } = yield* Effect.flip(settings({ LLM_URL, LLM_CONTEXT_WINDOW: wrong }))
        assert.match(lines[0], /^LLM_CONTEXT_WINDOW must be a whole number of tokens from 512 to 10000000/)
      }
      const { lines: uneven } = yield* Effect.flip(settings({ LLM_URL, LLM_CONTEXT_WINDOW: "4096,4096,4096" }))
      assert.match(uneven[0], /^LLM_CONTEXT_WINDOW has 3 entries, but LLM_URL has 2 addresses/)
    }))

  it.effect("refuses a list of engine settings of the wrong length", () =>
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
        TWILIO_FALLBACK_URL: "https://handler.twilio.com/twiml/EH1?wait=2#rc=2",
        TWILIO_TIMEOUT: "3s",
        CALLS_PER_SECOND: "2.5",
        DIAL_COUNTRIES: "us, CA",
        DIAL_ALSO: "shared-cost",
        DIAL_MAX_PER_DAY: "500",
        DIAL_MAX_PER_NUMBER: "3",
        SERVER_HOST: "0.0.0.0",
        SERVER_PORT: "0",
        PUBLIC_URL: "https://calls.example.com/line/",
        TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8,",
        ADMIN_HOST: "127.0.0.1",
        ADMIN_PORT: "81",
        WEBSOCKET_HOSTS: "media.example.com",
        MEDIA_FAST_PATH: "off",
        API_KEY: "R3h7Kq9vT2mX5pZ8wB4nD6fJ",
        AGENT: "front-desk",
        AGENT_NUMBERS: "+1 415 555 0100=echo, +14155550101=./agents/shop=1.yaml",
        AGENTS_DIR: "agents",
        DATA_DIR: "somewhere",
        STT_URL: "http://127.0.0.1:8001/v1",
        STT_MODEL: "whisper",
        STT_API_KEY: "stt",
        STT_PARTIALS: "off",
        STT_LEAST_CONFIDENCE: "0.25",
        LLM_URL: "http://127.0.0.1:8002/v1/",
        LLM_MODEL: "gemma",
        LLM_API_KEY: "llm",
        LLM_MAX_TOKENS: "80",
        LLM_THINKING: "low",
        LLM_THINKING_TOKENS: "500",
        LLM_CONTEXT_WINDOW: "8192",
        TTS_URL: "http://127.0.0.1:8003/v1",
        TTS_MODEL: "csm",
        TTS_API_KEY: "tts",
        TTS_VOICE: "7",
        TTS_SAMPLE_RATE: "16000",
        TTS_NORMALIZE: "off",
        MAX_CALLS: "7",
        MAX_CALLS_PER_CALLER: "5",
        MAX_CALL_DURATION: "5m",
        START_TIMEOUT: "4s",
        MEDIA_TIMEOUT: "6s",
        MEDIA_BACKLOG: "2500ms",
        MAX_RESUMPTIONS: "2",
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
      assert.strictEqual(Option.getOrThrow(twilio.fallbackUrl).href, "https://handler.twilio.com/twiml/EH1?wait=2#rc=2")
      assert.strictEqual(millis(twilio.timeout), 3000)
      assert.strictEqual(twilio.callsPerSecond, 2.5)
      assert.deepStrictEqual(rest.dialling, {
        rules: {
          countries: Option.some(new Set(["US", "CA"])),
          allowedKinds: new Set(["shared-cost"] as const),
          ownNumbers: new Set([PhoneNumber.make("+14155550100"), PhoneNumber.make("+14155550101")])
        },
        maxPerDay: Option.some(500),
        maxPerNumber: Option.some(3)
      })
      assert.strictEqual(server.host, "0.0.0.0")
      assert.strictEqual(server.port, 0)
      assert.strictEqual(Option.getOrThrow(server.publicUrl).href, "https://calls.example.com/line")
      assert.deepStrictEqual(server.trustedProxies, ["127.0.0.1/32", "10.0.0.0/8"])
      assert.deepStrictEqual(server.websocketHosts, ["media.example.com"])
      assert.isFalse(server.hasMediaFastPath)
      assert.strictEqual(millis(server.shutdownGrace), 8000)
      assert.strictEqual(Redacted.value(Option.getOrThrow(rest.apiKey)), "R3h7Kq9vT2mX5pZ8wB4nD6fJ")
      assert.deepStrictEqual(rest.agents, {
        standard: { _tag: "Named", name: AgentName.make("front-desk") },
        numbers: [
          { number: PhoneNumber.make("+14155550100"), agent: { _tag: "Named", name: AgentName.make("echo") } },
          { number: PhoneNumber.make("+14155550101"), agent: { _tag: "File", path: "./agents/shop=1.yaml" } }
        ],
        dir: Option.some("agents")
      })
      assert.strictEqual(rest.dataDir, "somewhere")
      assert.deepStrictEqual(engines.speechToText.map(shown), [["http://127.0.0.1:8001/v1", "whisper", "stt", undefined]])
      assert.deepStrictEqual(engines.replyModel.map(shown), [["http://127.0.0.1:8002/v1", "gemma", "llm", undefined]])
      assert.deepStrictEqual(engines.textToSpeech.map(shown), [["http://127.0.0.1:8003/v1", "csm", "tts", "7"]])
      assert.deepStrictEqual(engines.replyModel[0]._tag === "Server" && engines.replyModel[0].settings.reply, {
        maxTokens: 80,
        thinking: "low",
        thinkingTokens: 500,
        contextWindow: 8192
      })
      assert.strictEqual(engines.textToSpeech[0]._tag === "Server" && engines.textToSpeech[0].settings.sampleRate, 16_000)
      assert.strictEqual(engines.speechToText[0]._tag === "Server" && engines.speechToText[0].settings.hasPartials, false)
      assert.strictEqual(engines.speechToText[0]._tag === "Server" && engines.speechToText[0].settings.leastConfidence, 0.25)
      assert.deepStrictEqual(
        [limits.calls, limits.callsPerCaller, millis(limits.callDuration), millis(limits.startTimeout), millis(limits.mediaTimeout), millis(limits.backlog)],
        [7, 5, 300_000, 4000, 6000, 2500]
      )
      assert.deepStrictEqual([limits.resumptions, limits.messageBytes, limits.badMessages], [2, 4096, 3])
      assert.deepStrictEqual(log, { format: "json", level: "Debug" })
    }))

  it.effect.each([["1", 1], ["2", 1], ["3", 1], ["100", 50]] as const)("lets one caller have half of MAX_CALLS=%s, but at least one call", ([all, half]) =>
    Effect.map(settings({ MAX_CALLS: all }), ({ limits }) => assert.strictEqual(limits.callsPerCaller, half)))

  it.effect("takes an empty variable for one that is not set", () =>
    Effect.gen(function*() {
      const empty = Object.fromEntries(names.map((name) => [name, ""]))
      assert.deepStrictEqual(JSON.stringify(yield* settings(empty)), JSON.stringify(yield* settings()))
    }))

  it.effect("takes a blank variable for one that is not set", () =>
    Effect.gen(function*() {
      for (const blank of [" ", "\n", "\r\n", "\t \u00a0", "\u200b\ufeff"]) {
        const blanks = Object.fromEntries(names.map((name) => [name, blank]))
        assert.deepStrictEqual(JSON.stringify(yield* settings(blanks)), JSON.stringify(yield* settings()))
      }
    }))

  it.effect("ignores blanks and invisible characters around any value", () =>
    Effect.gen(function*() {
      const plain = {
        TWILIO_ACCOUNT_SID: accountSid,
        TWILIO_AUTH_TOKEN: "new,old",
        TWILIO_PHONE_NUMBER: "+14155550100",
        TWILIO_API_BASE_URL: "http://127.0.0.1:8010",
        TWILIO_FALLBACK_URL: "https://handler.twilio.com/twiml/EH1",
        TWILIO_TIMEOUT: "3s",
        CALLS_PER_SECOND: "2",
        SERVER_HOST: "0.0.0.0",
        SERVER_PORT: "80",
        PUBLIC_URL: "https://calls.example.com",
        TRUSTED_PROXIES: "127.0.0.1",
        SERVER_KEEP_ALIVE: "61s",
        SERVER_MAX_IDLE_CONNECTIONS: "7",
        WEBSOCKET_HOSTS: "media.example.com",
        API_KEY: "a-secret-that-is-long-enough",
        AGENT: "echo",
        AGENT_NUMBERS: "+14155550100=echo",
        AGENTS_DIR: "agents",
        DATA_DIR: "data",
        EVENTS_DIR: "events",
        STT_URL: "http://a/v1",
        STT_MODEL: "m",
        STT_API_KEY: "k",
        LLM_URL: "http://a/v1",
        LLM_MODEL: "m",
        LLM_API_KEY: "k",
        TTS_URL: "http://a/v1",
        TTS_MODEL: "m",
        TTS_API_KEY: "k",
        TTS_VOICE: "v",
        TTS_SAMPLE_RATE: "8000",
        LOG_FORMAT: "json",
        LOG_LEVEL: "Warn"
      }
      // Secrets are read, because all redacted values look alike in JSON.
      const shownWith = (env: Record<string, string>) =>
        Effect.map(settings(env), (all) => [
          JSON.stringify(all),
          Redacted.value(Option.getOrThrow(all.apiKey)),
          ...Option.getOrThrow(all.twilio.account).authTokens.map(Redacted.value),
          ...[...all.engines.speechToText, ...all.engines.replyModel, ...all.engines.textToSpeech].map(shown)
        ])
      const expected = yield* shownWith(plain)
      for (const [before, behind] of [["", "\n"], [" ", "\r\n"], ["\t", " "], ["\ufeff", "\u200b"], ["\u00a0", "\u3000\n\n"]]) {
        const padded = Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, before + value + behind]))
        assert.deepStrictEqual(yield* shownWith(padded), expected)
      }
    }))

  it.effect.each([
    ["API_KEY", "\"a-secret-that-is-long\"", "API_KEY is in quotes."],
    ["AGENT", "'echo'", "AGENT is in quotes."],
    ["AGENT_NUMBERS", "\"+14155550100=echo\"", "AGENT_NUMBERS is in quotes."],
    ["TWILIO_AUTH_TOKEN", "one\u200btwo", "TWILIO_AUTH_TOKEN contains a character that can't be seen (U+200B)"],
    ["API_KEY", "one\ntwo", "API_KEY contains a character that can't be seen (U+000A)"],
    ["PUBLIC_URL", "https://calls.\u00adexample.com", "PUBLIC_URL contains a character that can't be seen (U+00AD)"],
    ["API_KEY", "Schlüssel-der-lang-genug-ist", "API_KEY must be a secret of ASCII characters"]
  ] as const)("says what is odd in %s=%j, without the value", ([name, value, expected]) =>
    Effect.gen(function*() {
      const [line, ...others] = yield* problems({ TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: "token", [name]: value })
      assert.deepStrictEqual(others, [])
      assert.isTrue(line.startsWith(expected), line)
      assert.notInclude(line, value)
      assert.notInclude(line, "\n")
    }))

  it.effect.each([
    ["1 415 555 0100", "has no country code"],
    ["0041 44 668 18 00", "begins with 00"],
    ["+1415555010O", "contains \"O\" (U+004F)"],
    ["+1 415 555 0100 ext. 7", "has an extension"]
  ] as const)("says what is odd in the number %s", ([number, oddity]) =>
    Effect.gen(function*() {
      assert.include((yield* problems({ TWILIO_PHONE_NUMBER: number }))[0], `(it ${oddity}`)
      assert.include((yield* problems({ AGENT_NUMBERS: `+14155550101=echo,${number}=echo` }))[0], `(entry 2 has a number that ${oddity}`)
    }))

  it.effect("takes the addresses of called numbers, even with an = in them", () =>
    Effect.gen(function*() {
      const { agents } = yield* settings({
        AGENT_NUMBERS: "sip:+14155550100@example.com;user=phone=echo, whatsapp:+14155550101=./a=b.yaml,\u202a+1 (415) 555\u20110102\u202c=echo, tel:+1-415-555-0103=echo"
      })
      assert.deepStrictEqual(agents.numbers.map(({ agent, number }) => [number, agent._tag === "File" ? agent.path : agent.name]), [
        ["+14155550100", "echo"],
        ["+14155550101", "./a=b.yaml"],
        ["+14155550102", "echo"],
        ["+14155550103", "echo"]
      ])
      assert.include((yield* problems({ AGENT_NUMBERS: "+14155550100=echo,whatsapp:+14155550100=echo" }))[0], "entries 1 and 2 have the same number")
    }))

  it.effect.each([
    ["[::1]\n", "::1"],
    ["2001:db8::7", "2001:db8::7"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["localhost", "localhost"],
    ["my_host.local", "my_host.local"]
  ] as const)("reads the address to listen on %s", ([text, host]) =>
    Effect.map(settings({ SERVER_HOST: text, ADMIN_HOST: text, ADMIN_PORT: "8001" }), ({ server }) =>
      assert.deepStrictEqual([server.host, Option.getOrThrow(server.admin).host], [host, host])))

  it.effect.each([
    ["127.0.0.1, ::1", ["127.0.0.1/32", "::1/128"]],
    ["[2001:db8::1],10.0.0.0/8", ["2001:db8::1/128", "10.0.0.0/8"]],
    ["Loopback,127.0.0.0/8", ["127.0.0.0/8", "::1/128"]],
    ["linklocal", ["169.254.0.0/16", "fe80::/10"]]
  ] as const)("reads the proxies %s", ([text, networks]) =>
    Effect.map(settings({ TRUSTED_PROXIES: text }), ({ server }) => assert.deepStrictEqual(server.trustedProxies, networks)))

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
  ] as const)("takes %s of the auth tokens in their order", ([, text, expected]) =>
    Effect.gen(function*() {
      const { twilio } = yield* settings({ TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: text })
      assert.deepStrictEqual(Option.getOrThrow(twilio.account).authTokens.map(Redacted.value).join(" "), expected)
    }))

  it.effect.each([
    ["TWILIO_ACCOUNT_SID", "CA11111111111111111111111111111111", "an account SID: AC and 32 hexadecimal digits"],
    ["TWILIO_PHONE_NUMBER", "4155550100", "a phone number in E.164 form"],
    ["TWILIO_API_BASE_URL", "ftp://127.0.0.1", "an http or https URL"],
    ["TWILIO_FALLBACK_URL", "handler.twilio.com/twiml/EH1", "an http or https URL"],
    ["TWILIO_TIMEOUT", "soon", "a duration"],
    ["TWILIO_TIMEOUT", "-1s", "a duration"],
    ["TWILIO_TIMEOUT", "3 days", "a duration"],
    ["CALLS_PER_SECOND", "0", "a number above 0"],
    ["CALLS_PER_SECOND", "Infinity", "a number above 0"],
    ["DIAL_COUNTRIES", "USA", "countries by their codes of two letters"],
    ["DIAL_COUNTRIES", "US,UK", "countries by their codes of two letters"],
    ["DIAL_COUNTRIES", ",", "countries by their codes of two letters"],
    ["DIAL_ALSO", "satellite", "one or more of premium, shared-cost, international"],
    ["DIAL_MAX_PER_DAY", "0", "a whole number from 1 to"],
    ["DIAL_MAX_PER_NUMBER", "none", "a whole number from 1 to"],
    ["MAX_CALLS_PER_CALLER", "0", "a whole number from 1 to"],
    ["SERVER_PORT", "65536", "a port number from 0 to 65535"],
    ["SERVER_PORT", "http", "a port number from 0 to 65535"],
    ["SERVER_PORT", "80.5", "a port number from 0 to 65535"],
    ["SERVER_PORT", "-1", "a port number from 0 to 65535"],
    ["PUBLIC_URL", "calls.example.com", "an http or https URL"],
    ["PUBLIC_URL", "wss://calls.example.com", "an http or https URL"],
    ["PUBLIC_URL", "https://calls.example.com/?x=1", "an http or https URL"],
    ["PUBLIC_URL", "https://calls.example.com/#x", "an http or https URL"],
    ["PUBLIC_URL", "https://calls.example.com?", "an http or https URL"],
    ["PUBLIC_URL", "https://calls.example.com/#", "an http or https URL"],
    ["LLM_URL", "http://127.0.0.1:8002/v1?", "http or https URLs"],
    ["SERVER_HOST", "127.0.0.1:8000", "an IP address or a host name, without scheme and port"],
    ["SERVER_HOST", "[::1]:8000", "an IP address or a host name, without scheme and port"],
    ["SERVER_HOST", "http://localhost", "an IP address or a host name, without scheme and port"],
    ["ADMIN_HOST", "localhost:8001", "an IP address or a host name, without scheme and port"],
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
    ["MEDIA_BACKLOG", "100ms", "a duration from 500ms to 1m"],
    ["MEDIA_BACKLOG", "2m", "a duration from 500ms to 1m"],
    ["TRUSTED_PROXIES", "proxy.example.com", "IP addresses, networks or the words"],
    ["TRUSTED_PROXIES", "10.0.0.0/33", "IP addresses, networks or the words"],
    ["TRUSTED_PROXIES", "10.0.0.0/8,10.1", "IP addresses, networks or the words"],
    ["TRUSTED_PROXIES", "10.0.0.1:8080", "IP addresses, networks or the words"],
    ["TRUSTED_PROXIES", "constructor", "IP addresses, networks or the words"],
    ["SERVER_KEEP_ALIVE", "0", "a duration from 1s to 24h"],
    ["SERVER_KEEP_ALIVE", "25h", "a duration from 1s to 24h"],
    ["SERVER_MAX_IDLE_CONNECTIONS", "0", "a whole number from 1 to"],
    ["ADMIN_PORT", "65536", "a port number from 0 to 65535"],
    ["WEBSOCKET_HOSTS", "wss://media.example.com/ws", "host names, without scheme and path"],
    ["MAX_CALL_DURATION", "0", "a duration above 0 to 24h"],
    ["START_TIMEOUT", "0s", "a duration above 0 to 24h"],
    ["MEDIA_TIMEOUT", "600h", "a duration above 0 to 24h"],
    ["LOG_FORMAT", "xml", "auto, json or pretty"],
    ["LOG_LEVEL", "loud", "Trace, Debug, Info, Warn or Error"]
  ] as const)("says in one line what is wrong with %s=%s", ([name, value, expected]) =>
    Effect.gen(function*() {
      const lines = yield* problems({ [name]: value })
      assert.strictEqual(lines.length, 1)
      const [line] = lines
      assert.isTrue(line.startsWith(`${name} must be ${expected}`), line)
      assert.strictEqual(line.includes(JSON.stringify(value)), !/[?#]/.test(value))
      assert.include(line, `for example ${name}=`)
      assert.notInclude(line, "\n")
    }))

  it.effect("gives examples that it accepts", () =>
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

  it.effect("never waits longer for delayed sound than MEDIA_TIMEOUT", () =>
    Effect.gen(function*() {
      const { limits } = yield* settings({ MEDIA_TIMEOUT: "3s" })
      assert.strictEqual(millis(limits.backlog), 3000)
    }))

  it.effect("reports all wrong variables, in their order", () =>
    Effect.gen(function*() {
      const lines = yield* problems({ LOG_LEVEL: "loud", SERVER_PORT: "http", MAX_CALLS: "0", AGENT: "echo" })
      assert.deepStrictEqual(lines.map((line) => line.split(" ")[0]), ["SERVER_PORT", "MAX_CALLS", "LOG_LEVEL"])
    }))

  it.effect("has a message of one line for each variable", () =>
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
