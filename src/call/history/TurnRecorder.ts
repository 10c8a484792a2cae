/**
 * Makes the turns of a call's history out of what its conversation tells.
 *
 * A turn of the agent is written when its words go to speech, and again when it is known what was heard of it. A turn of the caller is
 * written once, when it is over.
 */
import type { ConversationEvent } from "../../conversation/ports/ConversationEvent.ts"
import type { CallSid } from "../../domain/Sid.ts"
import type { StoreWrite } from "../../store/StoreWrite.ts"
import * as Words from "./Words.ts"

type TurnWritten = Extract<StoreWrite, { readonly _tag: "TurnWritten" }>

export interface TurnRecorder {
  /** The turns that change with this event. */
  readonly on: (event: ConversationEvent) => ReadonlyArray<TurnWritten>
}

interface OpenTurn {
  readonly turn: number
  readonly startedAt: number
  readonly text: string
}

/** Replies that are spoken and not finished: one, or two for a moment. */
const maxOpenTurns = 8

/** `firstTurn`: the number of the next turn, for a call that another process had before. */
export const make = (callSid: CallSid, firstTurn = 0): TurnRecorder => {
  let nextTurn = firstTurn
  /** By the reply's number. */
  const open = new Map<number, OpenTurn>()
  const latencies = new Map<number, number>()

  const forget = (reply: number) => {
    open.delete(reply)
    latencies.delete(reply)
  }

  const agentTurn = ({ startedAt, text, turn }: OpenTurn, endedAt: number): TurnWritten => ({
    _tag: "TurnWritten",
    callSid,
    turn,
    role: "agent",
    startedAt: Math.round(startedAt),
    endedAt: Math.round(endedAt),
    text,
    words: [],
    isCut: false
  })

  const onCallerSaid = ({ at, endedAt = at, startedAt = at, text }: Extract<ConversationEvent, { readonly _tag: "CallerSaid" }>): TurnWritten => ({
    _tag: "TurnWritten",
    callSid,
    turn: nextTurn++,
    role: "caller",
    startedAt: Math.round(startedAt),
    endedAt: Math.round(endedAt),
    text,
    words: Words.spread(text, startedAt, endedAt - startedAt),
    isCut: false
  })

  const onAgentSays = ({ at, text, turn: reply }: Extract<ConversationEvent, { readonly _tag: "AgentSays" }>): TurnWritten => {
    const before = open.get(reply)
    const now = before === undefined ? { turn: nextTurn++, startedAt: at, text } : { ...before, text: `${before.text} ${text}` }
    open.set(reply, now)
    for (const oldest of open.keys()) {
      if (open.size <= maxOpenTurns) break
      forget(oldest)
    }
    return agentTurn(now, at)
  }

  const onAgentHeard = (event: Extract<ConversationEvent, { readonly _tag: "AgentHeard" }>): ReadonlyArray<TurnWritten> => {
    const { at, isWhole, played = [], text: heard, turn: reply } = event
    const begun = open.get(reply)
    if (begun === undefined) return []
    const latency = latencies.get(reply)
    forget(reply)
    const last = played.at(-1)
    return [{
      ...agentTurn({ ...begun, startedAt: played[0]?.at ?? begun.startedAt }, last === undefined ? at : last.at + last.millis),
      words: Words.ofAgent(begun.text, played, heard),
      isCut: !isWhole,
      ...(latency === undefined ? {} : { latency: Math.round(latency) })
    }]
  }

  return {
    on: (event) => {
      switch (event._tag) {
        case "CallerSaid":
          return event.text.trim().length === 0 ? [] : [onCallerSaid(event)]
        case "AgentSays":
          return [onAgentSays(event)]
        case "AgentHeard":
          return onAgentHeard(event)
        case "TurnMeasured":
          if (event.times.heard !== undefined) latencies.set(event.turn, event.times.heard)
          return []
        default:
          return []
      }
    }
  }
}
