/**
 * `node dist/main.js`: looks at Node before anything else is loaded, for much of that can't be loaded by
 * an old one, and would say so with a stack.
 */
import * as V8 from "./runtime/V8.ts"

const needed = [22, 19]

const version = process.versions.node
const [major, minor] = version.split(".").map(Number)

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  V8.tune()
  await import("./Process.ts")
} else {
  process.stderr.write(`Client Caller needs Node ${needed.join(".")} or newer; this is ${version}. Install a newer one from https://nodejs.org.\n`)
  process.exitCode = 1
}
