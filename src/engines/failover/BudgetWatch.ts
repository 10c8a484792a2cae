/**
 * Watches how much of its time-out an engine uses, and warns the operator before turns fail.
 *
 * For each of an engine's newest 20 answers it divides the time until the answer began by the time-out. For a request that was given up,
 * the time that was waited counts. When the median of these shares reaches 70 %, the log warns once. When the median then falls below
 * 50 %, the log gives the all-clear once.
 */
import { Effect, Metric } from "effect"
import type { Stage } from "../../conversation/ports/Engine.ts"
import * as Metrics from "../../observability/Metrics.ts"

/** Voice activity has no time-out. */
type TimedStage = Exclude<Stage, "voiceActivity">

/** The number of newest answers that count. */
const countedAnswers = 20

/** The log does not warn before this many answers, because one slow answer shows little. */
const minAnswers = 5

/** The log warns when the median share is at least this. */
const warnFromShare = 0.7

/** The log gives the all-clear when the median share is below this. */
const allClearBelowShare = 0.5

/** Tells the operator where to set the time-out, and what else helps. */
const advice: Record<TimedStage, string> = {
  speechToText: "Raise timeouts.transcript in the agent's file, or use a smaller model or a faster machine",
  replyModel: "Raise timeouts.reply in the agent's file, or use a smaller model, a shorter prompt or a faster machine",
  textToSpeech: "Raise timeouts.speech in the agent's file, or use a smaller voice or a faster machine"
}

interface BudgetWatch {
  /** Notes that an answer began, or was given up, `taken` seconds after the request. `timeout`: the request's time-out in seconds. */
  readonly note: (engine: string, taken: number, timeout: number) => Effect.Effect<void>
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

interface History {
  /** The share of its time-out that each answer took, the newest last. */
  readonly shares: Array<number>
  /** The log has warned, and has not given the all-clear since. */
  isNearTimeout: boolean
}

const seconds = (value: number) => `${value.toFixed(1)} s`

export const make = (stage: Stage): BudgetWatch => {
  const histories = new Map<string, History>()
  const gauges = new Map<string, ReturnType<typeof Metrics.engineBudgetUsed>>()

  /** Logs a warning or the all-clear if `share`, the median share, calls for it. */
  const logChange = (history: History, share: number, timeout: number): Effect.Effect<void> => {
    if (stage === "voiceActivity") return Effect.void
    if (!history.isNearTimeout && share >= warnFromShare && history.shares.length >= minAnswers) {
      history.isNearTimeout = true
      return Effect.logWarning(
        `An engine is near its time-out: half of its answers take ${seconds(share * timeout)} or more, and the time-out is ${seconds(timeout)}. ${advice[stage]}.`
      )
    }
    if (history.isNearTimeout && share < allClearBelowShare) {
      history.isNearTimeout = false
      return Effect.logInfo(
        `An engine is well within its time-out again: half of its answers take at most ${seconds(share * timeout)}, and the time-out is ${seconds(timeout)}`
      )
    }
    return Effect.void
  }

  return {
    note: (engine, taken, timeout) =>
      Effect.suspend(() => {
        const history = histories.get(engine) ?? { shares: [], isNearTimeout: false }
        histories.set(engine, history)
        history.shares.push(Math.min(1, taken / timeout))
        if (history.shares.length > countedAnswers) history.shares.shift()
        const share = median(history.shares)
        const gauge = gauges.get(engine) ?? Metrics.engineBudgetUsed(stage, engine)
        gauges.set(engine, gauge)
        return Effect.andThen(
          Metric.update(gauge, share),
          Effect.annotateLogs(logChange(history, share, timeout), { stage, engine })
        )
      })
  }
}
