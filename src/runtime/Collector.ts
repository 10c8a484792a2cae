/**
 * Makes V8 collect garbage. V8 also collects by itself, but only when its heap has grown, and it hardly counts memory outside the heap: a
 * WebAssembly instance of 17 MB counts as a small object. V8 also keeps the memory that the program needed only for its start.
 *
 * Each thread has its own heap and its own collector. If V8 has no `gc` function, the functions here do nothing.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

type Collect = (options?: { readonly type: "major"; readonly flavor: "last-resort" }) => void

let cached: Collect | undefined

/**
 * Takes V8's `gc` from a new context. V8 puts `gc` only into contexts that are made after the flag is set, and the program's own context is
 * older.
 */
const collector = (): Collect => {
  if (cached === undefined) {
    setFlagsFromString("--expose-gc")
    cached = runInNewContext("typeof gc === 'function' ? gc : () => {}") as Collect
  }
  return cached
}

/** Frees memory that is not in use. Blocks the thread, for some ms if its heap is small. */
export const collect = (): void => collector()()

/**
 * Frees as much memory as possible, as V8 does before it fails for lack of memory. Returns the space for new objects to the operating system.
 * Blocks the thread of the calls for about 100 ms. Call it only at the end of the start, when there are no calls.
 */
export const collectAll = (): void => collector()({ type: "major", flavor: "last-resort" })
