/**
 * The script of the scripted reply engine: intents, slots and answers. The engine is not a language model and says only what is written
 * here.
 *
 * Phrases have the notation of `RecognitionHints`. In answers and questions `{day}` stands for the value of a slot.
 */

/** What happens when an answer has been given. */
export type AfterAnswer =
  /** The caller's turn. */
  | "listen"
  | "hangUp"
  /** The intent and its slots are forgotten; then it is the caller's turn. */
  | "startOver"
  /** The last answer is said again. */
  | "repeat"
  /** The call is transferred. */
  | "transfer"

/** Something to be known before an intent can be answered. */
export interface Need {
  readonly slot: string
  /** The question for it. It may contain the slots of earlier needs. */
  readonly ask: string
}

export interface Intent {
  readonly name: string
  /** None: reached by a key, or by another intent's `yes` or `no`. */
  readonly phrases: ReadonlyArray<string>
  /** Keys that choose it, such as `1` or `12`. */
  readonly digits?: string
  /** The slots to ask for, in this order. Those that the caller has already said are skipped. */
  readonly needs: ReadonlyArray<Need>
  /** A yes/no question that is asked when all slots are known. */
  readonly confirm?: string
  /** Said when the caller answers `confirm` with no. Then the slots are asked for again. */
  readonly denied?: string
  /** One is said each time, in turn; empty only with `after: "repeat"`. */
  readonly answers: ReadonlyArray<string>
  /** The intents that a yes or a no to the answer leads to. */
  readonly yes?: string
  readonly no?: string
  readonly after: AfterAnswer
  /** With `after: "transfer"`: to whom, by the name in the definition's `transfers`. */
  readonly transfer?: string
}

/** One value of a slot. */
interface SlotValue {
  /** How answers say it. */
  readonly value: string
  /** How callers say it; the notation of phrases, without slots. */
  readonly ways: ReadonlyArray<string>
}

export interface Slot {
  readonly name: string
  readonly values: ReadonlyArray<SlotValue>
  /** Phrases around the value in a caller's answer: `on {day}`. */
  readonly phrases: ReadonlyArray<string>
}

/** What is said when a caller was not understood, once, twice, three times in a row. */
export interface NotUnderstood {
  readonly first: string
  readonly second: string
  readonly third: string
  /** After the third time the call ends, or this intent is answered. */
  readonly next: "hangUp" | { readonly intent: string }
}

export interface DialogScript {
  readonly intents: ReadonlyArray<Intent>
  readonly slots?: ReadonlyArray<Slot>
  /** Phrases of consent and of denial. */
  readonly yes?: ReadonlyArray<string>
  readonly no?: ReadonlyArray<string>
  /** Asks what the caller wants, after a yes or no without a question before it. */
  readonly prompt?: string
  readonly notUnderstood?: NotUnderstood
}

/** The slots that an answer or a question names, in order. */
export const slotsIn = (text: string): ReadonlyArray<string> => [...text.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name.trim())

/** The text with the slots' values in it; a slot without a value is left out. */
export const fill = (text: string, values: ReadonlyMap<string, string>): string =>
  text.replace(/\{([^{}]*)\}/g, (_, name: string) => values.get(name.trim()) ?? "").replace(/ {2,}/g, " ").trim()
