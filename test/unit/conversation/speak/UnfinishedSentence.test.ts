import { assert, describe, it } from "@effect/vitest"
import * as ClauseChunker from "../../../../src/conversation/speak/ClauseChunker.ts"
import * as UnfinishedSentence from "../../../../src/conversation/speak/UnfinishedSentence.ts"

describe("the end of a reply that was cut off", () => {
  const cases: ReadonlyArray<readonly [string, ReturnType<typeof UnfinishedSentence.endingOf>]> = [
    ["We open at nine.", "whole"],
    ["We open at nine. Bye!", "whole"],
    ["\"We open at nine.\" ", "whole"],
    ["We open at nine. On Saturdays", "fragment"],
    ["Yes. We have Dr. Smith and", "fragment"],
    ["One:\n- two", "fragment"],
    ["我们九点开门。星期", "fragment"],
    ["我们九点开门。", "whole"],
    ["We open at", "unfinished"],
    ["We have Dr. Sm", "unfinished"],
    ["It costs 3.5", "unfinished"],
    ["", "unfinished"],
    // Long enough that its first clauses are already spoken.
    [`Yes. ${"And then we go on, and on, ".repeat(12)}`, "unfinished"]
  ]
  for (const [text, ending] of cases) {
    it(`is ${ending}: ${text.slice(0, 40)}`, () => assert.strictEqual(UnfinishedSentence.endingOf(text), ending))
  }

  it("loses signs that end no sentence, and keeps signs that do", () => {
    const said = (text: string) => {
      const [pieces, chunker] = ClauseChunker.push(ClauseChunker.empty, text)
      return [...pieces, ...ClauseChunker.flush(UnfinishedSentence.leaveOut(chunker))]
    }
    assert.deepStrictEqual(said("We open at nine. On Saturdays we"), ["We open at nine."])
    assert.deepStrictEqual(said("We open at nine. Bye."), ["We open at nine.", "Bye."])
  })
})
