import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Chunker from "../../src/conversation/Chunker.ts"

/** All pieces of a text that comes in these deltas. */
const cut = (...deltas: ReadonlyArray<string>): ReadonlyArray<string> => {
  let state = Chunker.empty
  const pieces: Array<string> = []
  for (const delta of deltas) {
    const [ready, next] = Chunker.push(state, delta)
    pieces.push(...ready)
    state = next
  }
  return [...pieces, ...Chunker.flush(state)]
}

/** The same behind a first piece: sentences only. */
const sentences = (text: string): ReadonlyArray<string> => cut("Yes.\n", text).slice(1)

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" })
const segments = (text: string): ReadonlyArray<string> => Array.from(segmenter.segment(text), ({ segment }) => segment.trim())

describe("sentences", () => {
  /** What both get right, the segmenter alone too. */
  const plain: ReadonlyArray<ReadonlyArray<string>> = [
    ["It costs 3.50 today.", "Fine."],
    ["That is $5.00.", "Shall I?"],
    ["It is 10:30 now.", "Fine."],
    ["Version 2.0.1 is out.", "Get it."],
    ["Your room is 12.", "It is big."],
    ["We open at 9 a.m. on Monday.", "Come in."],
    ["We open at 9 a.m.", "Come in."],
    ["In the U.S. it is so.", "Fine."],
    ["He lives in the U.S.", "She does not."],
    ["We sell fruit, e.g. apples.", "Fine."],
    ["Apples, pears, etc. are sold.", "Fine."],
    ["Apples, pears, etc.", "We sell them."],
    ["Acme Inc. is here.", "Fine."],
    ["We work for Acme Inc.", "They pay."],
    ["I have a Ph.D. in maths.", "Fine."],
    ["It is 5 ft. tall.", "Fine."],
    ["It is on 5th Ave. near the park.", "Fine."],
    ["Go to www.example.com for more.", "Bye."],
    ["Write to a.b@example.com.", "Bye."],
    ["Well...", "I see."],
    ["Well... maybe.", "Fine."],
    ["He said \"Stop.\"", "Then he left."],
    ["(That is all.)", "Thanks."],
    ["Really?!", "Yes!", "Good."],
    ["It was you and I.", "We won."],
    ["I say no.", "We do not."],
    ["She sat.", "He stood."],
    ["I met him on Sun.", "It was hot."],
    ["That is the max.", "You can pay now."],
    ["¿Qué desea?", "Dígame."],
    ["营业时间是九点。", "请进。"]
  ]

  /** Here the segmenter alone cuts too much or too little. */
  const hard: ReadonlyArray<ReadonlyArray<string>> = [
    ["Dr. Smith is in.", "He is free."],
    ["I saw Mr. and Mrs. Jones.", "They left."],
    ["Mme. Dupont est là.", "Entrez."],
    ["It is in St. Louis.", "Fine."],
    ["J. R. Smith called.", "Fine."],
    ["It is on Jan. 5.", "Fine."],
    ["Call ext. 12.", "It rings."],
    ["It is no. 5.", "Fine."],
    ["1. Apples are red.", "2. Pears are green."],
    ["See https://example.com/a?b=c.", "Bye."],
    ["Yes!That works.", "Fine."],
    ["Well…", "I see."],
    ["He asked \"Why?\" and left.", "Fine."],
    ["**We are open.**", "_Come in._", "Fine."]
  ]

  it.each(plain.map((pieces) => [pieces.join(pieces[0].endsWith("。") ? "" : " "), pieces] as const))("of %j are the segmenter's", (text, pieces) => {
    assert.deepStrictEqual(sentences(text), pieces)
    assert.deepStrictEqual(segments(text), pieces)
  })

  it.each(hard.map((pieces) => [pieces.join(" "), pieces] as const))("of %j are more than the segmenter's", (text, pieces) => {
    assert.deepStrictEqual(sentences(text), pieces)
    assert.notDeepEqual(segments(text), pieces)
  })

  it.each([
    ["We have plan B. It works.", "an initial looks the same"],
    ["come at nine. we are open.", "nothing ends before a small letter"],
    ["I live in Main St. You know it.", "a saint looks the same"]
  ])("of %j stay one piece: %s", (text) => assert.deepStrictEqual(sentences(text), [text]))

  it("end with a line, whatever stands there", () => {
    assert.deepStrictEqual(sentences("One line\nanother line\n\nDr.\r\nSmith"), ["One line", "another line", "Dr.", "Smith"])
    assert.deepStrictEqual(sentences("- apples\n- pears\n"), ["- apples", "- pears"])
  })

  it("have words: signs alone go with those beside them, or are left out", () => {
    assert.deepStrictEqual(sentences("Good. !!! Fine. ?!"), ["Good. !!!", "Fine. ?!"])
    assert.deepStrictEqual(sentences("...\nFine.\n\n***"), ["Fine."])
    assert.deepStrictEqual(sentences("---\n# Hours\n| --- |\n"), ["# Hours"])
    assert.deepStrictEqual(cut("***\n\n"), [])
    assert.deepStrictEqual(cut(""), [])
  })

  it("leave as soon as it is sure that they are over", () => {
    const [early, first] = Chunker.push({ pending: "", count: 1 }, "We are open. ")
    assert.deepStrictEqual(early, [])
    assert.deepStrictEqual(Chunker.push(first, "A")[0], ["We are open."])
    assert.deepStrictEqual(Chunker.push(first, "\n")[0], ["We are open."])
    assert.deepStrictEqual(Chunker.push(first, "1")[0], [])
  })
})

