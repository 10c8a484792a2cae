import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../../../src/store/Database.ts"
import type { CallFilters, Position } from "../../../../src/store/history/CallFilters.ts"
import * as CallList from "../../../../src/store/history/CallList.ts"
import { runner } from "../../../../src/store/Statements.ts"
import { apply } from "../../../../src/store/writer/ApplyWrites.ts"
import * as Databases from "../../../support/store/Databases.ts"
import { began, sidOf, turn } from "../../../support/store/Writes.ts"

/** Enough calls that one page does not search all of them, and enough turns that "table" counts as a word in many turns. */
const calls = 700
const turns = 3

/** Calls of three agents. Each turn says "table". Every tenth call says "lamp" in one turn, and two calls say "radio". */
const wordsOf = (number: number, turn: number) => turn !== 1 ? "a table" : number === 3 || number === 650 ? "a table and a radio" : number % 10 === 0 ? "a table and a lamp" : "a table"
const writesOf = (number: number) => [
  began(sidOf(number), { at: number * 1000, agent: number % 100 === 0 ? "rare" : number % 2 === 0 ? "sales" : "receptionist" }),
  ...Array.from({ length: turns }, (_, index) => turn(sidOf(number), index, wordsOf(number, index)))
]
const numbers = Array.from({ length: calls }, (_, index) => index + 1)

const cases: ReadonlyArray<readonly [filter: Omit<CallFilters, "accountSid">, fits: (number: number) => boolean]> = [
  [{ text: "table" }, () => true],
  [{ text: "table", agent: "sales" }, (number) => number % 2 === 0 && number % 100 !== 0],
  [{ text: "table", agent: "rare" }, (number) => number % 100 === 0],
  [{ text: "table lamp" }, (number) => number % 10 === 0 && number !== 650],
  [{ text: "radio" }, (number) => number === 3 || number === 650],
  [{ text: "radio", agent: "receptionist" }, (number) => number === 3],
  [{ text: "table", from: 100_000, to: 200_000 }, (number) => number >= 100 && number < 200],
  [{ text: "table", agent: "nobody" }, () => false],
  [{ agent: "rare", direction: "inbound" }, (number) => number % 100 === 0]
]

/** Stores these calls in one transaction. */
const store = Effect.fnUntraced(function*(numbers: ReadonlyArray<number>) {
  const { dialect, sql, transaction } = yield* Database
  yield* transaction(apply(sql, dialect, numbers.flatMap(writesOf).map((write, index) => ({ write, at: index + 1 }))))
})

/** The calls of all pages, in their order. */
const listed = Effect.fnUntraced(function*(filter: Omit<CallFilters, "accountSid">) {
  const { dialect, query, sql } = yield* Database
  const seen: Array<string> = []
  let after: Position | undefined
  let pages = 0
  do {
    const page: CallList.Page = yield* query(CallList.page(runner(sql, dialect), dialect, { ...filter, accountSid: `AC${"1".repeat(32)}` }, 20, after), "20 seconds")
    seen.push(...page.callSids)
    after = page.next
    pages++
  } while (after !== undefined && pages < 100)
  return seen
})

const newestFirst = (fits: (number: number) => boolean) => numbers.toReversed().filter(fits).map(sidOf)

describe("words in many calls", { timeout: 60_000 }, () => {
  layer(Databases.layer, { excludeTestServices: true, timeout: 60_000 })("", (it) => {
    for (const { name, fresh } of Databases.kinds) {
      it.effect(`${name}: are found page by page, each call once and the newest first`, () =>
        Effect.flatMap(fresh, (env) => Effect.gen(function*() {
          yield* store(numbers)
          for (const [filter, fits] of cases) assert.deepStrictEqual(yield* listed(filter), newestFirst(fits), JSON.stringify(filter))
        }).pipe(Effect.provide(Databases.databaseOf(env)))), 60_000)

      it.effect(`${name}: are found in each call once, also if older calls were stored after newer ones`, () =>
        Effect.flatMap(fresh, (env) => Effect.gen(function*() {
          yield* store(numbers.slice(150))
          yield* store(numbers.slice(0, 150))
          for (const [filter, fits] of cases) assert.sameMembers(yield* listed(filter), newestFirst(fits), JSON.stringify(filter))
        }).pipe(Effect.provide(Databases.databaseOf(env)))), 60_000)
    }
  })
})
