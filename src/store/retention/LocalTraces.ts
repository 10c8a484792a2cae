/**
 * Removes the data of a call that this machine has outside the database: journal lines, event logs and sound.
 */
import { Effect, Option, Path } from "effect"
import * as fs from "node:fs/promises"
import { AppConfig } from "../../config/AppConfig.ts"
import type { CallSid } from "../../domain/Sid.ts"
import { StoreUnreachable } from "../CallStore.ts"
import { Journal } from "../journal/Journal.ts"
import { CallRecordings } from "../recording/CallRecordings.ts"

/** The event logs of a call, whose names begin with the call's SID. */
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

  /** Removes these data of a call. It may be run again for the same call. */
  return Effect.fnUntraced(function*(callSid: CallSid) {
    yield* Effect.mapError(recordings.erase(callSid), (cause) => new StoreUnreachable({ cause }))
    yield* removeLogs(callSid)
    yield* Effect.mapError(journal.erase(callSid), (cause) => new StoreUnreachable({ cause }))
  })
})
