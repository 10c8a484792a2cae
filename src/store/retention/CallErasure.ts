/**
 * Erases a call on demand: its words, actions, events, sound, numbers, metadata and webhooks. The figures stay.
 *
 * Later writes of an erased call, such as writes from a journal, are refused (see the table `erased_calls`). Other processes that share the
 * store remove the call's traces from their machines within half a minute.
 */
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import { StoreUnreachable } from "../CallStore.ts"
import { Database } from "../Database.ts"
import { runner } from "../Statements.ts"
import { erasureLock } from "../writer/ApplyWrites.ts"
import * as WordRemoval from "./WordRemoval.ts"
import * as LocalTraces from "./LocalTraces.ts"

/** How far back (ms) a process reads the erasures at its start. */
const firstPeriodMillis = 24 * 60 * 60 * 1000

/**
 * By how much (ms) the periods of two reads overlap. The clocks of machines differ, and an erasure becomes visible only when its transaction
 * ends.
 */
const overlapMillis = 60_000

export class CallErasure extends Context.Service<CallErasure, {
  /** Erases a call that has ended. It may be run again for the same call. */
  readonly erase: (callSid: CallSid) => Effect.Effect<void, StoreUnreachable>
}>()("client-caller/store/retention/CallErasure") {
  static readonly layer = Layer.effect(CallErasure, Effect.suspend(() => make))
}

const make = Effect.gen(function*() {
  const { dialect, query, scrub, sql, transaction } = yield* Database
  const clock = yield* Clock.Clock
  const removeTraces = yield* LocalTraces.make
  const run = runner(sql, dialect)
  const now = () => clock.currentTimeMillisUnsafe()

  const removeRows = (callSid: CallSid) =>
    transaction(Effect.gen(function*() {
      if (dialect === "pg") yield* run("SELECT pg_advisory_xact_lock(?)", [erasureLock])
      yield* run("INSERT INTO erased_calls (call_sid, at) VALUES (?, ?) ON CONFLICT (call_sid) DO UPDATE SET at = excluded.at", [callSid, now()])
      const [row] = yield* run<{ figures: string | null }>("SELECT figures FROM calls WHERE call_sid = ?", [callSid])
      yield* WordRemoval.removeWords(run, callSid, row?.figures ?? null)
      yield* WordRemoval.removePerson(run, callSid)
    }))

  let lastReadAt = now() - firstPeriodMillis
  /** Removes the traces of calls that other processes have erased. */
  const removeTracesOfOthers = Effect.gen(function*() {
    const readAt = now()
    const rows = yield* query(run<{ call_sid: CallSid }>("SELECT call_sid FROM erased_calls WHERE at >= ?", [lastReadAt - overlapMillis]))
    for (const row of rows) yield* removeTraces(row.call_sid)
    lastReadAt = readAt
  })
  if (dialect === "pg") {
    yield* Effect.forkScoped(Effect.repeat(Effect.catch(removeTracesOfOthers, () => Effect.logWarning("The traces of erased calls can't be removed from this machine now. The service tries again in 30 seconds")), Schedule.spaced("30 seconds")))
  }

  return CallErasure.of({
    erase: Effect.fnUntraced(function*(callSid) {
      yield* query(removeRows(callSid), "5 seconds")
      yield* removeTraces(callSid)
      yield* scrub
    })
  })
})
