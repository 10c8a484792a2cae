/**
 * `node dist/main.js`: looks at Node before anything else is loaded, for much of that can't be loaded by
 * an old one, and would say so with a stack.
 */
import { setFlagsFromString } from "node:v8"

const needed = [22, 19]

/**
 * A whole collection holds up all calls at once, and V8 makes one whenever its heap has doubled: more memory for fewer of
 * them. The heap may be four times what is alive, before that.
 */
const mayGrow = "--heap-growing-percent=300"

/**
 * V8 collects all of the heap also when 64 MB of buffers were made since the last time, however large the heap is: at a
 * hundred conversations every few seconds (docs/adr/0010). So they count as the heap does, by how much is alive. It is a
 * flag of Node 24; who does not know it complains.
 */
const buffersCountAsHeap = "--external-memory-accounted-in-global-limit"

const version = process.versions.node
const [major, minor] = version.split(".").map(Number)

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  setFlagsFromString(mayGrow)
  if (process.versions.v8.startsWith("13.")) setFlagsFromString(buffersCountAsHeap)
  await import("./Process.ts")
} else {
  process.stderr.write(`Client Caller needs Node ${needed.join(".")} or newer; this is ${version}. Install a newer one from https://nodejs.org.\n`)
  process.exitCode = 1
}
