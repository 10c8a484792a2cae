/**
 * Whether the caller is asked to say it again ("Sorry, I did not get that."), rather than answered or left waiting. Pure.
 *
 * - Clear speech of which no word was understood is asked for again; a cough is none.
 * - Doubtful words are asked for again, unless they are such as models doubt for their shortness: yes, no, figures, an
 *   "uh-huh", or a word that the agent itself has just offered.
 * - Never twice running: words are answered as they stand then, and silence is waited in.
 */
import type { Transcript } from "../../ports/SpeechToText.ts"
import { isShortAnswer } from "../../../definition/languages/ShortAnswers.ts"
import * as Words from "../../../definition/languages/Words.ts"

/** ms of voice that are clear speech; coughs, clicks and a cleared throat are shorter. */
export const clearSpeech = 600

/** The most words of an answer that repeats the agent's own. */
const mostOfferedWords = 4

export interface Circumstances {
  readonly transcript: Transcript
  /** How long the caller's voice was heard, without the pauses; ms. */
  readonly voicedMillis: number
  /** The agent's last words asked the caller to say it again. */
  readonly wasAskedAgain: boolean
  /** The caller spoke into the agent's words, and these can go on. */
  readonly isInterruption: boolean
  /** What the agent said last. */
  readonly agentSaid: string
  /** ISO 639-1. */
  readonly language: string
  /** Plain, as `Words.plain` makes them. */
  readonly backchannels: ReadonlySet<string>
  /** The reply model has answers of its own for speech without words. */
  readonly answersUnheard: boolean
}

/** `ignore`: as if nothing had been said. */
export type Decision = "answer" | "ask" | "ignore"

const isOffered = (said: string, agentSaid: string): boolean => {
  const words = said.split(" ")
  const offered = new Set(Words.plain(agentSaid).split(" "))
  return words.length <= mostOfferedWords && words.every((word) => offered.has(word))
}

export const decide = (circumstances: Circumstances): Decision => {
  const { agentSaid, answersUnheard, backchannels, isInterruption, language, transcript, voicedMillis, wasAskedAgain } = circumstances
  const said = Words.plain(transcript.text)
  if (said.length === 0 && transcript.isUnintelligible !== true) {
    if (isInterruption || wasAskedAgain || voicedMillis < clearSpeech) return "ignore"
    return "ask"
  }
  if (said.length === 0) return answersUnheard || wasAskedAgain ? "answer" : "ask"
  if (transcript.isDoubtful !== true) return "answer"
  if (backchannels.has(said) || isShortAnswer(said, language) || isOffered(said, agentSaid)) return "answer"
  if (isInterruption && voicedMillis < clearSpeech) return "ignore"
  return wasAskedAgain ? "answer" : "ask"
}
