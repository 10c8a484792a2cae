/**
 * When a filler is said, and which: a short line while an answer is late. Pure.
 *
 * The wait counts from the caller's last sound, whatever it is that takes its time: the transcript, the model or the speech. An
 * answer that is there is never held up by a filler: not by one that is due at the same moment, nor by one whose own sound is late.
 */
import type { Fillers } from "../../../definition/AgentDefinition.ts"

/** Words that came late may have their answer at once: they get this long (ms) before a filler that is overdue. */
export const grace = 250

/** A filler whose sound takes longer than this (ms) is not said: its engine is as late as the answer's. */
export const longestMaking = 500

/** Sound of the caller that is shorter (ms) may be a cough, which is owed no answer: its transcript is waited for in silence. */
export const shortestSpeech = 600

/** When it is due: ms of the conversation. `since`: the caller's last voiced sample. `at`: now. */
export const dueAt = ({ after }: Fillers, since: number, at: number): number => {
  const due = since + after
  return due > at ? due : at + grace
}

/** Whether what the caller said is awaited, and not only what somebody makes of a cough. */
export const isSpeech = (utterance: { readonly startedAt: number; readonly stoppedAt: number; readonly partial?: string }): boolean =>
  (utterance.partial ?? "").trim().length > 0 || utterance.stoppedAt - utterance.startedAt >= shortestSpeech

/**
 * The next line, by its place: they go round, and none is said twice in a row. `undefined`: there is no other than the last one, so
 * this time none is said.
 */
export const next = ({ lines }: Fillers, from: number, last: string | undefined): number | undefined => {
  const step = lines.findIndex((_, index) => lines[(from + index) % lines.length] !== last)
  return step < 0 ? undefined : (from + step) % lines.length
}
