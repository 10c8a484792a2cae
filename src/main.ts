/**
 * `node dist/main.js`: checks Node's version before anything else is loaded. An old Node can't load the other files, and would print a
 * stack trace.
 */
import * as V8 from "./runtime/V8.ts"

const neededVersion = [22, 19]

const version = process.versions.node
const [major, minor] = version.split(".").map(Number)

if (major > neededVersion[0] || (major === neededVersion[0] && minor >= neededVersion[1])) {
  V8.tune()
  await import("./Process.ts")
} else {
  process.stderr.write(`Client Caller needs Node ${neededVersion.join(".")} or newer; this is ${version}. Install a newer one from https://nodejs.org.\n`)
  process.exitCode = 1
}
