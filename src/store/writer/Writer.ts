/**
 * Moves the calls' writes to the database, many in one transaction, or to the journal while the database does not take them.
 *
 * One fiber moves them, so that writes keep their order: while anything waits in the journal, new writes are added after it. If the
 * database is slow, `save` also copies a call's writes to the journal. Such writes may be applied twice, which changes nothing.
 */
import { Clock, Duration, Effect, Latch, Metric, Option, Schedule, type Scope } from "effect"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import type { CallSid } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import { NotSaved, StoreUnreachable } from "../CallStore.ts"
import type { Database } from "../Database.ts"
import { isWrongStatement } from "../DatabaseErrors.ts"
import type { Journal } from "../journal/Journal.ts"
import type { JournalLine } from "../journal/JournalLines.ts"
import * as Expiry from "../retention/Expiry.ts"
import type { StoreWrite } from "../StoreWrite.ts"
import { apply } from "./ApplyWrites.ts"
import { Unsettled } from "./Unsettled.ts"
import { type Entry, type Stamped, WriteQueue } from "./WriteQueue.ts"

/** The most writes in one transaction. */
const batchSize = 200

/** The most writes that wait in memory. That many wait only if both the database and the journal fail. */
const maxWaiting = 20_000

/** How long writes are gathered for one transaction, unless anybody waits for one of them. */
const defaultGatherTime = Duration.millis(20)

/** How long `save` waits for the database before it copies the call's writes to the journal. */
const saveTimeout = Duration.millis(250)

/** How long one transaction may take. */
const batchTimeout = Duration.seconds(5)

/** How long to wait before writing is tried again, if neither the database nor the journal took the writes. */
const retryPause = Duration.millis(100)

/** How long the end of the process waits until all writes are stored. */
const finishTimeout = Duration.seconds(3)

/** How long `whenSettled` waits. */
const settleTimeout = Duration.seconds(1)

export interface Options {
  /** 0: writes at once, for tests whose clock stands still. */
  readonly gatherTime?: Duration.Input
  readonly maxWaiting?: number
  /** Gives the hashed form of a telephone number. */
  readonly hashNumber?: (number: string) => string
  /** Writes from the journal that are older than this are dropped. Unset: none are dropped. */
  readonly retention?: Expiry.Retention
}

interface Writer {
  readonly write: (write: StoreWrite) => void
  readonly save: (write: StoreWrite) => Effect.Effect<void, NotSaved>
  readonly whenSettled: (callSid: CallSid) => Effect.Effect<void, StoreUnreachable>
  /** How many writes the database does not have yet. */
  readonly waitingCount: () => number
  /** Since when writes of this process wait in the journal. */
  readonly journaledSince: () => Option.Option<number>
}

/** The writes that the database does not have yet, and where they are. */
class Ledger {
  readonly unsettled = new Unsettled()
  /** The entries on their way from memory to the database or to the journal. */
  inFlight: ReadonlyArray<Entry> = []
  /** Lines of this process in the journal, and when the first of these writes was made. */
  inJournal = 0
  journaledSince: number | undefined

  /** The database has these entries. */
  markStored(entries: ReadonlyArray<Entry>): void {
    this.inFlight = []
    for (const { onSaved, write } of entries) {
      this.unsettled.remove(write.callSid)
      for (const notify of onSaved) notify()
    }
  }

  /** These entries were moved to the journal. */
  markJournaled(entries: ReadonlyArray<Entry>): void {
    this.inFlight = []
    this.markCopied(entries)
    for (const { onSaved } of entries) for (const notify of onSaved) notify()
  }

  /** The journal has lines of these entries, which may also still be on their way to the database. */
  markCopied(entries: ReadonlyArray<Entry>): void {
    this.inJournal += entries.length
    this.journaledSince ??= entries[0]?.at
  }

  /** The database has these lines of this process's journal. */
  markReplayed(lines: ReadonlyArray<JournalLine>): void {
    this.inJournal = Math.max(0, this.inJournal - lines.length)
    if (this.inJournal === 0) this.journaledSince = undefined
    for (const line of lines) {
      if (line._tag === "Write") this.unsettled.remove(line.write.write.callSid)
      if (line._tag === "Erased") this.unsettled.remove(line.callSid)
    }
  }
}

