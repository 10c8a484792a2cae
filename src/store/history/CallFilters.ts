/**
 * The filters of `GET /calls` as SQL.
 *
 * The filter that usually selects the fewest calls chooses an index. The walk (see `CallList`) reads calls along this index, in the order of
 * the list. It checks each of these calls against the other filters.
 */
import type { Parameter } from "../Dialect.ts"
import type { Statement } from "../Statements.ts"

/** A call is selected if it meets each filter that is set. Times are ms since 1970. */
export interface CallFilters {
  readonly accountSid: string
  /** The call began at this time or later. */
  readonly from?: number
  /** The call began before this time. */
  readonly to?: number
  /** All forms in which the store may hold the telephone number: plain, and as an HMAC. */
  readonly numbers?: ReadonlyArray<string>
  readonly agent?: string
  readonly direction?: "inbound" | "outbound"
  /** A final status of Twilio's, such as `no-answer`, or the reason of the call's end, such as `callerLeft`, or `live`. */
  readonly outcome?: string
  readonly campaign?: string
  /** Words that must all be in one turn of the call. */
  readonly text?: string
  readonly metadata?: ReadonlyArray<readonly [name: string, value: string]>
}

/** The place of a call in the list, whose first call is the newest. */
export interface Position {
  readonly startedAt: number
  readonly callSid: string
}

/** Calls that can be read along one index in the order of the list. A `UNION` joins several arms. */
interface Arm {
  /** `calls`, `call_metadata`, or a subquery with `call_sid` and `started_at`. */
  readonly table: string
  readonly where: string
  readonly parameters: ReadonlyArray<Parameter>
}

/** The calls that have the searched words. `Many`: there are too many to list them in an arm. */
export type TextMatches = { readonly _tag: "Few"; readonly arm: Arm } | { readonly _tag: "Many" }

/** The walk reads the calls of the arms and checks each call against the conditions. */
export interface Plan {
  readonly arms: ReadonlyArray<Arm>
  /** SQL in which `c` is the table `calls`. */
  readonly conditions: ReadonlyArray<Statement>
}

/** The latest time of a JavaScript date, ms since 1970. It is the upper bound if no filter sets one. */
export const latestMillis = 8.64e15

/**
 * The condition that one turn of the call has all words. For Postgres.
 *
 * `plainto_tsquery` stands in a `SELECT` of its own, so that Postgres parses the words once, not for each turn. Without `LIMIT` Postgres may
 * search the turns of all calls first.
 */
const textCondition = (text: string): Statement => ({
  text: "(SELECT 1 FROM turns t WHERE t.call_sid = c.call_sid AND t.tsv @@ (SELECT plainto_tsquery('simple', ?)) LIMIT 1) IS NOT NULL",
  parameters: [text]
})

interface Filter {
  readonly arms: ReadonlyArray<Arm>
  readonly condition: Statement
}

const column = (name: string, value: string): Filter => ({
  arms: [{ table: "calls", where: `${name} = ?`, parameters: [value] }],
  condition: { text: `c.${name} = ?`, parameters: [value] }
})

const anyColumn = (names: ReadonlyArray<string>, values: ReadonlyArray<string>): Filter => {
  const all = names.flatMap((name) => values.map((value) => column(name, value)))
  return {
    arms: all.flatMap(({ arms }) => arms),
    condition: { text: `(${all.map(({ condition }) => condition.text).join(" OR ")})`, parameters: all.flatMap(({ condition }) => condition.parameters) }
  }
}

/** The calls that have not ended. */
const live: Filter = {
  arms: [{ table: "calls", where: "ended_at IS NULL", parameters: [] }],
  condition: { text: "c.ended_at IS NULL", parameters: [] }
}

const metadata = ([name, value]: readonly [string, string]): Filter => ({
  arms: [{ table: "call_metadata", where: "name = ? AND value = ?", parameters: [name, value] }],
  condition: { text: "EXISTS (SELECT 1 FROM call_metadata m WHERE m.call_sid = c.call_sid AND m.name = ? AND m.value = ?)", parameters: [name, value] }
})

/** The filters that are set. Those that usually select the fewest calls come first. */
const filtersOf = (filters: CallFilters): ReadonlyArray<Filter> => [
  ...(filters.metadata ?? []).map(metadata),
  ...(filters.numbers === undefined ? [] : [anyColumn(["from_number", "to_number"], filters.numbers)]),
  ...(filters.campaign === undefined ? [] : [column("campaign", filters.campaign)]),
  ...(filters.outcome === undefined ? [] : [filters.outcome === "live" ? live : anyColumn(["status", "reason"], [filters.outcome])]),
  ...(filters.agent === undefined ? [] : [column("agent", filters.agent)]),
  ...(filters.direction === undefined ? [] : [column("direction", filters.direction)])
]

const everyCall: Arm = { table: "calls", where: "1 = 1", parameters: [] }

const ofAccount = ({ accountSid }: CallFilters): Statement => ({ text: "c.account_sid = ?", parameters: [accountSid] })

/** All filters except the text, as conditions in which `c` is the table `calls`. */
export const conditionsOf = (filters: CallFilters): ReadonlyArray<Statement> => [
  ofAccount(filters),
  ...filtersOf(filters).map(({ condition }) => condition),
  { text: "c.started_at >= ?", parameters: [filters.from ?? 0] },
  { text: "c.started_at < ?", parameters: [filters.to ?? latestMillis] }
]

/**
 * `few`: the calls that have the searched words, if there are few. The walk then reads only these calls. Unset: the walk searches the turns
 * of each call for the words.
 */
export const plan = (filters: CallFilters, few?: Arm): Plan => {
  const chosen = filtersOf(filters)
  const walked = few === undefined ? chosen[0]?.arms ?? [everyCall] : [few]
  const others = few === undefined ? chosen.slice(1) : chosen
  return {
    arms: walked,
    conditions: [
      ofAccount(filters),
      ...others.map(({ condition }) => condition),
      ...(few === undefined && filters.text !== undefined ? [textCondition(filters.text)] : [])
    ]
  }
}

/** The query for the next calls of the walk, at most `size`. Its column `fits` is 1 if the call meets the conditions. */
export const windowOf = ({ arms, conditions }: Plan, after: Position, from: number, size: number): Statement => {
  // The comparison of `(started_at, call_sid)` implies `started_at <= ?`, but an index can use only `started_at <= ?`.
  const order = "ORDER BY started_at DESC, call_sid DESC LIMIT ?"
  const range = "started_at >= ? AND started_at <= ? AND (started_at, call_sid) < (?, ?)"
  const each = arms.map(({ parameters, table, where }) => ({
    text: `SELECT call_sid, started_at FROM ${table} WHERE ${where} AND ${range} ${order}`,
    parameters: [...parameters, from, after.startedAt, after.startedAt, after.callSid, size]
  }))
  const walked = each.length === 1
    ? each[0].text
    : `SELECT call_sid, started_at FROM (${each.map(({ text }) => `SELECT * FROM (${text}) AS arm`).join(" UNION ")}) AS arms ${order}`
  return {
    text: `SELECT w.call_sid, w.started_at, CASE WHEN ${conditions.map(({ text }) => text).join(" AND ")} THEN 1 ELSE 0 END AS fits
      FROM (${walked}) AS w JOIN calls c ON c.call_sid = w.call_sid ORDER BY w.started_at DESC, w.call_sid DESC`,
    parameters: [...conditions.flatMap(({ parameters }) => parameters), ...each.flatMap(({ parameters }) => parameters), ...(each.length === 1 ? [] : [size])]
  }
}
