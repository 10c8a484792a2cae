/**
 * Where a process begins to count when it does not know the numbers that other processes have used for the same call: those processes may
 * be on other machines, may still be writing, or the store does not answer.
 *
 * Each number depends on the time (`now`, ms since 1970), and grows faster than a process can use numbers up. So a process that takes a
 * call over begins above every process that had the call before. After the time that each function names, its numbers start again.
 */

const countedAt = (now: number, perSecond: number, span: number): number => Math.floor(now * perSecond / 1000) % span

/** The number of a media stream and of its part of the recording: five digits, for file names. Starts again after 2.2 hours. */
export const partAt = (now: number): number => 10_000 + countedAt(now, 10, 80_000)

/** The number of a turn, below the limit `turnsPerCall`. Starts again after 83 minutes. */
export const turnAt = (now: number): number => 10_000 + countedAt(now, 10, 50_000)

/** The number of an event or of a version of the memory, at most nine digits, for `Last-Event-ID`. Starts again after 104 days. */
export const eventAt = (now: number): number => 1_000_000 + countedAt(now, 100, 900_000_000)
