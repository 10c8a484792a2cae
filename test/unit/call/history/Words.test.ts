import { assert, describe, it } from "@effect/vitest"
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
})
