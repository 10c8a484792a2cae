/**
 * The body of a webhook: `{ type, timestamp, data }`, read from the store when the webhook is sent for the first time. Its fields have the
 * same names as in `GET /calls/{callSid}`.
 */
import { Context, Data, Effect, Layer, Option } from "effect"
import { AppConfig } from "../config/AppConfig.ts"
import type { CallSid } from "../domain/Sid.ts"
import type { StoreUnreachable } from "../store/CallStore.ts"
import { Database } from "../store/Database.ts"
import { SealedWords } from "../store/encryption/SealedWords.ts"
import * as CallFields from "../store/history/CallFields.ts"
import { type CallRow, columns, toSummary } from "../store/history/CallRecord.ts"
import { type StoredTurn, turnsOf } from "../store/history/TurnRows.ts"
import { runner } from "../store/Statements.ts"
import type { DeliveryType } from "../store/StoreWrite.ts"

interface Row extends CallRow {
  readonly is_transcript_sent: number | null
  readonly webhook_url: string | null
}

/** The heard words of a turn, or its whole text if its single words are not known. */
const heardOf = ({ text, words }: StoredTurn): string =>
  words.length === 0 ? text : words.filter(({ isHeard }) => isHeard).map((word) => word.text).join(" ")

/** A turn without its single words. The single words of an hour would be half a megabyte. Clients can get them from the API. */
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

/** The words of a webhook, or of its transcript, are sealed and can't be opened. The log says which key is missing. */
export class WordsUnopenable extends Data.TaggedError("WordsUnopenable") {}

export class Payloads extends Context.Service<Payloads, {
  /** The body of a webhook; `None`: the store does not know the call. */
  readonly of: (type: DeliveryType, callSid: CallSid) => Effect.Effect<Option.Option<string>, StoreUnreachable | WordsUnopenable>
  /** Whether the call's request or its agent named an address for webhooks. */
  readonly hasOwnAddress: (callSid: CallSid) => Effect.Effect<boolean, StoreUnreachable>
}>()("client-caller/delivery/Payloads") {
  static readonly layer = Layer.effect(Payloads, Effect.suspend(() => make))
}

const make = Effect.gen(function*() {
  const { dialect, query, sql } = yield* Database
  const { webhooks } = yield* AppConfig
  const words = yield* SealedWords
  const run = runner(sql, dialect)

  const find = (callSid: CallSid) =>
    Effect.map(
      run<Row>(`SELECT ${columns}, c.is_transcript_sent, c.webhook_url FROM calls c WHERE c.call_sid = ? AND c.started_at IS NOT NULL`, [callSid]),
      ([row]) => Option.fromUndefinedOr(row)
    )

  const transcript = Effect.fnUntraced(function*(row: Row, callSid: CallSid) {
    if (row.keeps_words !== 1 || (row.is_transcript_sent !== 1 && !webhooks.hasTranscript)) return {}
    const turns = yield* turnsOf(run, words, callSid)
    if (turns.some(({ unreadable }) => unreadable !== undefined)) return yield* new WordsUnopenable()
    return { transcript: turns.map(turnOf) }
  })

  return Payloads.of({
    of: (type, callSid) =>
      query(Effect.gen(function*() {
        const found = yield* find(callSid)
        if (Option.isNone(found)) return Option.none<string>()
        const call = toSummary(found.value)
        const isEnd = type === "call.ended"
        const at = (isEnd ? call.endedAt : call.answeredAt) ?? call.startedAt
        const begun = CallFields.beginning(call)
        const data = isEnd ? { ...begun, ...CallFields.outcome(call), ...(yield* transcript(found.value, callSid)) } : begun
        return Option.some(JSON.stringify({ type, timestamp: CallFields.iso(at), data }))
      })),
    hasOwnAddress: (callSid) => query(Effect.map(find(callSid), Option.exists((row) => row.webhook_url !== null)))
  })
})