describe("the first clause", () => {
  it.each([
    [["Yes of course,", "on which day would you like to come?"]],
    [["We are open today;", "come in."]],
    [["You can choose one:", "red or green."]],
    [["Let me see that…", "you are booked."]],
    [["Let me see that...", "you are booked."]],
    [["That is possible —", "on Monday."]],
    [["He said \"come in now,\"", "and left."]]
  ])("of %j leaves on its own", (pieces) => assert.deepStrictEqual(cut(pieces.join(" ")), pieces))

  it.each([
    ["Well, we are open.", "too short"],
    ["Unfortunately, not.", "one word"],
    ["It costs 1,250 dollars in all.", "a number"],
    ["We open at 10:30 and 11:45 each day.", "times"],
    ["It is open—from nine.", "a dash without blanks"]
  ])("of %j does not: %s", (text) => assert.deepStrictEqual(cut(text), [text]))

  it("is only the first: later sentences are whole", () =>
    assert.deepStrictEqual(cut("Yes of course, we are open. On Monday and Tuesday, we close early."), [
      "Yes of course,",
      "we are open.",
      "On Monday and Tuesday, we close early."
    ]))

  it("leaves before the sentence is written", () =>
    assert.deepStrictEqual(Chunker.push(Chunker.empty, "Yes of course, on wh")[0], ["Yes of course,"]))

  it("never reaches over a sentence's end that is not sure yet", () => {
    const [none, state] = Chunker.push(Chunker.empty, "It is 5. 10, 20, 30 ")
    assert.deepStrictEqual(none, [])
    assert.deepStrictEqual(Chunker.push(state, "And")[0], ["It is 5."])
    assert.deepStrictEqual(Chunker.push(state, "and")[0], ["It is 5. 10,"])
  })
})

describe("a sentence that goes on and on", () => {
  const longest = 200

  it("is cut at its last clause", () => {
    const clause = "and we went on along the road to the town, "
    const pieces = cut(`Yes. ${clause.repeat(12)}the end.`)
    assert.isAbove(pieces.length, 3)
    for (const piece of pieces.slice(1, -1)) assert.match(piece, /town,$/)
  })

  it("is cut between words where it has no clause", () => {
    const pieces = cut(`Yes. ${"word ".repeat(150)}`)
    for (const piece of pieces.slice(1)) assert.match(piece, /^word( word)*$/)
    assert.isTrue(pieces.slice(1, -1).every(({ length }) => length > longest - 10))
  })

  it("is cut even where there is no blank, and never within a character", () => {
    for (const text of ["a".repeat(1000), "😀".repeat(500), `x${"𝒶".repeat(500)}`, "我们每天都在这里工作".repeat(60)]) {
      const pieces = cut(`Yes. ${text}.`).slice(1)
      for (const piece of pieces) {
        assert.isAtMost(piece.length, longest + 1)
        assert.isTrue(piece.isWellFormed())
      }
      assert.isAbove(pieces.length, /\p{L}/u.test(text) ? 2 : -1)
    }
  })
})

const Fragment = Schema.Union([
  Schema.Literals([
    "Dr. ", "e.g. ", "a.m. ", "no. ", "Jan. ", "J. ", "I. ", "U.S. ", "5 ", "5. ", "3.50 ", "10:30 ", "www.example.com ", "a?b=c ", "... ", "… ",
    "…", "\"Why?\" ", "Well, ", "and so on; ", "we are open", "We are open. ", "come in, please! ", "Really?! ", "**bold.** ", "`x` ", " — ", "\n",
    "\r\n", "  ", "(yes.) ", "。", "请进，", "😀", "1. ", "* ", "é", "e\u0301", "word ".repeat(30), "a".repeat(130)
  ]),
  Schema.String.check(Schema.isMaxLength(12))
])
const Text = Schema.Array(Fragment).check(Schema.isMaxLength(25))

describe("for any text", () => {
  it.prop("it does not matter where it is cut into deltas", [
    Text,
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))).check(Schema.isMinLength(1))
  ], ([fragments, lengths]) => {
    const text = fragments.join("")
    const deltas: Array<string> = []
    for (let at = 0, next = 0; at < text.length; next++) {
      const length = Math.max(lengths[next % lengths.length], next % lengths.length === 0 ? 1 : 0)
      deltas.push(text.slice(at, at + length))
      at += length
    }
    assert.deepStrictEqual(cut(...deltas), cut(text))
    assert.deepStrictEqual(cut(...text), cut(text))
  }, { arbitrary: { runs: 500 } })

  it.prop("no word is lost, doubled or moved, and no piece is empty or too long", [Text], ([fragments]) => {
    const text = fragments.join("")
    const pieces = cut(text)
    const letters = (of: string) => of.match(/[\p{L}\p{N}]/gu) ?? []
    assert.deepStrictEqual(letters(pieces.join(" ")), letters(text))
    for (const piece of pieces) {
      assert.match(piece, /[\p{L}\p{N}]/u)
      assert.isAtMost(piece.length, 201)
      assert.strictEqual(piece, piece.trim())
    }
  }, { arbitrary: { runs: 500 } })
})
