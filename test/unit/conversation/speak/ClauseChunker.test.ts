import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ClauseChunker from "../../../../src/conversation/speak/ClauseChunker.ts"

/** The pieces of a text that arrives in these deltas. */
const cut = (...deltas: ReadonlyArray<string>): ReadonlyArray<string> => {
  let state = ClauseChunker.empty
  const pieces: Array<string> = []
  for (const delta of deltas) {
    const [ready, next] = ClauseChunker.push(state, delta)
    pieces.push(...ready)
    state = next
  }
  return [...pieces, ...ClauseChunker.flush(state)]
}

/** The pieces in a language. */
const cutIn = (language: string, ...deltas: ReadonlyArray<string>): ReadonlyArray<string> => {
  let state = ClauseChunker.begin(language)
  const pieces: Array<string> = []
  for (const delta of deltas) {
    const [ready, next] = ClauseChunker.push(state, delta)
    pieces.push(...ready)
    state = next
  }
  return [...pieces, ...ClauseChunker.flush(state)]
}

/** The pieces after the first one: whole sentences only. */
const sentences = (text: string): ReadonlyArray<string> => cut("Yes.\n", text).slice(1)

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" })
const segments = (text: string): ReadonlyArray<string> => Array.from(segmenter.segment(text), ({ segment }) => segment.trim())

describe("sentences", () => {
  /** Sentences that the segmenter alone cuts right. */
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

  /** Sentences that the segmenter alone cuts wrong. */
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

  it.each(plain.map((pieces) => [pieces.join(pieces[0].endsWith("。") ? "" : " "), pieces] as const))("of %j are cut as the segmenter does", (text, pieces) => {
    assert.deepStrictEqual(sentences(text), pieces)
    assert.deepStrictEqual(segments(text), pieces)
  })

  it.each(hard.map((pieces) => [pieces.join(" "), pieces] as const))("of %j are cut better than the segmenter does", (text, pieces) => {
    assert.deepStrictEqual(sentences(text), pieces)
    assert.notDeepEqual(segments(text), pieces)
  })

  it.each([
    ["We have plan B. It works.", "an initial looks the same"],
    ["come at nine. we are open.", "nothing ends before a small letter"],
    ["I live in Main St. You know it.", "a saint looks the same"]
  ])("of %j stay one piece: %s", (text) => assert.deepStrictEqual(sentences(text), [text]))

  it("end at the end of a line, with or without a stop", () => {
    assert.deepStrictEqual(sentences("One line\nanother line\n\nDr.\r\nSmith"), ["One line", "another line", "Dr.", "Smith"])
    assert.deepStrictEqual(sentences("- apples\n- pears\n"), ["- apples", "- pears"])
  })

  it("have words: signs without words join a neighbour, or are left out", () => {
    assert.deepStrictEqual(sentences("Good. !!! Fine. ?!"), ["Good. !!!", "Fine. ?!"])
    assert.deepStrictEqual(sentences("...\nFine.\n\n***"), ["Fine."])
    assert.deepStrictEqual(sentences("---\n# Hours\n| --- |\n"), ["# Hours"])
    assert.deepStrictEqual(cut("***\n\n"), [])
    assert.deepStrictEqual(cut(""), [])
  })

  it("are given as soon as later text can't change them", () => {
    const [early, first] = ClauseChunker.push({ pending: "", count: 1 }, "We are open. ")
    assert.deepStrictEqual(early, [])
    assert.deepStrictEqual(ClauseChunker.push(first, "A")[0], ["We are open."])
    assert.deepStrictEqual(ClauseChunker.push(first, "\n")[0], ["We are open."])
    assert.deepStrictEqual(ClauseChunker.push(first, "1")[0], [])
  })
})

