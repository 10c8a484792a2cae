/**
 * A Postgres for tests: Debian's, started in a folder of its own on a free port, or the one that `TEST_DATABASE_URL` names.
 *
 * Each test has a database of its own on this server. Only a server that was started here can be stopped, frozen and started again.
 */
import { NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, FileSystem, Layer, Redacted, Schedule } from "effect"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { chownSync, existsSync, readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:net"

const base = "/usr/lib/postgresql"

/** The folder with the programs of the newest version that Debian's packages have installed. */
const programs = (): string => {
  const versions = existsSync(base) ? readdirSync(base).map(Number).filter((version) => existsSync(`${base}/${version}/bin/postgres`)) : []
  if (versions.length === 0) throw new Error("No Postgres is here: apt-get install postgresql, or set TEST_DATABASE_URL to an address of one.")
  return `${base}/${Math.max(...versions)}/bin`
}

/** The user to run Postgres, which refuses to run as root: then the user of Debian's package. */
const user = (): { uid?: number; gid?: number } => {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"]).toString())
  return { uid: id("-u"), gid: id("-g") }
}

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

export class PostgresServer extends Context.Service<PostgresServer, {
  /** The address of a new, empty database. */
  readonly database: Effect.Effect<string>
  /** Whether the server was started here, so that `stop`, `start`, `freeze` and `thaw` can be used. */
  readonly isOurs: boolean
  /** Ends the server as `kill -9` does. */
  readonly stop: Effect.Effect<void>
  readonly start: Effect.Effect<void>
  /** Halts all processes of the server. Connections stay open. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}>()("test/store/PostgresServer") {
  static readonly layer = Layer.suspend(() => process.env.TEST_DATABASE_URL === undefined ? ours : given(process.env.TEST_DATABASE_URL))
}

/** Runs one statement in the database of this address. */
export const execute = (url: string, statement: string) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.PgClient
    return yield* sql.unsafe<Record<string, unknown>>(statement)
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 2 })))

/** Creates an empty database on the server at this address. Returns the database's address. */
const createIn = (url: string) =>
  Effect.gen(function*() {
    const name = `test_${randomBytes(6).toString("hex")}`
    yield* execute(url, `CREATE DATABASE ${name}`)
    return Object.assign(new URL(url), { pathname: `/${name}` }).href
  }).pipe(Effect.orDie)

const given = (url: string) => {
  const impossible = Effect.die(new Error("TEST_DATABASE_URL's server is not ours to stop"))
  return Layer.succeed(PostgresServer, {
    database: createIn(url),
    isOurs: false,
    stop: impossible,
    start: impossible,
    freeze: impossible,
    thaw: impossible
  })
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null

/** Sends a signal to the server and to its children. Each child has a process group of its own. */
const signal = (child: ChildProcess | undefined, name: NodeJS.Signals) =>
  Effect.sync(() => {
    if (child?.pid === undefined || !isRunning(child)) return
    // The server is stopped first, so that it starts no further children.
    process.kill(child.pid, "SIGSTOP")
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ").filter((pid) => pid !== "").map(Number)
    for (const pid of [child.pid, ...children]) {
      try {
        process.kill(pid, name)
      } catch {
        // The process has just ended.
      }
    }
  })

const ours = Layer.effect(
  PostgresServer,
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* fs.makeTempDirectoryScoped()
    const bin = programs()
    const owner = user()
    if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid)
    execFileSync(`${bin}/initdb`, ["-D", `${folder}/data`, "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"], { ...owner, cwd: folder, stdio: "ignore" })
    const port = yield* freePort
    const url = `postgres://tests@127.0.0.1:${port}/postgres`
    let child: ChildProcess | undefined

    const launch = Effect.sync(() => {
      // The server ends by itself if a child of the earlier server still has the shared memory; `start` then tries again.
      if (child !== undefined && isRunning(child)) return
      child = spawn(`${bin}/postgres`, ["-D", `${folder}/data`, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "max_connections=200", "-c", "fsync=off"], {
        ...owner,
        cwd: folder,
        stdio: "ignore"
      })
    })
    const start = Effect.andThen(launch, execute(url, "SELECT 1")).pipe(
      Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 150 }),
      Effect.orDie,
      Effect.asVoid
    )
    const ended = Effect.callback<void>((resume) => {
      if (child === undefined || !isRunning(child)) return resume(Effect.void)
      child.once("exit", () => resume(Effect.void))
    })
    const thaw = Effect.suspend(() => signal(child, "SIGCONT"))
    const stop = Effect.andThen(Effect.suspend(() => signal(child, "SIGKILL")), ended)
    yield* Effect.addFinalizer(() => stop)
    yield* start
    return { database: createIn(url), isOurs: true, stop, start, freeze: Effect.suspend(() => signal(child, "SIGSTOP")), thaw }
  })
).pipe(Layer.provide(NodeServices.layer), Layer.orDie)
