/** A thread that takes whatever it is sent and never answers. */
import { parentPort } from "node:worker_threads"

parentPort!.on("message", () => {})
