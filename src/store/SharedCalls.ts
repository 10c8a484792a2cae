/**
 * The data that the processes of one store share: stored calls, the owner of each call, used stream tokens, and Twilio's status reports for the owners.
 */
import { Clock, Effect, Option, Result, Schedule, Schema } from "effect"
import { randomUUID } from "node:crypto"
import type { CallSid } from "../domain/Sid.ts"
import type { StatusReport, StoredCall, StoreUnreachable } from "./CallStore.ts"
import type { Database } from "./Database.ts"
import { places, type SealedWords } from "./encryption/SealedWords.ts"

/** The most reports that one query returns. */
const maxReports = 500

/** The most unended calls that one query returns. */
const maxUnended = 200

const dayMillis = 24 * 60 * 60 * 1000

/** How long used tokens and unread reports are kept. A token is valid for a few minutes. */
const keptMillis = dayMillis

/** How long an ownership is kept after its last heartbeat. No call lasts that long. */
const ownershipKeptMillis = 7 * dayMillis

const Json = Schema.fromJsonString(Schema.Json)
const readJson = Schema.decodeUnknownOption(Json)

const Report = Schema.fromJsonString(Schema.Struct({
  status: Schema.String,
  sequence: Schema.Number,
  sipCode: Schema.optionalKey(Schema.Number),
  answeredBy: Schema.optionalKey(Schema.String),
  durationSeconds: Schema.optionalKey(Schema.Number)
}))
const readReport = Schema.decodeUnknownOption(Report)

interface CallRow {
  readonly call_sid: CallSid
  readonly account_sid: string
  readonly direction: "inbound" | "outbound"
  readonly from_number: string | null
  readonly to_number: string | null
  readonly agent: string
  readonly started_at: number | null
  readonly answered_at: number | null
  readonly axis_zero: number | null
  readonly ended_at: number | null
  /** Twilio's final status. */
  readonly status: string | null
  readonly reason: string | null
  readonly keeps_words: number
  readonly hashes_numbers: number
  readonly is_recorded: number
  readonly metadata: string | null
  readonly campaign: string | null
  readonly webhook_url: string | null
  readonly is_transcript_sent: number
  readonly parts: number
  readonly last_event: number | null
  readonly last_turn: number | null
  readonly version: number | null
  readonly memory: string | null
}

interface ActionRow {
  readonly id: string
  readonly kind: "tool" | "transfer" | "keys"
  readonly name: string
  readonly arguments: string
  readonly is_repeatable: number
  readonly at: number
}

/** Opens the sealed words of a call. A memory that can't be opened becomes the JSON `null`, so that it counts as lost and not as absent. */
const openStoredCall = Effect.fnUntraced(function*({ open, openJson }: SealedWords["Service"], row: CallRow, actions: ReadonlyArray<ActionRow>) {
  const memory = row.memory === null ? null : Result.getOrElse(yield* openJson(row.memory, places.memory(row.call_sid)), () => "null")
  const openedActions = yield* Effect.forEach(actions, (action) =>
    Effect.map(open(action.arguments, places.actionArguments(row.call_sid, action.id)), (plain) => ({ ...action, arguments: Result.getOrElse(plain, () => action.arguments) })))
  return toStoredCall({ ...row, memory }, openedActions)
})

const toStoredCall = (row: CallRow, actions: ReadonlyArray<ActionRow>): StoredCall => ({
  callSid: row.call_sid,
  accountSid: row.account_sid,
  direction: row.direction,
  from: row.from_number,
  to: row.to_number,
  agent: row.agent,
  startedAt: row.started_at ?? 0,
  answeredAt: row.answered_at,
  axisZero: row.axis_zero,
  endedAt: row.ended_at,
  endReason: row.reason,
  isOver: row.status !== null,
  keepsWords: row.keeps_words === 1,
  hashesNumbers: row.hashes_numbers === 1,
  isRecorded: row.is_recorded === 1,
  metadata: Option.getOrNull(Option.flatMap(Option.fromNullOr(row.metadata), readJson)),
  campaign: row.campaign,
  webhookUrl: row.webhook_url,
  isTranscriptSent: row.is_transcript_sent === 1,
  parts: row.parts,
  nextEvent: (row.last_event ?? -1) + 1,
  nextTurn: (row.last_turn ?? -1) + 1,
  memory: Option.map(Option.flatMap(Option.fromNullOr(row.memory), readJson), (memory) => ({ version: row.version ?? 0, memory })),
  openActions: actions.map(({ is_repeatable, ...action }) => ({ ...action, isRepeatable: is_repeatable === 1 }))
})

