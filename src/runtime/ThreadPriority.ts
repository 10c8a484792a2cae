/**
 * Lowers the priority of threads, so that the thread that runs the calls goes first.
 *
 * Versions of Node that are too old for the service must still be able to load this file.
 */
import { getPriority, setPriority } from "node:os"

/** Niceness: a higher number is a lower priority, and 19 is the lowest. `addedNiceness` is added to the calling thread's niceness. */
const addedNiceness = 10
const maxNiceness = 19

/**
 * Sets the priority of a thread of this process below the calling thread's present priority. Call it on Linux only, where each thread has a
 * priority of its own. If the system refuses, the thread keeps its priority.
 *
 * @param thread the kernel's id of the thread; 0 is the calling thread
 */
export const lower = (thread: number): void => {
  try {
    setPriority(thread, Math.min(getPriority() + addedNiceness, maxNiceness))
  } catch {
    // The thread has ended, or the machine forbids the change.
  }
}
