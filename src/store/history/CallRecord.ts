/**
 * Converts a row of the table `calls` to the summary that the API shows.
 */
import { Option, Schema } from "effect"
import { Outcome } from "../StoreWrite.ts"

export interface CallRow {
  readonly call_sid: string
  readonly account_sid: string | null
  readonly direction: "inbound" | "outbound" | null
  readonly from_number: string | null
  readonly to_number: string | null
  readonly agent: string | null
  readonly started_at: number | null
  readonly answered_at: number | null
  readonly axis_zero: number | null
  readonly parts: number
  readonly ended_at: number | null
  readonly keeps_words: number | null
  readonly is_recorded: number | null
  readonly metadata: string | null
  readonly campaign: string | null
  readonly outcome: string | null
  readonly figures: string | null
  readonly turns: number
  readonly erased_at: number | null
}

/** The figures of a call's turns. They stay in the store when the call's words are deleted. */
export const Figures = Schema.Struct({
  turns: Schema.Struct({ caller: Schema.Number, agent: Schema.Number }),
  /** How many of the agent's turns the caller interrupted. */
  interrupted: Schema.Number,
  actions: Schema.Number,
  /** ms from the caller's last voiced sample until the reply began to play. `count`: how many turns were measured. */
  latency: Schema.NullOr(Schema.Struct({ count: Schema.Number, p50: Schema.Number, p95: Schema.Number }))
})
export type Figures = typeof Figures.Type

export interface CallSummary {
  readonly callSid: string
  readonly direction: "inbound" | "outbound"
  readonly from: string | null
  readonly to: string | null
  readonly agent: string
  readonly campaign: string | null
  readonly metadata: Schema.Json
  readonly startedAt: number
  readonly answeredAt: number | null
  /** When the call's first media stream began: the zero of its axis (see `StoreWrite`). */
  readonly axisZero: number | null
  readonly endedAt: number | null
  readonly outcome: Outcome | null
  readonly turns: number
  /** How many media streams the call has had. */
  readonly streams: number
  readonly isRecorded: boolean
  /**
   * Whether the call's words are stored. `never`: only figures are stored. `expired`: the words were deleted after `STORE_WORDS_DAYS`.
   * `erased`: the words were deleted on demand.
   */
  readonly words: "kept" | "never" | "expired" | "erased"
}

const fromJson = <A>(schema: Schema.ConstraintCodec<A, unknown>) => {
  const decode = Schema.decodeUnknownOption(Schema.fromJsonString(schema))
  return (text: string | null): A | null => text === null ? null : Option.getOrNull(decode(text))
}

const readJson = fromJson<Schema.Json>(Schema.Json)
const readOutcome = fromJson(Outcome)
export const readFigures = fromJson(Figures)

const wordsOf = (row: CallRow): CallSummary["words"] => {
  if (row.erased_at !== null) return "erased"
  if (row.keeps_words === 0) return "never"
  return row.figures === null ? "kept" : "expired"
}

const turnsOf = ({ figures, turns }: CallRow): number => {
  const stored = readFigures(figures)
  return stored === null ? turns : stored.turns.caller + stored.turns.agent
}

export const toSummary = (row: CallRow): CallSummary => ({
  callSid: row.call_sid,
  direction: row.direction ?? "inbound",
  from: row.from_number,
  to: row.to_number,
  agent: row.agent ?? "",
  campaign: row.campaign,
  metadata: readJson(row.metadata),
  startedAt: row.started_at ?? 0,
  answeredAt: row.answered_at,
  axisZero: row.axis_zero,
  endedAt: row.ended_at,
  outcome: readOutcome(row.outcome),
  turns: turnsOf(row),
  streams: row.parts,
  isRecorded: row.is_recorded === 1,
  words: wordsOf(row)
})

/** The columns of a `CallRow`, for a query in which `c` is the table `calls`. */
export const columns = `c.call_sid, c.account_sid, c.direction, c.from_number, c.to_number, c.agent, c.started_at, c.answered_at, c.axis_zero, c.parts, c.ended_at,
  c.keeps_words, c.is_recorded, c.metadata, c.campaign, c.outcome, c.figures,
  (SELECT CAST(COUNT(*) AS INTEGER) FROM turns t WHERE t.call_sid = c.call_sid) AS turns,
  (SELECT e.at FROM erased_calls e WHERE e.call_sid = c.call_sid) AS erased_at`
