/**
 * The history of a call that may move to another process and back. When the call comes back, its history is opened anew, since this process
 * does not know what the other process wrote.
 */
import type { StoredCall } from "../../store/CallStore.ts"
import type { CallHistory } from "./CallHistory.ts"
import type { StatusFacts } from "./Outcome.ts"

export interface RenewableHistory extends CallHistory {
  /** Opens the history anew from `stored`, which was read just now. Twilio's reports so far are added again. */
  readonly renew: (stored: StoredCall) => void
}

interface MakeOptions {
  /** Opens the history of a call. `before`: see `CallHistory.MakeOptions`. */
  readonly open: (before?: StoredCall | "unreachable") => CallHistory
  readonly before?: StoredCall | "unreachable" | undefined
  readonly onHandOver?: () => void
  readonly onRenew?: () => void
  readonly onEnd?: () => void
}

/** The result has getters. A copy by `...` would keep the values of the history that was open at the copy. */
export const make = ({ before, onEnd, onHandOver, onRenew, open }: MakeOptions): RenewableHistory => {
  let current = open(before)
  const reports: Array<StatusFacts> = []
  return {
    get lostStreams() {
      return current.lostStreams
    },
    get isRecorded() {
      return current.isRecorded
    },
    /** A stream uses the actions of the history that is open when the stream begins. */
    get actions() {
      return current.actions
    },
    began: () => current.began(),
    answered: () => current.answered(),
    streamBegan: (isAfterTransfer, stream) => current.streamBegan(isAfterTransfer, stream),
    record: (stream, agent) => current.record(stream, agent),
    addEvent: (event) => current.addEvent(event),
    remember: (memory) => current.remember(memory),
    used: (use) => current.used(use),
    reported: (facts) => {
      reports.push(facts)
      current.reported(facts)
    },
    ended: (...end) => {
      current.ended(...end)
      onEnd?.()
    },
    endDecided: (...end) => current.endDecided(...end),
    takeOver: () => current.takeOver(),
    leave: () => current.leave(),
    handOver: () => {
      current.handOver()
      onHandOver?.()
    },
    isElsewhere: () => current.isElsewhere(),
    settle: () => current.settle(),
    renew: (stored) => {
      current = open(stored)
      for (const facts of reports) current.reported(facts)
      onRenew?.()
    }
  }
}
