import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Words from "../../../../src/call/history/Words.ts"

const write = (words: ReturnType<typeof Words.spread>) => words.map(({ at, isHeard, text }) => `${text}@${at}${isHeard ? "" : "?"}`)

describe("the caller's words", () => {
  it("get their times by the number of letters before them", () => {
    assert.deepStrictEqual(write(Words.spread("a table  for four", 1000, 1300)), ["a@1000", "table@1100", "for@1600", "four@1900"])
  })

  it("are missing in a text without letters", () => {
    assert.deepStrictEqual(Words.spread("  \n", 1000, 500), [])
  })

  it("all begin at once for keys, which take no time", () => {
    assert.deepStrictEqual(write(Words.spread("1 2 #", 700, 0)), ["1@700", "2@700", "#@700"])
  })
})

describe("the agent's words", () => {
  const text = "Good morning. How can I help?"

  it("that were played are heard, each at its own time", () => {
    const played = [{ text: "Good morning.", at: 100, millis: 1200 }, { text: "How can I help?", at: 1500, millis: 1200 }]
    assert.deepStrictEqual(
      write(Words.ofAgent(text, played, text, 0)),
      ["Good@100", "morning.@500", "How@1500", "can@1800", "I@2100", "help?@2200"]
    )
  })

  it("after an interruption are not heard", () => {
    const played = [{ text: "Good morning. How", at: 100, millis: 1500 }]
    assert.deepStrictEqual(
      write(Words.ofAgent(text, played, "Good morning. How", 0)),
      ["Good@100", "morning.@500", "How@1300", "can@1600?", "I@1600?", "help?@1600?"]
    )
  })

  it("without known times count as heard up to the heard text", () => {
    assert.deepStrictEqual(write(Words.ofAgent("One two three", [], "One two", 4000)), ["One@4000", "two@4000", "three@4000?"])
  })

  it("begin where the turn began if nothing was heard", () => {
    assert.deepStrictEqual(write(Words.ofAgent("One two", [], "", 4000)), ["One@4000?", "two@4000?"])
  })

  it("that were skipped before a played piece stay in their place and are not heard", () => {
    const [first, second] = [{ text: "Good morning.", at: 500, millis: 1200 }, { text: "How can I help?", at: 1700, millis: 1200 }]
    assert.deepStrictEqual(
      write(Words.ofAgent(`Sorry, we were cut off. ${text}`, [first, second], text, 0)),
      ["Sorry,@500?", "we@500?", "were@500?", "cut@500?", "off.@500?", "Good@500", "morning.@900", "How@1700", "can@2000", "I@2300", "help?@2400"]
    )
  })

  it("that went on after a pause follow each other", () => {
    const played = [{ text: "Good morning. How", at: 100, millis: 1500 }, { text: "can I help?", at: 3000, millis: 900 }]
    assert.deepStrictEqual(
      write(Words.ofAgent(text, played, text, 0)),
      ["Good@100", "morning.@500", "How@1300", "can@3000", "I@3300", "help?@3400"]
    )
  })

  it("that were said again are there twice, and what follows them once", () => {
    const played = [{ text: "Good", at: 100, millis: 400 }, { text: "Good morning.", at: 1000, millis: 1200 }]
    assert.deepStrictEqual(
      write(Words.ofAgent(text, played, "Good Good morning.", 0)),
      ["Good@100", "Good@1000", "morning.@1400", "How@2200?", "can@2200?", "I@2200?", "help?@2200?"]
    )
  })

  it("of a text without spaces are divided where the sound was cut", () => {
    const played = [{ text: "今日は", at: 100, millis: 300 }, { text: "晴れです。", at: 1000, millis: 500 }]
    assert.deepStrictEqual(write(Words.ofAgent("今日は晴れです。 では。", [played[0]], "今日は", 0)), ["今日は@100", "晴れです。@400?", "では。@400?"])
    assert.deepStrictEqual(write(Words.ofAgent("今日は晴れです。 では。", played, "今日は晴れです。", 0)), ["今日は@100", "晴れです。@1000", "では。@1500?"])
  })

  it("whose times are not known count as heard if the heard text has more words than were played", () => {
    const played = [{ text: "How can I help?", at: 1500, millis: 1200 }]
    assert.deepStrictEqual(
      write(Words.ofAgent(text, played, text, 0)),
      ["Good@1500", "morning.@1500", "How@1500", "can@1800", "I@2100", "help?@2200"]
    )
  })

  it("are followed by as many fewer words if a played text is not the written one", () => {
    const played = [{ text: "Good morrow.", at: 100, millis: 1200 }]
    assert.deepStrictEqual(write(Words.ofAgent(text, played, "Good morrow.", 0)), ["Good@100", "morrow.@536", "How@1300?", "can@1300?", "I@1300?", "help?@1300?"])
  })

  const Sentence = Schema.Array(Schema.Literals(["a", "b", "cd"])).check(Schema.isMaxLength(12))
  it.prop("are the words of the text, in order, for each way to cut it into played and skipped pieces", [Schema.Array(Schema.Tuple([Sentence, Schema.Boolean])).check(Schema.isMaxLength(5))], ([parts]) => {
    // Each part has words of its own, so that no other part can be taken for it.
    const pieces = parts.map(([words, isPlayed], part) => ({ words: words.map((word, index) => `${word}${part}-${index}`), isPlayed }))
    const played = pieces.filter(({ isPlayed, words }) => isPlayed && words.length > 0).map(({ words }, index) => ({ text: words.join(" "), at: 1000 * index, millis: 500 }))
    const words = Words.ofAgent(pieces.flatMap(({ words }) => words).join(" "), played, played.map(({ text }) => text).join(" "), 0)
    assert.deepStrictEqual(words.map(({ isHeard, text }) => [text, isHeard]), pieces.flatMap(({ isPlayed, words }) => words.map((word) => [word, isPlayed])))
    assert.deepStrictEqual(words.map(({ at }) => at), words.map(({ at }) => at).toSorted((one, other) => one - other))
  })
})
