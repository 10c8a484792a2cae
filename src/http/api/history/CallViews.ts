/**
 * The JSON in which the API shows stored calls.
 */
import { Option } from "effect"
import type { CallSid } from "../../../domain/Sid.ts"
import type { Unreadable } from "../../../store/encryption/SealedWords.ts"
import { beginning, ending, iso, isoOrNull, outcome } from "../../../store/history/CallFields.ts"
import type { CallSummary } from "../../../store/history/CallRecord.ts"
import type { CallDetails, StoredAction } from "../../../store/history/StoredCalls.ts"
import type { StoredTurn } from "../../../store/history/TurnRows.ts"
import type { StoredDelivery } from "../../../store/history/DeliveryRows.ts"
import type { Recording } from "../../../store/recording/CallRecordings.ts"

export const listItem = (call: CallSummary) => ({ ...beginning(call), ...ending(call), turns: call.turns, words: call.words })

const delivery = (stored: StoredDelivery) => ({
  id: stored.id,
  type: stored.type,
  state: stored.state,
  attempts: stored.attempts,
  next_at: isoOrNull(stored.nextAt),
  last_error: stored.lastError,
  created_at: iso(stored.createdAt),
  updated_at: iso(stored.updatedAt)
})

export const details = (call: CallDetails, recording: Option.Option<Recording>) => {
  const { figures } = call
  return {
    ...listItem(call),
    ...outcome(call),
    live: call.isLive,
    axis_started_at: isoOrNull(call.axisZero),
    figures: {
      caller_turns: figures.turns.caller,
      agent_turns: figures.turns.agent,
      interrupted: figures.interrupted,
      actions: figures.actions,
      latency_ms: figures.latency
    },
    recording: Option.match(recording, {
      onNone: () => null,
      onSome: ({ duration, length }) => ({ duration_seconds: duration / 1000, bytes: length, path: `/calls/${call.callSid}/recording.wav` })
    }),
    deliveries: call.deliveries.map(delivery)
  }
}

const unreadable = ({ unreadable }: Unreadable) => unreadable === undefined ? {} : { unreadable }

export const transcript = (callSid: CallSid, turns: ReadonlyArray<StoredTurn>, actions: ReadonlyArray<StoredAction>) => ({
  call_sid: callSid,
  turns: turns.map((turn) => ({
    turn: turn.turn,
    role: turn.role,
    started_ms: turn.startedAt,
    ended_ms: turn.endedAt,
    text: turn.text,
    cut: turn.isCut,
    latency_ms: turn.latency,
    ...unreadable(turn),
    words: turn.words.map(({ at, isHeard, text }) => ({ text, ms: at, heard: isHeard }))
  })),
  actions: actions.map((action) => {
    const { answer, arguments: given, at, id, kind, name, state } = action
    return { id, kind, name, ms: at, state, arguments: given, answer, ...unreadable(action) }
  })
})
