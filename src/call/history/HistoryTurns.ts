/**
 * Makes the turns of a call's history from the events of its conversation.
 *
 * A turn of the agent is written as unheard when the agent begins to say it. It is written again when the heard part is known. If the process
 * dies in between, the turn stays unheard. A turn of the caller is written once, when it is over.
 */
import type { ConversationEvent } from "../../conversation/ports/ConversationEvent.ts"
import type { CallSid } from "../../domain/Sid.ts"
import type { StoreWrite } from "../../store/StoreWrite.ts"
import * as Words from "./Words.ts"

type TurnWritten = Extract<StoreWrite, { readonly _tag: "TurnWritten" }>

export interface HistoryTurns {
  /** The turns that change with this event. */
  readonly on: (event: ConversationEvent) => ReadonlyArray<TurnWritten>
  /** Sets when the conversation began, in ms on the call's axis. The times of all later events count from there. Initially 0. */
  readonly conversationBegan: (at: number) => void
}

interface OpenTurn {
  readonly turn: number
  readonly startedAt: number
  readonly text: string
}

/** The most agent turns that may be open. Usually one is open, for a moment two. */
const maxOpenTurns = 8

/** `firstTurn`: the number of the first turn here, for a call that another process had before. */
export const make = (callSid: CallSid, firstTurn = 0): HistoryTurns => {
  let nextTurn = firstTurn
  /** When the conversation began, ms on the axis. */
  let origin = 0
  /** By the reply's number. */
  const open = new Map<number, OpenTurn>()
  /** How long the caller waited for each reply (ms), by the reply's number. */
  const latencies = new Map<number, number>()

  const forget = (reply: number) => {
    open.delete(reply)
    latencies.delete(reply)
  }

  const onAxis = (at: number): number => Math.round(origin + at)

  const agentTurn = ({ startedAt, text, turn }: OpenTurn, endedAt: number): TurnWritten => ({
    _tag: "TurnWritten",
    callSid,
    turn,
    role: "agent",
    startedAt,
    endedAt,
    text,
    words: Words.spread(text, startedAt, 0, false),
    isCut: false
  })

  const onCallerSaid = ({ at, endedAt = at, startedAt = at, text }: Extract<ConversationEvent, { readonly _tag: "CallerSaid" }>): TurnWritten => ({
    _tag: "TurnWritten",
    callSid,
    turn: nextTurn++,
    role: "caller",
    startedAt: onAxis(startedAt),
    endedAt: onAxis(endedAt),
    text,
    words: Words.spread(text, origin + startedAt, endedAt - startedAt),
    isCut: false
  })

  const onAgentSays = ({ at, text, turn: reply }: Extract<ConversationEvent, { readonly _tag: "AgentSays" }>): TurnWritten => {
    const before = open.get(reply)
    const extended = before === undefined ? { turn: nextTurn++, startedAt: onAxis(at), text } : { ...before, text: `${before.text} ${text}` }
    open.set(reply, extended)
    for (const oldest of open.keys()) {
      if (open.size <= maxOpenTurns) break
      forget(oldest)
    }
    return agentTurn(extended, onAxis(at))
  }

  const onAgentHeard = (event: Extract<ConversationEvent, { readonly _tag: "AgentHeard" }>): ReadonlyArray<TurnWritten> => {
    const { at, isWhole, text: heard, turn: reply } = event
    const played = (event.played ?? []).map((piece) => ({ ...piece, at: origin + piece.at }))
    const begun = open.get(reply)
    const latency = latencies.get(reply)
    forget(reply)
    if (begun === undefined) return []
    const last = played.at(-1)
    const startedAt = Math.round(played[0]?.at ?? begun.startedAt)
    return [{
      ...agentTurn({ ...begun, startedAt }, last === undefined ? onAxis(at) : Math.round(last.at + last.millis)),
      words: Words.ofAgent(begun.text, played, heard, startedAt),
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
    },
    conversationBegan: (at) => {
      origin = at
    }
  }
}
