import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer, Logger, Option } from "effect"
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Memories from "../../../../src/conversation/ports/ConversationMemory.ts"
import { CallStore } from "../../../../src/store/CallStore.ts"
import { Database } from "../../../../src/store/Database.ts"
import * as Retention from "../../../../src/store/retention/Retention.ts"
import type { StoreWrite } from "../../../../src/store/StoreWrite.ts"
import { Simulator } from "../../../../src/simulator/Simulator.ts"
import * as Receiver from "../../../support/delivery/Receiver.ts"
import * as Service from "../../../support/service/Service.ts"
import * as Databases from "../../../support/store/Databases.ts"
import { asksDelivery, began, ended, sidOf } from "../../../support/store/Writes.ts"

const headers = { authorization: `Bearer ${Service.apiKey}` }
const sid = sidOf(1)

const keyOf = (id: string) => `${id}:${randomBytes(32).toString("base64")}`
const [older, newer] = [keyOf("2025"), keyOf("2026")]

interface Tools {
  readonly get: (path: string) => ReturnType<Service.Service["Service"]["ask"]>
  readonly erase: () => ReturnType<Service.Service["Service"]["ask"]>
  readonly write: (writes: ReadonlyArray<StoreWrite>) => Effect.Effect<void>
  readonly store: CallStore["Service"]
  readonly database: Database["Service"]
}

/** A process with these keys. */
const use = <A, E>(env: Databases.Environment, keys: string | undefined, test: (tools: Tools) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const service = yield* Service.Service
    const { accountSid } = yield* Simulator
    const store = yield* CallStore
    return yield* test({
      get: (path) => service.ask(path, { headers }),
      erase: () => service.ask(`/calls/${sid}`, { method: "DELETE", headers }),
      write: (writes) =>
        Effect.gen(function*() {
          for (const write of writes) store.write(write._tag === "CallBegan" ? { ...write, accountSid } : write)
          yield* Effect.orDie(Effect.retry(store.whenSettled(sid), { times: 20 }))
        }),
      store,
      database: yield* Database
    })
  }).pipe(
    // The calls of these tests are old, and must not expire.
    Effect.provide(Service.layer({ env: { STORE_WORDS_DAYS: "36500", STORE_FIGURES_DAYS: "36500", WEBHOOK_PRIVATE_ADDRESSES: "on", ...env, STORE_ENCRYPTION_KEYS: keys } })),
    Effect.scoped
  )

/** Each sealed field of the call below contains one of these words. */
const secrets = ["zanzibar", "quetzal", "dromedary", "chinchilla", "marmot", "wombat"]

const call = (webhookUrl = "https://example.com/hooks"): ReadonlyArray<StoreWrite> => [
  began(sid, { metadata: { customer: "c-1" }, isTranscriptSent: true, webhookUrl }),
  { _tag: "CallAnswered", callSid: sid, at: 1_700_000_001_000 },
  { _tag: "StreamBegan", callSid: sid, part: 0, at: 1_700_000_001_200 },
  { _tag: "TurnWritten", callSid: sid, turn: 0, role: "caller", startedAt: 100, endedAt: 900, text: "to zanzibar", words: [{ text: "quetzal", at: 120, isHeard: true }], isCut: false },
  { _tag: "TurnWritten", callSid: sid, turn: 1, role: "agent", startedAt: 1000, endedAt: 1900, text: "", words: [], isCut: false },
  { _tag: "ActionWritten", callSid: sid, id: "a1", kind: "tool", name: "book", arguments: "{\"animal\":\"dromedary\"}", isRepeatable: false, at: 4200, state: "answered", answer: "a chinchilla" },
  { _tag: "ActionWritten", callSid: sid, id: "a2", kind: "tool", name: "book", arguments: "{\"animal\":\"dromedary\"}", isRepeatable: false, at: 4300, state: "asked" },
  { _tag: "EventTold", callSid: sid, sequence: 0, at: 20, event: { _tag: "CallerSaid", text: "marmot" } },
  { _tag: "ConversationSaved", callSid: sid, version: 1, at: 1, memory: { history: ["wombat"] } }
]

const filesIn = (folder: string): ReadonlyArray<string> => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))

