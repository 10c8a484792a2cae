/**
 * Asks V8 to collect garbage. V8 collects by itself when its heap has grown, but it counts little of the memory outside the heap: a
 * WebAssembly instance of 17 MB is a small object for V8. It also keeps the memory that the program needed only for its start.
 *
 * Each thread has a heap and a collector of its own. If V8 offers no collector, nothing is done.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

type Collect = (options?: { readonly type: "major"; readonly flavor: "last-resort" }) => void

let known: Collect | undefined

/** V8 puts `gc` into contexts that are made after the flag was set. The program's own context was made before. */
const collector = (): Collect => {
  if (known === undefined) {
    setFlagsFromString("--expose-gc")
    known = runInNewContext("typeof gc === 'function' ? gc : () => {}") as Collect
  }
  return known
}

/** Frees memory that is not in use. Blocks the thread, for some ms if its heap is small. */
export const collect = (): void => collector()()

/**
 * Frees as much memory as possible, as V8 does before it fails for lack of memory, and returns the room for new objects to the machine.
 * Blocks the calls' thread for about 100 ms, so it is only for the end of a start, when there are no calls.
 */
export const collectAll = (): void => collector()({ type: "major", flavor: "last-resort" })
