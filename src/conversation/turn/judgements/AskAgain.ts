/**
 * Decides whether the agent asks the caller to repeat ("Sorry, I did not get that."), answers, or waits. Pure.
 *
 * - The agent asks again if it understood no word of clear speech. A cough is not clear speech.
 * - It asks again for doubtful words. Recognizers doubt short words without reason, so it accepts yes, no, figures, an "uh-huh", and
 *   words that the agent itself has just offered.
 * - It never asks twice in a row. Instead it answers the words as they are, or waits in silence.
 */
import type { Transcript } from "../../ports/SpeechToText.ts"
import { isShortAnswer } from "../../../definition/languages/ShortAnswers.ts"
import * as Words from "../../../definition/languages/Words.ts"

/** Voice of at least this length (ms) is clear speech. Coughs, clicks and a cleared throat are shorter. */
const clearSpeechMillis = 600

/** An answer that only repeats words of the agent has at most this many words. */
const maxOfferedWords = 4

export interface Circumstances {
  readonly transcript: Transcript
  /** How long the caller's voice was heard, without the pauses; ms. */
  readonly voicedMillis: number
  /** The agent's last words asked the caller to repeat. */
  readonly wasAskedAgain: boolean
  /** The caller spoke into the agent's reply, which can go on. */
  readonly isInterruption: boolean
  /** The agent's last words. */
  readonly agentSaid: string
  /** ISO 639-1. */
  readonly language: string
  /** As `Words.plain` writes them. */
  readonly backchannels: ReadonlySet<string>
  /** The reply model can answer speech that nobody understood. */
  readonly answersUnheard: boolean
}

/** `ask`: ask the caller to repeat. `ignore`: act as if the caller had said nothing. */
export type Decision = "answer" | "ask" | "ignore"

const isOffered = (said: string, agentSaid: string): boolean => {
  const words = said.split(" ")
  const offered = new Set(Words.plain(agentSaid).split(" "))
  return words.length <= maxOfferedWords && words.every((word) => offered.has(word))
}

export const decide = (circumstances: Circumstances): Decision => {
  const { agentSaid, answersUnheard, backchannels, isInterruption, language, transcript, voicedMillis, wasAskedAgain } = circumstances
  const said = Words.plain(transcript.text)
  if (said.length === 0 && transcript.isUnintelligible !== true) {
    if (isInterruption || wasAskedAgain || voicedMillis < clearSpeechMillis) return "ignore"
    return "ask"
  }
  if (said.length === 0) return answersUnheard || wasAskedAgain ? "answer" : "ask"
  if (transcript.isDoubtful !== true) return "answer"
  if (backchannels.has(said) || isShortAnswer(said, language) || isOffered(said, agentSaid)) return "answer"
  if (isInterruption && voicedMillis < clearSpeechMillis) return "ignore"
  return wasAskedAgain ? "answer" : "ask"
}
