/**
 * The fields of a call in the API and in webhooks. Both have the same fields.
 */
import { DateTime } from "effect"
import { CallSid } from "../../domain/Sid.ts"
import type { Outcome } from "../StoreWrite.ts"
import type { CallSummary } from "./CallRecord.ts"

/** Formats a time (ms since 1970) as ISO 8601. */
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

/** The fields of the call's end that the list of calls has. */
export const ending = ({ endedAt, outcome }: CallSummary) => ({
  ended_at: isoOrNull(endedAt),
  status: outcome?.status ?? null,
  reason: outcome?.reason ?? null,
  ended_by: outcome?.endedBy ?? null,
  duration_seconds: outcome?.durationSeconds ?? null,
  final: outcome?.final ?? false
})

const usageOf = ({ characters, engine, inputTokens, outputTokens, requests, soundSeconds, stage }: Outcome["engines"][number]) => ({
  stage,
  engine,
  requests,
  ...(soundSeconds === undefined ? {} : { sound_seconds: soundSeconds }),
  ...(inputTokens === undefined ? {} : { input_tokens: inputTokens }),
  ...(outputTokens === undefined ? {} : { output_tokens: outputTokens }),
  ...(characters === undefined ? {} : { characters })
})

/** All fields of the outcome. Before the call has ended, some of them are `null`. */
export const outcome = (call: CallSummary) => ({
  ...ending(call),
  sip_code: call.outcome?.sipCode ?? null,
  answered_by: call.outcome?.answeredBy ?? null,
  billable_minutes: call.outcome?.billableMinutes ?? null,
  streams: call.streams,
  // A process that takes a call over while the store does not answer does not know the earlier streams.
  resumptions: Math.max(call.outcome?.resumptions ?? 0, call.streams - 1),
  memory_lost: call.outcome?.isMemoryLost ?? false,
  usage: (call.outcome?.engines ?? []).map(usageOf),
  cost: call.outcome?.cost ?? null
})
