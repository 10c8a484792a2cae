import { assert, describe, it } from "@effect/vitest"
import { dictationWords } from "../../../../../src/definition/languages/DictationWords.ts"
import * as DictationQuestion from "../../../../../src/conversation/turn/words/DictationQuestion.ts"
import * as DictationTokens from "../../../../../src/conversation/turn/words/DictationTokens.ts"

const words = dictationWords["en"]
const questions = DictationQuestion.make(words, DictationTokens.make("en", words))

describe("the agent's question", () => {
  it.each([
    ["asks for a telephone number", "Thank you. What is your phone number?", "phone", undefined],
    ["asks for some digits of a number", "What are the last four digits of your card number?", "number", 4],
    ["is the sentence before the last one, if that asks nothing", "What is your email address? I will write it down.", "email", undefined],
    ["reads a number back, and no longer asks for it", "Your phone number is 555 0134.", undefined, undefined],
    ["asks for nothing that is dictated", "How can I help you?", undefined, undefined]
  ] as const)("%s", (_, question, kind, expectedDigits) => {
    assert.deepStrictEqual(questions.read({ question }), { kind, expectedDigits })
  })

  it("has the kind of the script's slot that it fills", () => {
    const needs = [{ slot: "birth_date", ask: "And when, {name}, was that?" }] as NonNullable<DictationQuestion.Asked["needs"]>
    assert.strictEqual(questions.read({ question: "And when, Anna, was that?", needs }).kind, "birthDate")
  })
})
