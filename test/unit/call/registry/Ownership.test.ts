import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, type Scope } from "effect"
import type { Call } from "../../../../src/call/Call.ts"
import { initialState, type CallEvent } from "../../../../src/call/CallState.ts"
import * as SettingsChoice from "../../../../src/call/history/SettingsChoice.ts"
import * as LiveCalls from "../../../../src/call/registry/LiveCalls.ts"
import * as Ownership from "../../../../src/call/registry/Ownership.ts"
import type { StatusReport } from "../../../../src/store/CallStore.ts"
import * as Agents from "../../../support/conversation/Agents.ts"
import { callSid } from "../../../support/conversation/Samples.ts"
import { pass } from "../../../support/service/Time.ts"
import * as RecordingStore from "../../../support/store/RecordingStore.ts"

const completed: StatusReport = { status: "completed", sequence: 4, durationSeconds: 12 }

const withOwnership = <A, E>(
  test: (bench: {
    readonly ownership: Ownership.Ownership
    readonly store: RecordingStore.RecordingStore
    readonly live: LiveCalls.LiveCalls
    /** A live call of this process. */
    readonly call: (index?: number) => void
    /** What happened to calls, in order. */
    readonly log: ReadonlyArray<string>
  }) => Effect.Effect<A, E, Scope.Scope>,
  isShared = true
) =>
  Effect.gen(function*() {
    const store = RecordingStore.make(isShared)
    const live = LiveCalls.make({ calls: 10, callsPerCaller: 10 })
    const log: Array<string> = []
    const call = (index = 1) => {
      const sid = callSid(index)
      const handled: Call = {
        info: { callSid: sid, direction: "inbound", from: Option.none(), to: Option.none(), agent: Agents.silent, settings: SettingsChoice.of({}, "plain") },
        state: Effect.succeed(initialState({ maxResumptions: 5 })),
        takesLine: () => true,
        dispatch: (event: CallEvent) =>
          Effect.sync(() => {
            log.push(`${index} ${event._tag}${event._tag === "Released" ? ` ${event.reason}` : ""}`)
            live.end(sid)
            return initialState({ maxResumptions: 5 })
          }),
        stream: () => Effect.succeed(false),
        handOver: () => void log.push(`${index} handed over`),
        renew: ({ parts }) => Effect.sync(() => void log.push(`${index} renewed after ${parts} streams`)),
        leave: Effect.sync(() => void log.push(`${index} left`)),
        feed: undefined as never
      }
      live.add(handled)
    }
    const ownership = yield* Effect.provide(
      Ownership.make({
        live,
        accountSid: "",
        onReport: (sid, { status }) => Effect.sync(() => void log.push(`report ${status} of ${Number.parseInt(sid.slice(2), 16)}`)),
        onOrphanEnded: (found, { endedAt, status }) => Effect.sync(() => void log.push(`orphan ${status ?? `at ${endedAt}`} of ${Number.parseInt(found.callSid.slice(2), 16)}`))
      }),
      store.layer
    )
    return yield* test({ ownership, store, live, call, log })
  }).pipe(Effect.scoped)

