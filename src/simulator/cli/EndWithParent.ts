/**
 * The demo loads this module into a service that it starts. The module ends the service when the demo has ended, even if the demo was
 * killed. The service's standard input is a pipe from the demo, which the system closes when the demo ends.
 */
import { isMainThread } from "node:worker_threads"

// The service's worker threads load this file, too.
if (isMainThread) {
  process.stdin.once("close", () => process.kill(process.pid, "SIGTERM"))
  // An `error` event without a listener would end the service at once. `close` follows it.
  process.stdin.once("error", () => {})
  process.stdin.resume()
  // The open input must not keep the service alive.
  if ("unref" in process.stdin) process.stdin.unref()
}
