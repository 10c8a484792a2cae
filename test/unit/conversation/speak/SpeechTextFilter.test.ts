import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ClauseChunker from "../../../../src/conversation/speak/ClauseChunker.ts"
import { toSpeech } from "../../../../src/conversation/speak/SpeechTextFilter.ts"

describe("text for speech", () => {
  it.each<readonly [string, string]>([
    // Emphasis
    ["We are **open** now.", "We are open now."],
    ["We are __open__ now.", "We are open now."],
    ["We are *open* now, _really_.", "We are open now, really."],
    ["***Very*** ~~cheap~~ good.", "Very cheap good."],
    ["a snake_case_name stays", "a snake_case_name stays"],
    // Links and addresses
    ["See [our page](https://example.com/x?y=1 \"the title\").", "See our page."],
    ["![a map](map.png) It is here.", "a map It is here."],
    ["Go to https://www.example.com/a/b?c=d.", "Go to example.com/a/b."],
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
    ["1<2", "1<2"],
    ["I <3 you", "I <3 you"],
    // Stage directions
    ["*laughs* That is good. [sighs] Well.", "That is good. Well."],
    ["*Clears throat* Hello.", "Hello."],
    // Spoken signs stay as they are: their words depend on the language
    ...["It costs $5.", "It costs US$ 5, $1,250,000.50 or £ 3.", "12,50 € or 50% off", "Smith & Sons, R&D", "from 9am to 5PM", "9–17 or 9 – 17", "5—7",
      "dial *67", "Dial *67 or *69 first.", "Press * to return", "Press * or #.", "Press #", "*21*0170123#", "Call *#06#.", "the code *21*", "Take #1.", "2 * 3", "2*3", "a < b and b > c", "x <= 5",
      "C++ and C#", "a == b and c == d", "2 ** 3 and 4**5", "~5 minutes", "and/or", "24/7", "@handle", "report_2024.pdf", "the my_file_name value", "5 > 3", "a = b", "-5 degrees", "70 °F", "§ 5",
      "jane.doe@example.com", "(see below)", "5 (five)", "A/B", ".5 and .net", "Room 5 *", "AT&T", "3 x 4", "#hashtag"]
      .map((text) => [text, text] as const),
    // Addresses in angle brackets
    ["Write to <jane.doe@example.com>.", "Write to jane.doe@example.com."],
    ["See <https://example.com/pay>.", "See example.com/pay."],
    ["Write to <mailto:a@b.de> or [us](mailto:a@b.de).", "Write to a@b.de or us."],
    ["See [Foo](https://en.example.org/Foo_(bar)) and [b][1].", "See Foo and b."],
    // Tags are formatting; their content is text
    ["Your code is <spell>3029</spell>.", "Your code is 3 0 2 9."],
    ["It is <spell>AB-12</spell>.", "It is A B - 1 2."],
    ["<say-as interpret-as=\"characters\">ABC</say-as> and <say-as interpret-as='cardinal'>12</say-as>", "A B C and 12"],
    ["Our <sub alias=\"World Wide Web\">WWW</sub> page", "Our World Wide Web page"],
    ["Wait<break time=\"500ms\"/> <emphasis level=\"strong\">here</emphasis>.", "Wait here."],
    ["<emotion value=\"happy\"/>Great! <laugh/>", "Great!"],
    ["One<br>two<br/>three <p>four</p>", "One two three four"],
    ["<amazon:effect name=\"whispered\">psst</amazon:effect>", "psst"],
    ["H<sub>2</sub>O, <b>no</b>t", "H2O, not"],
    ["<response>Hello", "Hello"],
    ["<table border>x</table>", "x"],
    ["<a href=\"https://x.org/a?b=c\" target=_blank>here</a>", "here"],
    ["Press <enter> or <1>.", "Press enter or 1."],
    ["Hello <your name>!", "Hello your name!"],
    ["<!-- note -->Yes.", "Yes."],
    // Entities
    ["Tom &amp; Jerry &lt;3 &quot;ok&quot; it&#39;s &#x41; 5&nbsp;&euro; &eacute;", "Tom & Jerry <3 \"ok\" it's A 5 € é"],
    ["AT&T; &unknown; &#0; &#xD800;", "AT&T; &unknown;"],
    // Brackets with a meaning, and brackets of sources
    ["He said \"it are\" [sic].", "He said \"it are\" sic."],
    ["We open at nine.[1][2] Yes【4:0†source】.", "We open at nine. Yes."],
    ["Press [1] now.", "Press 1 now."],
    // Signs after a backslash
    ["Press \\* or \\# now, \\_not\\_.", "Press * or # now, _not_."],
    // Emphasis
    ["*really* and *very good*, *3 items*", "really and very good, 3 items"],
    ["You have **3** messages, *5* new.", "You have 3 messages, 5 new."],
    ["**Dial *67* first.**", "Dial *67* first."],
    ["(*only* today)", "(only today)"],
    ["price* and *terms", "price and terms"],
    ["**We are open", "We are open"],
    ["`*67` and `a_b`", "*67 and a_b"],
    ["==marked==", "marked"],
    // Lines
    ["* one\n* two\n+ three\n1. four", "one two three 1. four"],
    ["- [ ] call\n- [x] write", "call write"],
    ["> > twice", "twice"],
    ["# Title #1", "Title #1"],
    // Emoticons
    ["Great :) see you ;-)", "Great see you"],
    ["at 5:30 :P", "at 5:30"],
    // Typewriter signs
    ["It’s “fine”…", "It's \"fine\"..."],
    ["That is possible — on Monday.", "That is possible, on Monday."],
    ["That is possible —", "That is possible,"],
    ["— on Monday.", "on Monday."],
    ["Mon–Fri", "Mon-Fri"],
    // Pictures
    ["Great! 😀👍🏽 👩‍👩‍👧 🇬🇧 ❤️ Bye 1️⃣ *️⃣ #️⃣.", "Great! Bye 1 * #."],
    ["🎉", ""],
    // Blanks
    ["  Hello ,  you !  ", "Hello, you!"],
    [", and so on", "and so on"],
    ["***", ""],
    ["", ""]
  ])("%j is spoken as %j", (text, spoken) => assert.strictEqual(toSpeech(text), spoken))

  it("keeps letters of every script", () => {
    for (const text of ["Où êtes-vous, Zoë?", "Grüß Gott, schön.", "我们九点开门。", "مرحبا", "Ça coûte 5 euros."]) {
      assert.strictEqual(toSpeech(text), text)
    }
  })

  it("takes a time in proportion to the length, even for a long row of signs", () => {
    for (const sign of ["\n", " ", "\t\n", "*", "_", "[", "](", "|-", "| ", "-- |", "<a", "**a", "$1,", "https://"]) {
      const before = process.cpuUsage()
      toSpeech(sign.repeat(40_000))
      const { user } = process.cpuUsage(before)
      // It takes about 30 ms. A rule that searches the rest of the text at each sign would take seconds.
      assert.isBelow(user / 1000, 1000, JSON.stringify(sign))
    }
  })

  it("has no markup left if a reply was cut in the middle of markup", () => {
    const reply = "**We are open today, and you can come in. Yes, [our page, with a map](https://example.com/map) has __all of it, too. Bye.__**\n\n1. ~~One, two and three. Four~~"
    const [pieces, rest] = ClauseChunker.push(ClauseChunker.empty, reply)
    const spoken = [...pieces, ...ClauseChunker.flush(rest)].map(toSpeech)
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

/** An ordinary sentence with complete markup. */
const Plain = Schema.Array(Schema.Literals([
  "we are open", "Dr. Smith", "3.50", "10:30", "*67", "2 * 3", "US$ 5", "**bold**", "_soft_", "`code`", "[page](https://example.com/a)", "<b>tag</b>", "$5", "3 %", "a < b",
  "9am", "https://example.com/x", "— well —", "it’s", "“so”", "😀", "and, then;", "R&D", "Smith & Sons", "...", "…", "snake_case", "9–17"
])).check(Schema.isMinLength(1), Schema.isMaxLength(12))

describe("for any text", () => {
  it.prop("the spoken text has single blanks and no emoji, and is not much longer", [Text], ([fragments]) => {
    const text = fragments.join("")
    const spoken = toSpeech(text)
    assert.strictEqual(spoken, spoken.trim())
    assert.notMatch(spoken, /\s\s|[\n\t]|\p{Extended_Pictographic}/u)
    // A sign after a backslash, in code or at figures is text, and may end up beside another sign.
    if (!/[\\`\d]/.test(text)) assert.notMatch(spoken, /\*\*|~~/)
    // An ellipsis becomes three characters; spelled words have a blank after each letter.
    assert.isAtMost(spoken.length, text.length * 3)
  }, { arbitrary: { runs: 500 } })

  it.prop("a second pass changes nothing", [Plain], ([parts]) => {
    const spoken = toSpeech(parts.join(" "))
    assert.strictEqual(toSpeech(spoken), spoken)
    assert.notMatch(spoken, /\*\*|[`[\]…“”’—]|<b>/)
  }, { arbitrary: { runs: 500 } })

  it.prop("a plain sentence keeps all its words", [
    Schema.Array(Schema.Literals(["we", "are", "open", "it's", "10:30", "3.50", "Zoë", "well-kept", "a.m.", "O'Neill"])).check(Schema.isMinLength(1))
  ], ([words]) => assert.strictEqual(toSpeech(words.join(" ")), words.join(" ")))
})
