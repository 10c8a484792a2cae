import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { DialogScript } from "../../../../../src/definition/DialogScript.ts"
import * as PhraseMatcher from "../../../../../src/engines/embedded/script/PhraseMatcher.ts"
import * as SpokenText from "../../../../../src/engines/embedded/SpokenText.ts"

const script: DialogScript = {
  intents: [],
  slots: [
    { name: "day", phrases: [], values: [{ value: "Monday", ways: ["monday"] }, { value: "Next Monday", ways: ["next monday"] }, { value: "Friday", ways: ["friday | the [last] day"] }] },
    { name: "time", phrases: [], values: [{ value: "ten", ways: ["ten [o'clock]", "10:00"] }, { value: "half past ten", ways: ["half past ten | 10:30"] }] },
    { name: "broken", phrases: [], values: [{ value: "x", ways: ["Not a phrase?"] }] }
  ]
}
const matcher = PhraseMatcher.make(script, "en")

const words = (text: string) => SpokenText.wordsOf(text, "en")

/** The best match of some phrases, with the words that matched. */
const find = (phrases: ReadonlyArray<string>, text: string, options?: { readonly strict?: boolean }) => {
  const said = words(text)
  const match = matcher.best(matcher.compile(phrases), said, options)
  return match === undefined ? undefined : { said: said.slice(match.start, match.end).join(" "), score: match.score, slots: Object.fromEntries(match.slots) }
}

describe("a phrase", () => {
  it("is found with any words before and after it", () => {
    for (const text of ["when are you open", "Hello there, when are you open on weekdays?"]) {
      assert.deepStrictEqual(find(["when are you open"], text), { said: "when are you open", score: 4, slots: {} })
    }
  })

  it("is not found if a word is missing, in another place, or part of a longer word", () => {
    for (const text of ["when are open", "are you open when", "when are you opening", ""]) assert.isUndefined(find(["when are you open"], text), text)
  })

  it("may have fillers between its words, at no cost", () =>
    assert.strictEqual(find(["when are you open"], "when uh are you, um, please, open")?.score, 4))

  it("may have one foreign word for every three of its own, at the cost of half a word", () => {
    assert.strictEqual(find(["when are you open"], "when are you really open")?.score, 3.5)
    assert.isUndefined(find(["when open"], "when do open"))
    assert.isUndefined(find(["when are you open"], "when are the two of you open"))
    assert.isUndefined(find(["when are you open"], "when are you really open", { strict: true }))
  })

  it("never has more than two foreign words between its own, however long it is", () => {
    const long = "i would like to come by and see the house some time soon"
    assert.strictEqual(find([long], long.replace("see", "x y see"))?.score, 12)
    assert.isUndefined(find([long], long.replace("see", "x y z see")))
  })

  it("counts as many optional words as were said", () => {
    assert.strictEqual(find(["open [it] [now]"], "open it now please")?.score, 3)
    assert.strictEqual(find(["open [it] [now]"], "open")?.score, 1)
  })

  it("wins if it has the most words; the first of two equals wins", () => {
    assert.strictEqual(find(["open", "open the door"], "open the door")?.said, "open the door")
    assert.strictEqual(find(["no thanks", "thanks a"], "no thanks a lot")?.said, "no thanks")
  })

  it("is left out if it is invalid or needs no word", () => {
    assert.strictEqual(matcher.compile(["When?", "[a]", "open", "(x"]).length, 1)
    assert.isUndefined(find(["[a]"], "a"))
  })

  it("matches numbers, contractions and hyphenated words in any spelling", () => {
    assert.isDefined(find(["i'd like 2"], "I would like two"))
    assert.isDefined(find(["twenty-one"], "21"))
    assert.isDefined(find(["twenty one"], "twenty-one"))
    assert.isDefined(find(["i would like it at 10:30"], "I'd like it at ten thirty"))
  })
})

