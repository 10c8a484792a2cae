import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, PlatformError } from "effect"
import { TestClock } from "effect/testing"
import * as Dictionaries from "../../../../../src/engines/embedded/soundswallower/Dictionaries.ts"

/** The dictionaries of these files, and the files that were read. */
const make = Effect.gen(function*() {
  const files = new Map([
    ["en", "read R EH D\nread(2) R IY D\nopen OW P AH N\nyep Y EH AH P\n"],
    ["fr", "oui w i\n"]
  ])
  const read: Array<string> = []
  const fileSystem = FileSystem.layerNoop({
    readFile: (file) =>
      Effect.suspend(() => {
        read.push(file)
        const text = files.get(file)
        return text === undefined
          ? Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "readFile", pathOrDescriptor: file }))
          : Effect.succeed(new TextEncoder().encode(text))
      })
  })
  const { lookUp } = yield* Effect.provide(Dictionaries.make((language) => language), fileSystem)
  return { files, read, lookUp }
})

describe("the dictionaries", () => {
  it.effect("know all ways to say a word, in the file's order, and under another name", () =>
    Effect.gen(function*() {
      const { lookUp } = yield* make
      const { pronunciations, unknown } = yield* lookUp("en", ["read", "open"])
      assert.deepStrictEqual(unknown, [])
      assert.deepStrictEqual(pronunciations("read"), [["read", "R EH D"], ["read(2)", "R IY D"]])
      assert.deepStrictEqual(pronunciations("read", "x7"), [["x7", "R EH D"], ["x7(2)", "R IY D"]])
    }))

  it.effect("name the words that they lack, and give no pronunciations for them", () =>
    Effect.gen(function*() {
      const { lookUp } = yield* make
      const { pronunciations, unknown } = yield* lookUp("en", ["open", "Zyx", "oui"])
      assert.deepStrictEqual(unknown, ["Zyx", "oui"])
      assert.deepStrictEqual(pronunciations("Zyx"), [])
    }))

  it.effect("add common words that the English file lacks; an entry of the file wins", () =>
    Effect.gen(function*() {
      const { lookUp } = yield* make
      const english = yield* lookUp("en", ["uh-huh", "yep"])
      assert.deepStrictEqual(english.unknown, [])
      assert.deepStrictEqual(english.pronunciations("uh-huh"), [["uh-huh", "AH HH AH"]])
      assert.deepStrictEqual(english.pronunciations("yep"), [["yep", "Y EH AH P"]])
      assert.deepStrictEqual((yield* lookUp("fr", ["oui", "uh-huh"])).unknown, ["uh-huh"])
    }))

  it.effect("are read when they are needed, kept for agents that are loaded soon after, and forgotten 2 s after the last one", () =>
    Effect.gen(function*() {
      const { lookUp, read } = yield* make
      assert.deepStrictEqual(read, [])
      yield* lookUp("en", ["open"])
      yield* TestClock.adjust("1900 millis")
      yield* lookUp("en", ["read"])
      yield* TestClock.adjust("1900 millis")
      yield* lookUp("en", ["read"])
      assert.deepStrictEqual(read, ["en"])
      yield* TestClock.adjust("2100 millis")
      yield* lookUp("en", ["read"])
      assert.deepStrictEqual(read, ["en", "en"])
    }))

  it.effect("fail with advice if they can't be read, and are read once they are there", () =>
    Effect.gen(function*() {
      const { files, lookUp } = yield* make
      files.delete("en")
      const error = yield* Effect.flip(lookUp("en", ["open"]))
      assert.deepStrictEqual([error.stage, error.reason], ["speechToText", "unavailable"])
      assert.match(error.advice, /npm install/)
      assert.deepStrictEqual((yield* lookUp("fr", ["oui"])).unknown, [])
      files.set("en", "open OW P AH N\n")
      assert.deepStrictEqual((yield* lookUp("en", ["open"])).unknown, [])
    }))
})
