/**
 * The demo loads this module into a service that it starts. It ends the service when the demo is gone, even if the demo was killed. The
 * demo holds the other end of the service's standard input; the system closes it together with the demo.
 */
import { isMainThread } from "node:worker_threads"

// The service's worker threads load this file, too.
if (isMainThread) {
  process.stdin.once("close", () => process.kill(process.pid, "SIGTERM"))
  process.stdin.once("error", () => {})
  process.stdin.resume()
  // The open input must not keep the service alive.
  if ("unref" in process.stdin) process.stdin.unref()
}
