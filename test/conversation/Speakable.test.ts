import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Chunker from "../../src/conversation/Chunker.ts"
import { toSpeech } from "../../src/conversation/Speakable.ts"

describe("text for speech", () => {
  it.each([
    // Emphasis
    ["We are **open** now.", "We are open now."],
    ["We are __open__ now.", "We are open now."],
    ["We are *open* now, _really_.", "We are open now, really."],
    ["***Very*** ~~cheap~~ good.", "Very cheap good."],
    ["a snake_case_name stays", "a snake_case_name stays"],
    // Links and addresses
    ["See [our page](https://example.com/x?y=1 \"the title\").", "See our page."],
    ["![a map](map.png) It is here.", "a map It is here."],
    ["Go to https://www.example.com/a/b?c=d.", "Go to example.com."],
    ["Go to http://example.org", "Go to example.org"],
    ["[our page,", "our page,"],
    ["click here](https://example.com)", "click here"],
    // Code
    ["```ts\nopen()\n```", "open()"],
    ["Say `yes` or ``no``.", "Say yes or no."],
    // Lines
    ["## Our hours\n", "Our hours"],
    ["> as you said", "as you said"],
    ["- apples", "apples"],
    ["• apples\n* pears\n+ plums", "apples pears plums"],
    ["-5 degrees", "-5 degrees"],
    ["Fine.\n---\nBye.", "Fine. Bye."],
    ["| day | hours |\n| --- | :---: |\n| Monday | 9 |", "day, hours, Monday, 9,"],
    // Tags
    ["<speak>Hello <break time=\"1s\"/>there.</speak>", "Hello there."],
    ["a < b and b > c", "a < b and b > c"],
    ["1<2", "1<2"],
    ["I <3 you", "I <3 you"],
    // Stage directions
    ["*laughs* That is good. [sighs] Well.", "That is good. Well."],
    ["*Clears throat* Hello.", "Hello."],
    // Signs that have a word
    ["It costs $5.", "It costs 5 dollars."],
    ["It costs $1,250,000.50 or £ 3.", "It costs 1,250,000.50 dollars or 3 pounds."],
    ["$1 or 1 € or €1.", "1 dollar or 1 euro or 1 euro."],
    ["$1.50, €21, $2.1", "1.50 dollars, 21 euros, 2.1 dollars"],
    ["A prize of $5 million!", "A prize of 5 million dollars!"],
    ["It costs 12,50 €, all in.", "It costs 12,50 euros, all in."],
    ["50% or 3 % off", "50 percent or 3 percent off"],
    ["Smith & Sons, R&D", "Smith and Sons, R&D"],
    ["from 9am to 5PM", "from 9 am to 5 PM"],
    ["9–17 or 9 – 17", "9 to 17 or 9 to 17"],
    // As a typewriter has them
    ["It’s “fine”…", "It's \"fine\"..."],
    ["That is possible — on Monday.", "That is possible, on Monday."],
    ["That is possible —", "That is possible,"],
    ["— on Monday.", "on Monday."],
    ["Mon–Fri", "Mon-Fri"],
    // Pictures
    ["Great! 😀👍🏽 👩‍👩‍👧 🇬🇧 ❤️ Bye 1️⃣.", "Great! Bye 1."],
    ["🎉", ""],
    // Blanks
    ["  Hello ,  you !  ", "Hello, you!"],
    [", and so on", "and so on"],
    ["***", ""],
    ["", ""]
  ])("of %j is %j", (text, spoken) => assert.strictEqual(toSpeech(text), spoken))

  it("keeps letters of every script", () => {
    for (const text of ["Où êtes-vous, Zoë?", "Grüß Gott, schön.", "我们九点开门。", "مرحبا", "Ça coûte 5 euros."]) {
      assert.strictEqual(toSpeech(text), text)
    }
  })

  it("is found at once, however long a row of signs is", () => {
    for (const sign of ["\n", " ", "*", "_", "[", "](", "|-", "-- |", "<a", "**a", "$1,", "https://"]) toSpeech(sign.repeat(5000))
  })

  it("has no markup left where a reply was cut in the middle of it", () => {
    const reply = "**We are open today, and you can come in. Yes, [our page, with a map](https://example.com/map) has __all of it, too. Bye.__**\n\n1. ~~One, two and three. Four~~"
    const [pieces, rest] = Chunker.push(Chunker.empty, reply)
    const spoken = [...pieces, ...Chunker.flush(rest)].map(toSpeech)
    assert.isAbove(spoken.length, 4)
    for (const piece of spoken) assert.notMatch(piece, /[*_~[\]]|http/)
  })
})

const Fragment = Schema.Union([
  Schema.Literals([
    "We are open", " ", " ", "\n", "**", "*", "__", "_", "~~", "`", "```", "[page](https://example.com/a)", "[", "](", ")", "<b>", "</b>", "<", ">",
    "*laughs*", "# ", "> ", "- ", "---", "| a | b |", "|", "https://example.com/x", "$5", "€", "1", "%", "&", "9am", "–", "—", "…", "“", "”", "😀", "❤️",
    "🇬🇧", ", ", ". ", "!", "?"
  ]),
  Schema.String
])
const Text = Schema.Array(Fragment).check(Schema.isMaxLength(20))

/** A sentence as people write it, with markup that is whole. */
const Plain = Schema.Array(Schema.Literals([
  "we are open", "Dr. Smith", "3.50", "10:30", "**bold**", "_soft_", "`code`", "[page](https://example.com/a)", "<b>tag</b>", "$5", "3 %", "a < b",
  "9am", "https://example.com/x", "— well —", "it’s", "“so”", "😀", "and, then;", "R&D", "Smith & Sons", "...", "…", "snake_case", "9–17"
])).check(Schema.isMinLength(1), Schema.isMaxLength(12))

describe("for any text", () => {
  it.prop("it never throws, has single blanks, no picture, and is not much longer", [Text], ([fragments]) => {
    const text = fragments.join("")
    const spoken = toSpeech(text)
    assert.strictEqual(spoken, spoken.trim())
    assert.notMatch(spoken, /\s\s|[\n\t*`]|~~|\p{Extended_Pictographic}/u)
    // The longest word for a sign: "%" is " percent".
    assert.isAtMost(spoken.length, text.length * 8)
  }, { arbitrary: { runs: 500 } })

  it.prop("what was made fit for speech is left as it is", [Plain], ([parts]) => {
    const spoken = toSpeech(parts.join(" "))
    assert.strictEqual(toSpeech(spoken), spoken)
    assert.notMatch(spoken, /[*`[\]…“”’—]|<b>/)
  }, { arbitrary: { runs: 500 } })

  it.prop("no word of a plain sentence is lost", [
    Schema.Array(Schema.Literals(["we", "are", "open", "it's", "10:30", "3.50", "Zoë", "well-kept", "a.m.", "O'Neill"])).check(Schema.isMinLength(1))
  ], ([words]) => assert.strictEqual(toSpeech(words.join(" ")), words.join(" ")))
})
