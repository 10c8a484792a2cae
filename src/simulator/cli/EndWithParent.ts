/**
 * Loaded before a service that the demo starts: ends it when the demo is gone, however that came, even killed. The demo
 * holds the other end of its standard input, which the system closes with the demo.
 */
import { isMainThread } from "node:worker_threads"

// The service's threads load this as well.
if (isMainThread) {
  process.stdin.once("close", () => process.kill(process.pid, "SIGTERM"))
  process.stdin.once("error", () => {})
  process.stdin.resume()
  // The service may end before.
  if ("unref" in process.stdin) process.stdin.unref()
}
