/**
 * V8's collector, asked for by name. V8 collects when its heap has grown, and sees little of what lies outside: the memory of a
 * WebAssembly instance is a small object to it. And what starting a program needed it keeps as room for what may come.
 *
 * Each thread has a heap and a collector of its own. Where there is no collector to be had, nothing is done.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

type Collect = (options?: { readonly type: "major"; readonly flavor: "last-resort" }) => void

let known: Collect | undefined

/** A context that is made with the flag has it; the program's own was made without. */
const collector = (): Collect => {
  if (known === undefined) {
    setFlagsFromString("--expose-gc")
    known = runInNewContext("typeof gc === 'function' ? gc : () => {}") as Collect
  }
  return known
}

/** Frees what is not in use: some ms in a small thread, which stands still meanwhile. */
export const collect = (): void => collector()()

/**
 * Frees all that can be freed, and gives the room for new objects back to the machine, as V8 does before it gives up for want of
 * memory: about 100 ms in the thread of the calls. For when a thread has got ready, and nobody waits for it.
 */
export const collectAll = (): void => collector()({ type: "major", flavor: "last-resort" })
