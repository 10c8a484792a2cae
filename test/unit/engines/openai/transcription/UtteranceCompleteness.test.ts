import { assert, describe, it } from "@effect/vitest"
import * as UtteranceCompleteness from "../../../../../src/engines/openai/transcription/UtteranceCompleteness.ts"

const all = (ending: ReturnType<typeof UtteranceCompleteness.of>, language: string, texts: ReadonlyArray<string>) => {
  for (const text of texts) assert.strictEqual(UtteranceCompleteness.of(text, language), ending, text)
}

describe("a transcript", () => {
  it("is complete after a sentence", () => {
    all("complete", "en", [
      "Yes.",
      "I'd like an appointment on Monday.",
      "What is it for?",
      "Where are you from?",
      "At 10:30.",
      "At ten.",
      "\"Thank you.\"",
      "No!"
    ])
    all("complete", "de", ["Ja, bitte.", "Wofür ist das?", "Ich nehme den Montag."])
    all("complete", "fr", ["Oui, demain matin.", "C'est pour quoi ?"])
    all("complete", "ja", ["はい。"])
  })

  it("trails off after a word that needs another, with or without Whisper's full stop", () => {
    all("trailing", "en", [
      "I would like to",
      "I would like to.",
      "I'd like an appointment on",
      "Monday and",
      "Um.",
      "So I was thinking, uh",
      "My name is.",
      "I would like.",
      "It's because I",
      "On Monday...",
      "On Monday…",
      "On Monday,",
      "On Mon-",
      "Let me see."
    ])
    all("trailing", "de", ["Ich möchte gern einen.", "Am Montag oder", "Äh."])
    all("trailing", "es", ["Quiero una cita para el"])
    all("trailing", "nl", ["Ik wil een afspraak en."])
  })

  it("is unknown without a full stop, after a number that may go on, or without a word", () => {
    all("unknown", "en", ["yes please", "My number is 555.", "It is 4 1 5.", "", "...", "?!"])
  })

  it("is judged by its punctuation alone in a language without a list", () => {
    assert.strictEqual(UtteranceCompleteness.of("Chci a.", "cs"), "complete")
    assert.strictEqual(UtteranceCompleteness.of("Chci,", "cs"), "trailing")
    assert.strictEqual(UtteranceCompleteness.of("I would like to.", "en-GB"), "trailing")
  })
})
