/**
 * The table of webhooks: which are due, who sends them, and what became of them.
 *
 * `next_at` of a row is when it may be sent. Whoever claims it moves that ahead by the lease and counts an attempt, so of two processes
 * one gets it; and what a process that died had claimed comes back when the lease is over.
 */
import { Clock, Context, Effect, Layer, Option } from "effect"
import { Credentials } from "../config/Credentials.ts"
import type { CallSid } from "../domain/Sid.ts"
import type { StoreUnreachable } from "../store/CallStore.ts"
import { Database } from "../store/Database.ts"
import type { Parameter } from "../store/Dialect.ts"
import { type DeliveryRow, type StoredDelivery, toDelivery } from "../store/history/DeliveryRows.ts"
import { isIn, listOf, runner } from "../store/Statements.ts"
import type { DeliveryType } from "../store/StoreWrite.ts"

/** Longer than an attempt can take: 20 s for the lookup, 15 s for the answer, 2 s for its body. */
const leaseMillis = 60_000

/** How many due ones a look chooses from. */
const maxCandidates = 200

/** A webhook that this process is to send now. */
export interface Claimed {
  readonly id: string
  readonly callSid: CallSid
  readonly type: DeliveryType
  readonly url: string
  /** With its port. */
  readonly host: string
  /** Empty before the first attempt. */
  readonly payload: string
  /** This one included. */
  readonly attempts: number
}

interface ClaimedRow {
  readonly id: string
  readonly call_sid: CallSid
  readonly type: DeliveryType
  readonly url: string
  readonly host: string
  readonly payload: string
  readonly attempts: number
}

/** An end is final a minute after it; later, the process that would have said so is gone. */
const forgottenAfterMillis = 3 * 60_000

/** Of older ends nobody is told any more. */
const forgottenUntilMillis = 24 * 60 * 60_000

/** Ends of one look. */
const maxForgotten = 100

type Asked<A> = Effect.Effect<A, StoreUnreachable>

export class DeliveryTable extends Context.Service<DeliveryTable, {
  /** Some that are due now, of other hosts than these, with their hosts: oldest first. */
  readonly due: (busyHosts: ReadonlyArray<string>) => Asked<ReadonlyArray<{ readonly id: string; readonly host: string }>>
  /** Those of these that no other process has claimed in the meantime. */
  readonly claim: (ids: ReadonlyArray<string>) => Asked<ReadonlyArray<Claimed>>
  /** Calls whose process died after their end and before it asked for `call.ended`; with their own address, or `null`. */
  readonly forgottenEnds: Asked<ReadonlyArray<{ readonly callSid: CallSid; readonly webhookUrl: string | null }>>
  /** All further attempts send this. */
  readonly prepared: (id: string, payload: string) => Asked<void>
  readonly delivered: (claimed: Claimed) => Asked<void>
  readonly retry: (claimed: Claimed, afterMillis: number, why: string) => Asked<void>
  readonly failed: (claimed: Claimed, why: string) => Asked<void>
  /** It was not sent, or nobody knows: due again at once, and no attempt. */
  readonly release: (claimed: Claimed) => Asked<void>
  /** Due now, with all attempts before it; `None`: this account has no such webhook. `url`: where it goes from now on. */
  readonly resend: (callSid: CallSid, id: string, url: Option.Option<URL>) => Asked<Option.Option<StoredDelivery>>
}>()("client-caller/delivery/DeliveryTable") {
  static readonly layer = Layer.effect(DeliveryTable, Effect.suspend(() => make))
}

const make = Effect.gen(function*() {
  const { dialect, query, sql } = yield* Database
  const { account: { accountSid } } = yield* Credentials
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()

  const run = runner(sql, dialect)
  // Other accounts have other secrets, and a call that is not there yet can't be told of.
  const isOurs = "EXISTS (SELECT 1 FROM calls WHERE calls.call_sid = deliveries.call_sid AND calls.account_sid = ?)"
  const update = (text: string, parameters: ReadonlyArray<Parameter>) => query(Effect.asVoid(run(`UPDATE deliveries SET ${text}`, parameters)))
  const isMine = "WHERE id = ? AND attempts = ? AND state = 'pending'"

  return DeliveryTable.of({
    due: (busyHosts) =>
      query(run(
        `SELECT id, host FROM deliveries WHERE state = 'pending' AND next_at <= ? AND NOT (host ${isIn(dialect)}) AND ${isOurs} ORDER BY next_at LIMIT ${maxCandidates}`,
        [now(), listOf(dialect, busyHosts), accountSid]
      )),
    claim: (ids) =>
      query(Effect.map(
        run<ClaimedRow>(
          `UPDATE deliveries SET attempts = attempts + 1, next_at = ?, updated_at = ? WHERE id ${isIn(dialect)} AND state = 'pending' AND next_at <= ?
            RETURNING id, call_sid, type, url, host, payload, attempts`,
          [now() + leaseMillis, now(), listOf(dialect, ids), now()]
        ),
        (rows) => rows.map(({ call_sid, ...row }) => ({ ...row, callSid: call_sid }))
      )),
    forgottenEnds: Effect.suspend(() =>
      query(Effect.map(
        run<{ readonly call_sid: CallSid; readonly webhook_url: string | null }>(
          `SELECT call_sid, webhook_url FROM calls WHERE is_final = 0 AND ended_at > ? AND ended_at < ? AND account_sid = ?
            AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = 'call_ended_' || calls.call_sid)
            AND NOT EXISTS (SELECT 1 FROM erased_calls WHERE erased_calls.call_sid = calls.call_sid) LIMIT ${maxForgotten}`,
          [now() - forgottenUntilMillis, now() - forgottenAfterMillis, accountSid]
        ),
        (rows) => rows.map(({ call_sid: callSid, webhook_url: webhookUrl }) => ({ callSid, webhookUrl }))
      ))
    ),
    prepared: (id, payload) => update("payload = ? WHERE id = ?", [payload, id]),
    // Also where the lease was over and another process sends it once more.
    delivered: ({ id }) => update("state = 'delivered', next_at = NULL, last_error = NULL, updated_at = ? WHERE id = ?", [now(), id]),
    retry: ({ attempts, id }, afterMillis, why) => update(`next_at = ?, last_error = ?, updated_at = ? ${isMine}`, [now() + afterMillis, why, now(), id, attempts]),
    failed: ({ attempts, id }, why) => update(`state = 'failed', next_at = NULL, last_error = ?, updated_at = ? ${isMine}`, [why, now(), id, attempts]),
    release: ({ attempts, id }) => update(`next_at = ?, attempts = attempts - 1, updated_at = ? ${isMine}`, [now(), now(), id, attempts]),
    resend: (callSid, id, url) =>
      query(Effect.map(
        run<DeliveryRow>(
          `UPDATE deliveries SET state = 'pending', attempts = 0, next_at = ?, last_error = NULL, updated_at = ?, url = COALESCE(?, url), host = COALESCE(?, host)
            WHERE id = ? AND call_sid = ? AND ${isOurs} RETURNING id, type, state, attempts, next_at, last_error, created_at, updated_at`,
          [now(), now(), Option.getOrNull(Option.map(url, ({ href }) => href)), Option.getOrNull(Option.map(url, ({ host }) => host)), id, callSid, accountSid]
        ),
        ([row]) => Option.map(Option.fromUndefinedOr(row), toDelivery)
      ))
  })
})
