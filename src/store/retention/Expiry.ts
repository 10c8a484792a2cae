/**
 * Decides which writes are too old to be stored. Writes from a journal may reach the database long after they were made.
 */
import { Duration } from "effect"
import type { StoreWrite } from "../StoreWrite.ts"
import type { Stamped } from "../writer/WriteQueue.ts"

/** For how many days the words of a call are kept, and for how many days all other data of the call. */
export interface Retention {
  readonly wordsDays: number
  readonly figuresDays: number
}

/** The writes whose tables `WordRemoval` empties. */
const withWords: ReadonlySet<StoreWrite["_tag"]> = new Set(["TurnWritten", "ActionWritten", "EventTold", "ConversationSaved", "DeliveryAsked"])

export const holdsWords = ({ _tag }: StoreWrite): boolean => withWords.has(_tag)

/** The time (ms since 1970) before which data is too old. */
export const cutoff = (now: number, days: number): number => now - Duration.toMillis(Duration.days(days))

export const isExpired = ({ at, write }: Stamped, now: number, { figuresDays, wordsDays }: Retention): boolean =>
  at < cutoff(now, holdsWords(write) ? Math.min(wordsDays, figuresDays) : figuresDays)
