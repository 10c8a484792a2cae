/**
 * Erases a call on demand: its words, actions, events, sound, numbers, metadata and webhooks. The figures stay.
 *
 * Later writes of an erased call, such as those that a journal replays, are refused (`erased_calls`). The other processes of the store
 * remove their machines' traces of the call within half a minute.
 */
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import { StoreUnreachable } from "../CallStore.ts"
import { Database } from "../Database.ts"
import { runner } from "../Statements.ts"
import { erasureLock } from "../writer/ApplyWrites.ts"
import * as WordRemoval from "./WordRemoval.ts"
import * as LocalTraces from "./LocalTraces.ts"

/** How far back a process looks for erasures at its start. */
const lookedBackMillis = 24 * 60 * 60 * 1000

/** Erasures of the last look's final minute are looked at again: clocks of machines differ, and transactions take a while. */
const overlapMillis = 60_000

export class CallErasure extends Context.Service<CallErasure, {
  /** Erases a call that is over. It may be run again. */
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

  let since = now() - lookedBackMillis
  const followOthers = Effect.gen(function*() {
    const began = now()
    const rows = yield* query(run<{ call_sid: CallSid }>("SELECT call_sid FROM erased_calls WHERE at >= ?", [since - overlapMillis]))
    for (const row of rows) yield* removeTraces(row.call_sid)
    since = began
  })
  if (dialect === "pg") {
    yield* Effect.forkScoped(Effect.repeat(Effect.catch(followOthers, () => Effect.logWarning("What this machine has of erased calls can't be removed now; it is tried again")), Schedule.spaced("30 seconds")))
  }

  return CallErasure.of({
    erase: Effect.fnUntraced(function*(callSid) {
      yield* query(removeRows(callSid), "5 seconds")
      yield* removeTraces(callSid)
      yield* scrub
    })
  })
})
