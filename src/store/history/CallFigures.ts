/**
 * Computes the figures of a call's turns: for the API, and for storing before the words are deleted.
 */
import { Effect } from "effect"
import { type Figures, readFigures } from "./CallRecord.ts"
import type { Run } from "../Statements.ts"

interface TurnFigures {
  readonly role: string
  readonly is_cut: number
  readonly latency: number | null
}

/** The percentile by the nearest rank. `share`: 0 to 1. */
const percentile = (sorted: ReadonlyArray<number>, share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0

const latencyOf = (turns: ReadonlyArray<TurnFigures>): Figures["latency"] => {
  const sorted = turns.flatMap(({ latency }) => latency === null ? [] : [latency]).toSorted((one, other) => one - other)
  return sorted.length === 0 ? null : { count: sorted.length, p50: Math.round(percentile(sorted, 0.5)), p95: Math.round(percentile(sorted, 0.95)) }
}

/** Returns the stored figures, or else computes them from the stored turns. */
export const of = Effect.fnUntraced(function*(run: Run, callSid: string, storedFigures: string | null) {
  const stored = readFigures(storedFigures)
  if (stored !== null) return stored
  const turns = yield* run<TurnFigures>("SELECT role, is_cut, latency FROM turns WHERE call_sid = ?", [callSid])
  const [actions] = yield* run<{ count: number }>("SELECT CAST(COUNT(*) AS INTEGER) AS count FROM actions WHERE call_sid = ?", [callSid])
  const agents = turns.filter(({ role }) => role === "agent")
  const figures: Figures = {
    turns: { caller: turns.length - agents.length, agent: agents.length },
    interrupted: agents.filter((turn) => turn.is_cut === 1).length,
    actions: actions?.count ?? 0,
    latency: latencyOf(agents)
  }
  return figures
})
