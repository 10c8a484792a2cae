/**
 * Gathers what is known of a call's end, and writes the outcome: when the call ends, and again when Twilio reports more.
 */
import type { CallSid } from "../../domain/Sid.ts"
import type { EngineUse, StoreWrite } from "../../store/StoreWrite.ts"
import { isTerminal } from "../CallState.ts"
import * as Outcomes from "./Outcome.ts"

/** Facts that come from the call itself. */
type OwnFacts = Partial<Pick<Outcomes.Facts, "answeredAt" | "isMemoryLost">>

interface OutcomeWriter {
  readonly answeredAt: () => number | undefined
  /** Adds facts of a live call. */
  readonly note: (facts: OwnFacts) => void
  /** Adds what Twilio reports, even after the end. */
  readonly report: (facts: Outcomes.StatusFacts) => void
  /** The call has ended for this service. */
  readonly end: (facts: Pick<Outcomes.Facts, "reason" | "endedAt" | "resumptions">) => void
  /** Stops waiting for Twilio's final status: the outcome becomes final. */
  readonly settle: () => void
}

interface MakeOptions {
  readonly callSid: CallSid
  /** ms since the epoch, if the call was answered in another process. */
  readonly answeredAt: number | undefined
  /** What the engines have done for the call so far. */
  readonly engines: () => ReadonlyArray<EngineUse>
  /** Unset: there is no price list. */
  readonly pricing?: Outcomes.Pricing | undefined
  readonly now: () => number
  readonly write: (write: StoreWrite) => void
  /** The final outcome was written. May be called more than once. */
  readonly onFinal: () => void
}

export const make = ({ answeredAt, callSid, engines, now, onFinal, pricing, write }: MakeOptions): OutcomeWriter => {
  let facts: Outcomes.Facts = { resumptions: 0, isMemoryLost: false, ...(answeredAt === undefined ? {} : { answeredAt }) }
  let isEnded = false
  let isSettled = false

  const writeOutcome = () => {
    if (!isEnded) return
    isSettled ||= isTerminal(facts.status)
    write({ _tag: "CallEnded", callSid, at: facts.endedAt ?? now(), outcome: Outcomes.of(facts, { engines: engines(), isFinal: isSettled, pricing }) })
    if (isSettled) onFinal()
  }

  return {
    answeredAt: () => facts.answeredAt,
    note: (more) => {
      facts = { ...facts, ...more }
    },
    report: (more) => {
      facts = Outcomes.add(facts, more)
      writeOutcome()
    },
    end: (end) => {
      isEnded = true
      facts = { ...facts, ...end }
      writeOutcome()
    },
    settle: () => {
      if (isSettled) return
      isSettled = true
      writeOutcome()
    }
  }
}
