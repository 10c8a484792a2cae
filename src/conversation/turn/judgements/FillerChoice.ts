/**
 * Decides when a filler is said, and which line. A filler is a short line that is said while an answer is late. Pure.
 *
 * The wait counts from the caller's last voiced sample and includes transcript, model and speech. An answer with sound never waits for a
 * filler that has no sound yet.
 */
import type { Fillers } from "../../../definition/AgentDefinition.ts"

/** If the filler is already due when the words arrive, the answer gets this long (ms) to come first. */
const overdueGraceMillis = 250

/** If the synthesis of a filler takes longer than this (ms), the filler is not said. The speech engine is then too slow for any sound. */
export const maxSynthesisMillis = 500

/** A voice that is shorter than this (ms) may be a cough, which needs no answer. So no filler is said before the transcript has come. */
const minSpeechMillis = 600

/** When the filler is due, in ms of the conversation. `since`: when the caller's last voiced sample came. `at`: now. */
export const dueAt = ({ after }: Fillers, since: number, at: number): number => {
  const due = since + after
  return due > at ? due : at + overdueGraceMillis
}

/** Whether the caller certainly spoke, and did not only cough. `startedAt`, `stoppedAt`: ms of the conversation. */
export const isSpeech = (utterance: { readonly startedAt: number; readonly stoppedAt: number; readonly partial?: string }): boolean =>
  (utterance.partial ?? "").trim().length > 0 || utterance.stoppedAt - utterance.startedAt >= minSpeechMillis

/**
 * Index of the next line, from `from` on. The lines take turns, and no line is said twice in a row. `undefined`: the only line was said last
 * time, so no line is said this time.
 */
export const next = ({ lines }: Fillers, from: number, last: string | undefined): number | undefined => {
  const step = lines.findIndex((_, index) => lines[(from + index) % lines.length] !== last)
  return step < 0 ? undefined : (from + step) % lines.length
}
