/**
 * Which calls have these words, each of them in one turn.
 *
 * Words that are in few turns are looked up in the text index, once. For words that are in many, the list is walked, and each call's
 * turns are asked: the newest calls that fit are found soon.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Dialect } from "../Dialect.ts"
import { type TextMatches, textCondition, turnsPerCall } from "./CallFilters.ts"
import { isIn, listOf, type Run } from "./Statements.ts"

/** Turns up to which words are few. */
const fewTurns = 4000

/** Calls whose words one statement of SQLite looks through: it holds up the thread. */
const callsAtOnce = 8192

/** The words, each in quotes, so that none is an operator of FTS5. */
const ftsQuery = (text: string): string => text.replaceAll("\0", " ").split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).map((word) => `"${word.replaceAll("\"", "\"\"")}"`).join(" ")

/** Whether there is anything to look for. */
export const hasWords = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

const inSqlite = Effect.fnUntraced(function*(run: Run, text: string): Effect.fn.Return<TextMatches, SqlError> {
  const query = ftsQuery(text)
  const [newest] = yield* run<{ number: number | null }>("SELECT MAX(number) AS number FROM calls")
  const numbers = new Set<number>()
  let turns = 0
  for (let end = (newest?.number ?? 0) + 1; end > 0; end -= callsAtOnce) {
    const rows = yield* run<{ number: number }>(
      // FTS5 takes whole numbers only, and a number of JavaScript is a broken one to SQLite.
      `SELECT rowid / ${turnsPerCall} AS number FROM turns_text WHERE turns_text MATCH ? AND rowid >= CAST(? AS INTEGER) AND rowid < CAST(? AS INTEGER) LIMIT ?`,
      [query, Math.max(0, end - callsAtOnce) * turnsPerCall, end * turnsPerCall, fewTurns - turns]
    )
    turns += rows.length
    if (turns >= fewTurns) return { _tag: "Many", condition: textCondition("sqlite", query) }
    for (const { number } of rows) numbers.add(number)
  }
  return { _tag: "Few", arm: { table: "calls", where: "number IN (SELECT value FROM json_each(?))", parameters: [JSON.stringify([...numbers])] } }
})

const inPostgres = Effect.fnUntraced(function*(run: Run, text: string): Effect.fn.Return<TextMatches, SqlError> {
  const rows = yield* run<{ call_sid: string }>("SELECT call_sid FROM turns WHERE tsv @@ plainto_tsquery('simple', ?) LIMIT ?", [text, fewTurns])
  if (rows.length >= fewTurns) return { _tag: "Many", condition: textCondition("pg", text) }
  return { _tag: "Few", arm: { table: "calls", where: `call_sid ${isIn("pg")}`, parameters: [listOf("pg", [...new Set(rows.map((row) => row.call_sid))])] } }
})

export const find = (run: Run, dialect: Dialect, text: string) => dialect === "pg" ? inPostgres(run, text) : inSqlite(run, text)
