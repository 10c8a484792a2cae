import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SpokenText from "../../../../src/engines/embedded/SpokenText.ts"

const said = (text: string, language = "en") => SpokenText.wordsOf(text, language).join(" ")

// More cases are in test/unit/engines/embedded/script/ScriptedReplyModel.test.ts.
describe("spoken text", () => {
  it.each([
    ["100, 105, 999", "one hundred one hundred five nine hundred ninety nine"],
    ["1000 or 2015", "one thousand or two thousand fifteen"],
    ["10,000", "one zero zero zero zero"],
    ["1st 2nd 3rd 5th 8th 9th 12th 20th 22nd", "first second third fifth eighth ninth twelfth twentieth twenty second"],
    ["12:00, 12:05, 00:30", "twelve twelve oh five zero thirty"],
    ["9 A.M. 9am. 9 p m", "nine am nine am nine pm"],
    ["room 12b", "room twelve b"],
    ["I'm sure we're open, they've left, you'll see, I'd go", "i am sure we are open they have left you will see i would go"],
    ["don't won't cannot can't", "do not will not can not can not"],
    ["let's go, who's there, the shop's door", "let us go who is there the shops door"],
    ["I wanna go, I'm gonna", "i want to go i am going to"],
    ["ok OK okay", "okay okay okay"],
    ["ｆｕｌｌ ｗｉｄｔｈ １０", "full width ten"],
    ["e\u0301té", "été"],
    ["well-kept; semi/colon", "well kept semi colon"]
  ])("%j becomes %j", (text, words) => assert.strictEqual(said(text), words))

  it("spells out neither numbers nor contractions in other languages than English", () => {
    assert.strictEqual(said("C'est le 1er, à 10h30 !", "fr"), "cest le 1er à 10h30")
    assert.strictEqual(said("we don't", "de"), "we dont")
  })

  it("has different words for every number up to 9999", () => {
    const all = new Set<string>()
    for (let number = 0; number < 10_000; number++) all.add(said(String(number)))
    assert.strictEqual(all.size, 10_000)
    for (const words of all) assert.match(words, /^[a-z ]+$/)
  })

  it("has different words for every minute of the day", () => {
    const all = new Set<string>()
    for (let hour = 0; hour < 24; hour++) {
      for (let minute = 0; minute < 60; minute++) all.add(said(`${hour}:${String(minute).padStart(2, "0")}`))
    }
    assert.strictEqual(all.size, 24 * 60)
  })
})

describe("fillers", () => {
  it("are known for English and French, and for no other language", () => {
    assert.isTrue(SpokenText.fillersOf("en").has("um"))
    assert.isTrue(SpokenText.fillersOf("fr").has("euh"))
    for (const language of ["de", "", "constructor"]) assert.strictEqual(SpokenText.fillersOf(language).size, 0)
  })
})

const Part = Schema.Union([
  Schema.Literals(["10:30", "a.m.", "21st", "1,250", "I'd", "don't", "what's", "OK", "ten", "o’clock", "5550123", "007", "well-kept", "“so”", "…", "é"]),
  Schema.String.check(Schema.isMaxLength(8))
])
const Text = Schema.Array(Part).check(Schema.isMaxLength(10))

describe("for any text", () => {
  it.prop("words hold only letters and digits, and no capitals", [Text, Schema.Literals(["en", "fr", "xx"])], ([parts, language]) => {
    for (const word of SpokenText.wordsOf(parts.join(" "), language)) {
      assert.match(word, /^[\p{L}\p{N}\p{M}]+$/u)
      assert.strictEqual(word, word.toLowerCase())
    }
  }, { arbitrary: { runs: 300 } })

  it.prop("case, punctuation and blanks make no difference", [
    Schema.Array(Schema.Literals(["when", "are", "you", "open", "10:30", "don't", "21st"])).check(Schema.isMinLength(1)),
    Schema.Literals([", ", "  ", "! ", " … ", "\n", " \"", ") ("])
  ], ([words, between]) =>
    assert.deepStrictEqual(SpokenText.wordsOf(` ${words.join(between).toUpperCase()}?`, "en"), SpokenText.wordsOf(words.join(" "), "en")))

  it.prop("a phrase keeps its brackets and slots", [
    Schema.Array(Schema.Literals(["[", "]", "(", ")", "|", "{day_2}", "i'd", "10", "open"]))
  ], ([parts]) => {
    const marks = (text: string) => text.match(/[[\]()|]|\{[^}]*\}/g) ?? []
    assert.deepStrictEqual(marks(SpokenText.normalisePhrase(parts.join(" "), "en")), marks(parts.join(" ")))
  })
})
