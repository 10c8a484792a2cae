import { assert, it } from "@effect/vitest"
import * as WhisperPrompt from "../../../../../src/engines/openai/transcription/WhisperPrompt.ts"

const promptOf = (slots: Readonly<Record<string, ReadonlyArray<string>>>) =>
  WhisperPrompt.prompt({ language: "en", phrases: ["i would like (an appointment | a filling) with {doctor}"], slots })

it("the rare words of slots are told, each once; phrases are not", () => {
  assert.strictEqual(promptOf({ doctor: ["[doctor] kowalczyk", "(okonkwo | doctor okonkwo)"] }), "doctor, kowalczyk, okonkwo.")
})

it("everyday words are not worth a prompt", () => {
  assert.isUndefined(promptOf({ day: ["monday", "[on] tuesday"], time: ["nine [o'clock | a m | in the morning]"] }))
  assert.isUndefined(promptOf({}))
})

it("a prompt is short, however many the values", () => {
  const prompt = promptOf({ name: Array.from({ length: 200 }, (_, index) => `name${String.fromCharCode(97 + index % 26)}${"x".repeat(index % 20)}`) })
  assert.isAtMost(prompt?.length ?? 0, 120)
  assert.isAtMost(prompt?.split(",").length ?? 0, 12)
})
