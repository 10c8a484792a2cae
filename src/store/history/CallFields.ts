/**
 * The fields of a call as the API and the webhooks show them. Both show the same fields.
 */
import { DateTime } from "effect"
import { CallSid } from "../../domain/Sid.ts"
import type { Outcome } from "../StoreWrite.ts"
import type { CallSummary } from "./CallRecord.ts"

/** ISO 8601, of ms since 1970. */
export const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(Math.round(millis)))
export const isoOrNull = (millis: number | null) => millis === null ? null : iso(millis)

export const beginning = (call: CallSummary) => ({
  call_sid: CallSid.make(call.callSid),
  direction: call.direction,
  from: call.from,
  to: call.to,
  agent: call.agent,
  campaign: call.campaign,
  metadata: call.metadata,
  started_at: iso(call.startedAt),
  answered_at: isoOrNull(call.answeredAt)
})

/** The end, as far as the list of calls has it. */
export const ending = ({ endedAt, outcome }: CallSummary) => ({
  ended_at: isoOrNull(endedAt),
  status: outcome?.status ?? null,
  reason: outcome?.reason ?? null,
  ended_by: outcome?.endedBy ?? null,
  duration_seconds: outcome?.durationSeconds ?? null,
  final: outcome?.final ?? false
})

const use = ({ characters, engine, inputTokens, outputTokens, requests, soundSeconds, stage }: Outcome["engines"][number]) => ({
  stage,
  engine,
  requests,
  ...(soundSeconds === undefined ? {} : { sound_seconds: soundSeconds }),
  ...(inputTokens === undefined ? {} : { input_tokens: inputTokens }),
  ...(outputTokens === undefined ? {} : { output_tokens: outputTokens }),
  ...(characters === undefined ? {} : { characters })
})

/** The whole outcome. Before the call's end is known, what is known so far. */
export const outcome = (call: CallSummary) => ({
  ...ending(call),
  sip_code: call.outcome?.sipCode ?? null,
  answered_by: call.outcome?.answeredBy ?? null,
  billable_minutes: call.outcome?.billableMinutes ?? null,
  streams: call.streams,
  // A process that takes a call over while the store does not answer does not know of the streams before.
  resumptions: Math.max(call.outcome?.resumptions ?? 0, call.streams - 1),
  memory_lost: call.outcome?.isMemoryLost ?? false,
  usage: (call.outcome?.engines ?? []).map(use),
  cost: call.outcome?.cost ?? null
})