describe("a process that owns a call", () => {
  it.effect("learns within half a second what Twilio reported to another process", () =>
    withOwnership(({ call, log, ownership, store }) =>
      Effect.gen(function*() {
        call()
        yield* ownership.take(callSid())
        store.waitingReports.push({ callSid: callSid(), report: completed })
        yield* pass(500)
        assert.deepStrictEqual(log, ["report completed of 1"])
        yield* pass(5000)
        assert.strictEqual(log.length, 1)
      })))

  it.effect("lets the call go within half a second after another process has taken it", () =>
    withOwnership(({ call, log, ownership, store }) =>
      Effect.gen(function*() {
        call(1)
        call(2)
        yield* ownership.take(callSid(1))
        yield* ownership.take(callSid(2))
        yield* pass(1000)
        assert.deepStrictEqual(log, [])
        store.owned.delete(callSid(1))
        yield* pass(500)
        assert.deepStrictEqual(log, ["1 handed over", "1 Released streamLost"])
        // The call belongs to the other process now, so it is not disowned.
        assert.deepStrictEqual(store.released, [])
      })))

  it.effect("reads a call anew before a stream if another process had it, when that process writes nothing more", () =>
    withOwnership(({ call, live, log, ownership, store }) =>
      Effect.gen(function*() {
        call(1)
        const own = live.find(callSid(1))!
        yield* ownership.renew(own)
        assert.deepStrictEqual(log, [])
        store.elsewhere.add(callSid(1))
        store.known.set(callSid(1), RecordingStore.stored(callSid(1), { parts: 1 }))
        const renewed = yield* Effect.forkChild(ownership.renew(own))
        yield* pass(50)
        assert.isTrue(store.owned.has(callSid(1)), "the other process learns at once that the call is here")
        store.known.set(callSid(1), RecordingStore.stored(callSid(1), { parts: 2 }))
        yield* pass(60)
        assert.deepStrictEqual(log, [])
        yield* pass(100)
        yield* Fiber.join(renewed)
        assert.deepStrictEqual(log, ["1 renewed after 2 streams"])
      })))

  it.effect("goes on with what it knows if the store does not say whether another process had the call", () =>
    withOwnership(({ call, live, log, ownership, store }) =>
      Effect.gen(function*() {
        call(1)
        store.elsewhere.add(callSid(1))
        store.isDown = true
        yield* ownership.renew(live.find(callSid(1))!)
        assert.deepStrictEqual(log, [])
      })))

  it.effect("keeps a call that comes back while the store is asked for the owned calls", () =>
    withOwnership(({ call, live, log, ownership, store }) =>
      Effect.gen(function*() {
        call(1)
        yield* ownership.take(callSid(1))
        yield* pass(10)
        store.owned.delete(callSid(1))
        store.elsewhere.add(callSid(1))
        store.known.set(callSid(1), RecordingStore.stored(callSid(1), { parts: 2 }))
        store.ownedAfter = 200
        yield* pass(500)
        // The store's answer is on its way, without the call.
        const renewed = yield* Effect.forkChild(ownership.renew(live.find(callSid(1))!))
        yield* pass(110)
        yield* Fiber.join(renewed)
        yield* ownership.take(callSid(1))
        yield* pass(2000)
        assert.deepStrictEqual(log, ["1 renewed after 2 streams"])
      })))

  it.effect("keeps a call that it takes while the store is asked for the owned calls", () =>
    withOwnership(({ call, log, ownership, store }) =>
      Effect.gen(function*() {
        call()
        store.ownedAfter = 100
        yield* pass(600)
        // The store's answer is on its way, without the call.
        yield* ownership.take(callSid())
        yield* pass(2000)
        assert.deepStrictEqual(log, [])
      })))

  it.effect("keeps the call while the store does not answer", () =>
    withOwnership(({ call, log, ownership, store }) =>
      Effect.gen(function*() {
        call()
        yield* ownership.take(callSid())
        yield* pass(500)
        store.isDown = true
        yield* pass(60_000)
        assert.deepStrictEqual(log, [])
      })))

  it.effect("stores its ownership when the store answers again", () =>
    withOwnership(({ call, ownership, store }) =>
      Effect.gen(function*() {
        store.isDown = true
        call()
        yield* ownership.take(callSid())
        yield* pass(60_000)
        store.isDown = false
        yield* pass(5000)
        assert.isTrue(store.owned.has(callSid()))
      })))

  it.effect("releases the call when it ends, even if the store answers later", () =>
    withOwnership(({ call, live, ownership, store }) =>
      Effect.gen(function*() {
        call(1)
        yield* ownership.take(callSid(1))
        yield* pass(0)
        yield* ownership.release(callSid(1))
        yield* pass(0)
        assert.deepStrictEqual(store.released, [callSid(1)])

        call(2)
        yield* ownership.take(callSid(2))
        live.end(callSid(2))
        yield* ownership.release(callSid(2))
        yield* pass(0)
        assert.isFalse(store.owned.has(callSid(2)))
      })))
})

