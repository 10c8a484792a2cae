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
import { CallStore, type CallSignal, type StoredCall } from "../../store/CallStore.ts"
import type { CallStatus } from "../../twilio/webhook/WebhookParameters.ts"
import type { Call } from "../Call.ts"
import { CallEvent } from "../CallState.ts"
import type { StatusFacts } from "../history/Outcome.ts"
import type { LiveCalls } from "./LiveCalls.ts"

/** How often a process reads from the store which reports wait for it, and which of its calls were taken over. */
const pollEvery = Duration.millis(500)

/** How long `find` waits for the store. */
const findTimeout = Duration.seconds(1)

/** How long a stream's beginning waits to learn whether another process had the call. */
const elsewhereTimeout = Duration.millis(250)

/**
 * A process that has written no sign of life for this long is gone. The calls of such processes are searched for every minute. A call is
 * ended if two searches in a row find it. One search is not enough. After an outage of the database all signs of life are old. After a restart
 * Twilio may come back to the call.
 */
const processGoneAfter = Duration.minutes(2)
const endUnendedEvery = Duration.minutes(1)

/** When writing a call's ownership is tried again after a failure. The retries end with the call. */
const ownRetries = Schedule.spaced("5 seconds")

/**
 * A call counts as at rest if two reads so far apart find the same, or after so many reads. The socket's close reaches the owner at about the
 * time at which Twilio requests TwiML from another process, and the owner's last writes reach the store some 30 ms later.
 */
const atRestAfter = Duration.millis(100)
const maxReads = 4

/** How often `await` repeats the search, and the time between two searches. */
const awaitRetries = 10
const awaitRetryEvery = Schedule.spaced("100 millis")

/** How long the owner has to write the call's end after Twilio's final status. Then the process that received the status writes the end. */
const ownerEndTimeout = Duration.seconds(10)

export interface Ownership {
  /** Reads a call from the store. `"lost"`: the store does not answer. `undefined`: the store has no such call. */
  readonly find: (callSid: CallSid) => Effect.Effect<StoredCall | "lost" | undefined>
  /** Like `find`, for a call that another process has just answered. The call may not be stored yet, so the search is repeated. */
  readonly await: (callSid: CallSid) => Effect.Effect<StoredCall | "lost" | undefined>
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
  readonly pass: (callSid: CallSid, signal: CallSignal) => Effect.Effect<void>
}

interface MakeOptions {
  readonly live: LiveCalls
  /** Several accounts may share a database. This process ends only calls of this account. */
  readonly accountSid: string
  /** Runs when this process, the owner, gets a report that Twilio sent to another process. */
  readonly onSignal: (callSid: CallSid, signal: CallSignal & { readonly status: CallStatus }) => Effect.Effect<void>
  /** Stores the end of a call whose process is gone, perhaps after it stored an end. `endedAt`: ms since 1970; unset: now. */
  readonly onOrphanEnded: (stored: StoredCall, facts: StatusFacts & { readonly endedAt?: number }) => Effect.Effect<void>
}

/** Ends a call in this process because another process has taken it over. */
const letGo = (call: Call) =>
  Effect.andThen(
    Effect.sync(call.handOver),
    Effect.annotateLogs(Effect.logInfo("Another process has taken over this call"), { callSid: call.info.callSid })
  ).pipe(Effect.andThen(call.dispatch(CallEvent.Released({ reason: "streamLost" }))))

/** The newest numbers of a call in the store. They are the same as long as nothing is written. */
const newestOf = (stored: StoredCall | "lost" | undefined): string => {
  if (stored === undefined || stored === "lost") return String(stored)
  const { memory, nextEvent, nextTurn, parts } = stored
  return [parts, nextEvent, nextTurn, Option.getOrUndefined(memory)?.version].join()
}

