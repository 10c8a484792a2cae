/**
 * Applies writes as SQL. A write may be applied again, and writes may come in another order: the later of two writes wins, and missing
 * values are filled in.
 *
 * The statements are plain text on the transaction's connection, not templates of `effect/sql`. A template's span and compilation would
 * cost ten times what SQLite takes.
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { Dialect, Parameter } from "../Dialect.ts"
import { turnsPerCall } from "../migrations/Tables.ts"
import { holdsWords } from "../retention/Expiry.ts"
import { connectionRunner, isIn, listOf, runAll, type Statement } from "../Statements.ts"
import { maxMetadataLength, type StoreWrite } from "../StoreWrite.ts"
import type { Stamped } from "./WriteQueue.ts"

type Row = ReadonlyArray<Parameter>

type Tag = StoreWrite["_tag"]
type Of<T extends Tag> = Stamped & { readonly write: Extract<StoreWrite, { readonly _tag: T }> }

/** The key of a Postgres lock. Writers share the lock, and an erasure holds it alone, so no call is written to during its erasure. */
export const erasureLock = 733_201

const flag = (value: boolean): number => value ? 1 : 0

// -- Statements ---------------------------------------------------------------------------------

/** An insertion of several rows. `onConflict`: what to do if a row exists already. */
interface Insertion {
  readonly into: string
  readonly columns: ReadonlyArray<string>
  readonly onConflict: string
}

/** Keeps the values that a row has, and fills in the missing ones. */
const fillMissing = (columns: ReadonlyArray<string>) => columns.map((column) => `${column} = COALESCE(calls.${column}, excluded.${column})`).join(", ")

const replaceAll = (columns: ReadonlyArray<string>) => columns.map((column) => `${column} = excluded.${column}`).join(", ")

/** Inserts rows, or replaces stored ones. `isNewer`: the condition on which a row replaces the stored one. */
const upsert = (table: string, key: string, columns: ReadonlyArray<string>, isNewer = `excluded.written_at >= ${table}.written_at`): Insertion => ({
  into: table,
  columns: [...key.split(", "), ...columns],
  onConflict: `(${key}) DO UPDATE SET ${replaceAll(columns)} WHERE ${isNewer}`
})

const actionRank = (table: string) => `CASE ${table}.state WHEN 'asked' THEN 0 WHEN 'unknown' THEN 1 ELSE 2 END`

/**
 * A process that takes a call over writes open actions as unknown. A result from the earlier process wins over unknown, and both win over the
 * request, whichever is written first: the clocks of two machines differ.
 */
const isNewerAction = `CASE
  WHEN ${actionRank("excluded")} < ${actionRank("actions")} THEN 0
  WHEN ${actionRank("excluded")} > ${actionRank("actions")} THEN 1
  WHEN excluded.written_at >= actions.written_at THEN 1
  ELSE 0 END = 1`

const beginningColumns = [
  "account_sid", "direction", "from_number", "to_number", "agent", "started_at", "keeps_words", "hashes_numbers", "is_recorded", "metadata", "campaign",
  "webhook_url", "is_transcript_sent"
]

const endColumns = ["ended_at", "outcome", "status", "reason", "ended_by", "is_final", "ended_written_at"]

