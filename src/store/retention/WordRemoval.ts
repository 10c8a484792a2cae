/**
 * Removes data of a call from the database: its words, the data that identify a person, or all data.
 */
import { Effect } from "effect"
import * as CallFigures from "../history/CallFigures.ts"
import type { Run } from "../Statements.ts"

/** The tables from which rows are removed with the words of a call. */
const tablesOfWords = ["turns", "actions", "events", "conversations", "deliveries", "call_signals"]

/** Stores the figures of the turns, then removes the words. `storedFigures`: the column `figures` of the call's row. */
export const removeWords = Effect.fnUntraced(function*(run: Run, callSid: string, storedFigures: string | null) {
  const figures = yield* CallFigures.of(run, callSid, storedFigures)
  for (const table of tablesOfWords) yield* run(`DELETE FROM ${table} WHERE call_sid = ?`, [callSid])
  yield* run("UPDATE calls SET figures = ? WHERE call_sid = ?", [JSON.stringify(figures), callSid])
})

/** Removes the telephone numbers, the metadata, the webhook's address and the rows of the recording. */
export const removePerson = Effect.fnUntraced(function*(run: Run, callSid: string) {
  for (const table of ["call_metadata", "recordings"]) yield* run(`DELETE FROM ${table} WHERE call_sid = ?`, [callSid])
  yield* run("UPDATE calls SET from_number = NULL, to_number = NULL, metadata = NULL, webhook_url = NULL WHERE call_sid = ?", [callSid])
})

/** Removes all rows of the call. */
export const removeCall = Effect.fnUntraced(function*(run: Run, callSid: string) {
  for (const table of [...tablesOfWords, "call_metadata", "recordings", "streams", "live_calls", "erased_calls", "calls"]) {
    yield* run(`DELETE FROM ${table} WHERE call_sid = ?`, [callSid])
  }
})