/** Which of the words can be read in the store's files or in its tables. */
const readableIn = (env: Databases.Environment, { sql }: Database["Service"]) =>
  Effect.gen(function*() {
    const files = filesIn(env.DATA_DIR).map((file) => readFileSync(file, "latin1"))
    const tables = yield* Effect.forEach(["calls", "turns", "actions", "events", "conversations", "deliveries", "call_metadata"], (table) => sql.unsafe(`SELECT * FROM ${table}`))
    const all = [...files, JSON.stringify(tables, (_, value: unknown) => typeof value === "bigint" ? String(value) : value)]
    return [...secrets, "c-1"].filter((word) => all.some((text) => text.includes(word)))
  })

interface Transcript {
  readonly turns: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly actions: ReadonlyArray<Readonly<Record<string, unknown>>>
}

const transcript = ({ get }: Tools) => Effect.map(get(`/calls/${sid}/transcript`), ({ json }) => json as Transcript)

const hasAllWords = (tools: Tools) =>
  Effect.gen(function*() {
    const { actions, turns } = yield* transcript(tools)
    assert.deepStrictEqual(turns.map(({ text, unreadable, words }) => [text, words, unreadable]), [["to zanzibar", [{ text: "quetzal", ms: 120, heard: true }], undefined]])
    assert.deepStrictEqual(actions.map((one) => [one["arguments"], one["answer"]]), [["{\"animal\":\"dromedary\"}", "a chinchilla"], ["{\"animal\":\"dromedary\"}", null]])
    const { memory, openActions } = Option.getOrThrow(yield* Effect.orDie(tools.store.find(sid)))
    assert.deepStrictEqual(memory, Option.some({ version: 1, memory: { history: ["wombat"] } }))
    assert.deepStrictEqual(openActions.map((one) => one.arguments), ["{\"animal\":\"dromedary\"}"])
  })

const end = ended(sid, 1_700_000_062_000, true)

