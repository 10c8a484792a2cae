/**
 * Sends the webhooks that calls request (`DeliveryAsked`). Sending never delays a call.
 *
 * - Each webhook is sent at least once, by one of the processes that share a store. All attempts have the same `webhook-id` and body.
 * - A webhook without a 2xx answer is tried again for a day (`RetrySchedule`). Then it is `failed`, until a client requests it again.
 * - Each host has a limited number of webhooks in flight, so that a slow receiver does not delay the others.
 * - While the database does not answer, nothing is sent.
 */
import { Clock, Context, Duration, Effect, FiberSet, Layer, Metric, Option, Random, Schedule } from "effect"
import { AppConfig } from "../config/AppConfig.ts"
import type { CallSid } from "../domain/Sid.ts"
import * as Metrics from "../observability/Metrics.ts"
import * as SampledLog from "../observability/SampledLog.ts"
import { CallStore, type StoreUnreachable } from "../store/CallStore.ts"
import type { StoredDelivery } from "../store/history/DeliveryRows.ts"
import { type Claimed, DeliveryTable } from "./DeliveryTable.ts"
import { Payloads } from "./Payloads.ts"
import * as ReceiverLookup from "./ReceiverLookup.ts"
import * as RetrySchedule from "./RetrySchedule.ts"
import * as WebhookRequest from "./WebhookRequest.ts"
import * as WebhookSecrets from "./WebhookSecrets.ts"

/** How many webhooks this process may have in flight: in all, and to one host. */
const maxInFlight = 32
const maxPerHost = 8

/** How often this process searches for due webhooks. */
const searchInterval = Duration.millis(500)

/** How often this process searches for ended calls whose process died before it requested `call.ended`. */
const forgottenSearchInterval = Duration.minutes(1)

/** How long the process waits, when it stops, for the webhooks in flight. */
const finishTimeout = Duration.seconds(3)

/** When writing a webhook's result to the database is tried again after a failure. All retries are within the webhook's lease. */
const resultRetries = { schedule: Schedule.spaced("2 seconds"), times: 10 }

export interface Options {
  /** The wait after each failed attempt. */
  readonly delays?: ReadonlyArray<Duration.Duration>
  /** Replaces the system's lookup of names. */
  readonly resolve?: ReceiverLookup.Resolve
}

export class Deliveries extends Context.Service<Deliveries, {
  /** Sends a webhook of a call again; its attempts count from 0. `None`: the call has no webhook with this id. */
  readonly resend: (callSid: CallSid, id: string) => Effect.Effect<Option.Option<StoredDelivery>, StoreUnreachable>
}>()("client-caller/delivery/Deliveries") {}

/** The webhooks in flight, counted by host. */
class InFlight {
  readonly #hosts = new Map<string, number>()
  #total = 0

  add(host: string): void {
    this.#total++
    this.#hosts.set(host, this.of(host) + 1)
  }

  remove(host: string): void {
    this.#total--
    const remaining = this.of(host) - 1
    if (remaining > 0) this.#hosts.set(host, remaining)
    else this.#hosts.delete(host)
  }

  of(host: string): number {
    return this.#hosts.get(host) ?? 0
  }

  get isFull(): boolean {
    return this.#total >= maxInFlight
  }

