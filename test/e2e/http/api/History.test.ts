import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect, Fiber, Option } from "effect"
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as CallHistory from "../../../../src/call/history/CallHistory.ts"
import { AgentName } from "../../../../src/domain/AgentName.ts"
import { CallStore } from "../../../../src/store/CallStore.ts"
import { Database } from "../../../../src/store/Database.ts"
import { Simulator } from "../../../../src/simulator/Simulator.ts"
import * as MulawWav from "../../../../src/store/recording/MulawWav.ts"
import type { StoreWrite } from "../../../../src/store/StoreWrite.ts"
import * as Service from "../../../support/service/Service.ts"
import * as Databases from "../../../support/store/Databases.ts"
import { PostgresServer } from "../../../support/store/PostgresServer.ts"
import * as RecordingStore from "../../../support/store/RecordingStore.ts"
import { keysOf } from "../../../support/store/SealedSounds.ts"
import { accountSid, asked, began, ended, event, life, saved, sidOf, turn } from "../../../support/store/Writes.ts"

const headers = { authorization: `Bearer ${Service.apiKey}` }

interface Tools {
  readonly get: (path: string, more?: Readonly<Record<string, string>>) => ReturnType<Service.Service["Service"]["ask"]>
  readonly erase: (sid: string) => ReturnType<Service.Service["Service"]["ask"]>
  /** Writes of calls of this account. */
  readonly write: (writes: ReadonlyArray<StoreWrite>) => Effect.Effect<void>
  readonly store: CallStore["Service"]
  readonly database: Database["Service"]
  readonly url: string
}

const use = <A, E>(env: Databases.Environment, test: (tools: Tools) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const service = yield* Service.Service
    const { accountSid } = yield* Simulator
    const store = yield* CallStore
    const ours = (write: StoreWrite): StoreWrite => write._tag === "CallBegan" && write.accountSid !== "ACother" ? { ...write, accountSid } : write
    return yield* test({
      get: (path, more) => service.ask(path, { headers: { ...headers, ...more } }),
      erase: (sid) => service.ask(`/calls/${sid}`, { method: "DELETE", headers }),
      write: (writes) =>
        Effect.gen(function*() {
          for (const write of writes) store.write(ours(write))
          for (const sid of new Set(writes.map(({ callSid }) => callSid))) yield* Effect.orDie(Effect.retry(store.whenSettled(sid), { times: 20 }))
        }),
      store,
      database: yield* Database,
      url: service.url
    })
  }).pipe(
    // The calls of these tests are old.
    Effect.provide(Service.layer({ env: { STORE_WORDS_DAYS: "36500", STORE_FIGURES_DAYS: "36500", ...env } })),
    Effect.scoped
  )

interface Listed {
  readonly calls: ReadonlyArray<{ readonly call_sid: string; readonly started_at: string } & Readonly<Record<string, unknown>>>
  readonly next: string | null
}

const listedIn = ({ json }: { readonly json: unknown }) => json as Listed
const numbersIn = (answer: { readonly json: unknown }) => listedIn(answer).calls.map(({ call_sid }) => Number.parseInt(call_sid.slice(2), 16))

const second = 1000
const start = Date.UTC(2026, 4, 1)

/** Ten calls, a minute apart. The tenth is the newest. */
const ten = Array.from({ length: 10 }, (_, index) => index + 1).flatMap((number): ReadonlyArray<StoreWrite> => {
  const sid = sidOf(number)
  const at = start + number * 60 * second
  return [
    began(sid, {
      at,
      direction: number % 2 === 0 ? "inbound" : "outbound",
      from: number % 2 === 0 ? `+1415555012${number % 10}` : "+14155550100",
      to: number % 2 === 0 ? "+14155550100" : `+1415555012${number % 10}`,
      agent: number % 3 === 0 ? "sales" : "receptionist",
      campaign: number > 7 ? "spring" : null,
      metadata: { customer: `c-${number}`, vip: number % 5 === 0 }
    }),
    turn(sid, 0, "Good morning, how can I help?"),
    turn(sid, 1, number === 4 ? "I'd like a zebra, s'il vous plaît" : "I want to book a table"),
    ...(number === 10 ? [] : [{
      ...ended(sid, at + 30 * second, true),
      outcome: { status: number === 9 ? "no-answer" : "completed", reason: number === 9 ? "noAnswer" : "callerLeft", endedBy: "caller", resumptions: 0, isMemoryLost: false, engines: [], final: true }
    } as StoreWrite])
  ]
})

