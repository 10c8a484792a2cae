/**
 * The scripted engine's state of a dialogue, which it needs from turn to turn. The conversation stores it as an opaque value.
 */
import { Option, Schema } from "effect"
import type { DialogueState } from "../../../conversation/ports/ReplyModel.ts"
import type { DialogScript } from "../../../definition/DialogScript.ts"

export interface Dialogue {
  /** The open intent: the agent asks for its slots or for its confirmation. */
  readonly intent: string | null
  /** The slot values that the caller has given for `intent`. If `intent` is null, they belong to `lastIntent`. */
  readonly slots: { readonly [slot: string]: string }
  /** The yes/no question of `intent` was asked. */
  readonly isConfirming: boolean
  /** The agent's last question or answer, for a caller who asks to hear it again. */
  readonly last: string | null
  /** The intent that was answered last. */
  readonly lastIntent: string | null
  /** How often in a row the caller was not understood. */
  readonly strikes: number
  /** How often each intent was answered. The count chooses which of the intent's answers is next. */
  readonly counts: { readonly [intent: string]: number }
}

/** The stored form, in which `lastIntent` has its older name, `after`. */
const StoredDialogue = Schema.Struct({
  intent: Schema.NullOr(Schema.String),
  slots: Schema.Record(Schema.String, Schema.String),
  isConfirming: Schema.Boolean,
  last: Schema.NullOr(Schema.String),
  after: Schema.NullOr(Schema.String),
  strikes: Schema.Int,
  counts: Schema.Record(Schema.String, Schema.Int)
})

const decode = Schema.decodeUnknownOption(StoredDialogue)

export const toStored = ({ lastIntent, ...dialogue }: Dialogue): typeof StoredDialogue.Type => ({ ...dialogue, after: lastIntent })

export const initial: Dialogue = { intent: null, slots: {}, isConfirming: false, last: null, lastIntent: null, strikes: 0, counts: {} }

/** Values of slots, by the slots' names. */
export type Values = ReadonlyMap<string, string>

export const slotsOf = (dialogue: Dialogue): Map<string, string> => new Map(Object.entries(dialogue.slots))

/** How often this intent was answered. The stored count is not trusted: a negative count would choose no answer. */
export const countOf = (dialogue: Dialogue, intent: string): number =>
  Object.hasOwn(dialogue.counts, intent) ? Math.abs(dialogue.counts[intent]) : 0

/** The counts after one more answer of this intent. A count starts again at a million, so it stays an exact integer. */
export const countsAfter = (dialogue: Dialogue, intent: string): Dialogue["counts"] => ({
  ...dialogue.counts,
  [intent]: (countOf(dialogue, intent) + 1) % 1_000_000
})

/**
 * Reads a stored state. An older script or an older version of this service may have written it. So intents and values that the script
 * does not have are dropped.
 */
export const makeRestore = (script: DialogScript): ((state: DialogueState) => Dialogue) => {
  const intents = new Set(script.intents.map(({ name }) => name))
  const values = new Map((script.slots ?? []).map((slot) => [slot.name, new Set(slot.values.map(({ value }) => value))]))
  return (state) => {
    const { after: lastIntent, ...decoded } = Option.getOrElse(decode(state), () => toStored(initial))
    const intent = decoded.intent !== null && intents.has(decoded.intent) ? decoded.intent : null
    return {
      ...decoded,
      intent,
      slots: Object.fromEntries(Object.entries(decoded.slots).filter(([slot, value]) => values.get(slot)?.has(value) === true)),
      isConfirming: decoded.isConfirming && intent !== null,
      lastIntent: lastIntent !== null && intents.has(lastIntent) ? lastIntent : null,
      strikes: Math.max(0, decoded.strikes)
    }
  }
}
