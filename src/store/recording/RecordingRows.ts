/**
 * The parts of recordings in the table `recordings`.
 */
import { Effect } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import { onAxis } from "../Axis.ts"
import type { Database } from "../Database.ts"
import type { StoreWrite } from "../StoreWrite.ts"

export interface Row {
  readonly call_sid: CallSid
  readonly part: number
  readonly started_at: number
  /** ms of sound. `null`: the part has not ended, or its process has died. */
  readonly duration: number | null
  readonly file: string
  readonly place: "folder" | "bucket"
}

/** The write that stores the row of a part. */
export const toWrite = (row: Row): StoreWrite => ({
  _tag: "RecordingPart",
  callSid: row.call_sid,
  part: row.part,
  startedAt: row.started_at,
  file: row.file,
  place: row.place,
  ...(row.duration === null ? {} : { duration: row.duration })
})

/** The most rows that `expiredInBucket` returns at once. */
export const maxExpired = 200

export const make = ({ query, sql }: Database["Service"]) => ({
  /** The parts of a call. Their `started_at` is ms on the call's axis. */
  ofCall: (callSid: CallSid) =>
    query(Effect.map(
      sql<Row & { readonly axis_zero: number | null }>`SELECT call_sid, part, started_at, duration, file, place,
        (SELECT axis_zero FROM calls WHERE calls.call_sid = recordings.call_sid) AS axis_zero
        FROM recordings WHERE call_sid = ${callSid} ORDER BY part`,
      (rows) => rows.map(({ axis_zero, ...row }): Row => ({ ...row, started_at: onAxis(row.started_at, axis_zero) }))
    )),
  /** Parts whose sound is in the folder; `onlyUnfinished`: only those without a known duration. */
  inFolder: (options: { readonly onlyUnfinished: boolean }) =>
    query(
      options.onlyUnfinished
        ? sql<Row>`SELECT call_sid, part, started_at, duration, file, place FROM recordings WHERE place = 'folder' AND duration IS NULL`
        : sql<Row>`SELECT call_sid, part, started_at, duration, file, place FROM recordings WHERE place = 'folder'`,
      "10 seconds"
    ),
  /** Parts in the bucket that were last written before this time (ms since 1970). */
  expiredInBucket: (before: number) =>
    query(
      sql<Row>`SELECT call_sid, part, started_at, duration, file, place FROM recordings WHERE place = 'bucket' AND written_at < ${before} LIMIT ${maxExpired}`,
      "10 seconds"
    ),
  forget: ({ call_sid, part }: Row) => query(Effect.asVoid(sql`DELETE FROM recordings WHERE call_sid = ${call_sid} AND part = ${part}`)),
  forgetExpiredInFolder: (before: number) => query(Effect.asVoid(sql`DELETE FROM recordings WHERE place = 'folder' AND written_at < ${before}`), "10 seconds")
})

export type RecordingRows = ReturnType<typeof make>