const filters: ReadonlyArray<readonly [query: string, expected: ReadonlyArray<number>]> = [
  ["", [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]],
  ["?limit=3", [10, 9, 8]],
  ["?direction=inbound", [10, 8, 6, 4, 2]],
  ["?agent=sales", [9, 6, 3]],
  ["?agent=nobody", []],
  ["?campaign=spring", [10, 9, 8]],
  ["?number=%2B14155550126", [6]],
  ["?number=+1%20415-555-0127", [7]],
  ["?number=%2B14155550100&direction=outbound&agent=sales", [9, 3]],
  ["?outcome=no-answer", [9]],
  ["?outcome=noAnswer", [9]],
  ["?outcome=live", [10]],
  ["?outcome=completed&agent=sales", [6, 3]],
  ["?metadata.customer=c-4", [4]],
  ["?metadata.vip=true", [10, 5]],
  ["?metadata.vip=true&metadata.customer=c-5", [5]],
  ["?metadata.nothing=1", []],
  ["?from=2026-05-01T00:08:00Z", [10, 9, 8]],
  ["?from=2026-05-01T00:02:00Z&to=2026-05-01T00:04:00Z", [3, 2]],
  ["?from=2026-05-01T02:08:00%2B02:00", [10, 9, 8]],
  ["?to=2026-05-01", []],
  ["?text=zebra", [4]],
  ["?text=ZEBRA%20like", [4]],
  ["?text=zebra%20table", []],
  ["?text=table&agent=sales", [9, 6, 3]],
  ["?text=%22OR%22%20*", []],
  ["?text=morning&direction=inbound&limit=2", [10, 8]]
]

const refusals: ReadonlyArray<readonly [query: string, named: string]> = [
  ["?limit=0", "limit"],
  ["?limit=201", "limit"],
  ["?limit=ten", "limit"],
  ["?from=yesterday", "from"],
  ["?to=2026-05-01T00:00:00", "to"],
  ["?from=2026-13-45", "from"],
  ["?from=2026-02-30", "from"],
  ["?from=%E2%80%8B", "from"],
  ["?limit=1e9", "limit"],
  ["?number=12", "number"],
  ["?agent=", "agent"],
  ["?agent=%E2%80%8B", "agent"],
  ["?campaign=%E2%80%8B%20", "campaign"],
  [`?${Array.from({ length: 17 }, (_, index) => `metadata.k${index}=v`).join("&")}`, "metadata"],
  ["?direction=sideways", "direction"],
  ["?outcome=compleeted", "Did you mean completed"],
  ["?text=%21%3F", "text"],
  ["?cursor=made-up", "cursor"],
  [`?cursor=${Buffer.from(`${"0".repeat(16)}[1,"x"]`).toString("base64url")}`, "cursor"],
  ["?agnet=sales", "Did you mean \\\"agent\\\""],
  ["?metadat.vip=true", "metadat.vip"],
  ["?agent=sales&agent=sales", "more than once"]
]

/** All files below a folder. */
const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesIn(path) : [path]
  })

const filesWith = (folder: string, word: string) => filesIn(folder).filter((file) => readFileSync(file).includes(word))

