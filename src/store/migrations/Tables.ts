/**
 * The tables of the first migration. Both databases have the same tables; only some column types and the text index differ.
 *
 * - Times are ms since 1970, or ms on the call's axis. Their type is `DOUBLE PRECISION`, because Postgres returns 64-bit integers as BigInt.
 * - Booleans are 1 and 0. JSON is text.
 * - `written_at` is when the process made the write. Of two writes to the same row, the later one wins, even if it arrives first.
 * - There are no foreign keys, because a call's turns may arrive before its `CallBegan`, which may wait in another process's journal.
 */
import type { Dialect } from "../Dialect.ts"

/** How many turns a call can have. SQLite's `turns.id` is the call's number times this, plus the turn's number. */
export const turnsPerCall = 65_536

/**
 * `GET /calls` lists a call once it has `started_at`. `number` grows with each call that is stored. `first_write_at`: the time of the call's
 * first write. `figures`: the figures of the call's turns, set when its words are deleted.
 */
const calls = (number: string) => `CREATE TABLE calls (
  number ${number},
  call_sid TEXT NOT NULL UNIQUE,
  account_sid TEXT,
  direction TEXT,
  from_number TEXT,
  to_number TEXT,
  agent TEXT,
  started_at DOUBLE PRECISION,
  answered_at DOUBLE PRECISION,
  axis_zero DOUBLE PRECISION,
  parts INTEGER NOT NULL DEFAULT 0,
  ended_at DOUBLE PRECISION,
  keeps_words INTEGER,
  hashes_numbers INTEGER,
  is_recorded INTEGER,
  metadata TEXT,
  campaign TEXT,
  webhook_url TEXT,
  is_transcript_sent INTEGER,
  status TEXT,
  reason TEXT,
  ended_by TEXT,
  is_final INTEGER,
  outcome TEXT,
  figures TEXT,
  ended_written_at DOUBLE PRECISION,
  first_write_at DOUBLE PRECISION
)`

/** The columns by which `GET /calls` filters. Each index ends with the columns of the list's order, so no filter has to sort. */
const listedBy = ["from_number", "to_number", "agent", "direction", "reason", "status", "campaign"]

const indexes = [
  "CREATE INDEX calls_by_start ON calls (started_at DESC, call_sid DESC)",
  ...listedBy.map((column) => `CREATE INDEX calls_by_${column} ON calls (${column}, started_at DESC, call_sid DESC)`),
  "CREATE INDEX calls_not_ended ON calls (started_at DESC, call_sid DESC) WHERE ended_at IS NULL",
  "CREATE INDEX calls_with_words ON calls (started_at) WHERE figures IS NULL",
  "CREATE INDEX calls_without_beginning ON calls (first_write_at) WHERE started_at IS NULL",
  "CREATE INDEX call_metadata_by_value ON call_metadata (name, value, started_at DESC, call_sid DESC)",
  "CREATE INDEX calls_not_final ON calls (ended_at) WHERE is_final = 0",
  "CREATE INDEX deliveries_due ON deliveries (state, next_at)",
  "CREATE INDEX deliveries_of_call ON deliveries (call_sid)",
  "CREATE INDEX live_calls_of_owner ON live_calls (owner)",
  "CREATE INDEX call_signals_of_call ON call_signals (call_sid)",
  "CREATE INDEX erased_calls_by_time ON erased_calls (at)",
  "CREATE INDEX stream_tokens_by_use ON stream_tokens (used_at)"
]

