import { assert, describe, it } from "@effect/vitest"
import * as AskAgain from "../../../../../src/conversation/turn/judgements/AskAgain.ts"
import { isShortAnswer } from "../../../../../src/definition/languages/ShortAnswers.ts"

/** A voice of at least this length (ms) is clear speech. */
const clear = 600

const circumstances: AskAgain.Circumstances = {
  transcript: { text: "I would like to book a table", ending: "complete" },
  voicedMillis: 1500,
  wasAskedAgain: false,
  isInterruption: false,
  agentSaid: "How can I help you?",
  language: "en",
  backchannels: new Set(["uh-huh", "i see"]),
  answersUnintelligible: false
}

type Row = readonly [title: string, AskAgain.Decision, Partial<Omit<AskAgain.Circumstances, "transcript">> & {
  readonly text?: string
  readonly isDoubtful?: boolean
  readonly isUnintelligible?: boolean
}]

const wordless: Row[2] = { text: "", voicedMillis: clear }
const doubtful: Row[2] = { text: "That is the blue one there", isDoubtful: true }
const garbled: Row[2] = { text: "", isUnintelligible: true }

const rows: ReadonlyArray<Row> = [
  ["words", "answer", {}],
  ["words after a question that was repeated", "answer", { wasAskedAgain: true }],
  ["words into the agent's", "answer", { isInterruption: true }],

  ["clear speech without a word", "ask", wordless],
  ["the same in signs", "ask", { ...wordless, text: " … " }],
  ["the same a second time running", "ignore", { ...wordless, wasAskedAgain: true }],
  ["a cough", "ignore", { ...wordless, voicedMillis: clear - 1 }],
  ["clear speech without a word into the agent's words, which go on", "ignore", { ...wordless, isInterruption: true }],
  ["clear speech without a word at a scripted agent", "ask", { ...wordless, answersUnintelligible: true }],

  ["doubtful words", "ask", doubtful],
  ["doubtful words a second time running", "answer", { ...doubtful, wasAskedAgain: true }],
  ["a doubtful sound into the agent's words", "ignore", { ...doubtful, isInterruption: true, voicedMillis: 100 }],
  ["a doubtful sound that is no interruption", "ask", { ...doubtful, voicedMillis: 100 }],
  ["a doubtful interruption", "ask", { ...doubtful, isInterruption: true, voicedMillis: clear }],
  ["a doubtful yes", "answer", { ...doubtful, text: "Yes." }],
  ["a doubtful no, thank you", "answer", { ...doubtful, text: "No, thank you." }],
  ["a doubtful figure", "answer", { ...doubtful, text: "4 2." }],
  ["a doubtful number in words", "answer", { ...doubtful, text: "Twenty-one" }],
  ["a doubtful letter", "answer", { ...doubtful, text: "B." }],
  ["a doubtful backchannel", "answer", { ...doubtful, text: "I see!" }],
  ["a doubtful word that was offered", "answer", { ...doubtful, text: "Tuesday.", agentSaid: "Monday, or Tuesday?" }],
  ["a doubtful word that was not", "ask", { ...doubtful, text: "Tuesday.", agentSaid: "How can I help you?" }],
  ["a doubtful yes in another language", "answer", { ...doubtful, text: "Ja, genau.", language: "de" }],
  ["another language's yes", "ask", { ...doubtful, text: "Ja, genau." }],
  ["a long answer that begins with a yes", "ask", { ...doubtful, text: "Yes the blorg of the vermin" }],

  ["speech that made no sense", "ask", garbled],
  ["speech that made no sense, a second time running", "answer", { ...garbled, wasAskedAgain: true }],
  ["speech that made no sense at a scripted agent, which has answers for it", "answer", { ...garbled, answersUnintelligible: true }]
]

describe("whether the caller is asked to repeat", () => {
  for (const [title, decision, { isDoubtful, isUnintelligible, text = circumstances.transcript.text, ...rest }] of rows) {
    it(`${title}: ${decision}`, () => {
      const transcript = {
        text,
        ending: "unknown" as const,
        ...(isDoubtful === undefined ? {} : { isDoubtful }),
        ...(isUnintelligible === undefined ? {} : { isUnintelligible })
      }
      assert.strictEqual(AskAgain.decide({ ...circumstances, ...rest, transcript }), decision)
    })
  }
})

describe("a short answer", () => {
  it("is yes, no, figures or letters in the language", () => {
    for (
      const [language, ...texts] of [
        ["en", "Yes.", "Yeah, sure.", "No.", "Nope", "No, thanks.", "Okay", "7", "one two three", "thirty-five", "A", "Hello?"],
        ["de", "Ja.", "Nein, danke!", "Doch.", "fünf", "zwei null"],
        ["fr", "Oui.", "Non, merci.", "d'accord", "vingt", "s'il vous plaît"],
        ["es", "Sí.", "no", "vale", "tres"],
        ["it", "Sì, grazie.", "No", "otto"],
        ["pt", "Não.", "meia"],
        ["nl", "Ja hoor", "nee"],
        ["pl", "Tak.", "nie"],
        ["ja", "3"],
        ["en-US", "yes"]
      ] as const
    ) for (const text of texts) assert.isTrue(isShortAnswer(text, language), `${language}: ${text}`)
  })

  it("is no other word, and nothing longer", () => {
    for (const text of ["", "…", "That's it.", "five five five one two", "1234567", "Monday", "yes the other one", "constructor"]) {
      assert.isFalse(isShortAnswer(text, "en"), text)
    }
  })
})
