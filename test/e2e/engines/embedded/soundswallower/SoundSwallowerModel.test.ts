import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import createModule, { type Decoder } from "soundswallower"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import * as Dictionary from "../../../../../src/engines/embedded/soundswallower/Dictionary.ts"
import * as Grammar from "../../../../../src/engines/embedded/soundswallower/Grammar.ts"
import * as Model from "../../../../../src/engines/embedded/soundswallower/SoundSwallowerModel.ts"
import * as Spoken from "../../../../support/conversation/Spoken.ts"

const modelBase = join(dirname(createRequire(import.meta.url).resolve("soundswallower")), "model/")
const model = "en-us"
const dictionary = readFileSync(join(modelBase, model, "dict.txt"))

/** Some phrases have `and` and `the`, which have several pronunciations. */
const phrases = ["where are you", "i would like {count} [red] apples [please]", "read the book and go", "yes [please]", "no"]

const grammarOf = (...phrases: ReadonlyArray<string>): Model.Grammar => {
  const { jsgf, words } = Grammar.make({ language: "en", phrases, slots: { count: ["one", "two", "seven"] } }, "en")
  const found = Dictionary.find(dictionary, new Set(words))
  const named = (word: string, name: string) => [...found].flatMap(([key, phones]) =>
    key.replace(/\(\d+\)$/, "") === word ? [[key.replace(word, name), phones] as const] : [])
  return {
    name: phrases.join(),
    jsgf,
    words: [
      ...words.flatMap((word) => named(word, word)),
      ...words.flatMap((word, index) => named(word, Grammar.ownWordInForeign(index))),
      ...Grammar.phoneWords("en")
    ],
    modelBase,
    model,
    wordInsertion: Grammar.wordInsertion
  }
}

const shop = grammarOf(...phrases)

/** A decoder as the package makes it: with files and a network of its own. */
const makeOwn = async (): Promise<Decoder> => {
  const module = await createModule({ modelBase, defaultModel: model } as object)
  const decoder = new module.Decoder({ loglevel: "FATAL", samprate: 8000, wip: shop.wordInsertion, maxhmmpf: 2000, dict: `${modelBase}none` })
  await decoder.initialize()
  decoder.add_words(...shop.words.map(([word, phones]): [string, string] => [word, phones]))
  decoder.set_grammar(shop.jsgf)
  return decoder
}

/** Decodes a sound in pieces, so that several decoders can work alternately. */
const hear = function*(decoder: Decoder, sound: Pcm<8000>): Generator<undefined, string> {
  decoder.start()
  for (let at = 0; at < sound.length; at += 1600) {
    decoder.process_audio(Float32Array.from(sound.subarray(at, at + 1600), (sample) => sample / 32_768), false, false)
    yield
  }
  decoder.stop()
  return decoder.get_text()
}

const hearAll = (hearings: ReadonlyArray<Generator<undefined, string>>): ReadonlyArray<string> => {
  const texts = hearings.map(() => "")
  for (let left = hearings.map((hearing, index) => ({ hearing, index })); left.length > 0;) {
    left = left.filter(({ hearing, index }) => {
      const step = hearing.next()
      if (step.done === true) texts[index] = step.value
      return step.done !== true
    })
  }
  return texts
}

const said = [
  "Where are you?",
  "I would like seven red apples, please.",
  "My neighbour bought a yellow bicycle last summer.",
  "Read the book and go.",
  "Yes.",
  "I would like two apples.",
  "Could you bring me a glass of orange juice?",
  "No."
]

const sounds = Effect.forEach(said, (text, index) => Spoken.spoken(text, index % 2 === 0 ? "rms" : "awb"))

const count = (memory: Uint8Array, bytes: Uint8Array): number => {
  const all = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength)
  let found = 0
  for (let at = all.indexOf(bytes); at >= 0; at = all.indexOf(bytes, at + 1)) found++
  return found
}

