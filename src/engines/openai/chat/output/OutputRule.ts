/**
 * A rule recognizes something that models write besides words: thoughts, tool calls, special tokens. It looks at one place of the text and
 * tells what begins there. `ModelOutputParser` tries the rules in order at each place where something could begin.
 *
 * The server may cut the text anywhere. So a rule answers `NeedsMore` as long as further text could change its answer.
 */
import { RegExp as Patterns } from "effect"
import type { KnownTools } from "./calls/KnownTools.ts"
import type { WrittenCall } from "./calls/WrittenCall.ts"

/** A piece of a model's output. */
export type OutputPiece =
  /** Text to speak. */
  | { readonly _tag: "Text"; readonly text: string }
  /** An action line, `<<…>>`. `body`: the text between the signs. */
  | { readonly _tag: "ActionLine"; readonly body: string }
  /** The beginning of an action line that cannot be read. */
  | { readonly _tag: "BrokenLine" }
  /** A tool call in the model's own format, of a tool that the request offers. `arguments`: JSON text. */
  | { readonly _tag: "Call"; readonly name: string; readonly arguments: string; readonly format: string }
  /** A tool call in the model's own format that is unreadable or names no tool of the request. */
  | { readonly _tag: "DroppedCall"; readonly format: string }

/** A place in the text, and the state of the answer before it. */
export interface Place {
  /** The text from here on, as far as it has arrived. */
  readonly rest: string
  /** No further text follows `rest`. */
  readonly isComplete: boolean
  /** The last characters of spoken text before this place. A line end stands for anything that is not spoken. */
  readonly before: string
  /** The reply has neither text nor actions so far. */
  readonly isReplyEmpty: boolean
  /** The channel of harmony (gpt-oss) that is open. */
  readonly channel: string | undefined
  /** An HTML strikethrough, `<s>`, is open. */
  readonly isStrikethroughOpen: boolean
  readonly tools: KnownTools
}

/** Text to skip, up to and including the first match of `end`. */
export interface Skip {
  /** The pattern ignores case. The match of a lookahead stays in the text. */
  readonly end: RegExp
  /** Characters of the longest match, lookahead included. */
  readonly maxEndLength: number
}

export type RuleResult =
  | { readonly _tag: "NoMatch" }
  /** `ifTooLong`: the result if the text becomes longer than the parser can hold back. Unset: the text counts as words. */
  | { readonly _tag: "NeedsMore"; readonly ifTooLong?: Match }
  | Match

export interface Match {
  readonly _tag: "Match"
  /** The number of matched characters from the place on. They are not spoken. */
  readonly length: number
  readonly pieces?: ReadonlyArray<OutputPiece>
  /** The text to skip after the match. */
  readonly skip?: Skip
  /** The skipped text is a thought. */
  readonly isThought?: boolean
  /** The match ends a thought whose beginning was not in the text. */
  readonly endsUnopenedThought?: boolean
  /** The channel that is open from here on. */
  readonly channel?: string
  /** Whether an HTML strikethrough is open from here on. */
  readonly isStrikethroughOpen?: boolean
  /** The model's turn is over. Further text may be a turn of the caller that the model has invented. */
  readonly endsTurn?: boolean
}

export type OutputRule = (place: Place) => RuleResult

export const noMatch: RuleResult = { _tag: "NoMatch" }
export const needsMore: RuleResult = { _tag: "NeedsMore" }

export const match = (length: number, more: Omit<Match, "_tag" | "length"> = {}): Match => ({ _tag: "Match", length, ...more })

/** A lookahead for the special token that ends the model's turn. Open thoughts and calls end there, too. */
export const turnEndLookahead = "(?=<(?:\\|(?:im_end|eot_id|eom_id|endoftext|end_of_text)\\||end_of_turn|/s|turn\\||｜end▁of▁sentence｜)>)"

/** Skips up to and including the first of these texts. */
export const skipTo = (...ends: ReadonlyArray<string>): Skip => ({
  end: new RegExp(ends.map((end) => Patterns.escape(end)).join("|"), "i"),
  maxEndLength: Math.max(...ends.map(({ length }) => length))
})

/** Whether `rest` is the beginning of one of `wholes`, but not all of it. `wholes` must be in lower case. The case of `rest` is ignored. */
export const isPrefixOfAny = (rest: string, wholes: ReadonlyArray<string>): boolean => {
  if (wholes.every(({ length }) => length <= rest.length)) return false
  const start = rest.toLowerCase()
  return wholes.some((whole) => whole.length > start.length && whole.startsWith(start))
}

/** Needs more text if `rest` is the beginning of one of `wholes`. If no more text follows, `rest` is dropped. */
export const awaitAny = ({ isComplete, rest }: Place, wholes: ReadonlyArray<string>): RuleResult => {
  // A single character at the end of a reply may be an ordinary character.
  if (!isPrefixOfAny(rest, wholes) || isComplete && rest.length < 2) return noMatch
  return isComplete ? match(rest.length) : needsMore
}

/** Whether a line or a sentence begins here. */
export const isSentenceStart = ({ before }: Place): boolean => /(?:^|\n|[.!?:;…。！？]["'”’)\]*`]*)\s*$/.test(before)

/** Whether a line begins here. */
export const isLineStart = ({ before }: Place): boolean => /(?:^|\n)[^\S\n]*$/.test(before)

/** A call of a known tool with readable arguments becomes a `Call`. Any other call becomes a `DroppedCall`. */
export const toPieces = (calls: ReadonlyArray<WrittenCall>, tools: KnownTools, format: string): ReadonlyArray<OutputPiece> =>
  calls.map((call): OutputPiece => {
    const tool = tools.find(call.name)
    return tool === undefined || call.arguments === undefined
      ? { _tag: "DroppedCall", format }
      : { _tag: "Call", name: tool.name, arguments: JSON.stringify(call.arguments), format }
  })
