import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { RecognitionHints } from "../../../../../src/definition/RecognitionHints.ts"
import * as Grammar from "../../../../../src/engines/embedded/soundswallower/Grammar.ts"

const hints = (phrases: ReadonlyArray<string>, slots: RecognitionHints["slots"] = {}): RecognitionHints => ({ language: "en", phrases, slots })

const make = (phrases: ReadonlyArray<string>, slots: RecognitionHints["slots"] = {}) => Grammar.make(hints(phrases, slots), "en")

const lines = (grammar: Grammar.Grammar) => grammar.jsgf.split("\n")

/** The text of a rule after its name. */
const rule = (grammar: Grammar.Grammar, name: string) =>
  lines(grammar).find((line) => line.replace("public ", "").startsWith(`<${name}> = `))?.split(" = ")[1]

describe("a grammar", () => {
  it("has JSGF's header, and every rule ends with a semicolon", () => {
    const grammar = make(["when are you open", "on {day}"], { day: ["monday"] })
    assert.deepStrictEqual(lines(grammar).slice(0, 2), ["#JSGF V1.0;", "grammar agent;"])
    assert.isTrue(grammar.jsgf.endsWith(";\n"))
    for (const line of lines(grammar).slice(0, -1)) assert.match(line, /;$/)
  })

  it("has phrases, choices, optional words and slots in JSGF's notation", () => {
    const grammar = make(["[please] (open | close) it", "on {day}"], { day: ["monday", "[next] friday"] })
    assert.strictEqual(rule(grammar, "own"), "[please] (open | close) it | on <slot_day> | on;")
    assert.strictEqual(rule(grammar, "slot_day"), "monday | [next] friday;")
  })

  it("defines each rule before it is used", () => {
    const grammar = make(["on {day} at {time}", "{day}"], { day: ["monday"], time: ["nine"] })
    const defined = new Set<string>()
    for (const line of lines(grammar).slice(2, -1)) {
      const [left, right] = line.replace("public ", "").split(" = ")
      for (const [name] of right.matchAll(/<\w+>/g)) assert.isTrue(defined.has(name), name)
      defined.add(left)
    }
    assert.include([...defined], "<said>")
  })

  it("accepts foreign speech as phones mixed with its own words, with a low weight", () => {
    const grammar = make(["open it"])
    assert.match(rule(grammar, "said")!, /^\/1\/ <own> \| \/1e-\d\d\/ <foreign>\+;$/)
    assert.match(rule(grammar, "foreign")!, /^\/1\/ <phone> \| \/1e-\d\/ <word>;$/)
    assert.strictEqual(rule(grammar, "phone")!.split(" | ").length, 39)
    assert.strictEqual(rule(grammar, "word"), `${grammar.words.map((_, index) => Grammar.ownWordInForeign(index)).join(" | ")};`)
    assert.strictEqual(Grammar.foreignPhones(`phone_ah ${Grammar.ownWordInForeign(1)} phone_b`), 5)
    assert.strictEqual(Grammar.foreignPhones("open the phone book"), 0)
  })

  it("accepts only phones if it has no usable phrase", () => {
    for (const grammar of [make([]), make(["on {day}"]), make(["on {day}"], { day: [] }), make(["[a]", "A?"])]) {
      assert.strictEqual(rule(grammar, "said"), "<phone>+;")
      assert.isUndefined(rule(grammar, "own"))
      assert.isFalse(grammar.isWhole("on"))
      assert.isFalse(grammar.isWhole(""))
    }
  })

  it("leaves out only phrases whose slot has no usable value", () => {
    const grammar = make(["on {day}", "at {time}", "bye"], { day: ["monday"], time: ["", "[x]"] })
    assert.strictEqual(rule(grammar, "own"), "on <slot_day> | bye | on;")
    assert.isUndefined(rule(grammar, "slot_time"))
  })

  it("accepts a phrase that breaks off before its first slot, as a caller who still thinks does", () => {
    assert.strictEqual(rule(make(["book it for {day} at {day}"], { day: ["monday"] }), "own"), "book it for <slot_day> at <slot_day> | book it for;")
    // No word, or only an optional one, stands before the slot.
    for (const [phrase, own] of [
      ["{day}", "<slot_day>;"],
      ["[on] {day}", "[on] <slot_day>;"],
      ["on [{day}]", "on (/0.8/ <NULL> | /0.2/ (<slot_day>));"]
    ]) {
      assert.strictEqual(rule(make([phrase], { day: ["monday"] }), "own"), own)
    }
  })

  it("lists every word once", () => {
    assert.deepStrictEqual(make(["on {day} or on {day}", "[maybe] on"], { day: ["monday", "the first monday"] }).words, [
      "on", "or", "maybe", "monday", "the", "first"
    ])
  })

  it("tells a whole phrase from a phrase that breaks off", () => {
    const grammar = make(["book [it] for {day}", "yes | no", "it's 9 a.m."], { day: ["monday", "next friday"] })
    for (const text of ["book for monday", "book it for next friday", "yes", "No.", "It’s 9 a.m."]) assert.isTrue(grammar.isWhole(text), text)
    for (const text of ["book it for", "book it for next", "yes no", "", "monday", "book it for mondays", "a book for monday"]) {
      assert.isFalse(grammar.isWhole(text), text)
    }
  })

  it("takes the dot in a word as a dot, not as a pattern", () => {
    const grammar = make(["a.m", "x-y"])
    assert.isTrue(grammar.isWhole("a.m"))
    assert.isFalse(grammar.isWhole("aXm"))
  })
})

describe("the phones", () => {
  it("each have a pseudo-word of their own", () => {
    for (const language of ["en", "fr"] as const) {
      const words = Grammar.phoneWords(language)
      assert.strictEqual(new Set(words.map(([word]) => word)).size, words.length)
      for (const [word, phone] of words) assert.isTrue(Grammar.foreignPhones(word) === 1 && word.endsWith(phone.toLowerCase()))
    }
  })

  it("exist only for English and French", () =>
    assert.deepStrictEqual(["en", "fr", "de", "", "toString"].map(Grammar.isLanguage), [true, true, false, false, false]))
})

const Word = Schema.Literals(["open", "close", "it", "now", "o'clock", "für"])
const Phrases = Schema.Array(Schema.Array(Word).check(Schema.isMinLength(1), Schema.isMaxLength(4))).check(Schema.isMaxLength(5))

describe("for any phrases", () => {
  it.prop("a text is whole exactly when it is one of them", [Phrases, Schema.Array(Word).check(Schema.isMaxLength(4))], ([phrases, other]) => {
    const texts = phrases.map((words) => words.join(" "))
    const grammar = make(texts)
    for (const text of texts) assert.isTrue(grammar.isWhole(text))
    assert.strictEqual(grammar.isWhole(other.join(" ")), texts.includes(other.join(" ")))
  })

  it.prop("no text of an agent's file makes it throw, or breaks the grammar's notation", [
    Schema.Array(Schema.String),
    Schema.Record(Schema.Literals(["day", "time"]), Schema.Array(Schema.String))
  ], ([phrases, slots]) => {
    const grammar = make([...phrases, "on {day}"], slots)
    for (const line of lines(grammar).slice(2, -1)) assert.match(line, /^(?:public )?<\w+> = [^;<>#]*(?:<\w+>[^;<>#]*)*;$/)
  })
})
