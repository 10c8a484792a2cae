/**
 * Decides whether the agent asks the caller to repeat ("Sorry, I did not get that."), answers, or waits. Pure.
 *
 * - The agent asks again if it understood no word of clear speech. A cough is not clear speech.
 * - It asks again if the words are doubtful. Recognizers often doubt short words without reason. So the agent accepts yes, no, figures, an
 *   "uh-huh", and words that the agent itself has just said.
 * - The agent never asks twice in a row. Instead it answers the doubtful words, or waits in silence.
 */
import type { Transcript } from "../../ports/SpeechToText.ts"
import { isShortAnswer } from "../../../definition/languages/ShortAnswers.ts"
import * as Words from "../../../definition/languages/Words.ts"

/** Voice of at least this length (ms) is clear speech. Coughs, clicks and a cleared throat are shorter. */
const clearSpeechMillis = 600

/** An answer of at most this many words may be a repetition of the agent's words. */
const maxRepeatedWords = 4

export interface Circumstances {
  readonly transcript: Transcript
  /** How long the caller's voice lasted, without the pauses, ms. */
  readonly voicedMillis: number
  /** The agent's newest words asked the caller to repeat. */
  readonly wasAskedAgain: boolean
  /** The caller spoke during the agent's reply. The agent can continue the reply. */
  readonly isInterruption: boolean
  /** The agent's newest words. */
  readonly agentSaid: string
  /** ISO 639-1. */
  readonly language: string
  /** In the form of `Words.plain`. */
  readonly backchannels: ReadonlySet<string>
  /** The reply model can answer speech in which no word was understood. */
  readonly answersUnintelligible: boolean
}

/** `ask`: ask the caller to repeat. `ignore`: act as if the caller had said nothing. */
export type Decision = "answer" | "ask" | "ignore"

const repeatsAgent = (said: string, agentSaid: string): boolean => {
  const words = said.split(" ")
  const agentWords = new Set(Words.plain(agentSaid).split(" "))
  return words.length <= maxRepeatedWords && words.every((word) => agentWords.has(word))
}

export const decide = (circumstances: Circumstances): Decision => {
  const { agentSaid, answersUnintelligible, backchannels, isInterruption, language, transcript, voicedMillis, wasAskedAgain } = circumstances
  const said = Words.plain(transcript.text)
  if (said.length === 0 && transcript.isUnintelligible !== true) {
    if (isInterruption || wasAskedAgain || voicedMillis < clearSpeechMillis) return "ignore"
    return "ask"
  }
  if (said.length === 0) return answersUnintelligible || wasAskedAgain ? "answer" : "ask"
  if (transcript.isDoubtful !== true) return "answer"
  if (backchannels.has(said) || isShortAnswer(said, language) || repeatsAgent(said, agentSaid)) return "answer"
  if (isInterruption && voicedMillis < clearSpeechMillis) return "ignore"
  return wasAskedAgain ? "answer" : "ask"
}