  get busyHosts(): ReadonlyArray<string> {
    return [...this.#hosts].flatMap(([host, count]) => count >= maxPerHost ? [host] : [])
  }

  /** Chooses the due webhooks that may be sent now, in their order. */
  choose(due: ReadonlyArray<{ readonly id: string; readonly host: string }>): ReadonlyArray<string> {
    const chosenPerHost = new Map<string, number>()
    const ids: Array<string> = []
    for (const { host, id } of due) {
      const chosen = chosenPerHost.get(host) ?? 0
      if (this.#total + ids.length >= maxInFlight) break
      if (this.of(host) + chosen >= maxPerHost) continue
      chosenPerHost.set(host, chosen + 1)
      ids.push(id)
    }
    return ids
  }
}

/** Returns a function that makes one attempt to send a webhook, and stores the result. */
const makeAttempt = Effect.fnUntraced(function*({ delays, resolve }: Options) {
  const { webhooks: { isPrivateAllowed } } = yield* AppConfig
  const table = yield* DeliveryTable
  const payloads = yield* Payloads
  const signer = yield* WebhookSecrets.load
  const lookup = yield* ReceiverLookup.make(isPrivateAllowed, resolve)
  const warningLog = yield* SampledLog.make

  /** The body. The first attempt makes and stores it. */
  const bodyOf = Effect.fnUntraced(function*(claimed: Claimed) {
    const { callSid, payload, type } = claimed
    const prepared = yield* Effect.fromResult(payload)
    if (prepared !== "") return prepared
    const made = yield* payloads.of(type, callSid)
    if (Option.isSome(made)) yield* table.storeBody(claimed, made.value)
    return Option.getOrUndefined(made)
  })

  const judge = Effect.fnUntraced(function*(attempt: RetrySchedule.Attempt, attempts: number) {
    return RetrySchedule.judge(attempt, attempts, yield* Clock.currentTimeMillis, yield* Random.next, delays)
  })

  const post = Effect.fnUntraced(function*({ attempts, id, url }: Claimed, body: string) {
    const headers = signer.headers(id, body, yield* Clock.currentTimeMillis)
    const attempt = yield* WebhookRequest.send({ url, body, headers }, { isPrivateAllowed, lookup }).pipe(Effect.match({
      onSuccess: (answer): RetrySchedule.Attempt => ({ _tag: "Answered", ...answer }),
      onFailure: ({ isPermanent, why }): RetrySchedule.Attempt => ({ _tag: "NoAnswer", why, isPermanent })
    }))
    return yield* judge(attempt, attempts)
  })

  const report = Effect.fnUntraced(function*({ callSid, type }: Claimed, verdict: RetrySchedule.Verdict) {
    yield* Metric.update(Metrics.webhooks(type, verdict._tag), 1)
    if (verdict._tag === "Retry") yield* Effect.logDebug(`A webhook (${type}) will be sent again: ${verdict.why}`)
    if (verdict._tag !== "Failed") return
    const warning = Effect.logWarning(`A webhook (${type}) could not be delivered: ${verdict.why}. It can be sent again (docs/webhooks.md).`)
    yield* warningLog.write("failed", Effect.annotateLogs(warning, { callSid }))
  })

  const storeVerdict = (claimed: Claimed, verdict: RetrySchedule.Verdict) => {
    switch (verdict._tag) {
      case "Delivered":
        return table.markDelivered(claimed)
      case "Retry":
        return table.scheduleRetry(claimed, verdict.afterMillis, verdict.why)
      case "Failed":
        return table.markFailed(claimed, verdict.why)
    }
  }

  /** A fault of this service counts as a failed attempt. Otherwise the webhook would be tried again after each lease, for ever. */
  const judgeFault = ({ attempts, callSid, type }: Claimed, defect: unknown) =>
    Effect.logError(`A webhook (${type}) could not be made or sent: a fault of this service`, defect).pipe(
      Effect.annotateLogs({ callSid }),
      Effect.andThen(judge({ _tag: "NoAnswer", why: "this service failed to make or to send it; the log says why", isPermanent: false }, attempts))
    )

  /** Sends the webhook and judges the result. `undefined`: the call was erased, so there is nothing to send. */
  const verdictOf = (claimed: Claimed) =>
    bodyOf(claimed).pipe(
      Effect.flatMap((body) => body === undefined ? Effect.succeed(undefined) : post(claimed, body)),
      Effect.catchTag("WordsUnopenable", () =>
        judge({ _tag: "NoAnswer", why: "its words are sealed and can't be opened; the log says which key is missing", isPermanent: false }, claimed.attempts))
    )

  return (claimed: Claimed) =>
    Effect.gen(function*() {
      const verdict = yield* Effect.catchDefect(verdictOf(claimed), (defect) => judgeFault(claimed, defect))
      if (verdict === undefined) return yield* table.markFailed(claimed, "the call was erased")
      yield* report(claimed, verdict)
      yield* Effect.retry(storeVerdict(claimed, verdict), resultRetries)
    }).pipe(
      // The database does not answer. The webhook is due again when its lease is over.
      Effect.catchTag("StoreUnreachable", () => Effect.void),
      Effect.catchDefect((defect) => Effect.logError("The result of a webhook could not be stored", defect)),
      Effect.onInterrupt(() => Effect.ignore(table.release(claimed)))
    )
})

/** Requests `call.ended` for calls whose process died before it did so. */
const makeForgottenSearch = Effect.gen(function*() {
  const { webhooks } = yield* AppConfig
  const table = yield* DeliveryTable
  const store = yield* CallStore
  const clock = yield* Clock.Clock
  return Effect.gen(function*() {
    for (const { callSid, webhookUrl } of yield* table.findForgottenEnds) {
      const url = webhookUrl ?? Option.getOrUndefined(webhooks.url)?.href
      if (url !== undefined) store.write({ _tag: "DeliveryAsked", callSid, type: "call.ended", url, at: clock.currentTimeMillisUnsafe() })
    }
  }).pipe(
    Effect.catchTag("StoreUnreachable", () => Effect.void),
    Effect.catchDefect((defect) => Effect.logError("The search for ended calls without a webhook failed", defect))
  )
})

const make = Effect.fnUntraced(function*(options: Options) {
  const { webhooks } = yield* AppConfig
  const table = yield* DeliveryTable
  const payloads = yield* Payloads
  const attempt = yield* makeAttempt(options)
  const inFlight = new InFlight()
  const sending = yield* FiberSet.make<void>()

  const begin = (claimed: Claimed) =>
    Effect.suspend(() => {
      inFlight.add(claimed.host)
      return FiberSet.run(sending, Effect.ensuring(attempt(claimed), Effect.sync(() => inFlight.remove(claimed.host))))
    })

  const sendDue = Effect.gen(function*() {
    if (inFlight.isFull) return
    const ids = inFlight.choose(yield* table.findDue(inFlight.busyHosts))
    if (ids.length === 0) return
    // An interrupt must not come between the claim and the sending. Otherwise the claimed webhooks would wait until their lease is over.
    yield* Effect.uninterruptible(Effect.flatMap(table.claim(ids), (claimed) => Effect.forEach(claimed, begin, { discard: true })))
  }).pipe(
    Effect.catchTag("StoreUnreachable", () => Effect.void),
    Effect.catchDefect((defect) => Effect.logError("The search for due webhooks failed", defect))
  )

  yield* Effect.addFinalizer(() => Effect.timeoutOption(FiberSet.awaitEmpty(sending), finishTimeout))
  yield* Effect.forkScoped(Effect.repeat(sendDue, Schedule.spaced(searchInterval)))
  yield* Effect.forkScoped(Effect.repeat(yield* makeForgottenSearch, Schedule.spaced(forgottenSearchInterval)))

  return Deliveries.of({
    resend: Effect.fnUntraced(function*(callSid, id) {
      const address = (yield* payloads.hasOwnAddress(callSid)) ? Option.none<URL>() : webhooks.url
      return yield* table.resend(callSid, id, address)
    })
  })
})

export const layerOf = (options: Options = {}) =>
  Layer.effect(Deliveries, make(options)).pipe(Layer.provide([DeliveryTable.layer, Payloads.layer]))

export const layer = layerOf()
