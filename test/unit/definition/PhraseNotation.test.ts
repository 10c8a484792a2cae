import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as PhraseNotation from "../../../src/definition/PhraseNotation.ts"

const read = (text: string): PhraseNotation.Phrase => {
  const phrase = PhraseNotation.parse(text)
  if (Result.isFailure(phrase)) return assert.fail(phrase.failure.message)
  return phrase.success
}

const word = (text: string): PhraseNotation.Phrase => ({ _tag: "Word", word: text })
const slot = (name: string): PhraseNotation.Phrase => ({ _tag: "Slot", name })
const sequence = (...parts: ReadonlyArray<PhraseNotation.Phrase>): PhraseNotation.Phrase => ({ _tag: "Sequence", parts })
const choice = (...options: ReadonlyArray<PhraseNotation.Phrase>): PhraseNotation.Phrase => ({ _tag: "Choice", options })
const optional = (phrase: PhraseNotation.Phrase): PhraseNotation.Phrase => ({ _tag: "Optional", phrase })

/** Every way to say a phrase. */
const ways = (phrase: PhraseNotation.Phrase): ReadonlyArray<string> => {
  switch (phrase._tag) {
    case "Word":
      return [phrase.word]
    case "Slot":
      return [`{${phrase.name}}`]
    case "Sequence":
      return phrase.parts.reduce<ReadonlyArray<string>>(
        (said, part) => said.flatMap((before) => ways(part).map((next) => `${before} ${next}`.trim())),
        [""]
      )
    case "Choice":
      return phrase.options.flatMap(ways)
    case "Optional":
      return ["", ...ways(phrase.phrase)]
  }
}

describe("the notation", () => {
  it.each<[string, PhraseNotation.Phrase]>([
    ["open", word("open")],
    ["  when   are you\topen ", sequence(word("when"), word("are"), word("you"), word("open"))],
    ["yes | no", choice(word("yes"), word("no"))],
    ["[please] open", sequence(optional(word("please")), word("open"))],
    ["(a | b c) d", sequence(choice(word("a"), sequence(word("b"), word("c"))), word("d"))],
    ["[on] {day} | {day}", choice(sequence(optional(word("on")), slot("day")), slot("day"))],
    ["[a [b | c]]", optional(sequence(word("a"), optional(choice(word("b"), word("c")))))],
    ["((a))", word("a")],
    ["o’clock a.m. twenty-one 10", sequence(word("o'clock"), word("a.m."), word("twenty-one"), word("10"))],
    ["où {heure_2}", sequence(word("où"), slot("heure_2"))]
  ])("reads %j", (text, phrase) => assert.deepStrictEqual(read(text), phrase))

  it.each([
    ["", 1, "Words are missing here"],
    ["   ", 4, "Words are missing here"],
    ["Open", 1, "Words are written in lower case"],
    ["when are You", 10, "Words are written in lower case"],
    ["open?", 5, "Punctuation is not said: leave out \"?\""],
    ["open, please", 5, "Punctuation is not said: leave out \",\""],
    ["on {Day}", 4, "A slot is written as {name}, in lower case"],
    ["on {}", 4, "A slot is written as {name}, in lower case"],
    ["a }", 3, "\"}\" has no meaning here"],
    ["5 % off", 3, "\"%\" has no meaning here"],
    ["[open", 1, "\"[\" is not closed by \"]\""],
    ["a (b | c", 3, "\"(\" is not closed by \")\""],
    ["a [b)", 5, "\")\" closes nothing"],
    ["a ]", 3, "\"]\" closes nothing"],
    ["a | | b", 7, "Words are missing here"],
    ["a |", 4, "Words are missing here"],
    ["| a", 3, "Words are missing here"],
    ["a []", 4, "Words are missing here"]
  ])("refuses %j at character %d", (text, character, problem) => {
    const phrase = PhraseNotation.parse(text)
    assert.isTrue(Result.isFailure(phrase))
    if (Result.isSuccess(phrase)) return
    assert.deepStrictEqual([phrase.failure.at + 1, phrase.failure.problem], [character, problem])
    assert.include(phrase.failure.message, `(character ${character})`)
  })

  it("gives the words and slots of a phrase, in order", () => {
    const phrase = read("[i want] (a table | {thing}) on {day} [please]")
    assert.deepStrictEqual(PhraseNotation.words(phrase), ["i", "want", "a", "table", "on", "please"])
    assert.deepStrictEqual(PhraseNotation.slots(phrase), ["thing", "day"])
  })

  it.each([
    ["a", false],
    ["{day}", false],
    ["[a]", true],
    ["[a] [b]", true],
    ["[a] b", false],
    ["a | [b]", true],
    ["(a | b) [c]", false],
    ["([a] | b) [c]", true]
  ])("knows whether %j may be said without a word: %s", (text, isEmpty) => assert.strictEqual(PhraseNotation.mayBeEmpty(read(text)), isEmpty))
})

