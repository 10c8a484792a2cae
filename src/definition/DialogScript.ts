/**
 * The script of the scripted reply engine: intents, slots and answers. The engine is not a language model and says only what is written
 * here.
 *
 * Phrases are written in the notation of `PhraseNotation`. In answers and questions, `{day}` stands for the value of the slot `day`.
 */

/** What happens when an answer has been given. */
export type AfterAnswer =
  /** It is the caller's turn. */
  | "listen"
  | "hangUp"
  /** The intent and its slots are forgotten; then it is the caller's turn. */
  | "startOver"
  /** The last answer is said again. */
  | "repeat"
  /** The call is transferred. */
  | "transfer"

/** A slot whose value must be known before an intent can be answered. */
export interface Need {
  readonly slot: string
  /** The question that asks for the slot. The question may contain the slots of earlier needs. */
  readonly ask: string
}

export interface Intent {
  readonly name: string
  /** What callers say to choose the intent. Empty: only a key, or another intent's `yes` or `no`, leads to it. */
  readonly phrases: ReadonlyArray<string>
  /** Keys that choose the intent, such as `1` or `12`. */
  readonly digits?: string
  /** The slots to ask for, in this order. A slot whose value the caller has already said is skipped. */
  readonly needs: ReadonlyArray<Need>
  /** A yes/no question that is asked when all slots are known. */
  readonly confirm?: string
  /** Said when the caller answers no to `confirm`. Then the agent asks for the slots again. */
  readonly denialReply?: string
  /** The agent says one answer each time, in this order, and begins again after the last. Empty only with `after: "repeat"`. */
  readonly answers: ReadonlyArray<string>
  /** The intents to which the caller's yes or no leads after an answer. */
  readonly yes?: string
  readonly no?: string
  readonly after: AfterAnswer
  /** With `after: "transfer"`: a name in the definition's `transfers`. */
  readonly transfer?: string
}

/** One value of a slot. */
interface SlotValue {
  /** The value as the agent's answers say it. */
  readonly value: string
  /** The ways in which callers say the value, in the notation of phrases, without slots. */
  readonly ways: ReadonlyArray<string>
}

export interface Slot {
  readonly name: string
  readonly values: ReadonlyArray<SlotValue>
  /** Phrases around the value in a caller's answer: `on {day}`. */
  readonly phrases: ReadonlyArray<string>
}

/** What the agent says when it did not understand the caller once, twice or three times in a row. */
export interface NotUnderstood {
  readonly first: string
  readonly second: string
  readonly third: string
  /** What follows the third time: the call ends, or this intent is answered. */
  readonly next: "hangUp" | { readonly intent: string }
}

export interface DialogScript {
  readonly intents: ReadonlyArray<Intent>
  readonly slots?: ReadonlyArray<Slot>
  /** Phrases that say yes or no. */
  readonly yes?: ReadonlyArray<string>
  readonly no?: ReadonlyArray<string>
  /** Asks what the caller wants. Said after a yes that answers no question. */
  readonly openQuestion?: string
  readonly notUnderstood?: NotUnderstood
}

/** The names of the slots in an answer or a question, in order. */
export const slotsIn = (text: string): ReadonlyArray<string> => [...text.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name.trim())

/** The text with the slots' values in it. A slot without a value is left out. */
export const fill = (text: string, values: ReadonlyMap<string, string>): string =>
  text.replace(/\{([^{}]*)\}/g, (_, name: string) => values.get(name.trim()) ?? "").replace(/ {2,}/g, " ").trim()
