import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AppConfig } from "../../../src/config/AppConfig.ts"
import { exactly } from "../../support/service/TestConfig.ts"

const settings = (env: Record<string, string>) =>
  Effect.gen(function*() {
    return yield* AppConfig
  }).pipe(Effect.provide(exactly(env)))

const account = { TWILIO_ACCOUNT_SID: `AC${"1".repeat(32)}`, TWILIO_AUTH_TOKEN: "hunter2" }
const simulator = { TWILIO_API_BASE_URL: "http://127.0.0.1:8010" }

const firstWords = (lines: ReadonlyArray<string>) => lines.map((line) => line.split(" ", 1)[0])

describe("settings that can't work together", () => {
  it.effect.each([
    [{ ...account, PUBLIC_URL: "http://calls.example.com" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "HTTP://calls.example.com/" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "http://calls.example.com", TWILIO_API_BASE_URL: "https://api.dublin.ie1.twilio.com" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "https://localhost" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "https://10.0.0.7:8443/line" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "https://[fd00::1]" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "https://[::ffff:10.0.0.7]" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "https://100.64.0.7" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "https://0x7f.1" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "https://my-machine" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "https://calls.example.com", TWILIO_FALLBACK_URL: "http://localhost:9000/bin" }, ["TWILIO_FALLBACK_URL"]],
    [{ ...account, PUBLIC_URL: "https://calls.home.arpa" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "https://service.default.svc.cluster.local" }, ["PUBLIC_URL"]],
    [{ ...account, PUBLIC_URL: "http://127.0.0.1:8000" }, ["PUBLIC_URL", "PUBLIC_URL"]],
    [{ TWILIO_ACCOUNT_SID: account.TWILIO_ACCOUNT_SID, PUBLIC_URL: "http://calls.example.com" }, ["TWILIO_AUTH_TOKEN"]],
    [{ ...account, TWILIO_AUTH_TOKEN: "mine,0123456789abcdef0123456789abcdef" }, ["TWILIO_AUTH_TOKEN"]],
    [{ API_KEY: "replace-me-with-a-long-random-secret\n", PUBLIC_URL: "https://calls.example.com" }, ["API_KEY"]],
    [{ API_KEY: "hunter2", SERVER_HOST: "0.0.0.0" }, ["API_KEY"]],
    [{ API_KEY: "hunter2", SERVER_HOST: "::" }, ["API_KEY"]],
    [{ API_KEY: "hunter2".repeat(9), SERVER_HOST: "192.168.0.7" }, ["API_KEY"]],
    [{ API_KEY: "hunter2", SERVER_HOST: "myhost.local" }, ["API_KEY"]],
    [{ STT_MODEL: "a,b", STT_URL: "http://a/v1" }, ["STT_MODEL"]],
    [{ WEBHOOK_URL: "http://example.com/hunter2" }, ["WEBHOOK_URL"]],
    [{ WEBHOOK_URL: "https://192.168.1.1/hunter2" }, ["WEBHOOK_URL"]],
    [{ WEBHOOK_URL: "https://user:hunter2@example.com/", WEBHOOK_PRIVATE_ADDRESSES: "on" }, ["WEBHOOK_URL"]],
    [{ WEBHOOK_URL: "ftp://example.com/hunter2" }, ["WEBHOOK_URL"]],
    [{ WEBHOOK_SECRET: "hunter2" }, ["WEBHOOK_SECRET"]],
    [{ WEBHOOK_SECRET: `whsec_${"a".repeat(32)},whsec_hunter2` }, ["WEBHOOK_SECRET"]]
  ] as ReadonlyArray<readonly [Record<string, string>, ReadonlyArray<string>]>)("%j are refused, without their secrets", ([env, expected]) =>
    Effect.gen(function*() {
      const { lines } = yield* Effect.flip(settings(env))
      assert.deepStrictEqual(firstWords(lines), expected)
      for (const line of lines) {
        assert.notInclude(line, "\n")
        for (const secret of ["hunter2", "0123456789abcdef0123456789abcdef", "replace-me"]) assert.notInclude(line, secret)
      }
    }))

  it.effect.each([
    [{ ...account, PUBLIC_URL: "https://calls.example.com" }],
    [{ ...account, PUBLIC_URL: "https://calls.example.com", TRUSTED_PROXIES: "127.0.0.1" }],
    [{ ...account, ...simulator, PUBLIC_URL: "http://127.0.0.1:8000" }],
    [{ ...account, TWILIO_API_BASE_URL: "http://simulator:8010", PUBLIC_URL: "http://service:8000" }],
    [{ PUBLIC_URL: "http://calls.example.com" }],
    [{ WEBHOOK_URL: "http://receiver:8080/hooks", WEBHOOK_PRIVATE_ADDRESSES: "on", WEBHOOK_SECRET: `whsec_${"a".repeat(32)},${"b".repeat(32)}` }],
    [{ ...account, PUBLIC_URL: "https://10.example.com" }],
    [{ ...account, PUBLIC_URL: "https://8.8.8.8:8443" }],
    [{ ...account, PUBLIC_URL: "https://local.example.com/voice" }],
    [{ ...account, PUBLIC_URL: "https://calls.example.com", TWILIO_FALLBACK_URL: "https://handler.twilio.com/twiml/EH1" }],
    [{ ...account, PUBLIC_URL: "https://calls.example.com", TWILIO_FALLBACK_URL: "https://calls.example.com:8443/twiml" }]
  ] as ReadonlyArray<readonly [Record<string, string>]>)("%j are accepted without a warning", ([env]) =>
    Effect.map(settings(env), ({ warnings }) => assert.deepStrictEqual(warnings, [])))
})

