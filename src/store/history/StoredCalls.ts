/**
 * Reads the call history. Calls of other Twilio accounts are left out.
 */
import { Clock, Context, Effect, Layer, Option, Result, Schema } from "effect"
import { Credentials } from "../../config/Credentials.ts"
import type { CallSid } from "../../domain/Sid.ts"
import { CallStore, type StoreUnreachable } from "../CallStore.ts"
import { onAxis } from "../Axis.ts"
import { Database } from "../Database.ts"
import { places, SealedWords, type Unreadable } from "../encryption/SealedWords.ts"
import * as CallFigures from "./CallFigures.ts"
import type { CallFilters, Position } from "./CallFilters.ts"
import * as CallList from "./CallList.ts"
import { type CallRow, type CallSummary, columns, type Figures, toSummary } from "./CallRecord.ts"
import { type DeliveryRow, type StoredDelivery, toDelivery } from "./DeliveryRows.ts"
import { isIn, listOf, runner } from "../Statements.ts"
import { type StoredTurn, turnsOf } from "./TurnRows.ts"

/** Twilio's limit for the length of a call, ms. If no end was reported by then, none will be. */
const longestCallMillis = 4 * 60 * 60 * 1000

/** An owner that has written no heartbeat for this long (ms) has ended. */
const ownerGoneMillis = 60_000

/** The most events that one query returns. */
const maxEvents = 200

/** If the action is unreadable, `arguments` is empty and `answer` is `null`. */
export interface StoredAction extends Unreadable {
  readonly id: string
  readonly kind: "tool" | "transfer" | "keys"
  readonly name: string
  readonly arguments: string
  readonly at: number
  readonly state: "asked" | "answered" | "notSent" | "unknown"
  readonly answer: string | null
}

/** An event that can't be opened is returned as `{ _tag: "Unreadable", unreadable }`. */
interface StoredEvent {
  readonly sequence: number
  readonly event: { readonly _tag: string } & Schema.JsonObject
}

export interface CallDetails extends CallSummary {
  readonly figures: Figures
  readonly deliveries: ReadonlyArray<StoredDelivery>
  /** Whether the call has no end yet and a process may still run it. */
  readonly isLive: boolean
}

interface CallPage {
  readonly calls: ReadonlyArray<CallSummary>
  readonly next?: Position
}

export class StoredCalls extends Context.Service<StoredCalls, {
  readonly list: (filters: Omit<CallFilters, "accountSid">, limit: number, after?: Position) => Effect.Effect<CallPage, StoreUnreachable>
  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<CallDetails>, StoreUnreachable>
  /** The call's turns, in the order in which they began. */
  readonly turns: (callSid: CallSid) => Effect.Effect<ReadonlyArray<StoredTurn>, StoreUnreachable>
  readonly actions: (callSid: CallSid) => Effect.Effect<ReadonlyArray<StoredAction>, StoreUnreachable>
  /** The next events after this sequence number, at most 200. */
  readonly events: (callSid: CallSid, after: number) => Effect.Effect<ReadonlyArray<StoredEvent>, StoreUnreachable>
}>()("client-caller/store/history/StoredCalls") {
  static readonly layer = Layer.effect(StoredCalls, Effect.suspend(() => make))
}

const readEvent = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.StructWithRest(Schema.Struct({ _tag: Schema.String }), [Schema.Record(Schema.String, Schema.Json)])))

interface ActionRow extends Omit<StoredAction, keyof Unreadable> {
  readonly axis_zero: number | null
}

const openAction = Effect.fnUntraced(function*({ open }: SealedWords["Service"], callSid: CallSid, { axis_zero, ...stored }: ActionRow): Effect.fn.Return<StoredAction> {
  const row = { ...stored, at: onAxis(stored.at, axis_zero) }
  const openedArguments = yield* open(row.arguments, places.actionArguments(callSid, row.id))
  const answer = row.answer === null ? Result.succeed(null) : yield* open(row.answer, places.actionAnswer(callSid, row.id))
  return Result.match(Result.all([openedArguments, answer]), {
    onFailure: ({ why }) => ({ ...row, arguments: "", answer: null, unreadable: why }),
    onSuccess: ([plainArguments, answer]) => ({ ...row, arguments: plainArguments, answer })
  })
})

