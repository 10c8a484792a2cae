/**
 * Computes the figures of a call's turns. The API shows the figures, and they are stored before the words of the call are deleted.
 */
import { Effect } from "effect"
import { type Figures, readFigures } from "./CallRecord.ts"
import type { Run } from "../Statements.ts"

interface TurnFigures {
  readonly role: string
  readonly is_cut: number
  readonly latency: number | null
}

/** The nearest-rank percentile. `share`: 0 to 1, such as 0.95. */
const percentile = (sorted: ReadonlyArray<number>, share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0

const latencyOf = (turns: ReadonlyArray<TurnFigures>): Figures["latency"] => {
  const sorted = turns.flatMap(({ latency }) => latency === null ? [] : [latency]).toSorted((one, other) => one - other)
  return sorted.length === 0 ? null : { count: sorted.length, p50: Math.round(percentile(sorted, 0.5)), p95: Math.round(percentile(sorted, 0.95)) }
}

/** Returns the stored figures, or computes them from the stored turns if there are none. */
export const of = Effect.fnUntraced(function*(run: Run, callSid: string, storedFigures: string | null) {
  const stored = readFigures(storedFigures)
  if (stored !== null) return stored
  const turns = yield* run<TurnFigures>("SELECT role, is_cut, latency FROM turns WHERE call_sid = ?", [callSid])
  const [actions] = yield* run<{ count: number }>("SELECT CAST(COUNT(*) AS INTEGER) AS count FROM actions WHERE call_sid = ?", [callSid])
  const agentTurns = turns.filter(({ role }) => role === "agent")
  const figures: Figures = {
    turns: { caller: turns.length - agentTurns.length, agent: agentTurns.length },
    interrupted: agentTurns.filter((turn) => turn.is_cut === 1).length,
    actions: actions?.count ?? 0,
    latency: latencyOf(agentTurns)
  }
  return figures
})
