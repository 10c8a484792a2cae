/**
 * The call store, made of the database, the journal and the writer. The writer stores the writes of calls in the database. While the database
 * can't be used, the writer stores them in the journal.
 */
import { Clock, Duration, Effect, Layer, Option } from "effect"
import { AppConfig } from "../config/AppConfig.ts"
import { CallStore, type StoreState } from "./CallStore.ts"
import { Database } from "./Database.ts"
import { SealedWords } from "./encryption/SealedWords.ts"
import { Journal } from "./journal/Journal.ts"
import { NumberHash } from "./retention/NumberHash.ts"
import * as SharedCalls from "./SharedCalls.ts"
import * as Writer from "./writer/Writer.ts"

interface Options extends Writer.Options {
  /** How often plain numbers that were hashed are removed from SQLite's write-ahead log. */
  readonly scrubEvery?: Duration.Input
}

/**
 * Hashes numbers, and removes their plain form from SQLite's write-ahead log, which otherwise keeps it until other writes replace it: for
 * days, if there are few calls. A process that was killed may have left plain numbers there, so the first round always removes them.
 */
const makeHash = Effect.fnUntraced(function*({ scrub }: Database["Service"], every: Duration.Input) {
  const { hash } = yield* NumberHash
  let hasHashed = true
  const scrubHashed = Effect.suspend(() => {
    if (!hasHashed) return Effect.void
    // Set before the log is emptied. A number that is hashed from then on is removed in the next round.
    hasHashed = false
    return Effect.catch(scrub, () => Effect.sync(() => void (hasHashed = true)))
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(scrubHashed, every)))
  return (number: string) => {
    hasHashed = true
    return hash(number)
  }
})

const make = Effect.fnUntraced(function*({ scrubEvery = Duration.minutes(1), ...options }: Options = {}) {
  const database = yield* Database
  const journal = yield* Journal
  const clock = yield* Clock.Clock
  const writer = yield* Writer.make(database, journal, { ...options, hashNumber: yield* makeHash(database, scrubEvery) })
  const words = yield* SealedWords
  const shared = yield* SharedCalls.make(database, words, writer.whenSettled)

  const state = Effect.sync((): StoreState => {
    if (database.isReady() && !journal.hasLines()) return { _tag: "Ready" }
    const { since, why } = Option.getOrElse(database.outage(), () => ({
      since: Option.getOrElse(writer.journaledSince(), () => clock.currentTimeMillisUnsafe()),
      why: "it answers again, and the writes in the journal are moved to it now"
    }))
    return { _tag: "Degraded", since, waiting: writer.waitingCount(), why }
  })

  return CallStore.of({
    write: (write) => writer.write(words.sealWrite(write)),
    save: (write) => Effect.suspend(() => writer.save(words.sealWrite(write))),
    whenSettled: writer.whenSettled,
    state,
    ...shared,
    isShared: database.dialect === "pg"
  })
})

/** This layer does not build the `Database`, because the call history and the retention use the same one. */
const layerNoDeps = (options?: Options) => Layer.effect(CallStore, make(options))

/** The store of the configuration. Tests give other `options`. */
export const layerWith = (options: Options = {}) =>
  Layer.unwrap(Effect.map(AppConfig, ({ store: { retention } }) => layerNoDeps({ retention, ...options }))).pipe(
    Layer.provideMerge(Layer.mergeAll(Journal.layer, NumberHash.layer, SealedWords.layer, Database.layer))
  )

export const layer = layerWith()

/** For tests: a database in this process's memory, without a journal. Each write is applied at once, so the test clock need not advance. */
export const layerMemory = layerNoDeps({ gatherTime: 0 }).pipe(Layer.provideMerge(Layer.mergeAll(Journal.layerNone, NumberHash.layerOf("a key of tests"), SealedWords.layerNone, Database.layerMemory)))
