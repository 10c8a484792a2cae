import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Files from "../../../src/config/Files.ts"

const inFolder = <A, E>(test: (folder: string) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    return yield* test(yield* fs.makeTempDirectoryScoped())
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

/** Runs an effect with another umask of the process. */
const withUmask = <A, E, R>(mask: number, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(Effect.sync(() => process.umask(mask)), () => effect, (before) => Effect.sync(() => process.umask(before)))

const modeOf = (file: string) => (lstatSync(file).mode & 0o777).toString(8)

describe("a file that is read", () => {
  it.live("may be a link, as a mounted secret is", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        writeFileSync(join(folder, "secret"), "words", { mode: 0o600 })
        symlinkSync("secret", join(folder, "link"))
        assert.deepStrictEqual(yield* Files.read(join(folder, "link")), { text: "words", isOpenToOthers: false })
      })))

  it.live("is known to be open to others", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        writeFileSync(join(folder, "secret"), "words", { mode: 0o644 })
        assert.isTrue((yield* Files.read(join(folder, "secret"))).isOpenToOthers)
      })))

  it.live.each([
    ["missing", (folder: string) => join(folder, "none")],
    ["missing", (folder: string) => {
      symlinkSync("none", join(folder, "link"))
      return join(folder, "link")
    }],
    ["folder", (folder: string) => folder],
    ["notAFile", () => "/dev/zero"],
    ["notAFile", () => "/dev/null"],
    ["notAFile", (folder: string) => {
      execFileSync("mkfifo", [join(folder, "pipe")])
      return join(folder, "pipe")
    }],
    ["notAFile", (folder: string) => {
      execFileSync("mkfifo", [join(folder, "pipe")])
      symlinkSync("pipe", join(folder, "link"))
      return join(folder, "link")
    }],
    ["tooLarge", (folder: string) => {
      writeFileSync(join(folder, "large"), "x".repeat(101))
      return join(folder, "large")
    }],
    ["notText", (folder: string) => {
      writeFileSync(join(folder, "utf16"), Buffer.from("\ufeffAGENT=echo", "utf16le"))
      return join(folder, "utf16")
    }],
    ["notText", (folder: string) => {
      writeFileSync(join(folder, "utf16-without-a-mark"), Buffer.from("AGENT=echo", "utf16le"))
      return join(folder, "utf16-without-a-mark")
    }],
    ["notText", (folder: string) => {
      writeFileSync(join(folder, "latin1"), Buffer.from("Grüße", "latin1"))
      return join(folder, "latin1")
    }],
    ["failed", (folder: string) => {
      symlinkSync("loop", join(folder, "loop"))
      return join(folder, "loop")
    }]
  ] as const)("is refused at once when it can't be read: %s", ([why, make]) =>
    inFolder((folder) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* Effect.flip(Files.read(make(folder), 100))).why, why)
      })))

  it.live("may begin with a byte-order mark, which is no part of its text", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        writeFileSync(join(folder, "marked"), "\ufeffGrüße")
        assert.strictEqual((yield* Files.read(join(folder, "marked"))).text, "Grüße")
      })))

  it.live("may have exactly the size that is allowed", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        writeFileSync(join(folder, "full"), "x".repeat(100))
        assert.strictEqual((yield* Files.read(join(folder, "full"), 100)).text.length, 100)
      })))
})

describe("a file that is written", () => {
  it.live.each([0, 0o022, 0o777])("belongs to its user alone, like new folders, with a umask of %i", (mask) =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const file = join(folder, "made", "by itself", "key")
        assert.isTrue(yield* withUmask(mask, Files.write(file, "words")))
        assert.strictEqual(readFileSync(file, "utf8"), "words")
        assert.strictEqual(modeOf(file), "600")
        assert.strictEqual(modeOf(join(folder, "made")), "700")
        assert.strictEqual(modeOf(join(folder, "made", "by itself")), "700")
        assert.deepStrictEqual(readdirSync(join(folder, "made", "by itself")), ["key"])
      })))

  it.live("is left unchanged if it must be new and exists already", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const file = join(folder, "key")
        const wrote = yield* Effect.forEach(["one", "two", "three"], (text) => Files.write(file, text, { ifAbsent: true }), { concurrency: "unbounded" })
        assert.strictEqual(wrote.filter(Boolean).length, 1)
        assert.strictEqual(readFileSync(file, "utf8"), ["one", "two", "three"][wrote.indexOf(true)])
        assert.deepStrictEqual(readdirSync(folder), ["key"])
      })))

  it.live("is replaced as a whole, with its permissions", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const file = join(folder, "key")
        writeFileSync(file, "an older and longer text", { mode: 0o644 })
        assert.isTrue(yield* Files.write(file, "words"))
        assert.strictEqual(readFileSync(file, "utf8"), "words")
        assert.strictEqual(modeOf(file), "600")
      })))

  it.live.each(["target", "nothing"])("is never written through a link (to %s)", (target) =>
    inFolder((folder) =>
      Effect.gen(function*() {
        writeFileSync(join(folder, "target"), "untouched")
        const file = join(folder, "key")
        symlinkSync(target, file)
        for (const written of [
          Effect.asVoid(Files.write(file, "words")),
          Effect.asVoid(Files.write(file, "words", { ifAbsent: true })),
          Effect.asVoid(Effect.scoped(Files.openEmpty(file)))
        ]) {
          const error = yield* Effect.flip(written)
          assert.match(error.message, /key can't be written: it is a link/)
        }
        assert.strictEqual(readFileSync(join(folder, "target"), "utf8"), "untouched")
        assert.isFalse(existsSync(join(folder, "nothing")))
        assert.deepStrictEqual(readdirSync(folder).sort(), ["key", "target"])
      })))

  it.live("says what is wrong with its folder", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        writeFileSync(join(folder, "taken"), "a file")
        assert.match((yield* Effect.flip(Files.write(join(folder, "taken", "key"), "words"))).message, /not a folder|not a file/)
        mkdirSync(join(folder, "key"))
        assert.match((yield* Effect.flip(Files.write(join(folder, "key"), "words"))).message, /exists and is not a file/)
      })))

  it("names a full disk", () => {
    const { message } = new Files.FileUnwritable({ file: "/data/api-key", cause: Object.assign(new TypeError("write"), { code: "ENOSPC" }) })
    assert.strictEqual(message, "/data/api-key can't be written: there is no space left on its disk. Make room.")
  })
})

describe("a file that grows", () => {
  it.live("begins empty, and only its user can read it", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const file = join(folder, "events", "call.jsonl")
        mkdirSync(join(folder, "events"))
        writeFileSync(file, "old", { mode: 0o644 })
        yield* Effect.scoped(Effect.gen(function*() {
          const growing = yield* Files.openEmpty(file)
          yield* growing.append("one\n")
          yield* growing.append("two\n")
        }))
        assert.strictEqual(readFileSync(file, "utf8"), "one\ntwo\n")
        assert.strictEqual(modeOf(file), "600")
      })))

  it.live("must not be a pipe that nobody reads", () =>
    inFolder((folder) =>
      Effect.gen(function*() {
        const file = join(folder, "call.jsonl")
        execFileSync("mkfifo", [file])
        yield* Effect.flip(Effect.scoped(Files.openEmpty(file)))
        assert.isTrue(statSync(file).isFIFO())
      })))
})
