/**
 * Decides which writes are too old to be stored. A journal may bring writes long after they were made.
 */
import { Duration } from "effect"
import type { StoreWrite } from "../StoreWrite.ts"
import type { Stamped } from "../writer/WriteQueue.ts"

/** For how many days a call's words are kept, and for how many days everything else about it. */
export interface Retention {
  readonly wordsDays: number
  readonly figuresDays: number
}

/** Writes to the tables that `WordRemoval` empties. */
const withWords: ReadonlySet<StoreWrite["_tag"]> = new Set(["TurnWritten", "ActionWritten", "EventTold", "ConversationSaved", "DeliveryAsked"])

export const holdsWords = ({ _tag }: StoreWrite): boolean => withWords.has(_tag)

/** The time (ms since 1970) before which data is too old. */
export const cutoff = (now: number, days: number): number => now - Duration.toMillis(Duration.days(days))

export const isExpired = ({ at, write }: Stamped, now: number, { figuresDays, wordsDays }: Retention): boolean =>
  at < cutoff(now, holdsWords(write) ? Math.min(wordsDays, figuresDays) : figuresDays)
