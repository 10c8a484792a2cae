/**
 * Asks V8 to collect garbage. V8 collects by itself when its heap has grown, but it sees little of the memory outside the heap: a
 * WebAssembly instance of 17 MB is a small object to it. It also keeps the room that starting a program needed.
 *
 * Each thread has a heap and a collector of its own. Where V8 gives no collector, nothing is done.
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

/** Frees what is not in use. Blocks the thread: some ms where its heap is small. */
export const collect = (): void => collector()()

/**
 * Frees all that can be freed and gives the room for new objects back to the machine, as V8 does before it gives up for lack of memory.
 * Blocks the thread of the calls for about 100 ms: only for the end of a start, when nobody waits.
 */
export const collectAll = (): void => collector()({ type: "major", flavor: "last-resort" })
