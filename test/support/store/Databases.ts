/**
 * SQLite and Postgres for test suites that run on both.
 */
import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Layer } from "effect"
import { mkdirSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Database } from "../../../src/store/Database.ts"
import { Journal } from "../../../src/store/journal/Journal.ts"
import { encode } from "../../../src/store/journal/JournalLines.ts"
import * as DatabaseCallStore from "../../../src/store/DatabaseCallStore.ts"
import type { Stamped } from "../../../src/store/writer/WriteQueue.ts"
import { exactly } from "../service/TestConfig.ts"
import { PostgresServer } from "./PostgresServer.ts"

/** The variables that give a test its own store. */
export type Environment = Record<string, string>

export interface Kind {
  readonly name: "SQLite" | "Postgres"
  /** The variables of an empty store; its folder ends with the scope. */
  readonly fresh: Effect.Effect<Environment, never, PostgresServer | FileSystem.FileSystem | import("effect").Scope.Scope>
}

const folder = Effect.gen(function*() {
  return yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
}).pipe(Effect.orDie)

export const kinds: ReadonlyArray<Kind> = [
  { name: "SQLite", fresh: Effect.map(folder, (DATA_DIR) => ({ DATA_DIR })) },
  {
    name: "Postgres",
    fresh: Effect.gen(function*() {
      return { DATA_DIR: yield* folder, DATABASE_URL: yield* (yield* PostgresServer).database }
    })
  }
]

/** The database of these variables. Each use behaves like another process. */
export const databaseOf = (env: Environment) => Layer.fresh(Database.layer.pipe(Layer.provide([exactly(env), NodeServices.layer])))

/** Only the journal of these variables: nothing moves its lines to a database. */
export const journalOf = (env: Environment) => Layer.fresh(Journal.layer.pipe(Layer.provide([exactly(env), NodeServices.layer])))

/** What a suite on both databases needs. */
export const layer = Layer.merge(PostgresServer.layer, NodeServices.layer)

/** The store of these variables, with its database. Each use behaves like another process. */
export const storeOf = (env: Environment, options?: Parameters<typeof DatabaseCallStore.layerWith>[0]) => Layer.fresh(DatabaseCallStore.layerWith(options).pipe(Layer.provide([exactly(env), NodeServices.layer])))

/** Writes a journal as a process of another machine would have left it long ago. `torn`: the unfinished last line. */
export const leaveJournal = (env: Environment, writes: ReadonlyArray<Stamped>, torn = ""): void => {
  const folder = join(env.DATA_DIR, "journal")
  const file = join(folder, "000000000000001~elsewhere~1~00.jsonl")
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, writes.map(encode).join("") + torn)
  utimesSync(file, 1, 1)
}
