/**
 * What the scripted engine remembers of a dialogue from turn to turn. The conversation holds it, as an opaque state.
 */
import { Option, Schema } from "effect"
import type { DialogueState } from "../../../conversation/ports/ReplyModel.ts"
import type { DialogScript } from "../../../definition/DialogScript.ts"

export interface Dialogue {
  /** The intent whose needs are being asked for. */
  readonly intent: string | null
  /** The values that the caller has given: for `intent` or, if it is null, for `after`. */
  readonly slots: { readonly [slot: string]: string }
  /** The yes/no question of `intent` was asked. */
  readonly isConfirming: boolean
  /** The last answer, to be repeated. */
  readonly last: string | null
  /** The intent that was answered last. */
  readonly after: string | null
  /** How often in a row the caller was not understood. */
  readonly strikes: number
  /** How often each intent was answered. The count chooses which of the intent's answers is next. */
  readonly counts: { readonly [intent: string]: number }
}

const Dialogue = Schema.Struct({
  intent: Schema.NullOr(Schema.String),
  slots: Schema.Record(Schema.String, Schema.String),
  isConfirming: Schema.Boolean,
  last: Schema.NullOr(Schema.String),
  after: Schema.NullOr(Schema.String),
  strikes: Schema.Int,
  counts: Schema.Record(Schema.String, Schema.Int)
})

const decode = Schema.decodeUnknownOption(Dialogue)

export const initial: Dialogue = { intent: null, slots: {}, isConfirming: false, last: null, after: null, strikes: 0, counts: {} }

/** Values of slots, by the slots' names. */
export type Values = ReadonlyMap<string, string>

export const slotsOf = (dialogue: Dialogue): Map<string, string> => new Map(Object.entries(dialogue.slots))

/** How often this intent was answered. */
export const countOf = (dialogue: Dialogue, intent: string): number =>
  Object.hasOwn(dialogue.counts, intent) ? Math.abs(dialogue.counts[intent]) : 0

/** Counts an answer of this intent. */
export const counted = (dialogue: Dialogue, intent: string): Dialogue["counts"] => ({
  ...dialogue.counts,
  [intent]: (countOf(dialogue, intent) + 1) % 1_000_000
})

/** Reads a stored state. An older script or version may have left it, so intents and values that the script does not have are dropped. */
export const makeRestore = (script: DialogScript): ((state: DialogueState) => Dialogue) => {
  const intents = new Set(script.intents.map(({ name }) => name))
  const values = new Map((script.slots ?? []).map((slot) => [slot.name, new Set(slot.values.map(({ value }) => value))]))
  return (state) => {
    const decoded = Option.getOrElse(decode(state), () => initial)
    const intent = decoded.intent !== null && intents.has(decoded.intent) ? decoded.intent : null
    return {
      ...decoded,
      intent,
      slots: Object.fromEntries(Object.entries(decoded.slots).filter(([slot, value]) => values.get(slot)?.has(value) === true)),
      isConfirming: decoded.isConfirming && intent !== null,
      after: decoded.after !== null && intents.has(decoded.after) ? decoded.after : null,
      strikes: Math.max(0, decoded.strikes)
    }
  }
}
