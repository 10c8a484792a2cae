/**
 * Action lines, for models that were not trained for tool calls; see `ModelActions`:
 *
 *     Goodbye.
 *     <<hang_up>>
 *
 * Models are careless with `<` and `>`. So `<hang_up>`, a line without `>>`, and a line that the end of the answer cuts off also count, if
 * their meaning is clear.
 */
import { noMatch, type OutputRule, skipTo, match, needsMore, awaitAny } from "./OutputRule.ts"

/** Beginnings of a line that has only one `<`. */
const singleSignBeginnings = ["<hang_up", "<transfer:", "<press:", "<call:"]

type Scan =
  /** `length`: characters of the line with its signs. */
  | { readonly _tag: "Ended"; readonly body: string; readonly length: number }
  /** The text ends within the line. `isBalanced`: all brackets and strings of its JSON are closed. */
  | { readonly _tag: "Open"; readonly isBalanced: boolean }

/** Finds the end of an action line. A `>` inside of the line's JSON does not end the line. `from`: where the line's body begins. */
const scan = (rest: string, from: number, isComplete: boolean): Scan => {
  let depth = 0
  let isInString = false
  let hasJson = false
  for (let at = from; at < rest.length; at++) {
    const character = rest[at]
    if (isInString) {
      if (character === "\\") at++
      else if (character === "\"") isInString = false
      continue
    }
    if (character === "\"" && depth > 0) isInString = true
    else if (character === "{") {
      depth++
      hasJson = true
    } else if (character === "}" && depth > 0) depth--
    else if (depth > 0) continue
    else if (character === ">") {
      // A second `>` may follow. It is part of the line and must not be spoken.
      if (at + 1 === rest.length && !isComplete) return { _tag: "Open", isBalanced: true }
      return { _tag: "Ended", body: rest.slice(from, at), length: rest[at + 1] === ">" ? at + 2 : at + 1 }
    } else if (character === "\n" || hasJson && depth === 0 && !/\s/.test(character)) {
      return { _tag: "Ended", body: rest.slice(from, at), length: at }
    }
  }
  return { _tag: "Open", isBalanced: depth === 0 && !isInString }
}

/** The number of `<` that begin an action line; 0 if no action line begins here. */
const signLength = (rest: string): number =>
  rest.startsWith("<<") ? 2 : singleSignBeginnings.some((beginning) => rest.slice(0, 10).toLowerCase().startsWith(beginning)) ? 1 : 0

export const rule: OutputRule = (place) => {
  const { isComplete, rest } = place
  if (!rest.startsWith("<")) return noMatch
  const from = signLength(rest)
  if (from === 0) return !isComplete && rest === "<" ? needsMore : awaitAny(place, singleSignBeginnings)
  const found = scan(rest, from, isComplete)
  if (found._tag === "Ended") return match(found.length, { pieces: [{ _tag: "ActionLine", body: found.body }] })
  if (!isComplete) return { _tag: "NeedsMore", ifTooLong: match(from, { pieces: [{ _tag: "BrokenLine" }], skip: skipTo(">>") }) }
  // The meaning of a `press` line is never clear, because more keys may have been cut off.
  const body = rest.slice(from)
  const isClear = found.isBalanced && body.trim() !== "" && !/^\s*press/i.test(body)
  return match(rest.length, { pieces: [isClear ? { _tag: "ActionLine", body } : { _tag: "BrokenLine" }] })
}
