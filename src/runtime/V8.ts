/**
 * Settings of V8, made before anything else is loaded. One thread carries all calls, and V8's collector and compiler should hold it up as
 * little as possible. docs/adr/0010 has the measurements.
 *
 * Versions of Node that are too old for all other files load this file, too.
 */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { availableParallelism, getPriority, setPriority } from "node:os"
import * as util from "node:util"
import { setFlagsFromString } from "node:v8"

/**
 * A whole collection holds up all calls at once, and V8 makes one whenever its heap has doubled. With this flag the heap may grow to
 * four times what is alive: more memory, fewer collections.
 */
const heapGrowsFourfold = "--heap-growing-percent=300"

/** V8 chooses the growth by itself. It is small when there are few calls. */
const heapGrowsByItself = "--heap-growing-percent=0"

/** From this many calls on, fewer collections are worth the memory. With less memory the service fits a small machine (docs/adr/0016). */
const manyCalls = 20

/**
 * V8 also collects the whole heap when 64 MB of buffers were made since the last time, however large the heap is. With a hundred
 * conversations that is every few seconds. With this flag buffers count like the heap, by how much is alive.
 */
const buffersCountAsHeap = "--external-memory-accounted-in-global-limit"

/**
 * V8 13 looks through 64 MB of new objects at once for those still in use, which takes 20 ms, once a second at a hundred
 * conversations. With 16 MB it takes 7 ms, and the memory stays in the processor's caches. V8 reads this flag only when a heap is
 * made: `setFlagsFromString` changes nothing.
 */
const youngGenerationFlag = "--max-semi-space-size=16"

/** How much is added to the niceness of V8's helper threads when they share one core with the calls. 19 is the lowest priority. */
const helperNiceness = 10
const maxNiceness = 19

/** This process's threads with the kernel's names for them. Empty on systems other than Linux. */
const threads = (): ReadonlyArray<readonly [id: number, name: string]> => {
  try {
    return readdirSync("/proc/self/task").map((id) => [Number(id), readFileSync(`/proc/self/task/${id}/comm`, "utf8").trim()])
  } catch {
    return []
  }
}

/** Whether `PROCESS_RESTART=off` is in the environment or in `.env`. Config is not loaded yet. */
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

/** Whether the young generation's size is set already, on the command line or in NODE_OPTIONS. */
const isSizeChosen = (): boolean =>
  [...process.execArgv, process.env.NODE_OPTIONS ?? ""].some((options) => /--max[-_]semi[-_]space[-_]size/.test(options))

/**
 * Starts this program again with {@link youngGenerationFlag}, in the same process and with the same arguments. It is for a plain
 * `node dist/main.js`, since `npm start` and the image set the flag themselves. Without the flag the service works, with longer pauses.
 * Nothing is done if a parent process has a channel to this one, because the channel would be lost.
 */
const restartWithFlag = (): void => {
  if (isSizeChosen() || process.send !== undefined || process.execve === undefined || isRestartOff()) return
  try {
    process.execve(process.execPath, [process.execPath, youngGenerationFlag, ...process.execArgv, ...process.argv.slice(1)], process.env)
  } catch {
    // The service goes on without the flag.
  }
}

/** Must be called once, at the start. `cores`: how many cores this process may use. */
export const tune = (cores: number = availableParallelism()): void => {
  // Older versions do not know these flags and complain. V8 12 keeps the young generation small by itself.
  if (process.versions.v8.startsWith("13.")) {
    restartWithFlag()
    setFlagsFromString(buffersCountAsHeap)
  }
  setFlagsFromString(heapGrowsFourfold)
  if (cores > 1) return
  const niceness = Math.min(getPriority() + helperNiceness, maxNiceness)
  for (const [id, name] of threads()) {
    try {
      if (name === "V8Worker") setPriority(id, niceness)
    } catch {
      // The thread has ended, or the machine forbids the change: the thread keeps its priority.
    }
  }
}

/** Sets the heap's growth by the number of live calls. It is called every few seconds. */
export const adaptTo = (calls: number): void => setFlagsFromString(calls < manyCalls ? heapGrowsByItself : heapGrowsFourfold)
