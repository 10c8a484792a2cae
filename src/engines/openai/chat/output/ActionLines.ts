/**
 * The lines by which a model acts where there are no tool calls: `<<hang_up>>` and the others of `ModelActions`.
 *
 * Models are careless with the signs. So `<hang_up>`, a line that ends without `>>`, and one that ends with the reply
 * are taken as well, as far as it is clear what they mean.
 */
import { nothing, type OutputRule, skipTo, taken, wait, waitFor } from "./OutputRule.ts"

/** The beginnings of a line that acts where one `<` is missing. */
const beginnings = ["<hang_up", "<transfer:", "<press:", "<call:"]

type Scan =
  | { readonly _tag: "Ended"; readonly body: string; readonly length: number }
  | { readonly _tag: "Open"; readonly isComplete: boolean }

/** Finds the end of a line that acts; `>` inside its JSON is none. */
const scan = (rest: string, from: number, isLast: boolean): Scan => {
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
      // Whether it is one or two decides how much is swallowed.
      if (at + 1 === rest.length && !isLast) return { _tag: "Open", isComplete: true }
      return { _tag: "Ended", body: rest.slice(from, at), length: rest[at + 1] === ">" ? at + 2 : at + 1 }
    } else if (character === "\n" || hasJson && depth === 0 && !/\s/.test(character)) {
      return { _tag: "Ended", body: rest.slice(from, at), length: at }
    }
  }
  return { _tag: "Open", isComplete: depth === 0 && !isInString }
}

const startOf = (rest: string): number =>
  rest.startsWith("<<") ? 2 : beginnings.some((beginning) => rest.slice(0, 10).toLowerCase().startsWith(beginning)) ? 1 : 0

export const rule: OutputRule = {
  name: "own-line",
  look: (place) => {
    const { isLast, rest } = place
    if (!rest.startsWith("<")) return nothing
    const from = startOf(rest)
    if (from === 0) return !isLast && rest === "<" ? wait : waitFor(place, beginnings)
    const found = scan(rest, from, isLast)
    if (found._tag === "Ended") return taken(found.length, { pieces: [{ _tag: "Marker", body: found.body }] })
    if (!isLast) return { _tag: "Wait", otherwise: taken(from, { pieces: [{ _tag: "Broken" }], skip: skipTo(">>") }) }
    // Keys may have been meant to go on.
    const body = rest.slice(from)
    const isClear = found.isComplete && body.trim() !== "" && !/^\s*press/i.test(body)
    return taken(rest.length, { pieces: [isClear ? { _tag: "Marker", body } : { _tag: "Broken" }] })
  }
}
