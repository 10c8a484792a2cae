/**
 * `GET /calls` over 1,000,000 turns, on SQLite and on Postgres: the time of one page with each filter. It is measured at the store's
 * interface, without HTTP.
 *
 *     npm run bench -- history [--turns 1000000] [--rounds 40] [--sqlite | --postgres] [--plans]
 *
 * `TEST_DATABASE_URL` names the Postgres server. If it is unset, Debian's Postgres is started in a folder of its own.
 */
import { NodeServices } from "@effect/platform-node"
import { ConfigProvider, Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { AppConfig } from "../src/config/AppConfig.ts"
import { Database } from "../src/store/Database.ts"
import type { CallFilters } from "../src/store/history/CallFilters.ts"
import * as CallFilterPlan from "../src/store/history/CallFilters.ts"
import * as CallList from "../src/store/history/CallList.ts"
import { type Run, runner } from "../src/store/Statements.ts"
import * as TextSearch from "../src/store/history/TextSearch.ts"
import { PostgresServer } from "../test/support/store/PostgresServer.ts"

const option = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}

const turnsInAll = option("turns", 1_000_000)
const turnsPerCall = 14
const calls = Math.ceil(turnsInAll / turnsPerCall)
const rounds = option("rounds", 40)
const accountSid = `AC${"1".repeat(32)}`
const start = Date.UTC(2026, 0, 1)
const sidOf = (number: number) => `CA${number.toString(16).padStart(32, "0")}`

/** The same random numbers in each run. */
let seed = 20_261
const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647

/** 20,000 words. The n-th is about 1/n as frequent as the first. */
const vocabulary = Array.from({ length: 20_000 }, (_, index) => `w${index.toString(36)}x`)
const word = () => vocabulary[Math.min(vocabulary.length - 1, Math.floor(Math.exp(random() * Math.log(vocabulary.length))) - 1)] ?? "w0x"
const sentence = (call: number, turn: number) => {
  const words = Array.from({ length: 10 }, word)
  if (random() < 0.3) words.push("table")
  if (random() < 0.01) words.push("appointment")
  if (call % 5000 === 7 && turn === 3) words.push("zebra")
  return words.join(" ")
}

const insertAll = Effect.fnUntraced(function*(run: Run, dialect: "sqlite" | "pg", transaction: Database["Service"]["transaction"]) {
  const rowsAtOnce = 200
  const insert = Effect.fnUntraced(function*(table: string, columns: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string | number | null>>) {
    for (let from = 0; from < rows.length; from += rowsAtOnce) {
      const batch = rows.slice(from, from + rowsAtOnce)
      const row = `(${columns.map(() => "?").join(", ")})`
      yield* run(`INSERT INTO ${table} (${columns.join(", ")}) VALUES ${batch.map(() => row).join(", ")}`, batch.flat())
    }
  })
  const perBatch = 500
  const turnColumns = ["call_sid", "turn", "role", "started_at", "ended_at", "text", "words", "is_cut", "latency", "written_at", ...(dialect === "sqlite" ? ["id"] : [])]
  for (let from = 1; from <= calls; from += perBatch) {
    const numbers = Array.from({ length: Math.min(perBatch, calls - from + 1) }, (_, index) => from + index)
    yield* transaction(Effect.gen(function*() {
      yield* insert("calls", ["call_sid", "account_sid", "direction", "from_number", "to_number", "agent", "started_at", "parts", "ended_at", "keeps_words", "campaign", "status", "reason", "ended_by", "is_final", "outcome"], numbers.map((number) => [
        sidOf(number), accountSid, number % 4 === 0 ? "outbound" : "inbound", `+1415555${String(number % 9000).padStart(4, "0")}`, "+14155550100",
        number % 1000 === 0 ? "rare" : number % 3 === 0 ? "sales" : "receptionist", start + number * 60_000, 1, start + number * 60_000 + 30_000, 1,
        number % 50 === 0 ? "spring" : null, number % 20 === 0 ? "no-answer" : "completed", number % 20 === 0 ? "noAnswer" : "callerLeft", "caller", 1, "{}"
      ]))
      yield* insert("call_metadata", ["call_sid", "name", "value", "started_at"], numbers.flatMap((number) => [
        [sidOf(number), "customer", `c-${number % 10_000}`, start + number * 60_000],
        [sidOf(number), "vip", String(number % 100 === 0), start + number * 60_000]
      ]))
      yield* insert("turns", turnColumns, numbers.flatMap((number) => Array.from({ length: turnsPerCall }, (_, turn) => [
        sidOf(number), turn, turn % 2 === 0 ? "agent" : "caller", turn * 3000, turn * 3000 + 2000, sentence(number, turn), "[]", 0, turn % 2 === 0 ? 300 : null, 1,
        ...(dialect === "sqlite" ? [number * 65_536 + turn] : [])
      ])))
    }))
  }
})