/** Sentences that only their last full stop ends, each with the sentence after it. */
const within: ReadonlyArray<readonly [language: string, sentence: string, next: string]> = [
  ["de", "Am 3. Mai sind wir da.", "Kommen Sie."],
  ["de", "Vom 3. bis 12. Oktober ist zu.", "Danach auf."],
  ["de", "Sie wohnen im 2. Stock links.", "Klingeln Sie."],
  ["de", "Das ist der 1. Versuch heute.", "Gut."],
  ["de", "Wir haben z. B. Äpfel und Birnen.", "Gern."],
  ["de", "Das ist z.B. Montag, d. h. Morgen.", "Gut."],
  ["de", "Rufen Sie Hrn. Meier an.", "Danke."],
  ["de", "Es sind ca. 5 km bzw. Meilen.", "Gut."],
  ["de", "Frau Dipl.-Ing. Schulz kommt.", "Gut."],
  ["de", "Am 3.5. kommt er um 3,5 Grad.", "Gut."],
  ["de-DE", "Das ist Nr. 5 und kostet 3.50 Euro.", "Gut."],
  ["fr", "Le prix est, p. ex. Lundi, de 5 €.", "Merci."],
  ["fr", "Voici M. Dupont et Mme. Martin.", "Merci."],
  ["es", "La Sra. López vive en EE. UU. desde hoy.", "Gracias."],
  ["es", "Hable con el Dr. García o p. ej. Juan.", "Gracias."],
  ["it", "Il sig. Rossi e la dott.ssa Bianchi sono qui.", "Grazie."],
  ["nl", "Vraag dhr. Jansen, d.w.z. Jan.", "Dank u."],
  ["pt", "O Sr. Silva mora na Av. Paulista.", "Obrigado."],
  ["pl", "Mieszkam na ul. Długiej 5.", "Dobrze."],
  ["pl", "To jest np. Warszawa, m. in. Wola.", "Dobrze."],
  ["en", "I met St. James and Dr. Smith at 3.50 today.", "Fine."],
  ["da", "Vi ses den 3. maj eller 4. Juni i år.", "Fint."],
  ["nb", "Vi møtes 3. Mai klokken ni.", "Fint."],
  ["cs", "Přijďte 3. Května ráno.", "Dobře."]
]

describe("abbreviations and ordinals of a language", () => {
  it.each(within)("%s: %j ends once", (language, sentence, next) => {
    assert.deepStrictEqual(cutIn(language, "Yes.\n", `${sentence} ${next}`).slice(1), [sentence, next])
    assert.deepStrictEqual(cutIn(language, ..."Yes.\n", ...`${sentence} ${next}`).slice(1), [sentence, next])
  })

  it.each([
    ["de", "Ihr Zimmer ist 12. Es ist groß.", ["Ihr Zimmer ist 12.", "Es ist groß."]],
    ["de", "Das war 2024. Mai war schön.", ["Das war 2024.", "Mai war schön."]],
    ["de", "Er wohnt in der Hauptstr. Dort ist es schön.", ["Er wohnt in der Hauptstr.", "Dort ist es schön."]],
    ["en", "It is room 3. May I help?", ["It is room 3.", "May I help?"]],
    ["fr", "Chambre 3. Mai est beau.", ["Chambre 3.", "Mai est beau."]]
  ])("%s: %j ends twice", (language, text, pieces) => assert.deepStrictEqual(cutIn(language, "Yes.\n", text).slice(1), pieces))
})

describe("a key of the telephone", () => {
  it.each([
    [["Press one for sales, * to return,", "or # to repeat."]],
    [["Press one for sales,", "or two for service. * takes you back."]],
    [["Press one for sales.", "*Really* do."]]
  ])("in %j stays with the words before it", (pieces) => {
    assert.deepStrictEqual(cut(pieces.join(" ")), pieces)
    assert.deepStrictEqual(cut(...pieces.join(" ")), pieces)
  })
})

