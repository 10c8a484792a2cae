/**
 * SQLite's thread, which ends when it is sent the statement "END THIS THREAD".
 */
import { parentPort } from "node:worker_threads"
import type { Request } from "../../../src/store/sqlite/SqliteRequest.ts"

parentPort?.on("message", (request: Request) => {
  if (request._tag === "Rows" && request.statement.text === "END THIS THREAD") process.exit(1)
})
await import("../../../src/store/sqlite/SqliteThread.ts")