const beginnings: Insertion = { into: "calls", columns: ["call_sid", ...beginningColumns], onConflict: `(call_sid) DO UPDATE SET ${fillMissing(beginningColumns)}` }
const metadataFields: Insertion = { into: "call_metadata", columns: ["call_sid", "name", "value", "started_at"], onConflict: "DO NOTHING" }
const answerTimes: Insertion = { into: "calls", columns: ["call_sid", "answered_at"], onConflict: `(call_sid) DO UPDATE SET ${fillMissing(["answered_at"])}` }
const streams: Insertion = { into: "streams", columns: ["call_sid", "part", "started_at"], onConflict: "DO NOTHING" }
const axisZeros: Insertion = {
  into: "calls",
  columns: ["call_sid", "axis_zero"],
  onConflict: "(call_sid) DO UPDATE SET axis_zero = CASE WHEN calls.axis_zero < excluded.axis_zero THEN calls.axis_zero ELSE excluded.axis_zero END"
}
const ends: Insertion = {
  into: "calls",
  columns: ["call_sid", ...endColumns],
  onConflict: `(call_sid) DO UPDATE SET ${replaceAll(endColumns)} WHERE calls.ended_written_at IS NULL OR excluded.ended_written_at >= calls.ended_written_at`
}
const turns = upsert("turns", "call_sid, turn", ["role", "started_at", "ended_at", "text", "words", "is_cut", "latency", "written_at"])
const actions = upsert("actions", "call_sid, id", ["kind", "name", "arguments", "is_repeatable", "at", "state", "answer", "written_at"], isNewerAction)
const recordings = upsert("recordings", "call_sid, part", ["started_at", "duration", "file", "place", "written_at"])
const events: Insertion = { into: "events", columns: ["call_sid", "sequence", "at", "event"], onConflict: "DO NOTHING" }
const conversations: Insertion = {
  into: "conversations",
  columns: ["call_sid", "version", "at", "memory"],
  onConflict: "(call_sid) DO UPDATE SET version = excluded.version, at = excluded.at, memory = excluded.memory WHERE excluded.version > conversations.version"
}

const deliveries: Insertion = {
  into: "deliveries",
  columns: ["id", "call_sid", "type", "url", "host", "payload", "state", "next_at", "created_at", "updated_at"],
  onConflict: "DO NOTHING"
}

/**
 * Creates the call's row before all other rows of the call. Retention finds the call's words by this row, and on SQLite a turn's id
 * contains the row's number.
 */
const callRows: Insertion = { into: "calls", columns: ["call_sid", "first_write_at"], onConflict: "DO NOTHING" }

/** The texts that were made so far, by insertion and number of rows. Making a text takes longer than using it. */
const texts = new Map<Insertion, Map<number, string>>()

const makeText = ({ columns, into, onConflict }: Insertion, rows: number): string => {
  const row = `(${columns.map(() => "?").join(", ")})`
  return `INSERT INTO ${into} (${columns.join(", ")}) VALUES ${Array.from({ length: rows }, () => row).join(", ")} ON CONFLICT ${onConflict}`
}

const textOf = (insertion: Insertion, rows: number): string => {
  const known = texts.get(insertion) ?? new Map<number, string>()
  texts.set(insertion, known)
  const text = known.get(rows) ?? makeText(insertion, rows)
  known.set(rows, text)
  return text
}

const sqliteTurn = `INSERT INTO turns (id, ${turns.columns.join(", ")})
VALUES ((SELECT number FROM calls WHERE call_sid = ?) * ${turnsPerCall} + ?, ${turns.columns.map(() => "?").join(", ")}) ON CONFLICT ${turns.onConflict}`

/** How many rows one statement of Postgres may have. Each statement is a round trip, and each of these sizes is prepared once. */
const rowsAtOnce = [32, 8, 1]

/** Keeps the last row of each key, because one statement must not have two rows with the same key. A row begins with its key. */
const lastOfEach = (rows: ReadonlyArray<Row>, keyColumns: number): ReadonlyArray<Row> => [
  ...new Map(rows.map((row) => [JSON.stringify(row.slice(0, keyColumns)), row])).values()
]

// -- Rows ---------------------------------------------------------------------------------------

const metadataRows = ({ write }: Of<"CallBegan">): ReadonlyArray<Row> => {
  const { at, callSid, metadata } = write
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) return []
  return Object.entries(metadata).flatMap(([name, value]) =>
    value === null || typeof value === "object" ? [] : [[callSid, name.slice(0, maxMetadataLength), String(value).slice(0, maxMetadataLength), at]]
  )
}

const beginningRow = ({ write }: Of<"CallBegan">): Row => [
  write.callSid, write.accountSid, write.direction, write.from, write.to, write.agent, write.at, flag(write.keeping.words), flag(write.keeping.numbers === "hashed"),
  flag(write.isRecorded), write.metadata === null ? null : JSON.stringify(write.metadata), write.campaign, write.webhookUrl, flag(write.isTranscriptSent)
]

const endRow = ({ at, write }: Of<"CallEnded">): Row => {
  const { outcome } = write
  return [write.callSid, write.at, JSON.stringify(outcome), outcome.status ?? null, outcome.reason, outcome.endedBy, flag(outcome.final), at]
}

