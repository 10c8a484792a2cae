/**
 * Writes of made-up calls, and the rows that a database has of them.
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { CallSid } from "../../../src/domain/Sid.ts"
import type { StoreWrite } from "../../../src/store/StoreWrite.ts"

export const sidOf = (number: number) => CallSid.make(`CA${number.toString(16).padStart(32, "0")}`)

/** The account of all made-up calls. */
export const accountSid = `AC${"1".repeat(32)}`

export const began = (callSid: CallSid, more: Partial<Extract<StoreWrite, { _tag: "CallBegan" }>> = {}): StoreWrite => ({
  _tag: "CallBegan",
  callSid,
  accountSid,
  direction: "inbound",
  from: "+14155550123",
  to: "+14155550100",
  agent: "receptionist",
  at: 1_700_000_000_000,
  keeping: { words: true, numbers: "plain" },
  isRecorded: false,
  metadata: { customer: "c-1", visits: 3, nested: { not: "looked for" } },
  campaign: null,
  webhookUrl: null,
  isTranscriptSent: false,
  ...more
})

export const turn = (callSid: CallSid, number: number, text: string, more: Partial<Extract<StoreWrite, { _tag: "TurnWritten" }>> = {}): StoreWrite => ({
  _tag: "TurnWritten",
  callSid,
  turn: number,
  role: number % 2 === 0 ? "agent" : "caller",
  startedAt: number * 1000,
  endedAt: number * 1000 + 812.5,
  text,
  words: [{ text, at: number * 1000, isHeard: true }],
  isCut: false,
  ...more
})

export const event = (callSid: CallSid, sequence: number): StoreWrite => ({ _tag: "EventTold", callSid, sequence, at: sequence * 20, event: { _tag: "AgentHeard", sequence } })

export const saved = (callSid: CallSid, version: number): StoreWrite => ({ _tag: "ConversationSaved", callSid, version, at: version, memory: { version, history: ["hello"] } })

export const asked = (callSid: CallSid, id: string, state: "asked" | "answered" | "unknown" = "asked"): StoreWrite => ({
  _tag: "ActionWritten",
  callSid,
  id,
  kind: "tool",
  name: "book",
  arguments: "{\"day\":\"monday\"}",
  isRepeatable: false,
  at: 4200,
  state,
  ...(state === "answered" ? { answer: "booked" } : {})
})

export const ended = (callSid: CallSid, at: number, final: boolean): StoreWrite => ({
  _tag: "CallEnded",
  callSid,
  at,
  outcome: {
    status: "completed",
    reason: "callerHungUp",
    endedBy: "caller",
    durationSeconds: 61,
    billableMinutes: 2,
    resumptions: 1,
    isMemoryLost: false,
    engines: [{ stage: "reply", engine: "embedded", requests: 3, characters: 120 }],
    final
  }
})

export const asksDelivery = (callSid: CallSid, type: "call.started" | "call.ended", url = "https://example.com/hooks"): StoreWrite => ({
  _tag: "DeliveryAsked",
  callSid,
  type,
  url,
  at: 1_700_000_001_000
})

/** All writes of a call, from its beginning to its end. */
export const life = (callSid: CallSid): ReadonlyArray<StoreWrite> => [
  began(callSid),
  { _tag: "CallAnswered", callSid, at: 1_700_000_001_000 },
  asksDelivery(callSid, "call.started"),
  { _tag: "StreamBegan", callSid, part: 0, at: 1_700_000_001_200 },
  { _tag: "RecordingPart", callSid, part: 0, startedAt: 0, file: `${callSid}-0.wav`, place: "folder" },
  event(callSid, 0),
  turn(callSid, 0, "Good morning, how can I help?"),
  saved(callSid, 1),
  turn(callSid, 1, "I want to book a table"),
  event(callSid, 1),
  asked(callSid, "a1"),
  saved(callSid, 2),
  turn(callSid, 0, "Good morning,", { isCut: true }),
  asked(callSid, "a1", "answered"),
  { _tag: "StreamBegan", callSid, part: 1, at: 1_700_000_031_000 },
  event(callSid, 2),
  turn(callSid, 2, "Your table is booked. \u0000", { latency: 311.25 }),
  { _tag: "RecordingPart", callSid, part: 0, startedAt: 0, duration: 60_000, file: `${callSid}-0.wav`, place: "folder" },
  ended(callSid, 1_700_000_062_000, false),
  saved(callSid, 3),
  ended(callSid, 1_700_000_062_000, true),
  asksDelivery(callSid, "call.ended")
]

const tables = [
  ["calls", "call_sid"],
  ["call_metadata", "call_sid, name"],
  ["streams", "call_sid, part"],
  ["turns", "call_sid, turn"],
  ["actions", "call_sid, id"],
  ["events", "call_sid, sequence"],
  ["conversations", "call_sid"],
  ["recordings", "call_sid, part"],
  ["deliveries", "call_sid, type"]
] as const

/** Columns whose values differ between databases and runs. */
const incidental = new Set(["number", "id", "tsv", "first_write_at", "written_at", "ended_written_at"])

/** All rows of all calls, without the columns that differ between databases and runs. */
export const dump = (sql: SqlClient) =>
  Effect.gen(function*() {
    const all: Record<string, ReadonlyArray<Record<string, unknown>>> = {}
    for (const [table, order] of tables) {
      const rows = yield* sql.unsafe<Record<string, unknown>>(`SELECT * FROM ${table} ORDER BY ${order}`)
      all[table] = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !(table !== "actions" && name === "id") && !(incidental.has(name) && name !== "id"))))
    }
    return all
  })