/** Waits until the database has all writes of a call, so that a read finds them. */
type WhenSettled = (callSid: CallSid) => Effect.Effect<void, StoreUnreachable>

export const make = Effect.fnUntraced(function*(database: Database["Service"], words: SealedWords["Service"], whenSettled: WhenSettled) {
  const { dialect, query, sql } = database
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  /** The id of this process as an owner of calls. */
  const self = randomUUID()

  const find = Effect.fnUntraced(function*(callSid: CallSid) {
    yield* whenSettled(callSid)
    return yield* query(Effect.gen(function*() {
      const [row] = yield* sql<CallRow>`SELECT calls.*,
        (SELECT MAX(sequence) FROM events WHERE events.call_sid = calls.call_sid) AS last_event,
        (SELECT MAX(turn) FROM turns WHERE turns.call_sid = calls.call_sid) AS last_turn,
        conversations.version, conversations.memory
        FROM calls LEFT JOIN conversations ON conversations.call_sid = calls.call_sid WHERE calls.call_sid = ${callSid}`
      if (row === undefined || row.started_at === null) return Option.none<StoredCall>()
      const actions = yield* sql<ActionRow>`SELECT id, kind, name, arguments, is_repeatable, at FROM actions WHERE call_sid = ${callSid} AND state = 'asked' ORDER BY at, id`
      return Option.some(yield* openStoredCall(words, row, actions))
    }))
  })

  const takeOwnership = (callSid: CallSid) =>
    query(Effect.asVoid(
      sql`INSERT INTO live_calls (call_sid, owner, epoch, heartbeat) VALUES (${callSid}, ${self}, 1, ${now()})
        ON CONFLICT (call_sid) DO UPDATE SET owner = excluded.owner, epoch = live_calls.epoch + 1, heartbeat = excluded.heartbeat`
    ))

  const isElsewhere = (callSid: CallSid) =>
    query(Effect.map(
      sql`SELECT 1 AS found FROM live_calls WHERE call_sid = ${callSid} AND (owner IS NULL OR owner <> ${self})`,
      (rows) => rows.length > 0
    ))

  const ownedCalls = query(Effect.map(
    sql<{ call_sid: CallSid }>`SELECT call_sid FROM live_calls WHERE owner = ${self}`,
    (rows) => new Set(rows.map(({ call_sid }) => call_sid))
  ))

  /** If another process has taken over the call, that process stays the owner. */
  const releaseOwnership = (callSid: CallSid) => query(Effect.asVoid(sql`UPDATE live_calls SET owner = NULL WHERE call_sid = ${callSid} AND owner = ${self}`))

  const greatest = sql.literal(dialect === "pg" ? "GREATEST" : "MAX")
  const findUnended = (accountSid: string, before: number) =>
    query(Effect.map(
      sql<{ call_sid: CallSid; seen_at: number }>`SELECT calls.call_sid, ${greatest}(
          calls.started_at,
          COALESCE(calls.answered_at, 0),
          COALESCE(live_calls.heartbeat, 0),
          COALESCE((SELECT MAX(at) FROM events WHERE events.call_sid = calls.call_sid), 0),
          COALESCE((SELECT MAX(started_at) FROM streams WHERE streams.call_sid = calls.call_sid), 0),
          COALESCE((SELECT at FROM conversations WHERE conversations.call_sid = calls.call_sid), 0)
        ) AS seen_at
        FROM calls LEFT JOIN live_calls ON live_calls.call_sid = calls.call_sid
        WHERE calls.account_sid = ${accountSid} AND calls.ended_at IS NULL AND calls.started_at < ${before} AND COALESCE(live_calls.heartbeat, 0) < ${before}
        ORDER BY calls.started_at LIMIT ${maxUnended}`,
      (rows) => rows.map(({ call_sid, seen_at }) => ({ callSid: call_sid, seenAt: seen_at }))
    ))

  const claim = (callSid: CallSid, before: number) =>
    query(Effect.map(
      sql`INSERT INTO live_calls (call_sid, owner, epoch, heartbeat) VALUES (${callSid}, ${self}, 1, ${now()})
        ON CONFLICT (call_sid) DO UPDATE SET owner = excluded.owner, epoch = live_calls.epoch + 1, heartbeat = excluded.heartbeat
        WHERE live_calls.heartbeat < ${before} RETURNING call_sid`,
      (rows) => rows.length > 0
    ))

  const redeem = (nonce: string) =>
    query(Effect.map(
      sql`INSERT INTO stream_tokens (nonce, used_at) VALUES (${nonce}, ${now()}) ON CONFLICT DO NOTHING RETURNING nonce`,
      (rows) => rows.length > 0
    ))

  const sendToOwner = (callSid: CallSid, report: StatusReport) =>
    query(Effect.asVoid(sql`INSERT INTO call_signals (call_sid, signal, at) VALUES (${callSid}, ${JSON.stringify(report)}, ${now()})`))

  /** A query skips reports that another query is deleting at the same time. */
  const skipLocked = sql.literal(dialect === "pg" ? "FOR UPDATE OF call_signals SKIP LOCKED" : "")
  const takeReports = query(Effect.map(
    sql<{ id: number | bigint; call_sid: CallSid; signal: string }>`DELETE FROM call_signals WHERE id IN (
      SELECT call_signals.id FROM call_signals JOIN live_calls ON live_calls.call_sid = call_signals.call_sid
      WHERE live_calls.owner = ${self} ORDER BY call_signals.id LIMIT ${maxReports} ${skipLocked}
    ) RETURNING id, call_sid, signal`,
    (rows) =>
      rows.toSorted((one, other) => Number(one.id) - Number(other.id)).flatMap(({ call_sid, signal }) =>
        Option.toArray(Option.map(readReport(signal), (report) => ({ callSid: call_sid, report })))
      )
  ))

  yield* maintainRows(database, self, now)

  return { find, takeOwnership, findUnended, claim, isElsewhere, ownedCalls, releaseOwnership, redeem, sendToOwner, takeReports }
})

/** Writes this process's heartbeat for its calls every 10 seconds, and deletes old rows every hour. */
const maintainRows = Effect.fnUntraced(function*({ dialect, query, sql, transaction }: Database["Service"], self: string, now: () => number) {
  const writeHeartbeat = sql`UPDATE live_calls SET heartbeat = ${sql.literal(dialect === "pg" ? "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS DOUBLE PRECISION)" : "unixepoch('subsec') * 1000")} WHERE owner = ${self}`
  const deleteOld = transaction(Effect.gen(function*() {
    yield* sql`DELETE FROM stream_tokens WHERE used_at < ${now() - keptMillis}`
    yield* sql`DELETE FROM call_signals WHERE at < ${now() - keptMillis}`
    yield* sql`DELETE FROM live_calls WHERE heartbeat < ${now() - ownershipKeptMillis}`
  }))
  yield* Effect.forkScoped(Effect.repeat(Effect.ignore(query(writeHeartbeat)), Schedule.spaced("10 seconds")))
  yield* Effect.forkScoped(Effect.repeat(Effect.ignore(query(deleteOld)), Schedule.spaced("1 hour")))
})