describe("sealed words", { timeout: 60_000 }, () => {
  layer(Databases.layer, { excludeTestServices: true, timeout: 60_000 })("", (it) => {
    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: can't be read in the database, and the API shows them`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use(env, newer, (tools) =>
            Effect.gen(function*() {
              yield* tools.write([...call(), end])
              assert.deepStrictEqual(yield* readableIn(env, tools.database), ["c-1"])
              yield* hasAllWords(tools)
              assert.include((yield* tools.get(`/calls/${sid}/transcript?format=text`)).text, "caller: quetzal")
              assert.include((yield* tools.get(`/calls/${sid}/events`)).text, "\"text\":\"marmot\"")
            }))
          for (const word of secrets) for (const file of filesIn(env.DATA_DIR)) assert.isFalse(readFileSync(file, "latin1").includes(word), `${word} in ${file}`)
        }))

      it.effect(`${name}: can be read in the database if there is no key`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use(env, undefined, (tools) =>
            Effect.gen(function*() {
              yield* tools.write([...call(), end])
              assert.deepStrictEqual(yield* readableIn(env, tools.database), [...secrets, "c-1"])
              yield* hasAllWords(tools)
              assert.strictEqual((yield* tools.get("/calls?text=zanzibar")).status, 200)
            }))
          // Words that were stored before there was a key are still read.
          yield* use(env, newer, (tools) => hasAllWords(tools))
        }))

      it.effect(`${name}: can't be read in the journal, and reach the database sealed`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use(env, newer, (tools) =>
            Effect.gen(function*() {
              const { database, store } = tools
              const { sql } = database
              const [beginning, ...others] = call()
              yield* tools.write([beginning])
              yield* database.query(sql`ALTER TABLE erased_calls RENAME TO away_calls`)
              yield* database.query(sql`ALTER TABLE store_probe RENAME TO away_probe`)
              yield* database.check
              for (const write of others) yield* store.save(write)
              const journal = filesIn(join(env.DATA_DIR, "journal")).map((file) => readFileSync(file, "utf8")).join("")
              assert.include(journal, "TurnWritten")
              assert.deepStrictEqual(secrets.filter((word) => journal.includes(word)), [])
              yield* sql`ALTER TABLE away_calls RENAME TO erased_calls`
              yield* sql`ALTER TABLE away_probe RENAME TO store_probe`
              yield* Service.until("ready", store.state, ({ _tag }) => _tag === "Ready")
              yield* store.whenSettled(sid)
              assert.deepStrictEqual(yield* readableIn(env, database), ["c-1"])
              yield* hasAllWords(tools)
            }))
        }))

      it.effect(`${name}: are read with an older key, while a newer one seals`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use(env, older, ({ write }) => write(call()))
          yield* use(env, `${newer},${older}`, (tools) =>
            Effect.gen(function*() {
              yield* hasAllWords(tools)
              yield* tools.write([{ ...call()[3], turn: 2 } as StoreWrite])
              const rows = yield* tools.database.sql<{ text: string }>`SELECT text FROM turns WHERE text <> '' ORDER BY turn`
              assert.deepStrictEqual(rows.map(({ text }) => text.split(":")[2]), ["2025", "2026"])
              assert.deepStrictEqual((yield* transcript(tools)).turns.map(({ text }) => text), ["to zanzibar", "to zanzibar"])
            }))
        }))

      it.effect(`${name}: are marked if their key is missing, and the memory counts as lost`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use(env, older, ({ write }) => write([...call(), end]))
          for (const keys of [newer, undefined]) {
            yield* use(env, keys, (tools) =>
              Effect.gen(function*() {
                const { actions, turns } = yield* transcript(tools)
                assert.deepStrictEqual(turns.map(({ ended_ms, text, unreadable, words }) => [ended_ms, text, words, unreadable]), [[900, "", [], "keyMissing"]])
                assert.deepStrictEqual(actions.map((one) => [one["name"], one["arguments"], one["answer"], one["unreadable"]]), [["book", "", null, "keyMissing"], ["book", "", null, "keyMissing"]])
                assert.include((yield* tools.get(`/calls/${sid}/transcript?format=text`)).text, "caller: (sealed; its key is missing)")
                assert.include((yield* tools.get(`/calls/${sid}/events`)).text, "{\"_tag\":\"Unreadable\",\"unreadable\":\"keyMissing\"}")
                const { memory, openActions } = Option.getOrThrow(yield* tools.store.find(sid))
                assert.deepStrictEqual(memory, Option.some({ version: 1, memory: null }))
                assert.isTrue(Option.isNone(Memories.read(null)))
                // The next process stores an open action as unknown. That must not damage its sealed arguments.
                yield* tools.write(openActions.map((action) => ({ ...action, _tag: "ActionWritten", callSid: sid, state: "unknown" })))
              }))
          }
          yield* use(env, older, (tools) =>
            Effect.map(transcript(tools), ({ actions }) => assert.deepStrictEqual(actions.map((one) => [one["arguments"], one["state"]]), [["{\"animal\":\"dromedary\"}", "answered"], ["{\"animal\":\"dromedary\"}", "unknown"]])))
        }))

      it.effect(`${name}: are logged once if their key is missing`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          const lines: Array<string> = []
          const listen = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
          yield* use(env, older, ({ write }) => write(call()))
          const readings = Effect.gen(function*() {
            const store = yield* CallStore
            yield* store.find(sid)
            yield* store.find(sid)
            return [...lines]
          })
          const reported = yield* Effect.provide(readings, Layer.provideMerge(Databases.storeOf({ AGENT: "echo", ...env, STORE_ENCRYPTION_KEYS: newer }), listen))
          assert.deepStrictEqual(reported, [
            "A text of the call history can't be read. It is sealed with the key \"2025\", which STORE_ENCRYPTION_KEYS does not have. Add that key as the last one."
          ])
        }))

      it.effect(`${name}: do not open if they were copied to another row`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, newer, (tools) =>
            Effect.gen(function*() {
              yield* tools.write(call())
              yield* tools.database.sql`INSERT INTO turns (call_sid, turn, role, started_at, ended_at, text, words, is_cut, written_at) SELECT call_sid, 7, role, started_at, ended_at, text, words, is_cut, written_at FROM turns WHERE turn = 0`
              assert.deepStrictEqual((yield* transcript(tools)).turns.map(({ text, unreadable }) => [text, unreadable]), [["to zanzibar", undefined], ["", "damaged"]])
            }))
        }))

      it.effect(`${name}: can't be searched, and the answer says why`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, newer, (tools) =>
            Effect.gen(function*() {
              yield* tools.write(call())
              const { problem, status } = yield* tools.get("/calls?text=zanzibar")
              assert.strictEqual(status, 400)
              assert.include(problem, { type: "urn:client-caller:problem:words-sealed" })
              assert.match(String(problem["detail"]), /^The words are sealed \(STORE_ENCRYPTION_KEYS\), so they can't be searched\./)
              assert.strictEqual((yield* tools.get("/calls?metadata.customer=c-1")).status, 200)
              // The text index has no sealed text.
              const indexed = tools.database.dialect === "sqlite"
                ? yield* tools.database.sql.unsafe("SELECT rowid FROM turns_text WHERE turns_text MATCH '\"sealed\"'")
                : yield* tools.database.sql.unsafe("SELECT turn FROM turns WHERE tsv IS NOT NULL AND text <> ''")
              assert.deepStrictEqual(indexed, [])
            }))
        }))

      it.effect(`${name}: are erased and expire like other words, even next to unsealed ones`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          const isGone = ({ sql }: Database["Service"]) => Effect.map(sql`SELECT turn FROM turns`, (rows) => assert.deepStrictEqual(rows, []))
          yield* use(env, undefined, ({ write }) => write(call()))
          yield* use(env, newer, (tools) =>
            Effect.gen(function*() {
              // Replaces the unsealed turn by a sealed one.
              yield* tools.write([call()[3], end])
              if (tools.database.dialect === "sqlite") yield* tools.database.sql.unsafe("INSERT INTO turns_text (turns_text, rank) VALUES ('integrity-check', 0)")
              assert.strictEqual((yield* tools.erase()).status, 204)
              yield* isGone(tools.database)
            }))
          yield* use(yield* fresh, newer, (tools) =>
            Effect.gen(function*() {
              yield* tools.write([...call(), end])
              // The service also sweeps at its start. On Postgres only the sweep that has the lock deletes.
              const sweep = Retention.sweep(tools.database, { wordsDays: 30, figuresDays: 36_500 })
              yield* Service.until("the sweep", Effect.orDie(Effect.andThen(sweep, tools.database.sql`SELECT turn FROM turns`)), (turns) => turns.length === 0)
              assert.deepStrictEqual(yield* tools.database.sql`SELECT call_sid FROM calls WHERE figures IS NULL`, [])
            }))
        }))

      it.effect(`${name}: are readable in webhooks, whose stored bodies are sealed`, () =>
        Effect.gen(function*() {
          const receiver = yield* Receiver.make((number) => ({ status: number === 0 ? 410 : 204 }))
          const env = yield* fresh
          const states = ({ database }: Tools) => database.sql<{ state: string; payload: string; last_error: string | null }>`SELECT state, payload, last_error FROM deliveries`
          yield* use(env, older, (tools) =>
            Effect.gen(function*() {
              yield* tools.write([...call(receiver.url), end, asksDelivery(sid, "call.ended", receiver.url)])
              yield* Service.until("the first attempt", Effect.orDie(states(tools)), ([row]) => row?.state !== "pending" || row?.last_error !== null)
              assert.match((yield* states(tools))[0].payload, /^sealed:1:2025:/)
              assert.deepStrictEqual(yield* readableIn(env, tools.database), ["c-1"])
            }))
          yield* use(env, newer, (tools) =>
            Effect.gen(function*() {
              yield* tools.database.sql`UPDATE deliveries SET state = 'pending', next_at = 0, last_error = NULL`
              yield* Service.until("an attempt without the key", Effect.orDie(states(tools)), ([row]) => row?.last_error !== null)
              assert.match(String((yield* states(tools))[0].last_error), /^its words are sealed and can't be opened/)
              yield* tools.database.sql`UPDATE deliveries SET payload = '', next_at = 0, last_error = NULL`
              yield* Service.until("an attempt without a transcript", Effect.orDie(states(tools)), ([row]) => row?.last_error !== null)
            }))
          assert.strictEqual(receiver.received.length, 1)
          yield* use(env, `${newer},${older}`, (tools) =>
            Effect.gen(function*() {
              yield* tools.database.sql`UPDATE deliveries SET state = 'pending', next_at = 0`
              yield* Service.until("the delivery", Effect.orDie(states(tools)), ([row]) => row?.state === "delivered")
            }))
          assert.deepStrictEqual(receiver.received.map(({ body }) => body.includes("to zanzibar")), [true, true])
        }))
    }
  })
})