const logFailure = (why: string) => Effect.logWarning(`The database did not take writes of the call history: ${why}. They wait in the journal.`)

const count = (result: "stored" | "journaled" | "lost", number: number) => number === 0 ? Effect.void : Metric.update(Metrics.storeWrites(result), number)

const makeDatabaseWriter = Effect.fnUntraced(function*(database: Database["Service"], hashNumber: Options["hashNumber"]) {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const failureLog = yield* SampledLog.make
  const { dialect, sql, transaction } = database

  /** Stores all writes in one transaction. A write that can't be turned into a statement counts as a wrong statement, too. */
  const storeTogether = (writes: ReadonlyArray<Stamped>): Effect.Effect<void, SqlError> =>
    Effect.catchDefect(transaction(apply(sql, dialect, writes, hashNumber)), (defect) =>
      Effect.fail(new SqlError({ reason: new UnknownError({ cause: new TypeError(String(defect)), operation: "apply" }) })))

  /** Stores each write in its own transaction. A write that the database refuses is lost, so that the writes after it can still be stored. */
  const storeOneByOne = Effect.fnUntraced(function*(writes: ReadonlyArray<Stamped>) {
    for (const write of writes) {
      const exit = yield* Effect.result(storeTogether([write]))
      if (exit._tag === "Success") continue
      if (!isWrongStatement(exit.failure)) return yield* exit.failure
      yield* count("lost", 1)
      yield* failureLog.write("refused", Effect.logError(`The database refuses a write of the call history (${write.write._tag}: ${exit.failure.reason._tag}); it is lost`))
    }
  })

  /** Stores writes in the database. Returns `false` if the database can't be used now. */
  return Effect.fnUntraced(function*(writes: ReadonlyArray<Stamped>) {
    const began = clock.monotonicTimeNanosUnsafe()
    const work: Effect.Effect<void, SqlError> = Effect.catchIf(storeTogether(writes), isWrongStatement, () => storeOneByOne(writes))
    const isStored = yield* database.within(work, batchTimeout).pipe(
      Effect.map(Option.isSome),
      Effect.catch((error) => Effect.as(failureLog.write("failed", logFailure(database.explain(error))), false))
    )
    if (!isStored) {
      // In the background: a check of a silent database takes five seconds, and the writes must reach the journal before that.
      yield* Effect.forkIn(database.check, scope)
      return false
    }
    yield* Metric.update(Metrics.storeBatchLatency, Number(clock.monotonicTimeNanosUnsafe() - began) / 1e9)
    yield* count("stored", writes.length)
    return true
  })
})