describe("text that is compared", () => {
  it.each([
    ["When are you OPEN?", " when are you open"],
    ["It’s 9 a.m., isn't it?!", " it's 9 a.m isn't it"],
    ["  'quoted' -- well-kept - ", " quoted well-kept"],
    ["Où êtes-vous ?", " où êtes-vous"],
    ["…!?", ""],
    ["--a b-- .-", " a b"],
    ["", ""]
  ])("%j is %j", (text, plain) => assert.strictEqual(PhraseNotation.plain(text), plain))

  it.prop("does not change when it is made plain again", [Schema.String], ([text]) =>
    assert.strictEqual(PhraseNotation.plain(PhraseNotation.plain(text)), PhraseNotation.plain(text)))
})

interface Nested {
  readonly kind: "word" | "slot" | "sequence" | "choice" | "optional"
  readonly name: string
  readonly parts: ReadonlyArray<Nested>
}
const Name = Schema.Literals(["open", "o'clock", "a.m.", "x", "für", "twenty-one", "10"])
const Leaf = Schema.Struct({ kind: Schema.Literals(["word", "slot"]), name: Name, parts: Schema.Tuple([]) })
const Branch = <A extends Nested>(of: Schema.Schema<A>) =>
  Schema.Struct({
    kind: Schema.Literals(["sequence", "choice", "optional"]),
    name: Name,
    parts: Schema.Array(of).check(Schema.isMinLength(1), Schema.isMaxLength(3))
  })
const Tree = Schema.Union([Leaf, Branch(Schema.Union([Leaf, Branch(Schema.Union([Leaf, Branch(Leaf)]))]))])

const write = ({ kind, name, parts }: Nested): string => {
  switch (kind) {
    case "word":
      return name
    case "slot":
      return "{day}"
    case "sequence":
      return parts.map(write).join(" ")
    case "choice":
      return `(${parts.map(write).join(" | ")})`
    case "optional":
      return `[${parts.map(write).join(" ")}]`
  }
}

describe("for any phrase", () => {
  it.prop("its pattern fits every way to say it, and nothing else", [Tree, Schema.Array(Name).check(Schema.isMaxLength(5))], ([tree, foreign]) => {
    const phrase = read(write(tree))
    const said = ways(phrase)
    if (said.length > 300) return
    const pattern = new RegExp(`^(?:${PhraseNotation.toPattern(phrase, () => " monday")})$`)
    const fits = new Set(said.map((way) => PhraseNotation.plain(way.replaceAll("{day}", "monday"))))
    for (const way of fits) assert.match(way, pattern)
    assert.strictEqual(fits.has(""), PhraseNotation.mayBeEmpty(phrase))
    const other = PhraseNotation.plain(foreign.join(" "))
    assert.strictEqual(pattern.test(other), fits.has(other))
    for (const way of fits) if (way !== "") assert.strictEqual(pattern.test(`${way}x`), fits.has(`${way}x`))
  }, { arbitrary: { runs: 300 } })

  it.prop("reading never throws, and an error points into the text", [
    Schema.Array(Schema.Union([Schema.Literals(["[", "]", "(", ")", "|", "{day}", "{", "}", "open", " ", "A", "?"]), Schema.String])).check(Schema.isMaxLength(12))
  ], ([parts]) => {
    const text = parts.join("")
    const phrase = PhraseNotation.parse(text)
    if (Result.isFailure(phrase)) {
      assert.isAtLeast(phrase.failure.at, 0)
      assert.isAtMost(phrase.failure.at, text.length)
    } else {
      assert.isAbove(PhraseNotation.wordsAndSlots(phrase.success).length, 0)
    }
  }, { arbitrary: { runs: 500 } })
})
