/** Turns of calls as the table `turns` has them. Times: ms on the call's axis (see `StoreWrite`). */
import { Effect, Option, Schema } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import type { Run } from "../Statements.ts"
import { Word } from "../StoreWrite.ts"

export interface StoredTurn {
  readonly turn: number
  readonly role: "caller" | "agent"
  readonly startedAt: number
  readonly endedAt: number
  readonly text: string
  /** Empty: it is not known when each word was said. */
  readonly words: ReadonlyArray<typeof Word.Type>
  /** The caller interrupted it. */
  readonly isCut: boolean
  /** ms from the caller's last sound to the reply's first, as heard; `null`: the turn is not an answer. */
  readonly latency: number | null
}

interface TurnRow {
  readonly turn: number
  readonly role: "caller" | "agent"
  readonly started_at: number
  readonly ended_at: number
  readonly text: string
  readonly words: string
  readonly is_cut: number
  readonly latency: number | null
}

const readWords = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Word)))

const toTurn = (row: TurnRow): StoredTurn => ({
  turn: row.turn,
  role: row.role,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  text: row.text,
  words: Option.getOrElse(readWords(row.words), () => []),
  isCut: row.is_cut === 1,
  latency: row.latency
})

/** The turns of a call in the order of their beginnings. One without words is none. */
export const turnsOf = (run: Run, callSid: CallSid) =>
  Effect.map(
    run<TurnRow>("SELECT turn, role, started_at, ended_at, text, words, is_cut, latency FROM turns WHERE call_sid = ? AND text <> '' ORDER BY turn", [callSid]),
    (rows) => rows.map(toTurn)
  )