layer(Spoken.layer, { timeout: 60_000 })("decoders that share a model", (it) => {
  it.effect("hear the same as a decoder with its own model, even while others decode, and after others are deleted", () =>
    Effect.gen(function*() {
      const pieces = yield* sounds
      const own = yield* Effect.promise(makeOwn)
      const expected = pieces.map((sound) => hearAll([hear(own, sound)])[0])
      assert.include(expected, "where are you")
      assert.isTrue(expected.some((text) => Grammar.foreignPhones(text) > 0))

      const shared = (yield* Effect.promise(() => Model.load(shop))).share(shop)
      const [first, second, third] = yield* Effect.promise(async () => [
        await shared.makeDecoder(),
        await shared.makeDecoder(),
        await shared.makeDecoder()
      ])
      first.delete()
      const heard: Array<ReadonlyArray<string>> = []
      for (const sound of pieces) heard.push(hearAll([hear(second, sound), hear(third, sound)]))
      assert.deepStrictEqual(heard, expected.map((text) => [text, text]))

      // Decoders may outlive the grammar.
      shared.release()
      second.delete()
      const fourth = hearAll([hear(third, pieces[0])])[0]
      assert.strictEqual(fourth, "where are you")
      third.delete()
    }))

  it.effect("have its files in memory once, and only their grammar's words of the dictionary", () =>
    Effect.gen(function*() {
      const loaded = yield* Effect.promise(() => Model.load(shop))
      const shares = [loaded.share(shop), loaded.share(grammarOf("good morning"))]
      const decoders: Array<Decoder> = []
      for (const { makeDecoder } of [...shares, ...shares]) decoders.push(yield* Effect.promise(makeDecoder))
      for (const name of ["mdef", "sendump", "means", "variances"]) {
        const bytes = readFileSync(join(modelBase, model, name))
        const part = bytes.subarray(bytes.length >> 1, (bytes.length >> 1) + 4096)
        // Each decoder has a copy of the means, laid out for its arithmetic.
        assert.strictEqual(count(loaded.memory(), part), name === "means" ? 1 + decoders.length : 1, name)
      }
      const [shopping, greeting] = decoders
      assert.deepStrictEqual(["apples", "read", "morning", "zebra"].map((word) => shopping.lookup_word(word) !== null), [true, true, false, false])
      assert.deepStrictEqual(["apples", "read", "morning", "zebra"].map((word) => greeting.lookup_word(word) !== null), [false, false, true, false])
    }))

  it.effect("leave no memory behind, and neither do their grammars", () =>
    Effect.gen(function*() {
      const [sound] = yield* sounds
      const loaded = yield* Effect.promise(() => Model.load(shop))
      const round = async () => {
        const shared = loaded.share(shop)
        const [one, other] = [await shared.makeDecoder(), await shared.makeDecoder()]
        hearAll([hear(one, sound), hear(other, sound)])
        one.delete()
        shared.release()
        other.delete()
      }
      yield* Effect.promise(round)
      const before = loaded.memory().length
      for (let times = 0; times < 10; times++) yield* Effect.promise(round)
      assert.strictEqual(loaded.memory().length, before)
    }))

  it.effect("can't be made of an invalid grammar, or of words without pronunciations; later ones can", () =>
    Effect.gen(function*() {
      const loaded = yield* Effect.promise(() => Model.load(shop))
      const failure = (grammar: Model.Grammar) =>
        Effect.flip(Effect.tryPromise({ try: () => loaded.share(grammar).makeDecoder(), catch: String }))
      assert.match(yield* failure({ ...shop, jsgf: "#JSGF V1.0;\ngrammar x;\npublic <x> = (" }), /could not parse a grammar/)
      assert.match(yield* failure({ ...shop, jsgf: "#JSGF V1.0;\ngrammar x;\n<x> = yes;\n" }), /public rule/)
      assert.match(yield* failure({ ...shop, words: shop.words.filter(([word]) => !word.startsWith("where")) }), /can't use a grammar/)
      const decoder = yield* Effect.promise(loaded.share(shop).makeDecoder)
      assert.strictEqual(hearAll([hear(decoder, yield* Spoken.spoken("Where are you?"))])[0], "where are you")
    }))
})
