/**
 * Loaded into a service that the demo starts: ends the service when the demo is gone, even when the demo was killed. The demo
 * holds the other end of the service's standard input, which the system closes with the demo.
 */
import { isMainThread } from "node:worker_threads"

// The service's threads load this as well.
if (isMainThread) {
  process.stdin.once("close", () => process.kill(process.pid, "SIGTERM"))
  process.stdin.once("error", () => {})
  process.stdin.resume()
  // The open input must not keep the service alive.
  if ("unref" in process.stdin) process.stdin.unref()
}
