/**
 * The database table of webhooks: which of them are due, which process sends them, and their results.
 *
 * A row has one webhook, which may be sent from the time `next_at` on. A process claims the row before it sends the webhook: it sets `next_at`
 * to the end of a lease and counts an attempt. So only one process sends the webhook. If that process dies, the row is due again when the
 * lease is over.
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

/** How long a claimed webhook belongs to one process. An attempt is shorter: 20 s for the lookup, 15 s for the answer, 2 s for its body. */
const leaseMillis = 60_000

/** The most due webhooks that one search returns. */
const maxDue = 200

/** A webhook that this process has to send now. */
export interface Claimed {
  readonly id: string
  readonly callSid: CallSid
  readonly type: DeliveryType
  readonly url: string
  /** The host of `url`, with its port. */
  readonly host: string
  /** The body. Empty before the first attempt. A failure: the body is sealed and can't be opened. */
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
 * A call without a final outcome counts as forgotten this long (ms) after its end. A process that still runs makes the outcome final after a
 * minute.
 */
const forgottenAfterMillis = 3 * 60_000

/** Until this long (ms) after its end, a forgotten call still gets its webhook. */
const forgottenUntilMillis = 24 * 60 * 60_000

/** The most forgotten calls that one search returns. */
const maxForgotten = 100

type Query<A> = Effect.Effect<A, StoreUnreachable>

export class DeliveryTable extends Context.Service<DeliveryTable, {
  /** The webhooks that are due now, without those to `busyHosts`. At most `maxDue`, the oldest first. */
  readonly findDue: (busyHosts: ReadonlyArray<string>) => Query<ReadonlyArray<{ readonly id: string; readonly host: string }>>
  /** Claims these webhooks, except those that another process has claimed meanwhile. */
  readonly claim: (ids: ReadonlyArray<string>) => Query<ReadonlyArray<Claimed>>
  /** Ended calls whose process died before it requested `call.ended`. `webhookUrl`: the call's own address, or `null`. */
  readonly findForgottenEnds: Query<ReadonlyArray<{ readonly callSid: CallSid; readonly webhookUrl: string | null }>>
  /**
   * Stores the body. All further attempts send this body. Exception: the body of `call.started` has plain numbers. Once the numbers of its call
   * are hashed, it is not stored, and each attempt makes it again.
   */
  readonly storeBody: (claimed: Claimed, payload: string) => Query<void>
  readonly markDelivered: (claimed: Claimed) => Query<void>
  readonly scheduleRetry: (claimed: Claimed, afterMillis: number, why: string) => Query<void>
  readonly markFailed: (claimed: Claimed, why: string) => Query<void>
  /** Makes the webhook due again at once, and does not count this attempt. For an attempt that was interrupted. */
  readonly release: (claimed: Claimed) => Query<void>
  /**
   * Makes a webhook due now, and counts its attempts from 0 again. `url`: the new address; `None`: the address stays. Returns `None` if this
   * account has no such webhook.
   */
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
  // Webhooks of other accounts are signed with other secrets. A webhook of a call that is not stored yet can't have a body.
  const isOurs = "EXISTS (SELECT 1 FROM calls WHERE calls.call_sid = deliveries.call_sid AND calls.account_sid = ?)"
  /** The numbers of the webhook's call are stored as hashes. */
  const isHashed = "EXISTS (SELECT 1 FROM calls WHERE calls.call_sid = deliveries.call_sid AND hashes_numbers = 1 AND ended_at IS NOT NULL)"
  const update = (text: string, parameters: ReadonlyArray<Parameter>) => query(Effect.asVoid(run(`UPDATE deliveries SET ${text}`, parameters)))
  /** The row of this attempt, unless another process has claimed the row after the lease: then `attempts` differs. */
  const isThisAttempt = "WHERE id = ? AND attempts = ? AND state = 'pending'"

  return DeliveryTable.of({
    findDue: (busyHosts) =>
      query(run(
        `SELECT id, host FROM deliveries WHERE state = 'pending' AND next_at <= ? AND NOT (host ${isIn(dialect)}) AND ${isOurs} ORDER BY next_at LIMIT ${maxDue}`,
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
    findForgottenEnds: Effect.suspend(() =>
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
    storeBody: ({ callSid, id }, payload) => update(`payload = ? WHERE id = ? AND NOT (type = 'call.started' AND ${isHashed})`, [words.sealWebhook(payload, callSid, id), id]),
    // The webhook is delivered even if the lease is over and another process sends it again. So `isThisAttempt` is not required.
    markDelivered: ({ id }) => update("state = 'delivered', next_at = NULL, last_error = NULL, updated_at = ? WHERE id = ?", [now(), id]),
    scheduleRetry: ({ attempts, id }, afterMillis, why) => update(`next_at = ?, last_error = ?, updated_at = ? ${isThisAttempt}`, [now() + afterMillis, why, now(), id, attempts]),
    markFailed: ({ attempts, id }, why) => update(`state = 'failed', next_at = NULL, last_error = ?, updated_at = ? ${isThisAttempt}`, [why, now(), id, attempts]),
    release: ({ attempts, id }) => update(`next_at = ?, attempts = attempts - 1, updated_at = ? ${isThisAttempt}`, [now(), now(), id, attempts]),
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
