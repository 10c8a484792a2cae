/**
 * What this process's machine has of a call's words beside the database: lines of the journal, the event log, the sound.
 */
import { Effect, Option, Path } from "effect"
import * as fs from "node:fs/promises"
import { AppConfig } from "../../config/AppConfig.ts"
import type { CallSid } from "../../domain/Sid.ts"
import { StoreUnreachable } from "../CallStore.ts"
import { Journal } from "../journal/Journal.ts"
import { CallRecordings } from "../recording/CallRecordings.ts"

/** Files of the event log that are the call's: each is named by the call, and a part of it has more behind that. */
const logsOf = (names: ReadonlyArray<string>, callSid: CallSid) => names.filter((name) => name.startsWith(callSid) && name.endsWith(".jsonl"))

export const make = Effect.gen(function*() {
  const { eventsDir } = yield* AppConfig
  const path = yield* Path.Path
  const journal = yield* Journal
  const recordings = yield* CallRecordings

  const removeLogs = (callSid: CallSid) =>
    Option.match(eventsDir, {
      onNone: () => Effect.void,
      onSome: (folder) =>
        Effect.tryPromise({
          try: async () => {
            const names = await fs.readdir(folder).catch((cause: NodeJS.ErrnoException) => {
              if (cause.code === "ENOENT") return []
              throw cause
            })
            for (const name of logsOf(names, callSid)) await fs.rm(path.join(folder, name), { force: true })
          },
          catch: (cause) => new StoreUnreachable({ cause })
        })
    })

  /** May be done again. */
  return Effect.fnUntraced(function*(callSid: CallSid) {
    yield* Effect.mapError(recordings.erase(callSid), (cause) => new StoreUnreachable({ cause }))
    yield* removeLogs(callSid)
    yield* Effect.mapError(journal.erase(callSid), (cause) => new StoreUnreachable({ cause }))
  })
})
