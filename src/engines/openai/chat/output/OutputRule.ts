/**
 * A rule of how models write: it looks at one place of the text and says what begins there. `ModelOutputParser` asks the rules
 * one after the other at each place where something could begin.
 *
 * So that it does not matter where a server cuts its pieces, a rule answers `wait` until no text still to come could
 * change what it says.
 */
import { RegExp as Patterns } from "effect"
import type { KnownTools } from "./calls/KnownTools.ts"
import type { WrittenCall } from "./calls/WrittenCall.ts"

/** What stands in the text of a reply. */
export type Piece =
  | { readonly _tag: "Text"; readonly text: string }
  /** One of our own lines (`<<…>>`), by what stands between its signs. */
  | { readonly _tag: "Marker"; readonly body: string }
  /** One of our own lines was begun and can't be read. */
  | { readonly _tag: "Broken" }
  /** A tool call that a model wrote as text, of a tool that the request offers. */
  | { readonly _tag: "Call"; readonly name: string; readonly arguments: string; readonly format: string }
  /** A tool call that a model wrote as text, and that names no such tool or can't be read. */
  | { readonly _tag: "Dropped"; readonly format: string }

export interface Place {
  /** The text from here on. */
  readonly rest: string
  /** Nothing comes behind `rest`. */
  readonly isLast: boolean
  /** The last characters that were spoken before this place; empty at the beginning, a line's end behind a sign. */
  readonly before: string
  /** Nothing has been said or done in this reply. */
  readonly isUnsaid: boolean
  /** The channel that harmony's signs have opened (gpt-oss). */
  readonly channel: string | undefined
  /** A strikethrough of HTML was begun. */
  readonly isStruck: boolean
  readonly tools: KnownTools
}

/** Skips text up to and including the first match of `end`. */
export interface Skip {
  /** Ignores case; a lookahead leaves what it sees in the text. */
  readonly end: RegExp
  /** Characters of the longest match, lookahead included. */
  readonly longest: number
}

export type Found =
  | { readonly _tag: "Nothing" }
  /** `otherwise`: what it is if it gets longer than what is held back; unset: text. */
  | { readonly _tag: "Wait"; readonly otherwise?: Taken }
  | Taken

export interface Taken {
  readonly _tag: "Taken"
  readonly length: number
  readonly pieces?: ReadonlyArray<Piece>
  readonly skip?: Skip
  readonly isThought?: boolean
  /** The end of a thought whose beginning was not seen. */
  readonly isLoneEnd?: boolean
  /** A channel of harmony begins. */
  readonly channel?: string
  readonly isStruck?: boolean
  /** The reply is over, whatever comes. */
  readonly isEnd?: boolean
}

export interface OutputRule {
  readonly name: string
  readonly look: (place: Place) => Found
}

export const nothing: Found = { _tag: "Nothing" }
export const wait: Found = { _tag: "Wait" }

export const taken = (length: number, more: Omit<Taken, "_tag" | "length"> = {}): Taken => ({ _tag: "Taken", length, ...more })

/** The end of the model's turn, where something of it was not closed: a pattern that takes nothing of the text. */
export const beforeTurnEnd = "(?=<(?:\\|(?:im_end|eot_id|eom_id|endoftext|end_of_text)\\||end_of_turn|/s|turn\\||｜end▁of▁sentence｜)>)"

/** Up to the first of these texts. */
export const skipTo = (...ends: ReadonlyArray<string>): Skip => ({
  end: new RegExp(ends.map((end) => Patterns.escape(end)).join("|"), "i"),
  longest: Math.max(...ends.map(({ length }) => length))
})

/** Whether a text that is over could have been the beginning of one of these. */
export const couldBecome = (rest: string, wholes: ReadonlyArray<string>): boolean => {
  if (wholes.every(({ length }) => length <= rest.length)) return false
  const start = rest.toLowerCase()
  return wholes.some((whole) => whole.length > start.length && whole.startsWith(start))
}

/** Waits while the text could become one of these; drops its beginning where nothing more comes. */
export const waitFor = ({ isLast, rest }: Place, wholes: ReadonlyArray<string>): Found => {
  // A single sign may be meant as such.
  if (!couldBecome(rest, wholes) || isLast && rest.length < 2) return nothing
  return isLast ? taken(rest.length) : wait
}

/** Whether a line or a sentence begins here. */
export const isBeginning = ({ before }: Place): boolean => /(?:^|\n|[.!?:;…。！？]["'”’)\]*`]*)\s*$/.test(before)

/** Whether a line begins here. */
export const isLineStart = ({ before }: Place): boolean => /(?:^|\n)[^\S\n]*$/.test(before)

/** What becomes of calls: those of known tools are calls, the others are counted. */
export const toPieces = (calls: ReadonlyArray<WrittenCall>, tools: KnownTools, format: string): ReadonlyArray<Piece> =>
  calls.map((call): Piece => {
    const tool = tools.find(call.name)
    return tool === undefined || call.arguments === undefined
      ? { _tag: "Dropped", format }
      : { _tag: "Call", name: tool.name, arguments: JSON.stringify(call.arguments), format }
  })
