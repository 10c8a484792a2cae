/**
 * The counts of one media stream in addition to its `Tally`: messages that the agent took, and frames that were sent or dropped.
 *
 * Counting costs one addition per frame. `report` adds the growth of the counts to the metrics.
 */
import type { Context, Metric } from "effect"
import * as Metrics from "../../observability/Metrics.ts"
import type { Tally } from "../../twilio/media/inbound/InboundMedia.ts"

interface Totals {
  readonly tally: Tally
  /** Frames of the agent that were written to the socket. */
  readonly sent: number
  /** Frames of the agent that a `clear` dropped in this process. */
  readonly cleared: number
  /** Messages that were skipped because of the agent's `maxBacklogFrames`. */
  readonly stale: number
}

type Counter = readonly [metric: Metric.Metric<number, unknown>, total: (totals: Totals) => number]

/** Shown at `/metrics` from the first call on, even while they are 0. */
const traffic: ReadonlyArray<Counter> = [
  [Metrics.framesReceived, ({ tally }) => tally.received],
  [Metrics.framesScanned, ({ tally }) => tally.scanned],
  [Metrics.framesSent, ({ sent }) => sent]
]

/** Shown at `/metrics` once there is a loss. */
const losses: ReadonlyArray<Counter> = [
  [Metrics.mediaSurplus, ({ tally }) => tally.surplusMillis / 1000],
  [Metrics.framesDropped("agentSlow"), ({ tally }) => tally.untaken],
  [Metrics.framesDropped("networkBurst"), ({ tally }) => tally.burst],
  [Metrics.framesDropped("networkLoss"), ({ tally }) => tally.lost],
  [Metrics.framesDropped("cleared"), ({ cleared }) => cleared],
  [Metrics.framesDropped("stale"), ({ stale }) => stale]
]

export interface MediaCounts {
  /** Counts messages that the agent took or skipped. */
  readonly addTaken: (messages: number) => void
  /** Counts messages that were skipped because of the agent's `maxBacklogFrames`. */
  readonly addStale: (messages: number) => void
  /** Counts frames that were written to the socket. */
  readonly addSent: (frames: number) => void
  /** Counts frames that a `clear` dropped before they were sent. */
  readonly addCleared: (frames: number) => void
  /** Adds the growth of the counts since the last report to the metrics. */
  readonly report: () => void
}

/** @param now monotonic ms */
export const make = (options: {
  readonly tally: Tally
  readonly now: () => number
  /** The agent echoes each message as one frame, so the time between the two is the echo's latency. */
  readonly isEcho: boolean
  /** The context that holds the metrics. */
  readonly context: Context.Context<never>
}): MediaCounts => {
  const { context, isEcho, now, tally } = options
  const totals = { tally, sent: 0, cleared: 0, stale: 0 }
  let taken = 0
  const reportedTraffic = traffic.map(() => 0)
  const reportedLosses = losses.map(() => 0)

  /**
   * The stream measures when one message in fifty came. Returns the index of that message among the messages that the agent took. The
   * stream's own index differs, because it also counts the messages that were dropped before.
   */
  const indexOfTimed = () => tally.sampleIndex - (tally.ahead + tally.burst + tally.untaken)
  const sinceTimedSeconds = () => (now() - tally.sampleAt) / 1000

  return {
    addTaken: (messages) => {
      const timed = indexOfTimed()
      if (timed >= taken && timed < taken + messages) Metrics.queueLatency.updateUnsafe(sinceTimedSeconds(), context)
      taken += messages
    },
    addStale: (messages) => {
      totals.stale += messages
    },
    addSent: (frames) => {
      const before = totals.sent
      totals.sent += frames
      if (!isEcho) return
      const timed = indexOfTimed() - totals.stale
      if (timed >= before && timed < totals.sent) Metrics.echoLatency.updateUnsafe(sinceTimedSeconds(), context)
    },
    addCleared: (frames) => {
      totals.cleared += frames
    },
    report: () => {
      for (let index = 0; index < traffic.length; index++) {
        const [metric, totalOf] = traffic[index]
        const total = totalOf(totals)
        metric.updateUnsafe(total - reportedTraffic[index], context)
        reportedTraffic[index] = total
      }
      for (let index = 0; index < losses.length; index++) {
        const [metric, totalOf] = losses[index]
        const total = totalOf(totals)
        if (total === reportedLosses[index]) continue
        metric.updateUnsafe(total - reportedLosses[index], context)
        reportedLosses[index] = total
      }
    }
  }
}