describe("a report of a call that is not here", () => {
  it.effect("is passed to the call's owner, which ends the call", () =>
    withOwnership(({ log, ownership, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), RecordingStore.stored(callSid()))
        yield* ownership.passToOwner(callSid(), completed)
        yield* pass(0)
        assert.deepStrictEqual(store.sentReports, [[callSid(), completed]])
        store.known.set(callSid(), RecordingStore.stored(callSid(), { endedAt: 70_000, isOver: true }))
        yield* pass(60_000)
        assert.deepStrictEqual(log, [])
      })))

  it.effect("completes the outcome of a call whose process died between the call's end and the report", () =>
    withOwnership(({ log, ownership, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), RecordingStore.stored(callSid(), { endedAt: 70_000, endReason: "agentLeft" }))
        yield* ownership.passToOwner(callSid(), completed)
        yield* pass(11_000)
        assert.deepStrictEqual(log, ["orphan completed of 1"])
      })))

  it.effect("ends the call here if its owner has not ended it after ten seconds", () =>
    withOwnership(({ log, ownership, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), RecordingStore.stored(callSid()))
        yield* ownership.passToOwner(callSid(), completed)
        yield* pass(9000)
        assert.deepStrictEqual(log, [])
        yield* pass(2000)
        assert.deepStrictEqual(log, ["orphan completed of 1"])
      })))

  it.effect("ends the call at once if no other process shares the store", () =>
    withOwnership(({ log, ownership, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), RecordingStore.stored(callSid()))
        yield* ownership.passToOwner(callSid(), completed)
        yield* pass(0)
        assert.deepStrictEqual(log, ["orphan completed of 1"])
        assert.deepStrictEqual(store.sentReports, [])
      }), false))

  it.effect("changes nothing if the store does not know the call or does not answer", () =>
    withOwnership(({ log, ownership, store }) =>
      Effect.gen(function*() {
        yield* ownership.passToOwner(callSid(), completed)
        store.isDown = true
        yield* ownership.passToOwner(callSid(2), completed)
        yield* pass(60_000)
        assert.deepStrictEqual(log, [])
      })))

  it.effect("does not end a call that came here meanwhile", () =>
    withOwnership(({ call, log, ownership, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), RecordingStore.stored(callSid()))
        yield* ownership.passToOwner(callSid(), completed)
        call()
        yield* ownership.take(callSid())
        yield* pass(60_000)
        assert.deepStrictEqual(log, [])
      })))
})

describe("a call whose process is gone", () => {
  const gone = { callSid: callSid(), seenAt: 4000 }

  it.effect.each([true, false])("is ended at the second look, at its last sign of life (shared store: %s)", (isShared) =>
    withOwnership(({ log, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), RecordingStore.stored(callSid()))
        store.unended = [gone]
        yield* pass(59_000)
        assert.deepStrictEqual(log, [])
        yield* pass(2000)
        assert.deepStrictEqual(log, ["orphan at 4000 of 1"])
        assert.deepStrictEqual(store.released, [callSid()])
      }), isShared))

  it.effect("is not ended if it has come back meanwhile, here or at another process", () =>
    withOwnership(({ call, log, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(1), RecordingStore.stored(callSid(1)))
        store.known.set(callSid(2), RecordingStore.stored(callSid(2)))
        store.unended = [gone, { ...gone, callSid: callSid(2) }]
        yield* pass(30_000)
        call(1)
        store.unended = [gone]
        yield* pass(600_000)
        assert.deepStrictEqual(log, [])
      })))

  it.effect("is not ended while the store does not answer, because the signs of life then grow old by themselves", () =>
    withOwnership(({ log, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), RecordingStore.stored(callSid()))
        store.unended = [gone]
        store.isDown = true
        yield* pass(600_000)
        store.isDown = false
        yield* pass(60_000)
        assert.deepStrictEqual(log, [])
        // Its process has given a sign of life.
        store.unended = []
        yield* pass(600_000)
        assert.deepStrictEqual(log, [])
      })))

  it.effect("is ended by only one process", () =>
    withOwnership(({ log, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), RecordingStore.stored(callSid()))
        store.unended = [gone]
        store.claimable = false
        yield* pass(300_000)
        assert.deepStrictEqual(log, [])
      })))
})

describe("a call that another process has", () => {
  it.effect("is found, unknown, or unreachable if the store does not answer", () =>
    withOwnership(({ ownership, store }) =>
      Effect.gen(function*() {
        const known = RecordingStore.stored(callSid())
        store.known.set(callSid(), known)
        assert.strictEqual(yield* ownership.find(callSid()), known)
        assert.isUndefined(yield* ownership.find(callSid(2)))
        store.isDown = true
        assert.strictEqual(yield* ownership.find(callSid()), "unreachable")
      })))

  it.effect("is looked for during a second if it was answered a moment ago", () =>
    withOwnership(({ ownership, store }) =>
      Effect.gen(function*() {
        let found: unknown = "nothing yet"
        yield* Effect.forkScoped(Effect.map(ownership.findWithRetries(callSid()), (call) => {
          found = call
        }))
        yield* pass(250)
        assert.strictEqual(found, "nothing yet")
        const known = RecordingStore.stored(callSid(), { parts: 0 })
        store.known.set(callSid(), known)
        yield* pass(100)
        assert.strictEqual(found, known)

        yield* Effect.forkScoped(Effect.map(ownership.findWithRetries(callSid(2)), (call) => {
          found = call
        }))
        yield* pass(2000)
        assert.isUndefined(found)
      })))
})