const day = 24 * 3600_000
const filters: ReadonlyArray<readonly [name: string, filters: Omit<CallFilters, "accountSid">]> = [
  ["no filter", {}],
  ["from, to (a day in the middle)", { from: start + 20 * day, to: start + 21 * day }],
  ["number", { numbers: ["+14155550123"] }],
  ["number that every call has", { numbers: ["+14155550100"] }],
  ["agent", { agent: "sales" }],
  ["agent, rare", { agent: "rare" }],
  ["agent, none", { agent: "nobody" }],
  ["direction", { direction: "outbound" }],
  ["outcome", { outcome: "no-answer" }],
  ["outcome live", { outcome: "live" }],
  ["campaign", { campaign: "spring" }],
  ["metadata", { metadata: [["customer", "c-77"]] }],
  ["metadata, common", { metadata: [["vip", "false"]] }],
  ["text, rare (1 in 70,000 turns)", { text: "zebra" }],
  ["text, 1 in 100 turns", { text: "appointment" }],
  ["text, 1 in 3 turns", { text: "table" }],
  ["text, two common words", { text: "table w0x" }],
  ["text, none", { text: "xylophone" }],
  ["text and agent", { text: "table", agent: "sales" }],
  ["text and rare agent", { text: "appointment", agent: "rare" }],
  ["text, campaign, direction, day", { text: "table", campaign: "spring", direction: "outbound", from: start, to: start + 40 * day }],
  ["campaign, agent and direction without calls", { campaign: "spring", agent: "rare", direction: "inbound" }],
  ["metadata and campaign and outcome", { metadata: [["vip", "true"]], campaign: "spring", outcome: "completed" }]
]

const measure = (name: string, env: Record<string, string>) =>
  Effect.gen(function*() {
    const { dialect, query, sql, transaction } = yield* Database
    const run = runner(sql, dialect)
    const began = performance.now()
    yield* insertAll(run, dialect, transaction)
    // A running Postgres collects statistics by itself after a while. SQLite has none here, as in the service.
    if (dialect === "pg") yield* run("VACUUM ANALYZE")
    console.log(`${name}: ${calls} calls, ${calls * turnsPerCall} turns, built in ${((performance.now() - began) / 1000).toFixed(0)} s`)
    console.log(`${"filter".padEnd(46)}${"calls".padStart(6)}${"p50 ms".padStart(9)}${"p95 ms".padStart(9)}${"longest stall ms".padStart(18)}`)
    for (const [filterName, filter] of filters) {
      const times: Array<number> = []
      let found = 0
      let stall = 0
      let beat = performance.now()
      const timer = setInterval(() => {
        stall = Math.max(stall, performance.now() - beat - 1)
        beat = performance.now()
      }, 1)
      for (let round = 0; round < rounds; round++) {
        const requestedAt = performance.now()
        const page = yield* query(CallList.page(run, dialect, { ...filter, accountSid }, 50), "1 minute")
        times.push(performance.now() - requestedAt)
        found = page.callSids.length
      }
      clearInterval(timer)
      const sorted = times.toSorted((one, other) => one - other)
      const percentile = (share: number) => (sorted[Math.ceil(sorted.length * share) - 1] ?? 0).toFixed(1)
      console.log(`${filterName.padEnd(46)}${String(found).padStart(6)}${percentile(0.5).padStart(9)}${percentile(0.95).padStart(9)}${stall.toFixed(1).padStart(18)}`)
      if (!process.argv.includes("--plans")) continue
      const text = filter.text === undefined ? undefined : yield* (dialect === "pg" ? TextSearch.inPostgres : TextSearch.inSqlite)(run, filter.text)
      const { parameters, text: statement } = CallFilterPlan.windowOf(CallFilterPlan.plan({ ...filter, accountSid }, text?._tag === "Few" ? text.arm : undefined), { startedAt: 8e15, callSid: "" }, filter.from ?? 0, 64)
      const plan = yield* run<Record<string, unknown>>(`${dialect === "pg" ? "EXPLAIN" : "EXPLAIN QUERY PLAN"} ${statement}`, parameters)
      for (const line of plan) console.log(`    ${String(line.detail ?? line["QUERY PLAN"])}`)
    }
  }).pipe(
    Effect.provide(Database.layer.pipe(Layer.provide([
      AppConfig.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))),
      NodeServices.layer
    ])))
  )

const folder = mkdtempSync(join(tmpdir(), "client-caller-history-"))
const only = process.argv.find((argument) => argument === "--sqlite" || argument === "--postgres")
await Effect.runPromise(Effect.gen(function*() {
  if (only !== "--postgres") yield* measure("SQLite", { DATA_DIR: folder })
  if (only !== "--sqlite") {
    yield* Effect.gen(function*() {
      yield* measure("Postgres", { DATA_DIR: folder, DATABASE_URL: yield* (yield* PostgresServer).database })
    }).pipe(Effect.provide(PostgresServer.layer))
  }
}).pipe(Effect.ensuring(Effect.sync(() => rmSync(folder, { recursive: true, force: true })))))
