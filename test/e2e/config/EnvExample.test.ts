import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, FileSystem, Layer, Option, Path } from "effect"
import { AppConfig } from "../../../src/config/AppConfig.ts"
import { names } from "../../../src/config/variables/Variables.ts"

const read = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  return yield* fs.readFileString(path.join(import.meta.dirname, "../../..", ".env.example"))
}).pipe(Effect.provide(NodeServices.layer))

const assignment = /^#?([A-Z][A-Z0-9_]+)=(.*)$/

const assignments = (text: string) =>
  text.split("\n").flatMap((line) => {
    const match = assignment.exec(line)
    return match === null ? [] : [{ name: match[1], value: match[2] }]
  })

const settingsOf = (provider: ConfigProvider.ConfigProvider) =>
  Effect.gen(function*() {
    return yield* AppConfig
  }).pipe(Effect.provide(AppConfig.layer.pipe(Layer.provide(ConfigProvider.layer(provider)))))

describe(".env.example", () => {
  it.live("has every variable once, in the order of AppConfig, and no other", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(assignments(yield* read).map(({ name }) => name), names)
    }))

  it.live("explains each variable in the lines above it", () =>
    Effect.gen(function*() {
      for (const block of (yield* read).split(/\n{2,}/)) {
        const lines = block.trim().split("\n")
        const found = lines.filter((line) => assignment.test(line))
        assert.isAtMost(found.length, 1, block)
        if (found.length === 0) continue
        const comments = lines.slice(0, lines.indexOf(found[0]))
        assert.isAbove(comments.length, 0, block)
        for (const comment of comments) assert.match(comment, /^# \S/, block)
      }
    }))

  it.live("changes no setting when it is copied unchanged", () =>
    Effect.gen(function*() {
      const copied = yield* settingsOf(ConfigProvider.fromDotEnvContents(yield* read))
      const unset = yield* settingsOf(ConfigProvider.fromEnv({ env: {} }))
      assert.strictEqual(JSON.stringify(copied), JSON.stringify(unset))
    }))

  it.live("is accepted with every line un-commented and with new secrets", () =>
    Effect.gen(function*() {
      const text = (yield* read).split("\n").map((line) => assignment.test(line) ? line.replace(/^#/, "") : line).join("\n")
      const { message } = yield* Effect.flip(settingsOf(ConfigProvider.fromDotEnvContents(text)))
      assert.match(message, /^API_KEY is still the example/)
      const own = text.replace(/^API_KEY=.*$/m, "API_KEY=a-key-of-our-very-own-house").replace(/^WEBHOOK_SECRET=.*$/m, `WEBHOOK_SECRET=whsec_${"c".repeat(32)}`)
        .replace(/^STORE_ENCRYPTION_KEYS=.*$/m, `STORE_ENCRYPTION_KEYS=own:${"d".repeat(64)}`)
      const settings = yield* settingsOf(ConfigProvider.fromDotEnvContents(own))
      // The words in the store are sealed here, and those in event logs are not.
      assert.deepStrictEqual(settings.warnings.map((line) => line.split(" ", 1)[0]), ["EVENTS_DIR"])
      assert.isTrue(Option.isSome(settings.twilio.account))
      assert.deepStrictEqual(settings.engines.textToSpeech.map(({ _tag }) => _tag), ["Server", "Embedded"])
    }))

  it.live("has no secret that the service would accept", () =>
    Effect.gen(function*() {
      const text = (yield* read).split("\n").filter((line) => /^#(?:TWILIO_(?:ACCOUNT|AUTH)|API_KEY|WEBHOOK_SECRET|STORE_ENC)/.test(line)).map((line) => line.slice(1)).join("\n")
      const { lines } = yield* Effect.flip(settingsOf(ConfigProvider.fromDotEnvContents(`${text}\nPUBLIC_URL=https://calls.example.com`)))
      assert.deepStrictEqual(lines.map((line) => line.split(" ", 1)[0]), ["TWILIO_AUTH_TOKEN", "API_KEY", "WEBHOOK_SECRET", "STORE_ENCRYPTION_KEYS"])
    }))

  it.live("shows the defaults", () =>
    Effect.gen(function*() {
      const shown = new Map(assignments(yield* read).map(({ name, value }) => [name, value]))
      const hasNone =
        /^(TWILIO_(ACC|AUTH|PHONE|API|FALLBACK)|DIAL_|PUBLIC_URL|TRUSTED|ADMIN_|WEBSOCKET|API_KEY|AGENT_NUMBERS|AGENTS_DIR|EVENTS_DIR|DATABASE_|STORE_(KEY|ENC)|PRICES_FILE|RECORDING_DIR|S3_|WEBHOOK_(URL|SECRET)|STT_|LLM_|TTS_)/
      const defaults = Object.fromEntries([...shown].filter(([name]) => !hasNone.test(name)))
      const written = yield* settingsOf(ConfigProvider.fromEnv({ env: defaults }))
      const unset = yield* settingsOf(ConfigProvider.fromEnv({ env: {} }))
      assert.isAbove(Object.keys(defaults).length, 10)
      assert.strictEqual(JSON.stringify(written), JSON.stringify(unset))
    }))
})
