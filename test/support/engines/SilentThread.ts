/** A thread that takes all messages and never answers. */
import { parentPort } from "node:worker_threads"

parentPort!.on("message", () => {})
