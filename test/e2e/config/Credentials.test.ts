import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Logger, Path, Redacted, Schema } from "effect"
import { TestConsole } from "effect/testing"
import { Credentials } from "../../../src/config/Credentials.ts"
import { AccountSid } from "../../../src/domain/Sid.ts"
import { config } from "../../support/service/TestConfig.ts"

/** One start of the service with its data in `dataDir`. */
const start = (dataDir: string, env: Record<string, string> = {}) =>
  Effect.gen(function*() {
    return yield* Credentials
  }).pipe(Effect.provide(Credentials.layer.pipe(Layer.provide(config({ DATA_DIR: dataDir, ...env })))))

const inFolder = <A, E>(
  test: (folder: string) => Effect.Effect<A, E, FileSystem.FileSystem | Path.Path>
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    return yield* test(yield* fs.makeTempDirectoryScoped())
  }).pipe(Effect.provide(NodeServices.layer))

const tokens = (identity: Credentials["Service"]) => identity.account.authTokens.map(Redacted.value)

const credentials = { TWILIO_ACCOUNT_SID: `AC${"1".repeat(32)}`, TWILIO_AUTH_TOKEN: "given", API_KEY: "given-key" }

describe("Credentials", () => {
  it.effect("makes a local account and an API key at the first start, and keeps them", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const first = yield* start(folder)
        assert.isTrue(first.isLocalAccount)
        assert.isTrue(Schema.is(AccountSid)(first.account.accountSid))
        assert.isAtLeast(tokens(first)[0].length, 32)
        assert.isAtLeast(Redacted.value(first.apiKey).length, 32)

        const second = yield* start(folder)
        assert.deepStrictEqual(second.account.accountSid, first.account.accountSid)
        assert.deepStrictEqual(tokens(second), tokens(first))
        assert.strictEqual(Redacted.value(second.apiKey), Redacted.value(first.apiKey))
        assert.isTrue(second.isLocalAccount)
      })))

  it.effect("makes a different account and key in each folder", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const one = yield* start(`${folder}/one`)
        const two = yield* start(`${folder}/two`)
        assert.notStrictEqual(one.account.accountSid, two.account.accountSid)
        assert.notDeepEqual(tokens(one), tokens(two))
        assert.notStrictEqual(Redacted.value(one.apiKey), Redacted.value(two.apiKey))
      })))

  it.effect("keeps the account and the key where only this user can read them", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* start(`${folder}/made/by/itself`)
        for (const name of ["local-account.json", "api-key"]) {
          const { mode } = yield* fs.stat(`${folder}/made/by/itself/${name}`)
          assert.strictEqual(mode & 0o777, 0o600, name)
        }
      })))

  it.effect("prints the file's name when it makes an API key, and does not show the key in a log", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const key = Redacted.value((yield* start(folder)).apiKey)
        const lines = (yield* TestConsole.errorLines).map(String)
        assert.deepStrictEqual(lines, [`API key, made now and kept in ${folder}/api-key`])
        assert.notInclude(lines[0], key)
        yield* start(folder)
        assert.strictEqual((yield* TestConsole.errorLines).length, 1)
        assert.deepStrictEqual(yield* TestConsole.logLines, [])
      })))

  it.effect("prefers the configured account and key, and then writes nothing", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const identity = yield* start(folder, credentials)
        assert.isFalse(identity.isLocalAccount)
        assert.strictEqual(identity.account.accountSid, credentials.TWILIO_ACCOUNT_SID)
        assert.deepStrictEqual(tokens(identity), ["given"])
        assert.strictEqual(Redacted.value(identity.apiKey), "given-key")
        assert.deepStrictEqual(yield* fs.readDirectory(folder), [])
      })))

  it.effect("prefers the configured account and key over those that it made before, which stay in their files", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const made = yield* start(folder)
        assert.strictEqual((yield* start(folder, credentials)).account.accountSid, credentials.TWILIO_ACCOUNT_SID)
        assert.strictEqual((yield* start(folder)).account.accountSid, made.account.accountSid)
      })))

  it.effect.each([
    ["local-account.json", "{"],
    ["local-account.json", "{\"accountSid\":\"AC1\",\"authToken\":\"x\"}"],
    ["local-account.json", `{"accountSid":"AC${"1".repeat(32)}","authToken":""}`],
    ["local-account.json", `{"accountSid":"AC${"1".repeat(32)}"}`]
  ] as const)("refuses to start on a damaged %s (%j)", ([name, content]) =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const file = `${folder}/${name}`
        yield* fs.writeFileString(file, content)
        const error = yield* Effect.flip(start(folder))
        assert.strictEqual(error._tag, "IdentityError")
        assert.isTrue(error.message.startsWith(`${file} can't be used.`))
        assert.include(error.message, "DATA_DIR")
        assert.strictEqual(yield* fs.readFileString(file), content)
      })))

  it.effect.each(["", " \n", "\0\0\0"])("replaces an empty file, as a start on a full disk leaves it (%j)", (content) =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        for (const name of ["local-account.json", "api-key"]) yield* fs.writeFileString(`${folder}/${name}`, content)
        const first = yield* start(folder)
        assert.isAtLeast(Redacted.value(first.apiKey).length, 32)
        const second = yield* start(folder)
        assert.strictEqual(Redacted.value(second.apiKey), Redacted.value(first.apiKey))
        assert.deepStrictEqual(tokens(second), tokens(first))
      })))

  it.effect.each(["a", "replace-me-with-a-long-random-secret", "0f41fbd737b95e9cdef0c0347b36e898\nsecond line"])(
    "refuses a key in the file that can be guessed or can't be sent, if the service can be reached from outside (%j)",
    (content) =>
      inFolder((folder) =>
        Effect.gen(function*() {
          const fs = yield* FileSystem.FileSystem
          yield* fs.writeFileString(`${folder}/api-key`, content)
          yield* start(folder)
          const error = yield* Effect.flip(start(folder, { SERVER_HOST: "0.0.0.0" }))
          assert.match(error.message, /api-key .*Remove the file/)
          assert.notInclude(error.message, "replace-me")
        }))
  )

  it.effect("are the same for processes that start at once", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const all = yield* Effect.forEach([1, 2, 3, 4], () => start(folder), { concurrency: "unbounded" })
        assert.strictEqual(new Set(all.map(({ apiKey }) => Redacted.value(apiKey))).size, 1)
        assert.strictEqual(new Set(all.map((one) => tokens(one)[0])).size, 1)
      })))

  it.effect("warns of a key that others may read", () => {
    const lines: Array<string> = []
    return inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* start(folder)
        assert.deepStrictEqual(lines, [])
        yield* fs.chmod(`${folder}/api-key`, 0o644)
        yield* start(folder)
        assert.strictEqual(lines.length, 1)
        assert.include(lines[0], `chmod 600 ${folder}/api-key`)
      })).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])))
  })

  it.effect("reports a data folder that can't be made", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFileString(`${folder}/taken`, "a file")
        const error = yield* Effect.flip(start(`${folder}/taken`))
        assert.include(error.message, `${folder}/taken/local-account.json can't be used`)
      })))
})
