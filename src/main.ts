/**
 * `node dist/main.js`: checks Node's version before it loads the service. A version of Node that is too old can't load the service, and would
 * print a stack trace.
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
