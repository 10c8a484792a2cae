/**
 * The body of a webhook: `{ type, timestamp, data }`, read from the store when the webhook is sent for the first time. Its fields have the
 * same names as in `GET /calls/{callSid}`.
 */
import { Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { AppConfig } from "../config/AppConfig.ts"
import type { CallSid } from "../domain/Sid.ts"
import type { StoreUnreachable } from "../store/CallStore.ts"
import { Database } from "../store/Database.ts"
import { placeholders } from "../store/Dialect.ts"
import { type StoredTurn, toTurn, type TurnRow } from "../store/history/TurnRows.ts"
import { type DeliveryType, Outcome } from "../store/StoreWrite.ts"

interface CallRow {
  readonly call_sid: CallSid
  readonly direction: string | null
  readonly from_number: string | null
  readonly to_number: string | null
  readonly agent: string | null
  readonly campaign: string | null
  readonly metadata: string | null
  readonly started_at: number | null
  readonly answered_at: number | null
  readonly ended_at: number | null
  readonly parts: number
  readonly keeps_words: number | null
  readonly is_transcript_sent: number | null
  readonly webhook_url: string | null
  readonly outcome: string | null
}

const readJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Json))
const readOutcome = Schema.decodeUnknownOption(Schema.fromJsonString(Outcome))

const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(Math.round(millis)))
const isoOrNull = (millis: number | null) => millis === null ? null : iso(millis)

const begun = (row: CallRow) => ({
  call_sid: row.call_sid,
  direction: row.direction,
  from: row.from_number,
  to: row.to_number,
  agent: row.agent,
  campaign: row.campaign,
  metadata: Option.getOrNull(Option.flatMap(Option.fromNullOr(row.metadata), readJson)),
  started_at: isoOrNull(row.started_at),
  answered_at: isoOrNull(row.answered_at)
})

const use = ({ characters, engine, inputTokens, outputTokens, requests, soundSeconds, stage }: Outcome["engines"][number]) => ({
  stage,
  engine,
  requests,
  sound_seconds: soundSeconds,
  input_tokens: inputTokens,
  output_tokens: outputTokens,
  characters
})

const ended = (row: CallRow) => {
  const outcome = Option.getOrUndefined(Option.flatMap(Option.fromNullOr(row.outcome), readOutcome))
  return {
    ended_at: isoOrNull(row.ended_at),
    status: outcome?.status ?? null,
    reason: outcome?.reason ?? null,
    ended_by: outcome?.endedBy ?? null,
    sip_code: outcome?.sipCode ?? null,
    answered_by: outcome?.answeredBy ?? null,
    duration_seconds: outcome?.durationSeconds ?? null,
    billable_minutes: outcome?.billableMinutes ?? null,
    streams: row.parts,
    resumptions: outcome?.resumptions ?? 0,
    memory_lost: outcome?.isMemoryLost ?? false,
    usage: (outcome?.engines ?? []).map(use),
    cost: outcome?.cost ?? null,
    final: outcome?.final ?? false
  }
}

/** The heard words of a turn; all of its text if the single words are not known. */
const heardOf = ({ text, words }: StoredTurn): string =>
  words.length === 0 ? text : words.filter(({ isHeard }) => isHeard).map((word) => word.text).join(" ")

/** A turn without its single words: those of an hour would be half a megabyte. The API has them. */
const turnOf = (turn: StoredTurn) => ({
  turn: turn.turn,
  role: turn.role,
  started_ms: turn.startedAt,
  ended_ms: turn.endedAt,
  text: turn.text,
  heard: heardOf(turn),
  cut: turn.isCut,
  latency_ms: turn.latency
})

export class Payloads extends Context.Service<Payloads, {
  /** The body of a webhook; `None`: the store does not know the call. */
  readonly of: (type: DeliveryType, callSid: CallSid) => Effect.Effect<Option.Option<string>, StoreUnreachable>
  /** Whether the call's request or its agent named an address for webhooks. */
  readonly hasOwnAddress: (callSid: CallSid) => Effect.Effect<boolean, StoreUnreachable>
}>()("client-caller/delivery/Payloads") {
  static readonly layer = Layer.effect(Payloads, Effect.suspend(() => make))
}

const make = Effect.gen(function*() {
  const { dialect, query, sql } = yield* Database
  const { webhooks } = yield* AppConfig

  const rows = <Row extends object>(text: string, callSid: CallSid): Effect.Effect<ReadonlyArray<Row>, SqlError> =>
    sql.unsafe<Row>(placeholders(dialect, text), [callSid])

  const call = (callSid: CallSid) => rows<CallRow>("SELECT * FROM calls WHERE call_sid = ? AND started_at IS NOT NULL", callSid)

  const transcript = Effect.fnUntraced(function*(row: CallRow) {
    if (row.keeps_words !== 1 || (row.is_transcript_sent !== 1 && !webhooks.hasTranscript)) return {}
    const turns = yield* rows<TurnRow>(
      "SELECT turn, role, started_at, ended_at, text, words, is_cut, latency FROM turns WHERE call_sid = ? ORDER BY turn",
      row.call_sid
    )
    return { transcript: turns.map((row) => turnOf(toTurn(row))) }
  })

  return Payloads.of({
    of: (type, callSid) =>
      query(Effect.gen(function*() {
        const [row] = yield* call(callSid)
        if (row === undefined) return Option.none<string>()
        const isEnd = type === "call.ended"
        const at = (isEnd ? row.ended_at : row.answered_at) ?? row.started_at ?? 0
        const data = isEnd ? { ...begun(row), ...ended(row), ...(yield* transcript(row)) } : begun(row)
        return Option.some(JSON.stringify({ type, timestamp: iso(at), data }))
      })),
    hasOwnAddress: (callSid) => query(Effect.map(call(callSid), ([row]) => row !== undefined && row.webhook_url !== null))
  })
})
