/**
 * What is asked of V8, before anything else is loaded, so that its collector and compiler keep the calls waiting as little as
 * can be: one thread carries all of them. What each is worth was measured: docs/adr/0010.
 *
 * Loaded by versions of Node that can load nothing else here.
 */
import { readdirSync, readFileSync } from "node:fs"
import { availableParallelism, setPriority } from "node:os"
import { setFlagsFromString } from "node:v8"

/**
 * A whole collection holds up all calls at once, and V8 makes one whenever its heap has doubled: more memory for fewer of
 * them. The heap may be four times what is alive, before that.
 */
const mayGrow = "--heap-growing-percent=300"

/** V8 chooses, by how fast the heap grows: slowly, where there are few calls. */
const growsByItself = "--heap-growing-percent=0"

/** From so many calls on, fewer collections are worth the memory; with less, the service fits a small machine (docs/adr/0016). */
const many = 20

/**
 * V8 collects all of the heap also when 64 MB of buffers were made since the last time, however large the heap is: at a
 * hundred conversations every few seconds. So they count as the heap does, by how much is alive.
 */
const buffersCountAsHeap = "--external-memory-accounted-in-global-limit"

/**
 * What is new may take up to 64 MB before it is looked through for what is still in use (V8 13), which takes 20 ms then, once
 * a second at a hundred conversations. With 16 MB it is 7 ms, and the memory stays in the processor's caches.
 */
const young = "--max-semi-space-size=16"

/** Where the calls share one core with V8's helpers, those take what the calls leave. */
const helpersNice = 10

/** The kernel's names of this process's threads, by their ids. Only Linux tells. */
const threads = (): ReadonlyArray<readonly [id: number, name: string]> => {
  try {
    return readdirSync("/proc/self/task").map((id) => [Number(id), readFileSync(`/proc/self/task/${id}/comm`, "utf8").trim()])
  } catch {
    return []
  }
}

/**
 * Begins this process anew with the flags that can only be given to a new one: the same program with the same arguments, under
 * the same number. Not where somebody has chosen them, nor where a parent talks to it or the system knows no such thing: then
 * it goes on without.
 */
const beginAnew = (): void => {
  // Node's own variable and no setting of the service; and this is over before there is a Config to read it with.
  const isChosen = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].some((options) => /--max[-_]semi[-_]space[-_]size/.test(options))
  if (isChosen || process.send !== undefined || process.execve === undefined) return
  try {
    process.execve(process.execPath, [process.execPath, young, ...process.execArgv, ...process.argv.slice(1)], process.env)
  } catch {
    // It costs some ms a second, no more.
  }
}

/** Called once, by the program. `cores`: that this process may use. */
export const tune = (cores: number = availableParallelism()): void => {
  // Older ones do not know these flags, and complain; and V8 12 keeps what is young small by itself.
  if (process.versions.v8.startsWith("13.")) {
    beginAnew()
    setFlagsFromString(buffersCountAsHeap)
  }
  setFlagsFromString(mayGrow)
  if (cores > 1) return
  for (const [id, name] of threads()) {
    try {
      if (name === "V8Worker") setPriority(id, helpersNice)
    } catch {
      // One that has ended, or a machine that forbids it: then they are equals, as ever.
    }
  }
}

/** Called now and then, with the calls that are alive: the heap's next limit goes by it. */
export const serve = (calls: number): void => setFlagsFromString(calls < many ? growsByItself : mayGrow)