interface EventRow {
  readonly sequence: number
  readonly event: string
}

const openEvent = Effect.fnUntraced(function*({ openJson }: SealedWords["Service"], callSid: CallSid, { event, sequence }: EventRow) {
  return Result.match(yield* openJson(event, places.event(callSid, sequence)), {
    onFailure: ({ why }) => Option.some<StoredEvent>({ sequence, event: { _tag: "Unreadable", unreadable: why } }),
    onSuccess: (json) => Option.map(readEvent(json), (event) => ({ sequence, event: event as StoredEvent["event"] }))
  })
})

/** Whether the call may still be live: it has no end, and its owner writes heartbeats or it began less than four hours ago. */
const isLive = (row: CallRow, heartbeat: number | null, now: number): boolean =>
  row.ended_at === null && (now - (heartbeat ?? 0) < ownerGoneMillis || now - (row.started_at ?? 0) < longestCallMillis)

const make = Effect.gen(function*() {
  const { dialect, query, sql } = yield* Database
  const store = yield* CallStore
  const { account: { accountSid } } = yield* Credentials
  const clock = yield* Clock.Clock
  const run = runner(sql, dialect)
  const words = yield* SealedWords

  const summaries = Effect.fnUntraced(function*(callSids: ReadonlyArray<string>) {
    const rows = yield* run<CallRow>(`SELECT ${columns} FROM calls c WHERE c.call_sid ${isIn(dialect)}`, [listOf(dialect, callSids)])
    const bySid = new Map(rows.map((row) => [row.call_sid, toSummary(row)]))
    return callSids.flatMap((callSid) => bySid.get(callSid) ?? [])
  })

  const list = (filters: Omit<CallFilters, "accountSid">, limit: number, after?: Position) =>
    query(Effect.gen(function*() {
      const { callSids, next } = yield* CallList.page(run, dialect, { ...filters, accountSid }, limit, after)
      return { calls: yield* summaries(callSids), ...(next === undefined ? {} : { next }) }
    }), "5 seconds")

  const find = Effect.fnUntraced(function*(callSid: CallSid) {
    yield* store.whenSettled(callSid)
    return yield* query(Effect.gen(function*() {
      const [row] = yield* run<CallRow>(`SELECT ${columns} FROM calls c WHERE c.call_sid = ?`, [callSid])
      if (row === undefined || row.started_at === null || row.account_sid !== accountSid) return Option.none<CallDetails>()
      const [owner] = yield* run<{ heartbeat: number }>("SELECT heartbeat FROM live_calls WHERE call_sid = ? AND owner IS NOT NULL", [callSid])
      const deliveries = yield* run<DeliveryRow>("SELECT id, type, state, attempts, next_at, last_error, created_at, updated_at FROM deliveries WHERE call_sid = ? ORDER BY created_at, id", [callSid])
      return Option.some({
        ...toSummary(row),
        figures: yield* CallFigures.of(run, callSid, row.figures),
        deliveries: deliveries.map(toDelivery),
        isLive: isLive(row, owner?.heartbeat ?? null, clock.currentTimeMillisUnsafe())
      })
    }))
  })

  return StoredCalls.of({
    list,
    find,
    turns: (callSid) => query(turnsOf(run, words, callSid)),
    actions: (callSid) =>
      query(Effect.flatMap(
        run<ActionRow>(
          `SELECT id, kind, name, arguments, at, state, answer, axis_zero
            FROM actions a JOIN calls ON calls.call_sid = a.call_sid WHERE a.call_sid = ? ORDER BY at, id`,
          [callSid]
        ),
        (rows) => Effect.forEach(rows, (row) => openAction(words, callSid, row))
      )),
    events: (callSid, after) =>
      query(Effect.flatMap(
        run<EventRow>(`SELECT sequence, event FROM events WHERE call_sid = ? AND sequence > ? ORDER BY sequence LIMIT ${maxEvents}`, [callSid, after]),
        (rows) => Effect.map(Effect.forEach(rows, (row) => openEvent(words, callSid, row)), (events) => events.flatMap((event) => Option.toArray(event)))
      ))
  })
})
