/**
 * Decides which process a call belongs to, if several processes share a store.
 *
 * A process owns each call that it admits. When a media stream of the call, or a webhook before its first stream, reaches another process,
 * that process takes the call over. The old owner notices it within half a second and lets the call go: it neither hangs up nor writes an
 * outcome. A status that Twilio reports to another process waits in the store for the owner. If a call's process is gone and nobody comes
 * back to the call, another process ends it.
 */
import { Clock, Duration, Effect, Option, Schedule } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import { CallStore, type CallSignal, type StoredCall } from "../../store/CallStore.ts"
import type { CallStatus } from "../../twilio/webhook/WebhookParameters.ts"
import type { Call } from "../Call.ts"
import { CallEvent } from "../CallState.ts"
import type { StatusFacts } from "../history/Outcome.ts"
import type { LiveCalls } from "./LiveCalls.ts"

/** How often a process asks the store for reports that wait for it, and which of its calls were taken over. */
const pollEvery = Duration.millis(500)

/** How long `find` waits for the store at most. */
const findWithin = Duration.seconds(1)

/**
 * A call whose process has given no sign of life for this long has no process any more. Such calls are looked for every minute, and a call
 * is ended when it is found a second time. Once is not enough: after an outage of the database all signs of life are old, and after a
 * restart Twilio may come back.
 */
const goneAfter = Duration.minutes(2)
const endUnendedEvery = Duration.minutes(1)

/** How often writing a call's ownership is tried again after a failure, as long as the call is live here. */
const ownEvery = Schedule.spaced("5 seconds")

/** How often, and at which interval, the store is asked for a call that another process may be about to write. */
const looks = 10
const lookEvery = Schedule.spaced("100 millis")

/** How long a call's owner has to write the end after Twilio's final status. Then the process that got the status writes it. */
const ownerSilentAfter = Duration.seconds(10)

export interface Ownership {
  /** What the store knows of a call. `"lost"`: the store does not answer. `undefined`: it knows no such call. */
  readonly find: (callSid: CallSid) => Effect.Effect<StoredCall | "lost" | undefined>
  /**
   * Like `find`, for a call that another process has just answered. Such a call may not be stored yet, so the store is asked several times.
   */
  readonly await: (callSid: CallSid) => Effect.Effect<StoredCall | "lost" | undefined>
  /** This process owns the call from now on. */
  readonly take: (callSid: CallSid) => Effect.Effect<void>
  readonly release: (callSid: CallSid) => Effect.Effect<void>
  /**
   * Passes on Twilio's final status of a call that is not live here to the call's owner. If no owner ends the call in time, it is ended
   * here.
   */
  readonly pass: (callSid: CallSid, signal: CallSignal) => Effect.Effect<void>
}

interface MakeOptions {
  readonly live: LiveCalls
  /** Several accounts may share a database: calls of the others are not ours to end. */
  readonly accountSid: string
  /** A report that Twilio made to another process has come to this one, the owner. */
  readonly onSignal: (callSid: CallSid, signal: CallSignal & { readonly status: CallStatus }) => Effect.Effect<void>
  /** A call without a process is over: Twilio has said so, or nobody came back to it. `endedAt`: ms since 1970; unset: now. */
  readonly onOrphanEnded: (stored: StoredCall, facts: StatusFacts & { readonly endedAt?: number }) => Effect.Effect<void>
}

/** Ends a call in this process because another process has taken it over. */
const letGo = (call: Call) =>
  Effect.andThen(
    Effect.sync(call.handOver),
    Effect.annotateLogs(Effect.logInfo("Another process has taken over this call"), { callSid: call.info.callSid })
  ).pipe(Effect.andThen(call.dispatch(CallEvent.Released({ reason: "streamLost" }))))

