/**
 * Pages of the list of calls, newest first.
 *
 * A walk reads the calls in windows, so that no query takes long. It ends when the page is full, or after `maxWalkedCalls` calls, even if few
 * or none of them meet the filters. The next page continues the walk.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Dialect } from "../Dialect.ts"
import { type CallFilters, plan, type Plan, type Position, windowOf, latestMillis } from "./CallFilters.ts"
import type { Run } from "../Statements.ts"
import * as TextSearch from "./TextSearch.ts"

/** The most calls that the walk for one page reads. */
const maxWalkedCalls = 5000
/** On Postgres, the turns of this many calls are searched before the text index is used. Common words are found in these calls. */
const maxSearchedCalls = 500
/** The most steps of a walk through the text index of SQLite. */
const maxSteps = 8

/** How many calls the first query of a walk reads at least, and how many a later query reads at most. */
const [firstWindow, largestWindow] = [64, 1000]

/** The beginning of the list. It is newer than every call. */
const beginning: Position = { startedAt: latestMillis, callSid: "" }

export interface Page {
  readonly callSids: ReadonlyArray<string>
  /** Where the next page begins; unset at the end of the list. */
  readonly next?: Position
}

export const page = Effect.fnUntraced(function*(run: Run, dialect: Dialect, filters: CallFilters, limit: number, after?: Position): Effect.fn.Return<Page, SqlError> {
  if (filters.text === undefined) return yield* walk(run, filters, plan(filters), limit, maxWalkedCalls, after)
  if (dialect === "sqlite") {
    const matches = yield* TextSearch.inSqlite(run, filters.text)
    return matches._tag === "Few" ? yield* walk(run, filters, plan(filters, matches.arm), limit, maxWalkedCalls, after) : yield* walkText(run, filters, limit, after)
  }
  const searched = yield* walk(run, filters, plan(filters), limit, maxSearchedCalls, after)
  if (searched.callSids.length === limit || searched.next === undefined) return searched
  const matches = yield* TextSearch.inPostgres(run, filters.text)
  return matches._tag === "Few" ? yield* walk(run, filters, plan(filters, matches.arm), limit, maxWalkedCalls, after) : searched
})

/** Walks through the text index of SQLite, whose order is the order in which the calls were stored. */
const walkText = Effect.fnUntraced(function*(run: Run, filters: CallFilters, limit: number, after?: Position) {
  const fitting: Array<Position> = []
  let below = yield* TextSearch.startOf(run, filters, after)
  for (let steps = 0; steps < maxSteps; steps++) {
    const step = yield* TextSearch.walk(run, filters, below)
    for (const { call_sid: callSid, started_at: startedAt } of step.calls) {
      fitting.push({ callSid, startedAt })
      if (fitting.length > limit) return pageOf(fitting.slice(0, limit), fitting[limit - 1])
    }
    if (step.isLast) return pageOf(fitting)
    below = step.below
  }
  const [last] = yield* run<{ call_sid: string; started_at: number }>("SELECT call_sid, COALESCE(started_at, 0) AS started_at FROM calls WHERE number = CAST(? AS INTEGER)", [below])
  return last === undefined ? pageOf(fitting) : pageOf(fitting, { callSid: last.call_sid, startedAt: last.started_at })
})

/** Walks through the calls along an index. */
const walk = Effect.fnUntraced(function*(run: Run, filters: CallFilters, planned: Plan, limit: number, maxCalls: number, after?: Position) {
  const fitting: Array<Position> = []
  let position = after ?? { ...beginning, startedAt: filters.to ?? beginning.startedAt }
  let size = Math.max(limit + 1, firstWindow)
  for (let walked = 0; walked < maxCalls;) {
    const { parameters, text: statement } = windowOf(planned, position, filters.from ?? 0, size)
    const rows = yield* run<{ call_sid: string; started_at: number; fits: number }>(statement, parameters)
    for (const { call_sid: callSid, fits, started_at: startedAt } of rows) {
      position = { startedAt, callSid }
      if (fits === 1) fitting.push(position)
      if (fitting.length > limit) return pageOf(fitting.slice(0, limit), fitting[limit - 1])
    }
    if (rows.length < size) return pageOf(fitting)
    walked += rows.length
    size = Math.min(size * 4, largestWindow, maxCalls - walked)
  }
  return pageOf(fitting, position)
})

const pageOf = (fitting: ReadonlyArray<Position>, next?: Position): Page => ({
  callSids: fitting.map(({ callSid }) => callSid),
  ...(next === undefined ? {} : { next })
})
