/** The turns of calls in the table `turns`. All times are ms on the call's axis (see `StoreWrite`). */
import { Effect, Option, Result, Schema } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import { onAxis } from "../Axis.ts"
import { places, type SealedWords, type Unreadable } from "../encryption/SealedWords.ts"
import type { Run } from "../Statements.ts"
import { Word } from "../StoreWrite.ts"

/** If the turn is unreadable, `text` and `words` are empty. */
export interface StoredTurn extends Unreadable {
  readonly turn: number
  readonly role: "caller" | "agent"
  readonly startedAt: number
  readonly endedAt: number
  readonly text: string
  /** Empty if the times of the words are not known. */
  readonly words: ReadonlyArray<typeof Word.Type>
  /** Whether the caller interrupted the turn. */
  readonly isCut: boolean
  /** ms from the caller's last voiced sample until the reply began to play. `null`: the turn does not answer the caller. */
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
  readonly axis_zero: number | null
}

const readWords = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Word)))

const toTurn = Effect.fnUntraced(function*({ open, openJson }: SealedWords["Service"], callSid: CallSid, row: TurnRow): Effect.fn.Return<StoredTurn> {
  const axisTime = (time: number) => onAxis(time, row.axis_zero)
  const turn = { turn: row.turn, role: row.role, startedAt: axisTime(row.started_at), endedAt: axisTime(row.ended_at), isCut: row.is_cut === 1, latency: row.latency }
  const text = yield* open(row.text, places.turnText(callSid, row.turn))
  const words = yield* openJson(row.words, places.turnWords(callSid, row.turn))
  return Result.match(Result.all([text, words]), {
    onFailure: ({ why }) => ({ ...turn, text: "", words: [], unreadable: why }),
    onSuccess: ([text, words]) => ({ ...turn, text, words: Option.getOrElse(readWords(words), () => []).map((word) => ({ ...word, at: axisTime(word.at) })) })
  })
})

/** The turns of a call in the order of their beginnings, without turns that have no text. */
export const turnsOf = Effect.fnUntraced(function*(run: Run, sealed: SealedWords["Service"], callSid: CallSid) {
  const rows = yield* run<TurnRow>(
    `SELECT turn, role, t.started_at, t.ended_at, text, words, is_cut, latency, axis_zero
      FROM turns t JOIN calls ON calls.call_sid = t.call_sid WHERE t.call_sid = ? AND text <> '' ORDER BY turn`,
    [callSid]
  )
  return yield* Effect.forEach(rows, (row) => toTurn(sealed, callSid, row))
})
