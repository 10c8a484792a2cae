/**
 * Finds the calls that have all searched words in one turn.
 *
 * If few turns have the words, one lookup in the text index finds them all. If many turns have the words, a walk from the newest call
 * backwards finds them. On Postgres the walk goes through the calls. On SQLite it goes through the text index, which is in the order of the
 * calls.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { turnsPerCall } from "../migrations/Tables.ts"
import { type CallFilters, conditionsOf, type Position, type TextMatches } from "./CallFilters.ts"
import { isIn, listOf, type Run } from "../Statements.ts"

/**
 * The result is `Few` if fewer turns than this have the words. Postgres reads each of these turns from the table, so its limit is lower.
 */
const fewTurns = { sqlite: 1500, pg: 1000 }

/** How many turns one step of the walk reads. */
const turnsAtOnce = 500

/** How many calls one statement of SQLite searches. The number is limited, because all other statements wait for it. */
const callsAtOnce = 8192

/** The words of the text, each in quotes, so that FTS5 reads no word as an operator. */
const ftsQuery = (text: string): string => text.replaceAll("\0", " ").split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).map((word) => `"${word.replaceAll("\"", "\"\"")}"`).join(" ")

/** Whether a text has a letter or a digit, and so a word to search for. */
export const hasWords = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

export const inSqlite = Effect.fnUntraced(function*(run: Run, text: string): Effect.fn.Return<TextMatches, SqlError> {
  const query = ftsQuery(text)
  const [newest] = yield* run<{ number: number | null }>("SELECT MAX(number) AS number FROM calls")
  const numbers = new Set<number>()
  let turns = 0
  for (let end = (newest?.number ?? 0) + 1; end > 0; end -= callsAtOnce) {
    const rows = yield* run<{ number: number }>(
      // The casts are needed because FTS5 accepts only integers, and a JavaScript number arrives as a REAL.
      `SELECT rowid / ${turnsPerCall} AS number FROM turns_text WHERE turns_text MATCH ? AND rowid >= CAST(? AS INTEGER) AND rowid < CAST(? AS INTEGER) LIMIT ?`,
      [query, Math.max(0, end - callsAtOnce) * turnsPerCall, end * turnsPerCall, fewTurns.sqlite - turns]
    )
    turns += rows.length
    if (turns >= fewTurns.sqlite) return { _tag: "Many" }
    for (const { number } of rows) numbers.add(number)
  }
  return { _tag: "Few", arm: { table: "calls", where: "number IN (SELECT value FROM json_each(?))", parameters: [JSON.stringify([...numbers])] } }
})

export const inPostgres = Effect.fnUntraced(function*(run: Run, text: string): Effect.fn.Return<TextMatches, SqlError> {
  const rows = yield* run<{ call_sid: string }>("SELECT call_sid FROM turns WHERE tsv @@ plainto_tsquery('simple', ?) LIMIT ?", [text, fewTurns.pg])
  if (rows.length >= fewTurns.pg) return { _tag: "Many" }
  // `OFFSET 0` makes Postgres look up these calls first. Without it Postgres may read all calls in the list's order to find them.
  const table = `(SELECT call_sid, started_at FROM calls WHERE call_sid ${isIn("pg")} OFFSET 0) AS few`
  return { _tag: "Few", arm: { table, where: "1 = 1", parameters: [listOf("pg", [...new Set(rows.map((row) => row.call_sid))])] } }
})

/**
 * The walk finds calls below the number that this returns: the number of the call `after`. Without that call: one more than the highest
 * number of a call before `to`. That need not be the newest call: calls that begin in the same moment are numbered in any order, and a
 * journal, or a clock that was set back, brings calls out of their order.
 */
export const startOf = Effect.fnUntraced(function*(run: Run, { to }: CallFilters, after: Position | undefined) {
  const [at] = after === undefined ? [] : yield* run<{ number: number }>("SELECT number FROM calls WHERE call_sid = ?", [after.callSid])
  if (at !== undefined) return at.number
  const before = after?.startedAt ?? to
  // Without a condition, SQLite takes the highest number from the end of the table and reads no more.
  const [highest] = before === undefined
    ? yield* run<{ number: number | null }>("SELECT MAX(number) AS number FROM calls")
    : yield* run<{ number: number | null }>("SELECT MAX(number) AS number FROM calls WHERE started_at < ?", [before])
  return (highest?.number ?? 0) + 1
})

/**
 * One step of the walk in SQLite. Finds the next turns with the words, in calls whose number is below `below`. Returns the calls of these
 * turns that meet the other filters.
 */
export const walk = Effect.fnUntraced(function*(run: Run, filters: CallFilters, below: number) {
  const rows = yield* run<{ number: number }>(
    `SELECT rowid / ${turnsPerCall} AS number FROM turns_text WHERE turns_text MATCH ? AND rowid < CAST(? AS INTEGER) ORDER BY rowid DESC LIMIT ?`,
    [ftsQuery(filters.text ?? ""), below * turnsPerCall, turnsAtOnce]
  )
  const isLast = rows.length < turnsAtOnce
  const numbers = [...new Set(rows.map(({ number }) => number))]
  // The last call may have further turns. So the next step begins with that call again, unless all turns of this step are of one call.
  const completeNumbers = isLast || numbers.length === 1 ? numbers : numbers.slice(0, -1)
  const conditions = conditionsOf(filters)
  const calls = yield* run<{ call_sid: string; started_at: number }>(
    `SELECT c.call_sid, c.started_at FROM calls c WHERE c.number IN (SELECT value FROM json_each(?)) AND ${conditions.map(({ text }) => text).join(" AND ")} ORDER BY c.number DESC`,
    [JSON.stringify(completeNumbers), ...conditions.flatMap(({ parameters }) => parameters)]
  )
  const last = completeNumbers.at(-1)
  return { calls, isLast, below: last ?? 0 }
})
