/**
 * Keeps writes that the database could not take, in files of `DATA_DIR/journal`. They stay there until this process or a later process moves
 * them to the database.
 *
 * A process writes at most one file at a time. Files of ended processes are read before this process's own file, the oldest first.
 */
import { Clock, Context, Effect, Layer, Option, Path, Schedule, Semaphore } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import { hostname } from "node:os"
import process from "node:process"
import { AppConfig } from "../../config/AppConfig.ts"
import type { Stamped } from "../writer/WriteQueue.ts"
import { JournalFailed, JournalFile, type Piece } from "./JournalFile.ts"
import { isOrphan, nameOf, ownerOf } from "./JournalNames.ts"

/** If this process's file is larger (bytes), no further writes are added to it. They wait in memory. */
const maxBytes = 1024 * 1024 * 1024

interface WaitingLines extends Piece {
  /** Whether the lines are from this process's own file. */
  readonly isOurs: boolean
  /** Takes the lines out of the journal. Run it when they are in the database. */
  readonly take: Effect.Effect<void>
}

export class Journal extends Context.Service<Journal, {
  /** `sync`: waits until the writes are on the disk, not only in the system's memory. */
  readonly append: (writes: ReadonlyArray<Stamped>, options: { readonly sync: boolean }) => Effect.Effect<void, JournalFailed>
  /** Whether there is a file with lines that are not in the database yet. */
  readonly hasLines: () => boolean
  /** Reads the next lines. Returns the same lines again until `take` has run. */
  readonly next: (maxLines: number) => Effect.Effect<Option.Option<WaitingLines>, JournalFailed>
  /** Adds the files of processes that have ended, so that `next` reads them. */
  readonly adopt: Effect.Effect<void>
  /** Overwrites the lines of one call, in this process's file and in the adopted files. */
  readonly erase: (callSid: string) => Effect.Effect<void, JournalFailed>
}>()("client-caller/store/journal/Journal") {
  static readonly layer = Layer.effect(
    Journal,
    Effect.gen(function*() {
      const { dataDir } = yield* AppConfig
      const path = yield* Path.Path
      return yield* make(path.join(dataDir, "journal"), path.join)
    })
  )

  /** Keeps nothing: each append fails. */
  static readonly layerNone = Layer.sync(Journal, () => {
    const failed = Effect.fail(new JournalFailed({ cause: "there is no journal" }))
    return Journal.of({ append: () => failed, hasLines: () => false, next: () => Effect.succeedNone, adopt: Effect.void, erase: () => Effect.void })
  })
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // EPERM: the process belongs to another user.
    return (cause as NodeJS.ErrnoException).code === "EPERM"
  }
}

/**
 * The files in the folder. Empty if the folder or a file can't be read now. `untouchedMillis`: ms since the file was last changed or
 * touched.
 */
const filesIn = (folder: string, join: Path.Path["join"], now: number) =>
  Effect.tryPromise(async () => {
    const names = (await fs.readdir(folder)).toSorted()
    return Promise.all(names.map(async (name) => ({ name, untouchedMillis: now - (await fs.stat(join(folder, name))).mtimeMs })))
  }).pipe(Effect.orElseSucceed(() => []))

const make = Effect.fnUntraced(function*(folder: string, join: Path.Path["join"]) {
  const clock = yield* Clock.Clock
  const oneAtATime = yield* Semaphore.make(1)
  const self = { host: hostname(), pid: process.pid }
  let ownFile: JournalFile | undefined
  const adopted: Array<JournalFile> = []
  const knownNames = new Set<string>()

  const openOwnFile = Effect.suspend(() => {
    if (ownFile !== undefined) return Effect.succeed(ownFile)
    const name = nameOf(self, clock.currentTimeMillisUnsafe(), randomBytes(4).toString("hex"))
    return Effect.map(JournalFile.create(join(folder, name)), (file) => {
      knownNames.add(name)
      ownFile = file
      return file
    })
  })

  const append = (writes: ReadonlyArray<Stamped>, { sync }: { readonly sync: boolean }) =>
    oneAtATime.withPermit(Effect.gen(function*() {
      const file = yield* openOwnFile
      if (file.size > maxBytes) return yield* new JournalFailed({ cause: "the journal is full" })
      yield* file.append(writes)
      if (sync) yield* file.sync()
    }))

  const remove = (file: JournalFile) =>
    Effect.suspend(() => {
      if (file === ownFile) ownFile = undefined
      else adopted.splice(adopted.indexOf(file), 1)
      return file.remove()
    })

  /** Marks the lines that were read last as taken. Removes the file if all its lines are taken. An append may have added lines meanwhile. */
  const take = (file: JournalFile) =>
    oneAtATime.withPermit(Effect.suspend(() => {
      file.take()
      return file.isTaken ? remove(file) : Effect.void
    }))

  const next = (maxLines: number) =>
    oneAtATime.withPermit(Effect.gen(function*() {
      for (;;) {
        const file = adopted[0] ?? ownFile
        if (file === undefined) return Option.none<WaitingLines>()
        const { lines } = yield* file.next(maxLines)
        if (lines.length > 0) return Option.some({ lines, isOurs: file === ownFile, take: take(file) })
        // The file has no further lines, or only blank ones.
        file.take()
        if (file.isTaken) yield* remove(file)
      }
    }))

  const adopt = Effect.gen(function*() {
    const now = clock.currentTimeMillisUnsafe()
    for (const { name, untouchedMillis } of yield* filesIn(folder, join, now)) {
      const owner = ownerOf(name)
      if (knownNames.has(name) || owner === undefined || !isOrphan(owner, self, isAlive, untouchedMillis)) continue
      const file = yield* Effect.option(JournalFile.open(join(folder, name)))
      if (Option.isNone(file)) continue
      knownNames.add(name)
      adopted.push(file.value)
      yield* Effect.logInfo("Reading the journal of a process that has ended")
    }
  })

  const touch = Effect.suspend(() => ownFile === undefined ? Effect.void : Effect.ignore(ownFile.touch(clock.currentTimeMillisUnsafe())))
  yield* Effect.forkScoped(Effect.repeat(touch, Schedule.spaced("5 seconds")))
  yield* Effect.addFinalizer(() => Effect.forEach([...adopted, ...(ownFile === undefined ? [] : [ownFile])], (file) => file.close(), { discard: true }))
  return Journal.of({
    append,
    hasLines: () => ownFile !== undefined || adopted.length > 0,
    next,
    adopt,
    erase: (callSid) => oneAtATime.withPermit(Effect.forEach([...adopted, ...(ownFile === undefined ? [] : [ownFile])], (file) => file.erase(callSid), { discard: true }))
  })
})
