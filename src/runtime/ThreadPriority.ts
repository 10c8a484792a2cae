/**
 * The priority of threads beside the calls' thread. Versions of Node that are too old for the other files load this file, too.
 */
import { getPriority, setPriority } from "node:os"

/** How much is added to the niceness of the calling thread. 19 is the lowest priority. */
const addedNiceness = 10
const maxNiceness = 19

/**
 * Gives a thread of this process a lower priority than the calling thread has. Call it on Linux only, where each thread has a priority of
 * its own. If the system refuses, the thread keeps its priority.
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