describe("the history of calls", { timeout: 120_000 }, () => {
  layer(Databases.layer, { excludeTestServices: true, timeout: 60_000 })("", (it) => {
    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: is listed by each filter, newest first`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ get, write }) =>
            Effect.gen(function*() {
              yield* write([...ten, ...life(sidOf(99)).map((one) => one._tag === "CallBegan" ? { ...one, accountSid: "ACother" } : one)])
              for (const [query, expected] of filters) {
                const answer = yield* get(`/calls${query}`)
                assert.strictEqual(answer.status, 200, `${query}: ${answer.text}`)
                assert.deepStrictEqual(numbersIn(answer), expected, query)
              }
            }))
        }))

      it.effect(`${name}: is read in pages, each call once, even while new calls come`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ get, write }) =>
            Effect.gen(function*() {
              yield* write(ten)
              const seen: Array<number> = []
              let cursor: string | null = ""
              for (let pages = 0; cursor !== null && pages < 20; pages++) {
                const answer: Effect.Success<ReturnType<typeof get>> = yield* get(`/calls?text=table&limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`)
                assert.strictEqual(answer.status, 200, answer.text)
                seen.push(...numbersIn(answer))
                cursor = listedIn(answer).next
                yield* write([began(sidOf(100 + pages), { at: start + (100 + pages) * 60 * second }), turn(sidOf(100 + pages), 0, "a table")])
              }
              assert.deepStrictEqual(seen, [10, 9, 8, 7, 6, 5, 3, 2, 1])
              const first = listedIn(yield* get("/calls?limit=2"))
              const other = yield* get(`/calls?limit=2&agent=sales&cursor=${first.next}`)
              assert.strictEqual(other.status, 400)
              assert.include(other.problem.detail, "same filters")
            }))
        }))

      it.effect(`${name}: refuses wrong filters by their names`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ get }) =>
            Effect.gen(function*() {
              for (const [query, named] of refusals) {
                const answer = yield* get(`/calls${query}`)
                assert.strictEqual(answer.status, 400, query)
                assert.strictEqual(answer.problem.name, "invalid-request", query)
                assert.include(JSON.stringify(answer.json), named, query)
              }
            }))
        }))

      it.effect(`${name}: searches for any text, also with quotes and operators`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ get }) =>
            Effect.gen(function*() {
              const odd = ["\"", "\"a", "a\" OR \"b", "NEAR(a b)", "a*", "-a", "text:a", "'; DROP TABLE calls; --", "a\0b", "a & !b | (c", "\\", "%", "a".repeat(200), "\ud800a"]
              for (const word of odd) {
                for (const name of ["text", "campaign", "metadata.k", `metadata.${encodeURIComponent(word.toWellFormed())}`]) {
                  const { status, text } = yield* get(`/calls?${name}=${encodeURIComponent(word.toWellFormed())}`)
                  assert.include(name === "text" ? [200, 400] : [200], status, `${name}=${word}: ${text}`)
                }
              }
            }))
        }))

      for (const [kind, late, sealing] of [["", false, {}], [", with its journal last", true, {}], [", sealed", false, { STORE_ENCRYPTION_KEYS: keysOf(["2026", 1]) }]] as const) it.effect(`${name}${kind}: has the streams, words, actions and sound of a process that took the call over while the store did not answer, at their times`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          const sid = sidOf(1)
          const began = 1_700_000_000_000
          const clock = yield* Clock.Clock
          /** The writes of a process that has the call from this moment on, ms on the axis. It says something a second later. */
          const writesFrom = Effect.fnUntraced(function*(at: number, before?: "unreachable") {
            let now = began + at
            const kept = RecordingStore.make()
            const history = CallHistory.make({
              info: {
                callSid: sid,
                direction: "inbound",
                from: Option.none(),
                to: Option.none(),
                agent: { name: AgentName.make("receptionist") },
                settings: { keepsWords: true, numbers: "plain", isRecorded: true, metadata: null, campaign: null, webhookUrl: null, isTranscriptSent: false }
              },
              accountSid,
              store: kept.service,
              clock: { ...clock, currentTimeMillisUnsafe: () => now, monotonicTimeNanosUnsafe: () => BigInt(now) * 1_000_000n },
              recorder: {
                isRecorded: () => true,
                listen: ({ part, startedAt }) =>
                  Effect.sync(() => {
                    const file = `${sid}-${part}.wav`
                    mkdirSync(join(env.DATA_DIR, "recordings"), { recursive: true })
                    writeFileSync(join(env.DATA_DIR, "recordings", file), Buffer.concat([MulawWav.header(16_000), Buffer.alloc(16_000)]))
                    kept.service.write({ _tag: "RecordingPart", callSid: sid, part, startedAt, file, duration: 1000, place: "folder" })
                    return { onCallerSound: () => {}, onAgentSound: () => {}, onClear: () => {} }
                  })
              },
              ...(before === undefined ? {} : { before })
            })
            history.began()
            history.streamBegan(false)
            yield* Effect.scoped(history.record({ openedAt: 0 }, {}))
            now += 1000
            history.addEvent({ _tag: "CallerSaid", turn: 1, at: 1000, startedAt: 400, endedAt: 900, text: "Good morning" })
            yield* Effect.orDie(history.actions.store({ id: "tool-0", kind: "tool", name: "book", arguments: "{}", isRepeatable: false }))
            return { ended: () => history.ended("callerLeft", 0), writes: kept.writes }
          })
          const first = yield* writesFrom(0)
          const second = yield* writesFrom(20_000, "unreachable")
          second.ended()
          yield* use({ ...env, ...sealing }, ({ get, write }) =>
            Effect.gen(function*() {
              // The journal of the process that died may come last.
              for (const writes of late ? [second.writes, first.writes] : [first.writes, second.writes]) yield* write(writes)
              const { json } = yield* get(`/calls/${sid}`)
              assert.deepInclude(json, { streams: 2, resumptions: 1, memory_lost: true, axis_started_at: "2023-11-14T22:13:20.000Z" })
              assert.deepInclude((json as { readonly recording: object }).recording, { duration_seconds: 21 })
              const transcript = (yield* get(`/calls/${sid}/transcript`)).json as { readonly turns: ReadonlyArray<{ readonly started_ms: number; readonly ended_ms: number; readonly words: ReadonlyArray<{ readonly ms: number }> }>; readonly actions: ReadonlyArray<{ readonly ms: number }> }
              assert.deepStrictEqual(transcript.turns.map(({ ended_ms, started_ms }) => [started_ms, ended_ms]), [[400, 900], [20_400, 20_900]])
              const [early, later] = transcript.turns.map(({ words }) => words)
              assert.deepStrictEqual(later, early.map((word) => ({ ...word, ms: word.ms + 20_000 })))
              assert.deepStrictEqual(transcript.actions.map(({ ms }) => ms), [1000, 21_000])
            }))
        }))

      it.effect(`${name}: shows a call's outcome and figures, and what was said`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ get, write }) =>
            Effect.gen(function*() {
              const sid = sidOf(1)
              yield* write(life(sid))
              const { json, status } = yield* get(`/calls/${sid}`)
              assert.strictEqual(status, 200)
              assert.deepInclude(json, {
                call_sid: sid,
                direction: "inbound",
                from: "+14155550123",
                agent: "receptionist",
                metadata: { customer: "c-1", visits: 3, nested: { not: "looked for" } },
                started_at: "2023-11-14T22:13:20.000Z",
                ended_at: "2023-11-14T22:14:22.000Z",
                status: "completed",
                final: true,
                live: false,
                turns: 3,
                streams: 2,
                words: "kept",
                billable_minutes: 2,
                figures: { caller_turns: 1, agent_turns: 2, interrupted: 1, actions: 1, latency_ms: { count: 1, p50: 311, p95: 311 } },
                usage: [{ stage: "reply", engine: "embedded", requests: 3, characters: 120 }],
                recording: null
              })
              const transcript = yield* get(`/calls/${sid}/transcript`)
              const { actions, turns } = transcript.json as { readonly turns: ReadonlyArray<Record<string, unknown>>; readonly actions: ReadonlyArray<Record<string, unknown>> }
              assert.deepStrictEqual(turns.map(({ cut, role }) => [role, cut]), [["agent", true], ["caller", false], ["agent", false]])
              assert.deepInclude(turns[1], { started_ms: 1000, words: [{ text: "I want to book a table", ms: 1000, heard: true }] })
              assert.deepInclude(actions[0], { name: "book", state: "answered", answer: "booked", ms: 4200 })
              yield* write([turn(sid, 3, "unused", { role: "agent", words: [{ text: "Thank", at: 3000, isHeard: true }, { text: "you", at: 3200, isHeard: true }, { text: "very", at: 3300, isHeard: false }, { text: "much", at: 3300, isHeard: false }] })])
              for (const answer of [yield* get(`/calls/${sid}/transcript?format=text`), yield* get(`/calls/${sid}/transcript`, { accept: "text/plain" })]) {
                assert.strictEqual(answer.headers.get("content-type"), "text/plain; charset=utf-8")
                assert.include(answer.text, "00:01.0 caller: I want to book a table\n")
                assert.include(answer.text, "00:03.0 agent: Thank you [very much]\n")
                assert.include(answer.text, "00:04.2 action: (book {\"day\":\"monday\"}: answered: booked)\n")
              }
              assert.strictEqual((yield* get(`/calls/${sid}/transcript?format=xml`)).status, 400)
              const recording = yield* get(`/calls/${sid}/recording.wav`)
              assert.strictEqual(recording.status, 404)
              assert.strictEqual(recording.problem.name, "no-recording")

              const costs = [
                { currency: "USD", total: 0.5, twilio: 0.25, engines: [{ stage: "reply", engine: "a", cost: 0.25 }], unpriced: ["b"] },
                { currency: "USD", total: 1, engines: [], unpriced: [] }
              ] as const
              for (const cost of costs) {
                const end = ended(sid, 1_700_000_062_000, true)
                yield* write(end._tag === "CallEnded" ? [{ ...end, outcome: { ...end.outcome, cost } }] : [])
                assert.deepInclude((yield* get(`/calls/${sid}`)).json, { cost })
              }
            }))
        }))

      it.effect(`${name}: sends a past call's events, or only those after the last one that the client has`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ get, write }) =>
            Effect.gen(function*() {
              const sid = sidOf(1)
              yield* write([began(sid), ...Array.from({ length: 450 }, (_, sequence) => event(sid, sequence)), ended(sid, 9, true)])
              const all = yield* get(`/calls/${sid}/events`)
              assert.strictEqual(all.headers.get("content-type"), "text/event-stream; charset=utf-8")
              const ids = [...all.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
              assert.deepStrictEqual(ids, Array.from({ length: 450 }, (_, index) => index))
              assert.include(all.text, "id: 0\nevent: AgentHeard\ndata: {\"_tag\":\"AgentHeard\"")
              const rest = yield* get(`/calls/${sid}/events`, { "last-event-id": "447" })
              assert.deepStrictEqual([...rest.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)), [448, 449])
              const last = rest.text.trim().split("\n\n").at(-1)
              assert.match(last ?? "", /^event: Outcome\ndata: /)
              const outcome = JSON.parse(last?.split("data: ")[1] ?? "") as Record<string, unknown>
              const call = (yield* get(`/calls/${sid}`)).json as Record<string, unknown>
              for (const field of ["status", "reason", "ended_by", "final", "resumptions", "usage"]) assert.deepStrictEqual(outcome[field], call[field], field)
              assert.strictEqual((yield* get(`/calls/${sid}/events`, { "last-event-id": "x" })).status, 400)
            }))
        }))

      it.effect(`${name}: sends the events of another process's call within a second, until the call ends`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ get, write }) =>
            Effect.gen(function*() {
              const sid = sidOf(1)
              const now = performance.timeOrigin + performance.now()
              yield* write([began(sid, { at: now }), event(sid, 0)])
              const watcher = yield* Effect.forkChild(get(`/calls/${sid}/events`))
              yield* Effect.sleep("700 millis")
              yield* write([event(sid, 1)])
              yield* Effect.sleep("300 millis")
              yield* write([event(sid, 2), ended(sid, now + 1000, true)])
              const { text } = yield* Effect.timeout(Fiber.join(watcher), "5 seconds")
              assert.deepStrictEqual([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)), [0, 1, 2])
            }))
        }))

      it.effect(`${name}: does not know calls of another account, or unknown calls`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ erase, get, write }) =>
            Effect.gen(function*() {
              const foreign = sidOf(7)
              yield* write(life(foreign).map((one) => one._tag === "CallBegan" ? { ...one, accountSid: "ACother" } : one))
              for (const sid of [foreign, sidOf(8)]) {
                for (const path of ["", "/transcript", "/recording.wav", "/events"]) {
                  const { problem, status } = yield* get(`/calls/${sid}${path}`)
                  assert.strictEqual(status, 404, path)
                  assert.strictEqual(problem.name, "no-such-call", path)
                }
                assert.strictEqual((yield* erase(sid)).status, 404)
              }
              assert.strictEqual((yield* get("/calls/CA12")).status, 400)
            }))
        }))

      it.effect(`${name}: erases the personal data of a call, and leaves its figures`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use({ ...env, EVENTS_DIR: join(env.DATA_DIR, "events") }, ({ database, erase, get, store, write }) =>
            Effect.gen(function*() {
              const sid = sidOf(1)
              yield* write(life(sid))
              yield* write([
                turn(sid, 5, "My secret is xylophone"),
                { ...saved(sid, 9), memory: { history: ["xylophone"] } } as StoreWrite,
                { ...asked(sid, "a9"), arguments: "xylophone" } as StoreWrite,
                { ...event(sid, 9), event: { _tag: "CallerSaid", text: "xylophone" } } as StoreWrite,
                began(sidOf(2)),
                turn(sidOf(2), 0, "My secret is a marimba")
              ])
              yield* database.query(database.sql`INSERT INTO deliveries (id, call_sid, type, url, host, payload, state, created_at, updated_at) VALUES ('d1', ${sid}, 'call.ended', 'https://example.com', 'example.com', 'xylophone', 'delivered', 1, 1)`)
              assert.deepStrictEqual(numbersIn(yield* get("/calls?text=xylophone")), [1])
              if (name === "SQLite") assert.isNotEmpty(filesWith(env.DATA_DIR, "xylophone"))

              assert.strictEqual((yield* erase(sid)).status, 204)
              assert.deepStrictEqual(numbersIn(yield* get("/calls?text=xylophone")), [])
              assert.deepStrictEqual(filesWith(env.DATA_DIR, "xylophone"), [])
              if (name === "SQLite") {
                assert.deepStrictEqual(filesWith(env.DATA_DIR, "looked for"), [filesWith(env.DATA_DIR, "marimba")[0]])
              }
              const { json } = yield* get(`/calls/${sid}`)
              assert.deepInclude(json, { from: null, to: null, metadata: null, words: "erased", status: "completed", turns: 4, deliveries: [] })
              assert.deepInclude((json as { figures: object }).figures, { caller_turns: 2, agent_turns: 2, latency_ms: { count: 1, p50: 311, p95: 311 } })
              assert.deepStrictEqual((yield* get(`/calls/${sid}/transcript`)).json, { call_sid: sid, turns: [], actions: [] })
              const { text: events } = yield* get(`/calls/${sid}/events`)
              assert.match(events, /^event: Outcome\ndata: \{"_tag":"Outcome",[^\n]+\n\n$/)

              // Late writes of the erased call are refused, and it may be erased again.
              store.write(turn(sid, 6, "xylophone again"))
              yield* store.save(ended(sid, 1_700_000_063_000, true))
              assert.strictEqual((yield* erase(sid)).status, 204)
              assert.deepStrictEqual(filesWith(env.DATA_DIR, "xylophone"), [])
              assert.deepStrictEqual(numbersIn(yield* get("/calls?text=marimba")), [2])
            }))
        }))

      it.effect(`${name}: does not erase a live call`, () =>
        Effect.gen(function*() {
          yield* use(yield* fresh, ({ erase, get, store, write }) =>
            Effect.gen(function*() {
              const now = performance.timeOrigin + performance.now()
              yield* write([began(sidOf(1), { at: now }), began(sidOf(2), { at: now - 5 * 3600 * second }), began(sidOf(3), { at: now - 5 * 3600 * second })])
              yield* store.takeOwnership(sidOf(2))
              for (const number of [1, 2]) {
                const { problem, status } = yield* erase(sidOf(number))
                assert.strictEqual(status, 409)
                assert.strictEqual(problem.name, "call-is-live")
              }
              assert.deepInclude((yield* get(`/calls/${sidOf(1)}`)).json, { live: true })
              // The third call belongs to no process, and no call lasts five hours.
              assert.strictEqual((yield* erase(sidOf(3))).status, 204)
            }))
        }))

      it.effect(`${name}: keeps numbers as an HMAC from the call's end on, and still finds calls by their number`, () =>
        Effect.gen(function*() {
          const env = yield* fresh
          yield* use({ ...env, STORE_NUMBERS: "hashed" }, ({ get, write }) =>
            Effect.gen(function*() {
              const sid = sidOf(1)
              const hashed = { keeping: { words: true, numbers: "hashed" } } as const
              yield* write([began(sid, hashed)])
              assert.deepInclude((yield* get(`/calls/${sid}`)).json, { from: "+14155550123" })
              yield* write([ended(sid, 1_700_000_062_000, true)])
              const { from } = (yield* get(`/calls/${sid}`)).json as { from: string }
              assert.match(from, /^hmac:[\w-]{43}$/)
              assert.deepStrictEqual(numbersIn(yield* get("/calls?number=%2B14155550123")), [1])
              assert.deepStrictEqual(numbersIn(yield* get("/calls?number=%2B14155550124")), [])
              yield* write([began(sid, hashed)])
              assert.deepInclude((yield* get(`/calls/${sid}`)).json, { from })
            }))
          if (name === "SQLite") {
            assert.deepStrictEqual(filesWith(env.DATA_DIR, "+14155550123").filter((file) => !file.endsWith("-wal")), [])
            assert.strictEqual(statSync(join(env.DATA_DIR, "store-key")).mode & 0o777, 0o600)
          }
        }))
    }

    it.effect("Postgres: answers 503, and says when to ask again, while the database does not answer", () =>
      Effect.gen(function*() {
        const server = yield* PostgresServer
        if (!server.isOurs) return
        yield* use(yield* Databases.kinds[1].fresh, ({ get, write }) =>
          Effect.gen(function*() {
            yield* write(life(sidOf(1)))
            yield* server.stop
            for (const path of ["", `/${sidOf(1)}`, `/${sidOf(1)}/transcript`, `/${sidOf(1)}/events`]) {
              const { headers, problem, status } = yield* get(`/calls${path}`)
              assert.strictEqual(status, 503, path)
              assert.strictEqual(problem.name, "history-unreachable")
              assert.include(problem.detail, "the database does not answer")
              assert.strictEqual(headers.get("retry-after"), "5")
            }
            yield* server.start
            yield* Service.until("the history", get(`/calls/${sidOf(1)}`), ({ status }) => status === 200)
          })).pipe(Effect.ensuring(server.start))
      }))

    it.effect("says what is wrong with a path or a method", () =>
      use({}, ({ get, url }) =>
        Effect.gen(function*() {
          for (const path of ["", "/transcript", "/recording.wav", "/events"]) {
            const answer = yield* get(`/calls/CA123${path}`)
            assert.deepStrictEqual([answer.status, answer.problem.name], [400, "invalid-request"])
            assert.include(answer.text, `\\"callSid\\" must be a Twilio call SID: CA and 32 hexadecimal digits.`)
          }
          for (const [path, allowed] of [["", "GET, DELETE"], ["/transcript", "GET"], ["/recording.wav", "GET"], ["/events", "GET"]]) {
            const { headers: got, status } = yield* Effect.promise(() => fetch(`${url}/calls/${sidOf(1)}${path}`, { method: "PUT", headers }))
            assert.deepStrictEqual([status, got.get("allow")], [405, allowed], path)
          }
        })))

    it.effect("needs the API key", () =>
      Effect.gen(function*() {
        yield* use(yield* Databases.kinds[0].fresh, ({ url }) =>
          Effect.promise(async () => {
            for (const [method, path] of [["GET", "/calls"], ["GET", `/calls/${sidOf(1)}`], ["DELETE", `/calls/${sidOf(1)}`], ["GET", `/calls/${sidOf(1)}/transcript`], ["GET", `/calls/${sidOf(1)}/recording.wav`]]) {
              assert.strictEqual((await fetch(url + path, { method })).status, 401, path)
            }
          }))
      }))
  })
})
