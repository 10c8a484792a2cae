/**
 * A transcript as plain text: a line for each turn and action, in the order of their beginnings.
 */
import type { StoredAction } from "../../../store/history/StoredCalls.ts"
import type { StoredTurn } from "../../../store/history/TurnRows.ts"

/** Minutes and seconds on the call's axis, such as `01:02.5`. */
const clock = (millis: number): string => {
  const tenths = Math.max(0, Math.round(millis / 100))
  return `${String(Math.floor(tenths / 600)).padStart(2, "0")}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`
}

/** The text on one line: words may contain line ends. */
const onOneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim()

/** The text in place of sealed words that can't be opened. */
const unreadableReasons = {
  keyMissing: "(sealed; its key is missing)",
  damaged: "(sealed; it does not open with its key)"
}

/** The words of a turn. Words that were not heard are in brackets. */
const wordsOf = ({ text, unreadable, words }: StoredTurn): string => {
  if (unreadable !== undefined) return unreadableReasons[unreadable]
  if (words.length === 0) return onOneLine(text)
  const runs: Array<{ readonly isHeard: boolean; readonly words: Array<string> }> = []
  for (const word of words) {
    const last = runs.at(-1)
    if (last?.isHeard === word.isHeard) last.words.push(word.text)
    else runs.push({ isHeard: word.isHeard, words: [word.text] })
  }
  return onOneLine(runs.map(({ isHeard, words }) => isHeard ? words.join(" ") : `[${words.join(" ")}]`).join(" "))
}

/** Keys have no name, a transfer has no arguments, and an answer may be empty: what is empty is left out. */
const joinNonEmpty = (separator: string, ...texts: ReadonlyArray<string | null>): string =>
  texts.flatMap((text) => text === null || onOneLine(text) === "" ? [] : [onOneLine(text)]).join(separator)

const actionText = ({ answer, arguments: given, name, state, unreadable }: StoredAction): string =>
  unreadable === undefined
    ? `(${joinNonEmpty(": ", joinNonEmpty(" ", name, given), state, answer)})`
    : `(${joinNonEmpty(": ", name, state)}) ${unreadableReasons[unreadable]}`

export const of = (turns: ReadonlyArray<StoredTurn>, actions: ReadonlyArray<StoredAction>): string =>
  [
    ...turns.map((turn) => ({ at: turn.startedAt, line: `${turn.role}: ${wordsOf(turn)}` })),
    ...actions.map((action) => ({ at: action.at, line: `action: ${actionText(action)}` }))
  ]
    .toSorted((one, other) => one.at - other.at)
    .map(({ at, line }) => `${clock(at)} ${line}\n`)
    .join("")