/** Statements that are the same in both databases. */
const common = [
  // The fields of a call's metadata, for search. Names and values are text of at most 200 characters.
  `CREATE TABLE call_metadata (
  call_sid TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  started_at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (call_sid, name)
)`,
  "CREATE TABLE streams (call_sid TEXT NOT NULL, part INTEGER NOT NULL, started_at DOUBLE PRECISION NOT NULL, PRIMARY KEY (call_sid, part))",
  `CREATE TABLE actions (
  call_sid TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  arguments TEXT NOT NULL,
  is_repeatable INTEGER NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  state TEXT NOT NULL,
  answer TEXT,
  written_at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (call_sid, id)
)`,
  "CREATE TABLE events (call_sid TEXT NOT NULL, sequence INTEGER NOT NULL, at DOUBLE PRECISION NOT NULL, event TEXT NOT NULL, PRIMARY KEY (call_sid, sequence))",
  "CREATE TABLE conversations (call_sid TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, at DOUBLE PRECISION NOT NULL, memory TEXT NOT NULL)",
  `CREATE TABLE recordings (
  call_sid TEXT NOT NULL,
  part INTEGER NOT NULL,
  started_at DOUBLE PRECISION NOT NULL,
  duration DOUBLE PRECISION,
  file TEXT NOT NULL,
  place TEXT NOT NULL,
  written_at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (call_sid, part)
)`,
  // Which process owns a call. When no process owns the call any more, `owner` is NULL and the row stays. `epoch` counts the owners. The
  // service does not read `epoch`.
  "CREATE TABLE live_calls (call_sid TEXT NOT NULL PRIMARY KEY, owner TEXT, epoch INTEGER NOT NULL, heartbeat DOUBLE PRECISION NOT NULL)",
  "CREATE TABLE stream_tokens (nonce TEXT NOT NULL PRIMARY KEY, used_at DOUBLE PRECISION NOT NULL)",
  // Webhooks. `payload` is empty until the first attempt. `host` contains the port. Before a process sends a webhook, it moves `next_at`
  // ahead, so that no other process sends the webhook at the same time.
  `CREATE TABLE deliveries (
  id TEXT NOT NULL PRIMARY KEY,
  call_sid TEXT NOT NULL,
  type TEXT NOT NULL,
  url TEXT NOT NULL,
  host TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at DOUBLE PRECISION,
  last_error TEXT,
  created_at DOUBLE PRECISION NOT NULL,
  updated_at DOUBLE PRECISION NOT NULL
)`,
  // Calls that were erased on demand. Writes of these calls that still wait in a journal are refused. Each process removes the data of these
  // calls that its machine has outside the database.
  "CREATE TABLE erased_calls (call_sid TEXT NOT NULL PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
  // One row. The service writes it to check whether the database can be written to.
  "CREATE TABLE store_probe (id INTEGER NOT NULL PRIMARY KEY, at DOUBLE PRECISION NOT NULL)"
]

const turnColumns = `call_sid TEXT NOT NULL,
  turn INTEGER NOT NULL,
  role TEXT NOT NULL,
  started_at DOUBLE PRECISION NOT NULL,
  ended_at DOUBLE PRECISION NOT NULL,
  text TEXT NOT NULL,
  words TEXT NOT NULL,
  is_cut INTEGER NOT NULL,
  latency DOUBLE PRECISION,
  written_at DOUBLE PRECISION NOT NULL`

/** The condition that a text is sealed: it begins with the prefix of `encryption/Sealing`. Sealed texts are not in the text index. */
const isSealed = (text: string) => `${text} LIKE 'sealed:1:%'`

/**
 * `turns.id` is the call's number × 65,536 + the turn's number, and the text index has the same id. So a search can walk from the newest call
 * backwards without sorting. With `secure-delete` an erased word is removed from the index at once.
 */
const sqlite = [
  calls("INTEGER PRIMARY KEY AUTOINCREMENT"),
  `CREATE TABLE turns (\n  id INTEGER PRIMARY KEY,\n  ${turnColumns},\n  UNIQUE (call_sid, turn)\n)`,
  "CREATE VIRTUAL TABLE turns_text USING fts5 (text, content = 'turns', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2')",
  "INSERT INTO turns_text (turns_text, rank) VALUES ('secure-delete', 1)",
  `CREATE TRIGGER turns_text_added AFTER INSERT ON turns WHEN NOT ${isSealed("new.text")} BEGIN
  INSERT INTO turns_text (rowid, text) VALUES (new.id, new.text);
END`,
  `CREATE TRIGGER turns_text_removed AFTER DELETE ON turns WHEN NOT ${isSealed("old.text")} BEGIN
  INSERT INTO turns_text (turns_text, rowid, text) VALUES ('delete', old.id, old.text);
END`,
  `CREATE TRIGGER turns_text_changed AFTER UPDATE OF text ON turns WHEN old.text IS NOT new.text BEGIN
  INSERT INTO turns_text (turns_text, rowid, text) SELECT 'delete', old.id, old.text WHERE NOT ${isSealed("old.text")};
  INSERT INTO turns_text (rowid, text) SELECT new.id, new.text WHERE NOT ${isSealed("new.text")};
END`,
  "CREATE TABLE call_signals (id INTEGER PRIMARY KEY AUTOINCREMENT, call_sid TEXT NOT NULL, signal TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)"
]

/** `tsv`: the words of the text, not reduced to stems, because calls are in many languages. */
const postgres = [
  calls("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
  `CREATE TABLE turns (\n  ${turnColumns},\n  tsv TSVECTOR GENERATED ALWAYS AS (CASE WHEN ${isSealed("text")} THEN NULL ELSE to_tsvector('simple', text) END) STORED,\n  PRIMARY KEY (call_sid, turn)\n)`,
  "CREATE INDEX turns_text ON turns USING gin (tsv)",
  "CREATE TABLE call_signals (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, call_sid TEXT NOT NULL, signal TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)"
]

export const statements = (dialect: Dialect): ReadonlyArray<string> => [...(dialect === "sqlite" ? sqlite : postgres), ...common, ...indexes]