describe("languages without blanks", () => {
  it.each([
    ["zh", "好的，我帮您查一下，请稍等。", ["好的，我帮您查一下，", "请稍等。"]],
    ["zh", "您好！我们今天营业，欢迎光临。", ["您好！", "我们今天营业，欢迎光临。"]],
    ["ja", "かしこまりました、少々お待ちください。ご予約は九時です。", ["かしこまりました、", "少々お待ちください。", "ご予約は九時です。"]],
    ["ko", "네 알겠습니다, 잠시만 기다려 주세요. 감사합니다.", ["네 알겠습니다, 잠시만 기다려 주세요.", "감사합니다."]],
    ["th", "สวัสดีครับวันนี้ ร้านเราเปิดเก้าโมงเช้า ขอบคุณครับ", ["สวัสดีครับวันนี้", "ร้านเราเปิดเก้าโมงเช้า ขอบคุณครับ"]]
  ])("%s: %j", (language, text, pieces) => {
    assert.deepStrictEqual(cutIn(language, text), pieces)
    assert.deepStrictEqual(cutIn(language, ...text), pieces)
  })

  it("have pieces that take as long as in other languages", () => {
    for (const piece of cutIn("zh", `好。\n${"我们每天都在这里工作".repeat(60)}。`)) assert.isAtMost(piece.length, 67)
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
  ])("of %j does not leave on its own: %s", (text) => assert.deepStrictEqual(cut(text), [text]))

  it("is the only clause, and later sentences are whole", () =>
    assert.deepStrictEqual(cut("Yes of course, we are open. On Monday and Tuesday, we close early."), [
      "Yes of course,",
      "we are open.",
      "On Monday and Tuesday, we close early."
    ]))

  it("is given before the sentence is written", () =>
    assert.deepStrictEqual(ClauseChunker.push(ClauseChunker.empty, "Yes of course, on wh")[0], ["Yes of course,"]))

  it("never reaches beyond a stop at which the sentence may end", () => {
    const [none, state] = ClauseChunker.push(ClauseChunker.empty, "It is 5. 10, 20, 30 ")
    assert.deepStrictEqual(none, [])
    assert.deepStrictEqual(ClauseChunker.push(state, "And")[0], ["It is 5."])
    assert.deepStrictEqual(ClauseChunker.push(state, "and")[0], ["It is 5. 10,"])
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

  it("is cut between words if it has no clause", () => {
    const pieces = cut(`Yes. ${"word ".repeat(150)}`)
    assert.isAbove(pieces.length, 3)
    for (const piece of pieces.slice(1)) assert.match(piece, /^word( word)*$/)
    assert.isTrue(pieces.slice(1, -1).every(({ length }) => length > longest - 10))
  })

  it("is cut even without blanks, and never within a character", () => {
    for (const text of ["a".repeat(1000), "😀".repeat(500), `x${"𝒶".repeat(500)}`, "我们每天都在这里工作".repeat(60)]) {
      const pieces = cut(`Yes. ${text}.`).slice(1)
      for (const piece of pieces) {
        assert.isAtMost(piece.length, longest + 1)
        assert.isTrue(piece.isWellFormed())
      }
      // Emoji alone are not spoken.
      assert.strictEqual(pieces.length > 2, /\p{L}/u.test(text))
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

const Language = Schema.Literals(["", "en", "de", "fr", "pl", "cs", "zh", "th", "not a language"])

const German = Schema.Array(Schema.Literals([
  "Am ", "der ", "3. ", "12. ", "Mai ", "Maier ", "M", "ai ", "z. ", "B. ", "z.B. ", "Stock ", "Gut. ", "und ", "* ", "# ", ", ", "Dr. ", "ca. ", "2024. ", "3.5. ", "Okt", "ober ", "\n", "E. ", "EE. ", "UU. "
])).check(Schema.isMaxLength(25))

describe("for any text", () => {
  it.prop("the pieces do not depend on the deltas in any language", [Language, Schema.Union([German, Text])], ([language, fragments]) => {
    const text = fragments.join("")
    assert.deepStrictEqual(cutIn(language, ...text), cutIn(language, text))
    assert.deepStrictEqual(cutIn(language, ...fragments), cutIn(language, text))
  }, { arbitrary: { runs: 500 } })

  it.prop("the pieces do not depend on the deltas", [
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

/** The number of characters that segmenters got during `run`. If cutting took quadratic time, it would be many times larger. */
const segmented = (run: () => unknown): number => {
  const { segment } = Intl.Segmenter.prototype
  let characters = 0
  Intl.Segmenter.prototype.segment = function(this: Intl.Segmenter, text: string) {
    characters += text.length
    return segment.call(this, text)
  }
  try {
    run()
  } finally {
    Intl.Segmenter.prototype.segment = segment
  }
  return characters
}

describe("a delta of any length", () => {
  it.each([
    "This is a sentence of some words, and it goes on. ",
    "word and word again ",
    "Dr. Mr. St. ",
    "Yes? No! ",
    "1. 2. 3. ",
    "a… b… ",
    "中文没有空格",
    "。。、、",
    "\n- a\n- b",
    "http://a.b/c?d ",
    "(((((",
    "a       ",
    "a\u0301\u0301"
  ])("costs ten times as much if it is ten times as long (%j)", (unit) => {
    const textOf = (length: number) => unit.repeat(Math.ceil(length / unit.length))
    const small = segmented(() => cut(textOf(5000)))
    const large = segmented(() => cut(textOf(50_000)))
    assert.isAtMost(large, 15 * small + 100_000)
  })

  it("is cut into the same pieces as small deltas, even if an end is far away", () => {
    for (const unit of ["This is it. ", "Dr. No said so, and left. ", "Yes?    ", "🎉 Done! ", "中文。"]) {
      const text = `Well, then. ${unit.repeat(300)}${" ".repeat(700)}12 (34) 56 ${"7 ".repeat(400)}. And so on.`
      assert.deepStrictEqual(cut(text), cut(...text.match(/[^]{1,7}/g) ?? []), unit)
    }
  })
})
