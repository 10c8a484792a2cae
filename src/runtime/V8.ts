/**
 * Settings of V8, which are made before the service is loaded. One thread runs all calls, so V8's garbage collector and compiler should block
 * it as little as possible. docs/adr/0010 has the measurements.
 *
 * Versions of Node that are too old for the service must still be able to load this file.
 */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { availableParallelism } from "node:os"
import * as util from "node:util"
import { setFlagsFromString } from "node:v8"
import * as ThreadPriority from "./ThreadPriority.ts"

/**
 * A full collection blocks all calls, and V8 runs one each time its heap has doubled. With this flag the heap may grow to four times the size
 * of its live objects. The process then takes more memory and collects less often.
 */
const heapGrowsFourfold = "--heap-growing-percent=300"

/** With this flag V8 chooses the growth itself. With few calls it chooses a small growth. */
const heapGrowsByItself = "--heap-growing-percent=0"

/**
 * From this many calls on, the heap grows more, so that V8 collects less often. With fewer calls the heap stays small, so that the service
 * fits a small machine (docs/adr/0016).
 */
const manyCalls = 20

/**
 * V8 also runs a full collection after each 64 MB of new buffers, even if the heap is large. With a hundred conversations that happens every
 * few seconds. With this flag V8 counts buffers as part of the heap, whose limit grows with the live memory.
 */
const buffersCountAsHeap = "--external-memory-accounted-in-global-limit"

/**
 * V8 13 searches 64 MB of new objects at once for those that are still in use. With a hundred conversations this takes 20 ms, once a second.
 * With 16 MB it takes 7 ms, and the memory stays in the processor's caches. V8 reads this flag only when it makes a heap, so
 * `setFlagsFromString` would have no effect.
 */
const youngGenerationFlag = "--max-semi-space-size=16"

/** The threads of this process, with their names in the kernel. Empty on systems other than Linux. */
const threads = (): ReadonlyArray<readonly [id: number, name: string]> => {
  try {
    return readdirSync("/proc/self/task").map((id) => [Number(id), readFileSync(`/proc/self/task/${id}/comm`, "utf8").trim()])
  } catch {
    return []
  }
}

/**
 * Whether `PROCESS_RESTART=off` is in the environment or in `.env`. The service's configuration can't be used here, because it is not
 * loaded yet.
 */
const isRestartOff = (): boolean => {
  const name = "PROCESS_RESTART"
  const value = process.env[name]
  if (value !== undefined) return value.trim() === "off"
  try {
    return statSync(".env").isFile() && util.parseEnv(readFileSync(".env", "utf8"))[name] === "off"
  } catch {
    return false
  }
}

/** Whether the command line or NODE_OPTIONS already sets the size of the young generation. */
const isSizeChosen = (): boolean =>
  [...process.execArgv, process.env.NODE_OPTIONS ?? ""].some((options) => /--max[-_]semi[-_]space[-_]size/.test(options))

/**
 * Starts this program again with {@link youngGenerationFlag}, in the same process and with the same arguments. Only a plain `node
 * dist/main.js` needs this, because `npm start` and the container image set the flag. Without the flag the service works, but with longer
 * pauses. The function does nothing if the parent process has an IPC channel to this process, because a restart would lose the channel.
 */
const restartWithFlag = (): void => {
  if (isSizeChosen() || process.send !== undefined || process.execve === undefined || isRestartOff()) return
  try {
    process.execve(process.execPath, [process.execPath, youngGenerationFlag, ...process.execArgv, ...process.argv.slice(1)], process.env)
  } catch {
    // The service runs without the flag.
  }
}

/** Must be called once, at the start. `cores`: how many cores this process may use. */
export const tune = (cores: number = availableParallelism()): void => {
  // Older versions of V8 do not know these flags and print a warning. V8 12 keeps the young generation small by itself.
  if (process.versions.v8.startsWith("13.")) {
    restartWithFlag()
    setFlagsFromString(buffersCountAsHeap)
  }
  setFlagsFromString(heapGrowsFourfold)
  if (cores > 1) return
  // On a single core, V8's helper threads would take time from the calls.
  for (const [id, name] of threads()) if (name === "V8Worker") ThreadPriority.lower(id)
}

/** Sets the heap's growth by the number of live calls. It is called every few seconds. */
export const adaptTo = (calls: number): void => setFlagsFromString(calls < manyCalls ? heapGrowsByItself : heapGrowsFourfold)
