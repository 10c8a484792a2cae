/**
 * The lives of a call. Where a conversation's memory is lost it begins anew, and the call has one more life.
 *
 * What a life writes must not replace what an earlier one wrote, though nobody may know how far that one came. So the ids of a later life's
 * actions begin with a text of its own. If the store could not be asked, its numbers begin where no earlier life's can be.
 */
import { Option, Schema } from "effect"
import type { StoredCall } from "../../store/CallStore.ts"

export interface CallLife {
  /** Stands in front of the ids of its actions. Empty for a call's first life. */
  readonly id: string
  /** Numbers of its next event and turn, and of the newest memory. */
  readonly nextEvent: number
  readonly nextTurn: number
  readonly version: number
}

/** 2026-01-01, ms since 1970: from here on seconds are numbers of events and memories that a database has room for. */
const zeroMillis = 1_767_225_600_000

/** A call has room for 65,536 turns. No life has a quarter of that, and no call lasts so many seconds. */
const firstTurnOfLater = 16_384
const laterTurns = 32_768

const decode = Schema.decodeUnknownOption(Schema.Struct({ life: Schema.String }))

/** The life that is kept beside a conversation's memory. */
const idIn = (memory: unknown): string => Option.match(decode(memory), { onNone: () => "", onSome: ({ life }) => life })

/** What is kept beside a memory, so that a resumed conversation has the same life. */
export const kept = ({ id }: CallLife): { readonly life?: string } => id === "" ? {} : { life: id }

interface Before {
  /** `"lost"`: the store could not be asked. */
  readonly known: StoredCall | "lost" | undefined
  /** The conversation's memory could be read. */
  readonly hasMemory: boolean
  /** ms since 1970. */
  readonly now: number
}

export const of = ({ hasMemory, known, now }: Before): CallLife => {
  if (known === undefined) return { id: "", nextEvent: 0, nextTurn: 0, version: 0 }
  const own = `${Math.round(now).toString(36)}-`
  if (known === "lost") {
    const seconds = Math.max(0, Math.floor((now - zeroMillis) / 1000))
    return { id: own, nextEvent: seconds, nextTurn: firstTurnOfLater + seconds % laterTurns, version: seconds }
  }
  const { nextEvent, nextTurn } = known
  const memory = Option.getOrUndefined(known.memory)
  const id = memory === undefined ? "" : hasMemory ? idIn(memory.memory) : own
  return { id, nextEvent, nextTurn, version: memory?.version ?? 0 }
}