export const make = Effect.fnUntraced(function*({ accountSid, live, onOrphanEnded, onSignal }: MakeOptions) {
  const store = yield* CallStore
  const scope = yield* Effect.scope
  /** The calls whose ownership is stored. */
  const owned = new Set<CallSid>()

  const find: Ownership["find"] = (callSid) =>
    store.find(callSid).pipe(
      Effect.timeout(findWithin),
      Effect.match({ onFailure: () => "lost" as const, onSuccess: (stored) => Option.getOrUndefined(stored) })
    )

  const watchOwnership = Effect.gen(function*() {
    // Read before the store is asked: a call that is taken meanwhile is missing from the answer.
    const ownedBefore = [...owned]
    const stillOwned = yield* store.owned
    for (const callSid of ownedBefore) {
      const call = live.find(callSid)
      if (stillOwned.has(callSid) || call === undefined) continue
      owned.delete(callSid)
      yield* letGo(call)
    }
  })

  const takeSignals = Effect.flatMap(
    store.signals,
    (signals) => Effect.forEach(signals, ({ callSid, signal }) => onSignal(callSid, signal as never), { discard: true })
  )

  if (store.isShared) {
    // Failures are ignored: the next poll asks again, and nothing is lost meanwhile.
    const poll = Effect.andThen(Effect.ignore(takeSignals), Effect.ignore(watchOwnership))
    yield* Effect.forkScoped(Effect.repeat(poll, Schedule.spaced(pollEvery)))
  }

  /** Ends a stored call whose process is gone, unless the call has ended or is live here. */
  const endOrphan = (callSid: CallSid, facts: StatusFacts & { readonly endedAt?: number }) =>
    Effect.flatMap(find(callSid), (stored) =>
      stored === undefined || stored === "lost" || stored.isEnded || live.find(callSid) !== undefined ? Effect.void : onOrphanEnded(stored, facts))

  /** Ends calls whose process is gone and to which nobody came back. A call is ended when it is found a second time. */
  let unendedBefore: ReadonlySet<CallSid> = new Set()
  const endUnended = Effect.gen(function*() {
    const goneBefore = (yield* Clock.currentTimeMillis) - Duration.toMillis(goneAfter)
    const found = (yield* store.unended(accountSid, goneBefore)).filter(({ callSid }) => live.find(callSid) === undefined)
    for (const { callSid, seenAt } of found) {
      if (!unendedBefore.has(callSid) || !(yield* store.claim(callSid, goneBefore))) continue
      yield* Effect.annotateLogs(Effect.logWarning("The process of a call is gone, and nobody came back to the call: it counts as ended"), { callSid })
      yield* endOrphan(callSid, { endedAt: seenAt })
      yield* store.disown(callSid)
    }
    unendedBefore = new Set(found.map(({ callSid }) => callSid))
  })
  yield* Effect.forkScoped(Effect.repeat(Effect.ignore(endUnended), Schedule.spaced(endUnendedEvery)))

  const release: Ownership["release"] = (callSid) =>
    Effect.suspend(() => owned.delete(callSid) ? Effect.asVoid(Effect.forkIn(Effect.ignore(store.disown(callSid)), scope)) : Effect.void)

  const ownership: Ownership = {
    find,
    await: (callSid) => Effect.repeat(find(callSid), { schedule: lookEvery, times: looks, until: (stored) => stored !== undefined }),
    take: (callSid) =>
      store.isShared
        ? store.own(callSid).pipe(
          Effect.retry({ schedule: ownEvery, while: () => live.find(callSid) !== undefined }),
          Effect.map(() => owned.add(callSid)),
          // The call may have ended meanwhile.
          Effect.andThen(Effect.suspend(() => live.find(callSid) === undefined ? release(callSid) : Effect.void)),
          Effect.ignore,
          Effect.forkIn(scope),
          Effect.asVoid
        )
        : Effect.void,
    release,
    pass: (callSid, signal) => {
      const end = store.isShared
        ? Effect.ignore(store.tell(callSid, signal)).pipe(Effect.andThen(Effect.sleep(ownerSilentAfter)), Effect.andThen(endOrphan(callSid, signal)))
        : endOrphan(callSid, signal)
      return Effect.asVoid(Effect.forkIn(end, scope))
    }
  }
  return ownership
})