export const make = Effect.fnUntraced(function*({ accountSid, live, onOrphanEnded, onSignal }: MakeOptions) {
  const store = yield* CallStore
  const scope = yield* Effect.scope
  /** The calls whose ownership is stored, each with the number of times at which this process took a call. */
  const owned = new Map<CallSid, number>()
  let takes = 0

  const find: Ownership["find"] = (callSid) =>
    store.find(callSid).pipe(
      Effect.timeout(findTimeout),
      Effect.match({ onFailure: () => "lost" as const, onSuccess: (stored) => Option.getOrUndefined(stored) })
    )

  /** Reads a call until its owner, which has just lost the stream, writes nothing more. */
  const findAtRest = Effect.fnUntraced(function*(callSid: CallSid) {
    let stored = yield* find(callSid)
    for (let read = 1; read < maxReads; read++) {
      yield* Effect.sleep(atRestAfter)
      const before = stored
      stored = yield* find(callSid)
      if (newestOf(before) === newestOf(stored)) break
    }
    return stored
  })

  const watchOwnership = Effect.gen(function*() {
    // The copy is made before the store is read: a call that is taken during the read is missing from the store's answer.
    const ownedBefore = [...owned]
    const stillOwned = yield* store.owned
    for (const [callSid, take] of ownedBefore) {
      const call = live.find(callSid)
      if (stillOwned.has(callSid) || call === undefined || owned.get(callSid) !== take) continue
      owned.delete(callSid)
      yield* letGo(call)
    }
  })

  const takeSignals = Effect.flatMap(
    store.signals,
    (signals) => Effect.forEach(signals, ({ callSid, signal }) => onSignal(callSid, signal as never), { discard: true })
  )

  if (store.isShared) {
    // If a query fails, the next poll repeats it. Nothing is lost meanwhile.
    const poll = Effect.andThen(Effect.ignore(takeSignals), Effect.ignore(watchOwnership))
    yield* Effect.forkScoped(Effect.repeat(poll, Schedule.spaced(pollEvery)))
  }

  /** Ends a stored call whose process is gone, unless Twilio's final status is stored or the call is live here. */
  const endOrphan = (callSid: CallSid, facts: StatusFacts & { readonly endedAt?: number }) =>
    Effect.flatMap(find(callSid), (stored) =>
      stored === undefined || stored === "lost" || stored.isOver || live.find(callSid) !== undefined ? Effect.void : onOrphanEnded(stored, facts))

  /** The calls that the previous search found. */
  let foundBefore: ReadonlySet<CallSid> = new Set()
  /** Ends calls whose process is gone, if the previous search found them, too. */
  const endUnended = Effect.gen(function*() {
    const goneBefore = (yield* Clock.currentTimeMillis) - Duration.toMillis(processGoneAfter)
    const found = (yield* store.unended(accountSid, goneBefore)).filter(({ callSid }) => live.find(callSid) === undefined)
    for (const { callSid, seenAt } of found) {
      if (!foundBefore.has(callSid) || !(yield* store.claim(callSid, goneBefore))) continue
      yield* Effect.annotateLogs(Effect.logWarning("The process of this call is gone, and no other process took the call over. The call counts as ended"), { callSid })
      yield* endOrphan(callSid, { endedAt: seenAt })
      yield* store.disown(callSid)
    }
    foundBefore = new Set(found.map(({ callSid }) => callSid))
  })
  yield* Effect.forkScoped(Effect.repeat(Effect.ignore(endUnended), Schedule.spaced(endUnendedEvery)))

  const release: Ownership["release"] = (callSid) =>
    Effect.suspend(() => owned.delete(callSid) ? Effect.asVoid(Effect.forkIn(Effect.ignore(store.disown(callSid)), scope)) : Effect.void)

  const ownership: Ownership = {
    find,
    await: (callSid) => Effect.repeat(find(callSid), { schedule: awaitRetryEvery, times: awaitRetries, until: (stored) => stored !== undefined }),
    take: (callSid) =>
      store.isShared
        ? store.own(callSid).pipe(
          Effect.retry({ schedule: ownRetries, while: () => live.find(callSid) !== undefined }),
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
      const { callSid } = call.info
      const readAnew = Effect.gen(function*() {
        // A read of the owned calls that has begun before says nothing about this call.
        owned.delete(callSid)
        // First the ownership, then the read: a process to which the call moves meanwhile sees that it was here.
        yield* Effect.ignore(store.own(callSid))
        const stored = yield* findAtRest(callSid)
        if (stored !== undefined && stored !== "lost" && stored.parts > 0) yield* call.renew(stored)
      })
      return store.isShared
        ? Effect.flatMap(
          Effect.orElseSucceed(Effect.timeout(store.isElsewhere(callSid), elsewhereTimeout), () => false),
          (isElsewhere) => isElsewhere ? readAnew : Effect.void
        )
        : Effect.void
    },
    canLeave: store.isShared ? Effect.map(store.state, ({ _tag }) => _tag === "Ready") : Effect.succeed(false),
    pass: (callSid, signal) => {
      const end = store.isShared
        ? Effect.ignore(store.tell(callSid, signal)).pipe(Effect.andThen(Effect.sleep(ownerEndTimeout)), Effect.andThen(endOrphan(callSid, signal)))
        : endOrphan(callSid, signal)
      return Effect.asVoid(Effect.forkIn(end, scope))
    }
  }
  return ownership
})