describe("a setting that does nothing, or too much, causes a warning", () => {
  it.effect.each([
    [{ LLM_MODEL: "gemma", LLM_URL: "embedded" }, ["LLM_MODEL does nothing"]],
    [{ TTS_SAMPLE_RATE: "24000", TTS_VOICE: "0" }, ["TTS_SAMPLE_RATE does nothing", "TTS_VOICE does nothing"]],
    [{ API_KEY: "hunter2" }, ["API_KEY is shorter"]],
    [{ API_KEY: "hunter2", SERVER_HOST: "localhost" }, ["API_KEY is shorter"]],
    [{ API_KEY: "hunter2", SERVER_HOST: "::1" }, ["API_KEY is shorter"]],
    [{ API_KEY: "replace-me-with-a-long-random-secret", SERVER_HOST: "127.0.0.53" }, ["API_KEY is still the example"]],
    [{ WEBHOOK_URL: "https://example.com/hunter2", DATABASE_URL: "postgres://hunter2@host/db" }, ["WEBHOOK_SECRET is not set"]],
    [{ TRUSTED_PROXIES: "0.0.0.0/0" }, ["TRUSTED_PROXIES trusts every address"]],
    [{ TWILIO_PHONE_NUMBER: "+14155550100" }, ["TWILIO_PHONE_NUMBER does nothing"]],
    [{ ...account, PUBLIC_URL: "https://calls.example.com", TWILIO_FALLBACK_URL: "https://Calls.example.com:443/twiml" }, ["TWILIO_FALLBACK_URL is an address of this service"]],
    [{ EVENTS_DIR: "data/events", STORE_ENCRYPTION_KEYS: `2026:${"hunter2".padEnd(43, "x")}` }, ["EVENTS_DIR is set, and its files are not sealed"]],
    ...["/twiml", "/voice/twiml/", "/ws", "/twilio/status", "/call/outbound"].map((path) =>
      [{ ...account, PUBLIC_URL: `https://calls.example.com${path}` }, ["PUBLIC_URL ends with"]] as const),
    [{ MAX_CALL_DURATION: "12s" }, ["MEDIA_TIMEOUT does nothing"]],
    [{ ...account, TWILIO_API_BASE_URL: "http://api.twilio.com" }, ["TWILIO_API_BASE_URL begins with http://"]],
    [{ TWILIO_AUTHTOKEN: "hunter2" }, ["TWILIO_AUTHTOKEN is not a variable of this service. Did you mean TWILIO_AUTH_TOKEN?"]],
    [{ server_port: "8001", http_proxy: "x", agentx: "x" }, ["server_port is not a variable of this service. Did you mean SERVER_PORT?"]],
    [{ PUBLIC_BASE_URL: "https://x" }, ["PUBLIC_BASE_URL is not a variable of this service. Did you mean PUBLIC_URL?"]],
    [{ TWILIO_NUMBER: "x", AGENT_DIR: "x", MAX_CALL: "x", STT_KEY: "x" }, [
      "AGENT_DIR is not a variable of this service. Did you mean AGENTS_DIR?",
      "MAX_CALL is not a variable of this service. Did you mean MAX_CALLS?",
      "STT_KEY is not a variable of this service. Did you mean STT_API_KEY?",
      "TWILIO_NUMBER is not a variable of this service. Did you mean TWILIO_PHONE_NUMBER?"
    ]]
  ] as ReadonlyArray<readonly [Record<string, string>, ReadonlyArray<string>]>)("%j", ([env, expected]) =>
    Effect.gen(function*() {
      const { warnings } = yield* settings(env)
      assert.strictEqual(warnings.length, expected.length, warnings.join("\n"))
      for (const [index, warning] of warnings.entries()) {
        assert.isTrue(warning.startsWith(expected[index]), warning)
        assert.notInclude(warning, "hunter2")
        assert.notInclude(warning, "4155550100")
      }
    }))

  it.effect("but variables of other programs do not", () =>
    Effect.gen(function*() {
      const others = [
        "PATH", "HOME", "PORT", "HOST", "HOSTNAME", "OPENAI_API_KEY", "STRIPE_API_KEY", "TWILIO_API_KEY", "SSH_AGENT_PID", "SSH_AUTH_SOCK", "AGENT_TOOLSDIRECTORY",
        "XDG_DATA_DIRS", "NODE_ENV", "LOGNAME", "STT_SERVICE_HOST", "STT_PORT_8000_TCP_ADDR", "TTS_SERVICE_PORT", "LLM_PORT", "LANG", "npm_config_cache", "_", "__A", "A_1"
      ]
      const { warnings } = yield* settings(Object.fromEntries(others.map((name) => [name, "x"])))
      assert.deepStrictEqual(warnings, [])
    }))
})