/** Makes the step that moves waiting writes from memory to the database or to the journal. No two steps may run at once. */
const makeStep = Effect.fnUntraced(function*(database: Database["Service"], journal: Journal["Service"], queue: WriteQueue, ledger: Ledger, { hashNumber, retention }: Options) {
  const clock = yield* Clock.Clock
  const store = yield* makeDatabaseWriter(database, hashNumber)
  const failureLog = yield* SampledLog.make

  const takeNext = (): ReadonlyArray<Entry> => ledger.inFlight = queue.take(batchSize)

  const putBack = (entries: ReadonlyArray<Entry>): void => {
    queue.putBack(entries)
    ledger.inFlight = []
  }

  /** Puts the entries back into the queue if a shutdown interrupts the effect, so that nothing is lost. */
  const orPutBack = <A>(entries: ReadonlyArray<Entry>, effect: Effect.Effect<A>) =>
    Effect.onInterrupt(effect, () => Effect.sync(() => putBack(entries)))

  /** Moves entries from memory to the journal. Returns `false` if the journal can't be written. */
  const spill = Effect.fnUntraced(function*(entries: ReadonlyArray<Entry>) {
    if (entries.length === 0) return true
    const appended = journal.append(entries, { sync: entries.some(({ onSaved }) => onSaved.length > 0) })
    const exit = yield* orPutBack(entries, Effect.result(appended))
    if (exit._tag === "Success") {
      ledger.markJournaled(entries)
      yield* count("journaled", entries.length)
      return true
    }
    putBack(entries)
    yield* failureLog.write("journal", Effect.logError(`The journal of the call history can't be written: ${exit.failure.reason}. The writes of calls wait in memory.`))
    return false
  })

  /** Moves lines from the journal to the database. Returns `false` if that is not possible now. */
  const replay = Effect.gen(function*() {
    const next = yield* Effect.option(journal.next(batchSize))
    if (Option.isNone(next)) {
      yield* failureLog.write("journal", Effect.logError("The journal of the call history can't be read. Look at the disk of DATA_DIR."))
      return false
    }
    if (Option.isNone(next.value)) return true
    const { isOurs, lines, take } = next.value.value
    const now = clock.currentTimeMillisUnsafe()
    const isKept = (write: Stamped) => retention === undefined || !Expiry.isExpired(write, now, retention)
    if (!(yield* store(lines.flatMap((line) => line._tag === "Write" && isKept(line.write) ? [line.write] : [])))) return false
    yield* take
    if (isOurs) ledger.markReplayed(lines)
    const damaged = lines.filter(({ _tag }) => _tag === "Damaged").length
    if (damaged === 0) return true
    yield* count("lost", damaged)
    yield* failureLog.write("damaged", Effect.logWarning("The journal of the call history has a damaged line, which is skipped. The process that wrote the line was perhaps killed"))
    return true
  })

  /** Moves entries from memory to the database, or else to the journal. Returns `false` if neither takes them. */
  const storeNext = Effect.gen(function*() {
    const entries = takeNext()
    if (entries.length === 0) return true
    const isStored = yield* orPutBack(entries, store(entries))
    if (isStored) ledger.markStored(entries)
    return isStored || (yield* spill(entries))
  })

  /** One step. Returns `false` if another step right now would be of no use. */
  return Effect.gen(function*() {
    if (!database.isReady()) return yield* spill(takeNext())
    if (!journal.hasLines()) return yield* storeNext
    const isSpilled = yield* spill(takeNext())
    return (yield* replay) && isSpilled
  })
})

/** Passes a callback to `register` and waits until it is called. An interruption removes the callback. */
const waitForCallback = (register: (callback: () => void) => () => void): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const forget = register(() => resume(Effect.void))
    return Effect.sync(forget)
  })

