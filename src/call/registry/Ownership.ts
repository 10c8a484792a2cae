/**
 * Decides which process a call belongs to, if several processes share a store.
 *
 * A process owns each call that it admits. When a media stream of the call, or a webhook before the first stream, reaches another process,
 * that process takes the call over. The old owner notices this within half a second. It then ends the call on its side, without a hang-up
 * and without an outcome.
 *
 * A status that Twilio reports to another process waits in the store for the owner. If the owner process is gone and no process takes the
 * call over, another process ends the call.
 */
import { Clock, Duration, Effect, Option, Schedule } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import { CallStore, type StatusReport, type StoredCall } from "../../store/CallStore.ts"
import type { CallStatus } from "../../twilio/webhook/WebhookParameters.ts"
import type { Call } from "../Call.ts"
import { CallEvent } from "../CallState.ts"
import type { StatusFacts } from "../history/Outcome.ts"
import * as CallRenewal from "./CallRenewal.ts"
import type { LiveCalls } from "./LiveCalls.ts"

/** How often a process reads its waiting reports from the store, and checks which of its calls were taken over. */
const pollInterval = Duration.millis(500)

/** How long `find` waits for the store. */
const findTimeout = Duration.seconds(1)

/**
 * A process that has written no heartbeat for this long is gone. Each minute the service searches for the calls of such processes. It ends a
 * call that two searches in a row find. One search is not enough: after an outage of the database all heartbeats are old, and after a restart
 * Twilio may still request TwiML for the call.
 */
const processGoneAfter = Duration.minutes(2)
const searchInterval = Duration.minutes(1)

/** The time between attempts to store a call's ownership. The retries end with the call. */
const takeOwnershipRetries = Schedule.spaced("5 seconds")

/** How often `findWithRetries` repeats the search, and the time between two searches. */
const findRetries = 10
const findRetrySchedule = Schedule.spaced("100 millis")

/** How long the owner has to write the call's end after Twilio's final status. Then the process that received the status writes the end. */
const ownerEndTimeout = Duration.seconds(10)

export interface Ownership {
  /** Reads a call from the store. `"unreachable"`: the store does not answer. `undefined`: the store has no such call. */
  readonly find: (callSid: CallSid) => Effect.Effect<StoredCall | "unreachable" | undefined>
  /** Like `find`, for a call that another process has just answered. The call may not be stored yet, so the search is repeated. */
  readonly findWithRetries: (callSid: CallSid) => Effect.Effect<StoredCall | "unreachable" | undefined>
  /** Makes this process the owner of the call. */
  readonly take: (callSid: CallSid) => Effect.Effect<void>
  readonly release: (callSid: CallSid) => Effect.Effect<void>
  /** Reads a live call anew if another process had it since the last stream here. Must run before a stream of the call begins. */
  readonly renew: (call: Call) => Effect.Effect<void>
  /** Whether another process can go on with the calls of this process when this process stops. */
  readonly canLeave: Effect.Effect<boolean>
  /**
   * Passes Twilio's final status of a call that is not live here to the call's owner. If the owner does not end the call in time, this
   * process ends it.
   */
  readonly passToOwner: (callSid: CallSid, report: StatusReport) => Effect.Effect<void>
}

/** A report whose status the process that stored it has checked. */
type TwilioReport = StatusReport & { readonly status: CallStatus }

interface MakeOptions {
  readonly live: LiveCalls
  /** Several accounts may share a database. This process ends only calls of this account. */
  readonly accountSid: string
  /** Runs when this process, the owner, gets a report that Twilio sent to another process. */
  readonly onReport: (callSid: CallSid, report: TwilioReport) => Effect.Effect<void>
  /** Stores the end of a call whose process is gone, perhaps after it stored an end. `endedAt`: ms since 1970; unset: now. */
  readonly onOrphanEnded: (stored: StoredCall, facts: StatusFacts & { readonly endedAt?: number }) => Effect.Effect<void>
}

/** Ends a call in this process because another process has taken it over. */
const endTakenOver = (call: Call) =>
  Effect.andThen(
    Effect.sync(call.handOver),
    Effect.annotateLogs(Effect.logInfo("Another process has taken over this call"), { callSid: call.info.callSid })
  ).pipe(Effect.andThen(call.dispatch(CallEvent.Released({ reason: "streamLost" }))))

