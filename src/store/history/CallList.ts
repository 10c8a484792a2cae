/**
 * Pages of the list of calls, newest first.
 *
 * A page is found by a walk in windows, so that no statement takes long, and the walk ends after so many calls: where filters fit hardly
 * any call, a page may have fewer calls than were asked for, or none, and the next page goes on.
 */
import { Effect } from "effect"
import type { Dialect } from "../Dialect.ts"
import { type CallFilters, plan, type Position, windowOf } from "./CallFilters.ts"
import type { Run } from "./Statements.ts"
import * as TextSearch from "./TextSearch.ts"

/** Calls that one page looks at. */
const walkedCalls = 10_000
/** The same where each call's turns are looked at. */
const walkedCallsWithText = 2000

const [firstWindow, largestWindow] = [64, 1000]

/** Behind every call. */
const beginning: Position = { startedAt: 8.64e15, callSid: "" }

export interface Page {
  readonly callSids: ReadonlyArray<string>
  /** Where the next page begins; unset at the end of the list. */
  readonly next?: Position
}

export const page = Effect.fnUntraced(function*(run: Run, dialect: Dialect, filters: CallFilters, limit: number, after?: Position) {
  const text = filters.text === undefined ? undefined : yield* TextSearch.find(run, dialect, filters.text)
  const planned = plan(filters, text)
  const most = planned.isSlow ? walkedCallsWithText : walkedCalls
  const fitting: Array<Position> = []
  let position = after ?? { ...beginning, startedAt: filters.to ?? beginning.startedAt }
  let size = Math.max(limit + 1, firstWindow)
  for (let walked = 0; walked < most;) {
    const { parameters, text: statement } = windowOf(planned, position, filters.from ?? 0, size)
    const rows = yield* run<{ call_sid: string; started_at: number; fits: number }>(statement, parameters)
    for (const { call_sid: callSid, fits, started_at: startedAt } of rows) {
      position = { startedAt, callSid }
      if (fits === 1) fitting.push(position)
      if (fitting.length > limit) return pageOf(fitting.slice(0, limit), fitting[limit - 1])
    }
    if (rows.length < size) return pageOf(fitting)
    walked += rows.length
    size = Math.min(size * 4, largestWindow)
  }
  return pageOf(fitting, position)
})

const pageOf = (fitting: ReadonlyArray<Position>, next?: Position): Page => ({
  callSids: fitting.map(({ callSid }) => callSid),
  ...(next === undefined ? {} : { next })
})
