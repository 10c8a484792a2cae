/**
 * Reads what a language model writes, piece by piece: what is to be spoken, and between it the lines by which the
 * model acts, as `<<hang_up>>` (see `Actions`). No part of such a line, of a thought, or of a template's own signs is
 * ever text; only what could still become one is held back. Where the pieces are cut changes nothing.
 *
 * Models are careless with the signs. So `<hang_up>`, a line that ends without `>>`, and one that ends with the reply
 * are taken as well, as far as it is clear what they mean.
 */

export interface Reader {
  /** Begins with `<`, and could be more than text; or, within a thought, could be the beginning of its end. */
  readonly held: string
  /** What ends the thought, or the line, that is being skipped. */
  readonly until: string | undefined
}

export type Piece =
  | { readonly _tag: "Text"; readonly text: string }
  /** What stands between the signs, in its own words. */
  | { readonly _tag: "Marker"; readonly body: string }
  /** A line that acts was begun and can't be read. */
  | { readonly _tag: "Broken" }

export const empty: Reader = { held: "", until: undefined }

/** Characters of one line that acts. */
const longestMarker = 4000

/** What a thought begins and ends with: DeepSeek and Qwen; others; Gemma 4; gpt-oss. */
const thoughts: ReadonlyArray<readonly [string, string]> = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"],
  ["<|channel>thought", "<channel|>"],
  ["<|channel|>analysis", "<|end|>"]
]

/** Signs of chat templates, which a server with a wrong template lets through. */
const signs = ["<end_of_turn>", "<start_of_turn>", "<eos>", "<bos>", "</s>", "<turn|>", "<channel|>", "</think>", "</thinking>"]
const sign = /^<\|[^|<>\s]{1,40}\|?>/

/** The beginnings of a line that acts where one `<` is missing. */
const beginnings = ["<hang_up", "<transfer:", "<press:", "<call:"]

const fixed = [...thoughts.map(([begin]) => begin), ...signs, ...beginnings]

const couldBecome = (rest: string): boolean =>
  fixed.some((whole) => whole.length > rest.length && whole.startsWith(rest.toLowerCase())) || /^<\|[^|<>\s]{0,40}\|?$/.test(rest)

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

const markerStart = (rest: string): number =>
  rest.startsWith("<<") ? 2 : beginnings.some((beginning) => rest.toLowerCase().startsWith(beginning)) ? 1 : 0

const run = (reader: Reader, more: string, isLast: boolean): readonly [Reader, ReadonlyArray<Piece>] => {
  const pieces: Array<Piece> = []
  let { until } = reader
  let rest = reader.held + more
  let text = ""
  const flush = () => {
    if (text !== "") pieces.push({ _tag: "Text", text })
    text = ""
  }
  const stop = (held: string): readonly [Reader, ReadonlyArray<Piece>] => {
    flush()
    return [{ held, until }, pieces]
  }
  while (rest !== "") {
    if (until !== undefined) {
      const end = rest.indexOf(until)
      if (end < 0) return stop(rest.slice(-(until.length - 1)))
      rest = rest.slice(end + until.length)
      until = undefined
      continue
    }
    const at = rest.indexOf("<")
    if (at < 0) {
      text += rest
      break
    }
    text += rest.slice(0, at)
    rest = rest.slice(at)
    const thought = thoughts.find(([begin]) => rest.startsWith(begin))
    if (thought !== undefined) {
      until = thought[1]
      rest = rest.slice(thought[0].length)
      continue
    }
    const dropped = signs.find((whole) => rest.startsWith(whole)) ?? sign.exec(rest)?.[0]
    if (dropped !== undefined && !(couldBecome(rest) && !isLast)) {
      rest = rest.slice(dropped.length)
      continue
    }
    const start = markerStart(rest)
    if (start > 0) {
      const found = scan(rest, start, isLast)
      if (found._tag === "Ended" && found.length <= longestMarker) {
        flush()
        pieces.push({ _tag: "Marker", body: found.body })
        rest = rest.slice(found.length)
        continue
      }
      if (found._tag === "Open" && rest.length <= longestMarker) {
        if (!isLast) return stop(rest)
        flush()
        // Keys may have been meant to go on.
        const body = rest.slice(start)
        pieces.push(found.isComplete && body.trim() !== "" && !/^\s*press/i.test(body) ? { _tag: "Marker", body } : { _tag: "Broken" })
        break
      }
      flush()
      pieces.push({ _tag: "Broken" })
      until = ">>"
      rest = rest.slice(longestMarker)
      continue
    }
    if (!isLast && (rest === "<" || couldBecome(rest))) return stop(rest)
    if (isLast && rest.length > 1 && couldBecome(rest)) break
    text += "<"
    rest = rest.slice(1)
  }
  return stop("")
}

/** What is known now. */
export const read = (reader: Reader, text: string): readonly [Reader, ReadonlyArray<Piece>] => run(reader, text, false)

/** What is left when the model has ended. */
export const end = (reader: Reader): ReadonlyArray<Piece> => reader.until === undefined ? run(reader, "", true)[1] : []
