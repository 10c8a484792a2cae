/**
 * Which writes come too late: what they hold has been kept as long as it may, or was to be kept that long. A journal may bring such.
 */
import { Duration } from "effect"
import type { StoreWrite } from "../StoreWrite.ts"
import type { Stamped } from "../writer/WriteQueue.ts"

/** How long words are kept, and how long all else of a call. */
export interface Retention {
  readonly wordsDays: number
  readonly figuresDays: number
}

/** Writes to the tables that `WordRemoval` empties. */
const withWords: ReadonlySet<StoreWrite["_tag"]> = new Set(["TurnWritten", "ActionWritten", "EventTold", "ConversationSaved", "DeliveryAsked"])

export const holdsWords = ({ _tag }: StoreWrite): boolean => withWords.has(_tag)

/** What was made before this time (ms since 1970) is kept no longer. */
export const cutoff = (now: number, days: number): number => now - Duration.toMillis(Duration.days(days))

export const isExpired = ({ at, write }: Stamped, now: number, { figuresDays, wordsDays }: Retention): boolean =>
  at < cutoff(now, holdsWords(write) ? Math.min(wordsDays, figuresDays) : figuresDays)
