import { assert, it } from "@effect/vitest"
import * as WhisperPrompt from "../../../../../src/engines/openai/transcription/WhisperPrompt.ts"

const promptOf = (slots: Readonly<Record<string, ReadonlyArray<string>>>) =>
  WhisperPrompt.prompt({ language: "en", phrases: ["i would like (an appointment | a filling) with {doctor}"], slots })

it("the prompt has the rare words of slots, each once, but no phrases", () => {
  assert.strictEqual(promptOf({ doctor: ["[doctor] kowalczyk", "(okonkwo | doctor okonkwo)"] }), "doctor, kowalczyk, okonkwo.")
})

it("everyday words make no prompt", () => {
  assert.isUndefined(promptOf({ day: ["monday", "[on] tuesday"], time: ["nine [o'clock | a m | in the morning]"] }))
  assert.isUndefined(promptOf({}))
})

it("the prompt is short, however many values there are", () => {
  const prompt = promptOf({ name: Array.from({ length: 200 }, (_, index) => `name${String.fromCharCode(97 + index % 26)}${"x".repeat(index % 20)}`) })
  assert.isAtMost(prompt?.length ?? 0, 120)
  assert.isAtMost(prompt?.split(",").length ?? 0, 12)
})