const turnRow = ({ at, write }: Of<"TurnWritten">): Row => [
  write.callSid, write.turn, write.role, write.startedAt, write.endedAt, write.text, JSON.stringify(write.sealedWords ?? write.words), flag(write.isCut), write.latency ?? null, at
]

const actionRow = ({ at, write }: Of<"ActionWritten">): Row => [
  write.callSid, write.id, write.kind, write.name, write.arguments, flag(write.isRepeatable), write.at, write.state, write.answer ?? null, at
]

const recordingRow = ({ at, write }: Of<"RecordingPart">): Row => [write.callSid, write.part, write.startedAt, write.duration ?? null, write.file, write.place, at]

/** All attempts to send the webhook have this id, also if the webhook is requested again. */
const deliveryRow = ({ write: { at, callSid, type, url } }: Of<"DeliveryAsked">): Row => [
  `${type.replace(".", "_")}_${callSid}`, callSid, type, url, URL.parse(url)?.host ?? "", "", "pending", at, at, at
]

/** What the database has of a call. `wordless`: the call's words were deleted, and none may come back. */
interface PresenceRow {
  readonly call_sid: string
  readonly presence: "stored" | "wordless" | "erased"
}

interface NumbersRow {
  readonly call_sid: string
  readonly from_number: string | null
  readonly to_number: string | null
}

// -- Application --------------------------------------------------------------------------------

const make = (dialect: Dialect, connection: Connection) => {
  const run = connectionRunner(connection, dialect)
  let gathered: Array<Statement> = []

  /** Gathers a statement whose rows are not needed. `flush` runs it. */
  const add = (text: string, parameters: ReadonlyArray<Parameter>): void => {
    gathered.push({ text, parameters })
  }

  /** Runs the gathered statements, in order. */
  const flush = Effect.suspend(() => {
    const statements = gathered
    gathered = []
    return runAll(connection, dialect, statements)
  })

  const insert = (insertion: Insertion, rows: ReadonlyArray<Row>, sizes: ReadonlyArray<number> = dialect === "pg" ? rowsAtOnce : [1]): void => {
    let from = 0
    for (const size of sizes) {
      for (; rows.length - from >= size; from += size) add(textOf(insertion, size), rows.slice(from, from + size).flat())
    }
  }

  /** Inserts rows whose key may come twice: one by one, in order. */
  const insertEach = (insertion: Insertion, rows: ReadonlyArray<Row>): void => insert(insertion, rows, [1])

  const insertTurns = (rows: ReadonlyArray<Row>): void => {
    if (dialect === "pg") return insert(turns, lastOfEach(rows, 2))
    for (const row of rows) add(sqliteTurn, [row[0], row[1], ...row])
  }

  /** Runs a statement for these calls. `text` ends with the column of the SIDs. */
  const runFor = <Row extends object>(callSids: ReadonlySet<string>, text: string) => run<Row>(`${text} ${isIn(dialect)}`, [listOf(dialect, [...callSids])])

  /** Finds out which of these calls the database has, which of them have no words any more, and which were erased. */
  const findPresent = Effect.fnUntraced(function*(callSids: ReadonlySet<string>) {
    const list = listOf(dialect, [...callSids])
    const rows = yield* run<PresenceRow>(
      `SELECT call_sid, CASE WHEN figures IS NULL THEN 'stored' ELSE 'wordless' END AS presence FROM calls WHERE call_sid ${isIn(dialect)}
        UNION ALL SELECT call_sid, 'erased' FROM erased_calls WHERE call_sid ${isIn(dialect)}`,
      [list, list]
    )
    const of = (...wanted: ReadonlyArray<PresenceRow["presence"]>) => new Set(rows.flatMap(({ call_sid, presence }) => wanted.includes(presence) ? [call_sid] : []))
    return { stored: of("stored", "wordless"), wordless: of("wordless"), erased: of("erased") }
  })

  return { add, findPresent, flush, insert, insertEach, insertTurns, run, runFor }
}

/**
 * Applies writes within an open transaction. An erased call gets only its outcome. A call whose words were deleted gets no words.
 */
