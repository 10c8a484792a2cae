/**
 * Stored calls as the API shows them.
 */
import { DateTime, Option } from "effect"
import { CallSid } from "../../../domain/Sid.ts"
import type { CallSummary } from "../../../store/history/CallRecord.ts"
import type { CallDetails, StoredAction } from "../../../store/history/StoredCalls.ts"
import type { StoredTurn } from "../../../store/history/TurnRows.ts"
import type { StoredDelivery } from "../../../store/history/DeliveryRows.ts"
import type { Recording } from "../../../store/recording/CallRecordings.ts"
import type { Outcome } from "../../../store/StoreWrite.ts"

const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(Math.round(millis)))
const isoOrNull = (millis: number | null) => millis === null ? null : iso(millis)

export const listed = (call: CallSummary) => {
  const { outcome } = call
  return {
    call_sid: CallSid.make(call.callSid),
    direction: call.direction,
    from: call.from,
    to: call.to,
    agent: call.agent,
    campaign: call.campaign,
    metadata: call.metadata,
    started_at: iso(call.startedAt),
    answered_at: isoOrNull(call.answeredAt),
    ended_at: isoOrNull(call.endedAt),
    status: outcome?.status ?? null,
    reason: outcome?.reason ?? null,
    ended_by: outcome?.endedBy ?? null,
    duration_seconds: outcome?.durationSeconds ?? null,
    final: outcome?.final ?? false,
    turns: call.turns,
    words: call.words
  }
}

const use = ({ characters, engine, inputTokens, outputTokens, requests, soundSeconds, stage }: Outcome["engines"][number]) => ({
  stage,
  engine,
  requests,
  ...(soundSeconds === undefined ? {} : { sound_seconds: soundSeconds }),
  ...(inputTokens === undefined ? {} : { input_tokens: inputTokens }),
  ...(outputTokens === undefined ? {} : { output_tokens: outputTokens }),
  ...(characters === undefined ? {} : { characters })
})

const delivery = (one: StoredDelivery) => ({
  id: one.id,
  type: one.type,
  state: one.state,
  attempts: one.attempts,
  next_at: isoOrNull(one.nextAt),
  last_error: one.lastError,
  created_at: iso(one.createdAt),
  updated_at: iso(one.updatedAt)
})

export const detailed = (call: CallDetails, recording: Option.Option<Recording>) => {
  const { figures, outcome } = call
  return {
    ...listed(call),
    live: call.isLive,
    sip_code: outcome?.sipCode ?? null,
    answered_by: outcome?.answeredBy ?? null,
    billable_minutes: outcome?.billableMinutes ?? null,
    streams: call.streams,
    resumptions: outcome?.resumptions ?? Math.max(0, call.streams - 1),
    memory_lost: outcome?.isMemoryLost ?? false,
    axis_started_at: isoOrNull(call.axisZero),
    figures: {
      caller_turns: figures.turns.caller,
      agent_turns: figures.turns.agent,
      interrupted: figures.interrupted,
      actions: figures.actions,
      latency_ms: figures.latency
    },
    usage: (outcome?.engines ?? []).map(use),
    cost: outcome?.cost ?? null,
    recording: Option.match(recording, {
      onNone: () => null,
      onSome: ({ duration, length }) => ({ duration_seconds: duration / 1000, bytes: length, path: `/calls/${call.callSid}/recording.wav` })
    }),
    deliveries: call.deliveries.map(delivery)
  }
}

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
    words: turn.words.map(({ at, isHeard, text }) => ({ text, ms: at, heard: isHeard }))
  })),
  actions: actions.map(({ answer, arguments: given, at, id, kind, name, state }) => ({ id, kind, name, ms: at, state, arguments: given, answer }))
})
