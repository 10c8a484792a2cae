import { assert, describe, it } from "@effect/vitest"
import * as Continuation from "../../../../../src/engines/openai/chat/Continuation.ts"

describe("the rest of a sentence that was cut off", () => {
  const cases: ReadonlyArray<readonly [said: string, more: string, rest: string | undefined]> = [
    ["We open at", "nine.", " nine."],
    ["We open at ", "nine. Bye.", "nine."],
    ["We open at", "We open at nine, as ever.", " nine, as ever."],
    ["Yes. We open at", "We open AT nine!", " nine!"],
    ["We open at", "…at nine.", " nine."],
    ["We open at", "... nine.", " nine."],
    ["We open at nine", ", as ever.", ", as ever."],
    ["我们九点", "开门。再见。", "开门。"],
    ["We open at", "We open at", undefined],
    ["We open at", "nine and", undefined],
    ["We open at", "", undefined]
  ]
  for (const [said, more, rest] of cases) {
    it(`after ${JSON.stringify(said)} is taken from the answer ${JSON.stringify(more)}`, () => assert.strictEqual(Continuation.restOf(said, more), rest))
  }
})
