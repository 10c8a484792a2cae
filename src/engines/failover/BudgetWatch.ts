/**
 * How much of its time-out an engine uses, told before turns fail by it.
 *
 * Of each engine the newest 20 answers count: the time to the beginning of each, as a share of the bound that it had. A
 * request that was given up counts with the time that it was waited for. From a median of 70 % on the log warns, once,
 * and says once that it is over when the median is below 50 %.
 */
import { Effect, Metric } from "effect"
import type { Stage } from "../../conversation/ports/Engine.ts"
import * as Metrics from "../../observability/Metrics.ts"

/** What is at work here can be slow; voice activity never is. */
type TimedStage = Exclude<Stage, "voiceActivity">

/** Answers that count. */
const windowLength = 20

/** One slow answer is none of the engine's habits. */
const answersNeeded = 5

const warnFrom = 0.7
const overBelow = 0.5

/** Where the bound is set, and what else helps. */
const advice: Record<TimedStage, string> = {
  speechToText: "Raise timeouts.transcript in the agent's file, or use a smaller model or a faster machine",
  replyModel: "Raise timeouts.reply in the agent's file, or use a smaller model, a shorter prompt or a faster machine",
  textToSpeech: "Raise timeouts.speech in the agent's file, or use a smaller voice or a faster machine"
}

export interface BudgetWatch {
  /** An answer has begun, or was given up, `seconds` after the request; `bound` is how long it would have been waited for. */
  readonly note: (engine: string, seconds: number, bound: number) => Effect.Effect<void>
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

interface History {
  /** The newest last. */
  readonly shares: Array<number>
  isNear: boolean
}

const seconds = (value: number) => `${value.toFixed(1)} s`

export const make = (stage: Stage): BudgetWatch => {
  const histories = new Map<string, History>()
  const gauges = new Map<string, ReturnType<typeof Metrics.engineBudgetUsed>>()

  const told = (history: History, share: number, bound: number): Effect.Effect<void> => {
    if (stage === "voiceActivity") return Effect.void
    if (!history.isNear && share >= warnFrom && history.shares.length >= answersNeeded) {
      history.isNear = true
      return Effect.logWarning(
        `An engine is near its time-out: half of its answers take ${seconds(share * bound)} or more, of ${seconds(bound)}. ${advice[stage]}.`
      )
    }
    if (history.isNear && share < overBelow) {
      history.isNear = false
      return Effect.logInfo(`An engine is well within its time-out again: half of its answers take less than ${seconds(share * bound)}, of ${seconds(bound)}`)
    }
    return Effect.void
  }

  return {
    note: (engine, taken, bound) =>
      Effect.suspend(() => {
        const history = histories.get(engine) ?? { shares: [], isNear: false }
        histories.set(engine, history)
        history.shares.push(Math.min(1, taken / bound))
        if (history.shares.length > windowLength) history.shares.shift()
        const share = median(history.shares)
        const gauge = gauges.get(engine) ?? Metrics.engineBudgetUsed(stage, engine)
        gauges.set(engine, gauge)
        return Effect.andThen(
          Metric.update(gauge, share),
          Effect.annotateLogs(told(history, share, bound), { stage, engine })
        )
      })
  }
}