describe("a slot", () => {
  it("gives its value when its phrase is found", () =>
    assert.deepStrictEqual(find(["on {day} at {time}"], "on friday, at ten o'clock please"), {
      said: "on friday at ten oclock",
      score: 5,
      slots: { day: "Friday", time: "ten" }
    }))

  it("takes the value with the most words", () =>
    assert.deepStrictEqual(find(["come {day}"], "come next monday")?.slots, { day: "Next Monday" }))

  it("can't be left out of its phrase", () => assert.isUndefined(find(["on {day} at {time}"], "on friday at")))

  it("is never found if it is unknown or has no valid value", () => {
    assert.isUndefined(find(["on {month}"], "on may"))
    assert.isUndefined(find(["on {broken}"], "on not a phrase"))
  })

  it("is found at every place, in order, with as many words as fit", () => {
    const said = words("not monday but next monday, or the last day at half past ten")
    assert.deepStrictEqual(matcher.values("day", said).map(({ end, slots, start }) => [slots.get("day"), said.slice(start, end).join(" ")]), [
      ["Monday", "monday"],
      ["Next Monday", "next monday"],
      ["Friday", "the last day"]
    ])
    assert.deepStrictEqual(matcher.values("time", said).map(({ slots }) => slots.get("time")), ["half past ten"])
    assert.deepStrictEqual(matcher.values("month", said), [])
  })
})

const Word = Schema.Literals(["open", "the", "door", "now", "monday", "next", "ten"])
const Words = Schema.Array(Word).check(Schema.isMaxLength(8))

describe("for any words", () => {
  it.prop("a phrase is found in a text that holds it, with all of its words", [Words.check(Schema.isMinLength(1)), Words, Words], ([phrase, before, behind]) => {
    const match = matcher.best(matcher.compile([phrase.join(" ")]), [...before, ...phrase, ...behind])
    assert.isDefined(match)
    assert.isAtLeast(match!.score, phrase.length)
  })

  it.prop("a match lies within the text, and a strict match is the phrase itself", [Words.check(Schema.isMinLength(1)), Words], ([phrase, text]) => {
    const compiled = matcher.compile([phrase.join(" ")])
    const loose = matcher.best(compiled, text)
    const strict = matcher.best(compiled, text, { strict: true })
    if (strict !== undefined) {
      assert.deepStrictEqual(text.slice(strict.start, strict.end), [...phrase])
      assert.isAtLeast(loose!.score, strict.score)
    }
    assert.strictEqual(strict !== undefined, ` ${text.join(" ")} `.includes(` ${phrase.join(" ")} `))
    if (loose !== undefined) {
      const words = text.slice(loose.start, loose.end)
      assert.isAtMost(words.length, phrase.length + 2)
      for (const word of phrase) assert.include(words, word)
    }
  }, { arbitrary: { runs: 300 } })

  it.prop("values do not overlap", [Words], ([text]) => {
    const found = matcher.values("day", text)
    found.reduce((end, match) => {
      assert.isAtLeast(match.start, end)
      assert.isAbove(match.end, match.start)
      return match.end
    }, 0)
  })
})

/** How often the matcher reads a word while it searches phrases and values in a text. */
const readsIn = (said: ReadonlyArray<string>): number => {
  let reads = 0
  const counted = new Proxy(said, {
    get: (words, key) => {
      if (typeof key === "string" && /^\d+$/.test(key)) reads++
      return Reflect.get(words, key) as unknown
    }
  })
  matcher.best(matcher.compile(["open the {day} door", "[please] half past ten (now | next) [{time}]", "no"]), counted)
  matcher.values("day", counted)
  return reads
}

describe("a long text", () => {
  it("takes about twice the work of a text of half its length", () => {
    const text = (length: number) => {
      const some = ["please", "open", "the", "monday", "half", "past", "ten", "next", "the", "last", "no"]
      return Array.from({ length }, (_, index) => some[index % some.length])
    }
    const reads = readsIn(text(500))
    assert.isAbove(reads, 500)
    assert.isAtMost(readsIn(text(1000)), 2.1 * reads)
  })
})

describe("phrases with very many readings", () => {
  it("are found, and do not hold up the call", () => {
    const phrase = Array.from({ length: 40 }, (_, index) => `[word${index} | [a] [b] [c]]`).join(" ")
    const compiled = matcher.compile([`start ${phrase} end`])
    const said = ["start", ...Array.from({ length: 300 }, (_, index) => ["a", "b", "c", "word3"][index % 4]), "end"]
    assert.isUndefined(matcher.best(compiled, said))
    assert.isDefined(matcher.best(compiled, ["start", "a", "b", "a", "b", "a", "b", "end"]))
  })
})