export const apply = Effect.fnUntraced(function*(sql: SqlClient, dialect: Dialect, writes: ReadonlyArray<Stamped>, hashNumber: (number: string) => string = (number) => number) {
  const all = writes.toSorted((one, other) => one.at - other.at)
  const [connection] = yield* Effect.orDie(Effect.fromOption(yield* Effect.serviceOption(sql.transactionService)))
  const { add, findPresent, flush, insert, insertEach, insertTurns, run, runFor } = make(dialect, connection)
  if (dialect === "pg") yield* run("SELECT pg_advisory_xact_lock_shared(?)", [erasureLock])
  const { erased, stored, wordless } = yield* findPresent(new Set(all.map(({ write }) => write.callSid)))
  const isAccepted = ({ write }: Stamped) => erased.has(write.callSid) ? write._tag === "CallEnded" : !(wordless.has(write.callSid) && holdsWords(write))
  const accepted = all.filter(isAccepted)
  const of = <T extends Tag>(tag: T) => accepted.filter((stamped): stamped is Of<T> => stamped.write._tag === tag)

  // In reverse order, so that the map keeps the earliest write of each call.
  const firstWrites = new Map(accepted.toReversed().flatMap(({ at, write }) => stored.has(write.callSid) ? [] : [[write.callSid, at] as const]))
  // In the order of the SIDs, so that all transactions lock the rows in the same order.
  insert(callRows, [...firstWrites].toSorted(([one], [other]) => one < other ? -1 : 1))
  const begun = of("CallBegan")
  insertEach(beginnings, begun.map(beginningRow))
  insert(metadataFields, begun.flatMap(metadataRows))
  insertEach(answerTimes, of("CallAnswered").map(({ write }) => [write.callSid, write.at]))
  const streamsBegun = of("StreamBegan")
  insert(streams, streamsBegun.map(({ write }) => [write.callSid, write.part, write.at]))
  insertEach(axisZeros, streamsBegun.map(({ write }) => [write.callSid, write.at]))
  // The previous statement has locked the calls' rows, so this one also counts the streams that another process has just stored.
  if (streamsBegun.length > 0) {
    const callSids = streamsBegun.map(({ write }) => write.callSid)
    add(`UPDATE calls SET parts = (SELECT COUNT(*) FROM streams WHERE streams.call_sid = calls.call_sid) WHERE call_sid ${isIn(dialect)}`, [listOf(dialect, callSids)])
  }
  insertTurns(of("TurnWritten").map(turnRow))
  insert(actions, lastOfEach(of("ActionWritten").map(actionRow), 2))
  insert(recordings, lastOfEach(of("RecordingPart").map(recordingRow), 2))
  insert(events, of("EventTold").map(({ write }) => [write.callSid, write.sequence, write.at, JSON.stringify(write.event)]))
  const memories = of("ConversationSaved").toSorted((one, other) => one.write.version - other.write.version)
  insert(conversations, lastOfEach(memories.map(({ write }) => [write.callSid, write.version, write.at, JSON.stringify(write.memory)]), 1))
  const ended = of("CallEnded")
  insertEach(ends, ended.map(endRow))

  // Numbers are hashed once a call has ended. A journal may bring the beginning after the end.
  const toHash = new Set([...begun.filter(({ write }) => write.keeping.numbers === "hashed"), ...ended].map(({ write }) => write.callSid))
  if (toHash.size > 0) {
    yield* flush
    const calls = yield* runFor<NumbersRow>(toHash, "SELECT call_sid, from_number, to_number FROM calls WHERE hashes_numbers = 1 AND ended_at IS NOT NULL AND call_sid")
    const hashed = (number: string | null) => number === null ? null : hashNumber(number)
    for (const { call_sid: callSid, from_number: from, to_number: to } of calls) {
      if (hashed(from) === from && hashed(to) === to) continue
      add("UPDATE calls SET from_number = ?, to_number = ? WHERE call_sid = ?", [hashed(from), hashed(to), callSid])
      // A webhook's body that was made before has the plain numbers. The next attempt makes a new body.
      add("UPDATE deliveries SET payload = '' WHERE call_sid = ?", [callSid])
    }
  }
  insert(deliveries, of("DeliveryAsked").map(deliveryRow))
  yield* flush
})