export const make = Effect.fnUntraced(function*({ accountSid, live, onOrphanEnded, onReport }: MakeOptions) {
  const store = yield* CallStore
  const scope = yield* Effect.scope
  /** The calls that the store knows as owned by this process. Each take has its own number, since a call may be lost and taken again. */
  const owned = new Map<CallSid, number>()
  let takes = 0

  const find: Ownership["find"] = (callSid) =>
    store.find(callSid).pipe(
      Effect.timeout(findTimeout),
      Effect.match({ onFailure: () => "unreachable" as const, onSuccess: (stored) => Option.getOrUndefined(stored) })
    )

  const watchOwnership = Effect.gen(function*() {
    // The copy is made before the store is read: a call that is taken during the read is missing from the store's answer.
    const ownedBefore = [...owned]
    const stillOwned = yield* store.ownedCalls
    for (const [callSid, take] of ownedBefore) {
      const call = live.find(callSid)
      if (stillOwned.has(callSid) || call === undefined || owned.get(callSid) !== take) continue
      owned.delete(callSid)
      yield* endTakenOver(call)
    }
  })

  const applyReports = Effect.flatMap(
    store.takeReports,
    (reports) => Effect.forEach(reports, ({ callSid, report }) => onReport(callSid, report as TwilioReport), { discard: true })
  )

  if (store.isShared) {
    // If a query fails, the next poll repeats it. Nothing is lost meanwhile.
    const poll = Effect.andThen(Effect.ignore(applyReports), Effect.ignore(watchOwnership))
    yield* Effect.forkScoped(Effect.repeat(poll, Schedule.spaced(pollInterval)))
  }

  /** Ends a stored call whose process is gone, unless Twilio's final status is stored or the call is live here. */
  const endOrphan = (callSid: CallSid, facts: StatusFacts & { readonly endedAt?: number }) =>
    Effect.flatMap(find(callSid), (stored) =>
      stored === undefined || stored === "unreachable" || stored.isOver || live.find(callSid) !== undefined ? Effect.void : onOrphanEnded(stored, facts))

  /** The calls that the previous search found. */
  let foundBefore: ReadonlySet<CallSid> = new Set()
  /** Ends calls whose process is gone, if the previous search found them, too. */
  const endOrphans = Effect.gen(function*() {
    const goneBefore = (yield* Clock.currentTimeMillis) - Duration.toMillis(processGoneAfter)
    const found = (yield* store.findUnended(accountSid, goneBefore)).filter(({ callSid }) => live.find(callSid) === undefined)
    for (const { callSid, seenAt } of found) {
      if (!foundBefore.has(callSid) || !(yield* store.claim(callSid, goneBefore))) continue
      yield* Effect.annotateLogs(Effect.logWarning("The process of this call is gone, and no other process took the call over. The call counts as ended"), { callSid })
      yield* endOrphan(callSid, { endedAt: seenAt })
      yield* store.releaseOwnership(callSid)
    }
    foundBefore = new Set(found.map(({ callSid }) => callSid))
  })
  yield* Effect.forkScoped(Effect.repeat(Effect.ignore(endOrphans), Schedule.spaced(searchInterval)))

  const release: Ownership["release"] = (callSid) =>
    Effect.suspend(() => owned.delete(callSid) ? Effect.asVoid(Effect.forkIn(Effect.ignore(store.releaseOwnership(callSid)), scope)) : Effect.void)

  const ownership: Ownership = {
    find,
    findWithRetries: (callSid) => Effect.repeat(find(callSid), { schedule: findRetrySchedule, times: findRetries, until: (stored) => stored !== undefined }),
    take: (callSid) =>
      store.isShared
        ? store.takeOwnership(callSid).pipe(
          Effect.retry({ schedule: takeOwnershipRetries, while: () => live.find(callSid) !== undefined }),
          Effect.map(() => owned.set(callSid, ++takes)),
          // The call may have ended meanwhile.
          Effect.andThen(Effect.suspend(() => live.find(callSid) === undefined ? release(callSid) : Effect.void)),
          Effect.ignore,
          Effect.forkIn(scope),
          Effect.asVoid
        )
        : Effect.void,
    release,
    renew: (call) => {
      // A read of the owned calls that has begun before says nothing about this call.
      const forgetOwned = Effect.sync(() => void owned.delete(call.info.callSid))
      return CallRenewal.renew(call, { store, find, onElsewhere: forgetOwned })
    },
    canLeave: store.isShared ? Effect.map(store.state, ({ _tag }) => _tag === "Ready") : Effect.succeed(false),
    passToOwner: (callSid, report) => {
      const end = store.isShared
        ? Effect.ignore(store.sendToOwner(callSid, report)).pipe(Effect.andThen(Effect.sleep(ownerEndTimeout)), Effect.andThen(endOrphan(callSid, report)))
        : endOrphan(callSid, report)
      return Effect.asVoid(Effect.forkIn(end, scope))
    }
  }
  return ownership
})
