/**
 * The table of webhooks: which are due, which process sends them, and their results.
 *
 * `next_at` of a row is when it may be sent. A process that claims the row moves `next_at` ahead by the lease and counts an attempt, so
 * only one of two processes gets it. If the process dies, the row is due again when the lease is over.
 */
import { Clock, Context, Effect, Layer, Option, Result } from "effect"
import { Credentials } from "../config/Credentials.ts"
import type { CallSid } from "../domain/Sid.ts"
import type { StoreUnreachable } from "../store/CallStore.ts"
import { Database } from "../store/Database.ts"
import type { Parameter } from "../store/Dialect.ts"
import { places, SealedWords } from "../store/encryption/SealedWords.ts"
import { type DeliveryRow, type StoredDelivery, toDelivery } from "../store/history/DeliveryRows.ts"
import { isIn, listOf, runner } from "../store/Statements.ts"
import type { DeliveryType } from "../store/StoreWrite.ts"
import { WordsUnopenable } from "./Payloads.ts"

/** How long a process has a webhook for itself. An attempt takes less: 20 s for the lookup, 15 s for the answer, 2 s for its body. */
const leaseMillis = 60_000

/** How many due webhooks are chosen from at once. */
const maxCandidates = 200

/** A webhook that this process has to send now. */
export interface Claimed {
  readonly id: string
  readonly callSid: CallSid
  readonly type: DeliveryType
  readonly url: string
  /** The address's host, with its port. */
  readonly host: string
  /** The body. Empty before the first attempt; a failure if it is sealed and can't be opened. */
  readonly payload: Result.Result<string, WordsUnopenable>
  /** How many attempts there were, this one included. */
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

/**
 * How long (ms) after its end a call without a final outcome counts as forgotten. A living process makes the outcome final after a minute.
 */
const forgottenAfterMillis = 3 * 60_000

/** How long (ms) after its end a forgotten call still gets its webhook. */
const forgottenUntilMillis = 24 * 60 * 60_000

/** The most ends that are found at once. */
const maxForgotten = 100

type Query<A> = Effect.Effect<A, StoreUnreachable>

export class DeliveryTable extends Context.Service<DeliveryTable, {
  /** Some webhooks that are due now, to other hosts than `busyHosts`: the oldest first. */
  readonly due: (busyHosts: ReadonlyArray<string>) => Query<ReadonlyArray<{ readonly id: string; readonly host: string }>>
  /** Claims these webhooks, except those that another process has claimed meanwhile. */
  readonly claim: (ids: ReadonlyArray<string>) => Query<ReadonlyArray<Claimed>>
  /** Calls whose process died after their end, before it asked for `call.ended`. `webhookUrl`: the call's own address, or `null`. */
  readonly forgottenEnds: Query<ReadonlyArray<{ readonly callSid: CallSid; readonly webhookUrl: string | null }>>
  /** Stores the body, which all further attempts send. */
  readonly prepared: (claimed: Claimed, payload: string) => Query<void>
  readonly delivered: (claimed: Claimed) => Query<void>
  readonly retry: (claimed: Claimed, afterMillis: number, why: string) => Query<void>
  readonly failed: (claimed: Claimed, why: string) => Query<void>
  /** Makes the webhook due again at once, without counting this attempt. Call it if the webhook was not sent, or if that is unknown. */
  readonly release: (claimed: Claimed) => Query<void>
  /** Makes a webhook due now, and counts its attempts from 0 again. `None`: this account has no such webhook. `url`: its new address. */
  readonly resend: (callSid: CallSid, id: string, url: Option.Option<URL>) => Query<Option.Option<StoredDelivery>>
}>()("client-caller/delivery/DeliveryTable") {
  static readonly layer = Layer.effect(DeliveryTable, Effect.suspend(() => make))
}

const make = Effect.gen(function*() {
  const { dialect, query, sql } = yield* Database
  const { account: { accountSid } } = yield* Credentials
  const words = yield* SealedWords
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()

  const run = runner(sql, dialect)
  // Other accounts have other secrets, and a call that is not stored yet can't be reported.
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
      query(Effect.flatMap(
        run<ClaimedRow>(
          `UPDATE deliveries SET attempts = attempts + 1, next_at = ?, updated_at = ? WHERE id ${isIn(dialect)} AND state = 'pending' AND next_at <= ?
            RETURNING id, call_sid, type, url, host, payload, attempts`,
          [now() + leaseMillis, now(), listOf(dialect, ids), now()]
        ),
        (rows) =>
          Effect.forEach(rows, ({ call_sid: callSid, ...row }) =>
            Effect.map(words.open(row.payload, places.webhook(callSid, row.id)), (payload) => ({ ...row, callSid, payload: Result.mapError(payload, () => new WordsUnopenable()) })))
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
    prepared: ({ callSid, id }, payload) => update("payload = ? WHERE id = ?", [words.sealWebhook(payload, callSid, id), id]),
    // A delivery counts even if the lease is over and another process sends the webhook once more.
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