export const make = Effect.fnUntraced(function*(database: Database["Service"], journal: Journal["Service"], options: Options = {}): Effect.fn.Return<Writer, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const failureLog = yield* SampledLog.make
  const queue = new WriteQueue(options.maxWaiting ?? maxWaiting)
  const ledger = new Ledger()
  const step = yield* makeStep(database, journal, queue, ledger, options)
  const hasWork = yield* Latch.make(false)
  const isAwaited = yield* Latch.make(false)
  let lostCount = 0
  let latestStamp = 0

  /** The time of a new write, ms since 1970. It is later than the time of each earlier write, even if the clock is set back. */
  const stamp = () => latestStamp = Math.max(latestStamp + 0.001, clock.currentTimeMillisUnsafe())

  const add = (write: StoreWrite, onSaved: Array<() => void>): Entry | undefined => {
    const entry: Entry = { write, at: stamp(), onSaved, isReplaced: false }
    const added = queue.add(entry)
    if (added === undefined) {
      lostCount++
      return undefined
    }
    if (added.replaced === undefined) ledger.unsettled.add(write.callSid)
    Latch.openUnsafe(hasWork)
    if (onSaved.length > 0) Latch.openUnsafe(isAwaited)
    return entry
  }

  const waitingCount = () => queue.size + ledger.inFlight.length + ledger.inJournal
  const isIdle = () => queue.size === 0 && (!journal.hasLines() || !database.isReady())

  const work = Effect.gen(function*() {
    if (isIdle()) {
      Latch.closeUnsafe(hasWork)
      yield* journal.hasLines() ? Effect.raceFirst(hasWork.await, database.whenReady) : hasWork.await
    }
    if (database.isReady() && !journal.hasLines() && options.gatherTime !== 0) yield* Effect.timeoutOption(isAwaited.await, options.gatherTime ?? defaultGatherTime)
    if (!queue.isAwaited) Latch.closeUnsafe(isAwaited)
    if (!(yield* step)) yield* Effect.sleep(retryPause)
  }).pipe(Effect.catchDefect((defect) => Effect.andThen(Effect.logError("The writer of the call history failed", defect), Effect.sleep(retryPause))))

  const report = Effect.gen(function*() {
    yield* Metric.update(Metrics.storeWaiting, waitingCount())
    yield* Metric.update(Metrics.storeUp, database.isReady() && !journal.hasLines() ? 1 : 0)
    if (lostCount === 0) return
    yield* count("lost", lostCount)
    lostCount = 0
    yield* failureLog.write("full", Effect.logError("Writes of the call history are lost: neither the database nor the journal takes them, and memory is full"))
  })

  yield* journal.adopt
  yield* Effect.addFinalizer(() => finish(step, queue, journal))
  yield* Effect.forkScoped(Effect.forever(work))
  yield* Effect.forkScoped(Effect.repeat(report, Schedule.spaced("1 second")))
  yield* Effect.forkScoped(Effect.repeat(Effect.andThen(journal.adopt, hasWork.open), Schedule.spaced("30 seconds")))

  /** Copies all waiting writes of the call to the journal, including those on their way to the database. */
  const copyToJournal = (callSid: CallSid) =>
    Effect.gen(function*() {
      const entries = [...ledger.inFlight.filter(({ write }) => write.callSid === callSid), ...queue.of(callSid)]
      yield* journal.append(entries, { sync: true })
      for (const _ of entries) ledger.unsettled.add(callSid)
      ledger.markCopied(entries)
      yield* count("journaled", entries.length)
      yield* hasWork.open
    })

  const save = Effect.fnUntraced(function*(write: StoreWrite) {
    const saved = yield* Latch.make(false)
    if (add(write, [() => Latch.openUnsafe(saved)]) === undefined) return yield* new NotSaved({ cause: "full" })
    if (Option.isSome(yield* Effect.timeoutOption(saved.await, saveTimeout))) return
    yield* Effect.mapError(copyToJournal(write.callSid), ({ cause }) => new NotSaved({ cause }))
  })

  const whenSettled = (callSid: CallSid) =>
    Effect.suspend(() => {
      if (!ledger.unsettled.has(callSid)) return Effect.void
      if (!database.isReady()) return Effect.fail(new StoreUnreachable({ cause: "not ready" }))
      const register = (onSettled: () => void) => {
        const forget = ledger.unsettled.watch(callSid, onSettled)
        // Opened after the watcher is registered: the writer may then store everything at once.
        Latch.openUnsafe(isAwaited)
        return forget
      }
      return waitForCallback(register).pipe(
        Effect.timeoutOrElse({ duration: settleTimeout, orElse: () => Effect.fail(new StoreUnreachable({ cause: "slow" })) })
      )
    })

  return { write: (write) => void add(write, []), save, whenSettled, waitingCount, journaledSince: () => Option.fromUndefinedOr(ledger.journaledSince) }
})

/** At the end of the process, moves waiting writes to the database, or to the journal, within some seconds. */
const finish = (step: Effect.Effect<boolean>, queue: WriteQueue, journal: Journal["Service"]) =>
  Effect.suspend(() => {
    const patientStep = Effect.flatMap(step, (isOfUse) => isOfUse ? Effect.void : Effect.sleep(retryPause))
    const all = Effect.whileLoop({ while: () => queue.size > 0, body: () => patientStep, step: () => undefined })
    const rest = Effect.suspend(() => {
      const entries = queue.take(queue.size)
      if (entries.length === 0) return Effect.void
      return Effect.catch(journal.append(entries, { sync: true }), ({ reason }) =>
        Effect.andThen(
          count("lost", entries.length),
          Effect.annotateLogs(Effect.logError(`Writes of the call history are lost with this process: the database does not take them, and the journal can't be written: ${reason}.`), { writes: entries.length })
        ))
    })
    return Effect.andThen(Effect.timeoutOption(all, finishTimeout), rest)
  })
