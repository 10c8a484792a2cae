/**
 * Collects the facts about a call's end, and writes the outcome: when the call ends, and again when Twilio reports more.
 */
import type { CallSid } from "../../domain/Sid.ts"
import type { EngineUse, StoreWrite } from "../../store/StoreWrite.ts"
import { isTerminal } from "../CallState.ts"
import * as Outcomes from "./Outcome.ts"

/** Facts that come from the call itself. */
type OwnFacts = Partial<Pick<Outcomes.Facts, "answeredAt" | "isMemoryLost">>

export interface OutcomeWriter {
  readonly answeredAt: () => number | undefined
  /** Adds facts of a live call. */
  readonly note: (facts: OwnFacts) => void
  /** Adds Twilio's report, also after the call's end. */
  readonly report: (facts: Outcomes.StatusFacts) => void
  /** Adds the facts of the call's end for this service. `write`: used for this write instead of the option `write`. */
  readonly end: (facts: Pick<Outcomes.Facts, "reason" | "endedAt" | "resumptions">, write?: MakeOptions["write"]) => void
  /** Stops waiting for Twilio's final status: the outcome becomes final. */
  readonly settle: () => void
}

interface MakeOptions {
  readonly callSid: CallSid
  /** ms since 1970, if the call was answered in an earlier process. */
  readonly answeredAt: number | undefined
  /** The use of engines so far. */
  readonly engines: () => ReadonlyArray<EngineUse>
  /** Unset: there is no price list. */
  readonly pricing?: Outcomes.Pricing | undefined
  readonly now: () => number
  readonly write: (write: StoreWrite) => void
  /** Called after each write of a final outcome. There may be several such writes. */
  readonly onFinal: () => void
}

export const make = ({ answeredAt, callSid, engines, now, onFinal, pricing, write }: MakeOptions): OutcomeWriter => {
  let facts: Outcomes.Facts = { resumptions: 0, isMemoryLost: false, ...(answeredAt === undefined ? {} : { answeredAt }) }
  let isEnded = false
  let isSettled = false

  const writeOutcome = (writeOne = write) => {
    if (!isEnded) return
    isSettled ||= isTerminal(facts.status)
    writeOne({ _tag: "CallEnded", callSid, at: facts.endedAt ?? now(), outcome: Outcomes.of(facts, { engines: engines(), isFinal: isSettled, pricing }) })
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
    end: (end, writeOne) => {
      isEnded = true
      facts = { ...facts, ...end }
      writeOutcome(writeOne)
    },
    settle: () => {
      if (isSettled) return
      isSettled = true
      writeOutcome()
    }
  }
}
