/**
 * Puts lines from several sources in chronological order, although some lines arrive late.
 *
 * Each line waits a moment for others that may belong before it. A line can be announced under a key before its text is known. Lines with
 * later times then wait for it, up to a limit. A line that comes too late gets the time of the line before it, so that times never go
 * back. Times are in ms of one clock.
 */

export interface Line {
  readonly at: number
  readonly text: string
}

interface Bounds {
  /** How long each line waits for other lines, in ms. */
  readonly waitMillis: number
  /** How long a line waits at most for an announced line, in ms. */
  readonly maxWaitMillis: number
}

export class OrderedLines {
  readonly #bounds: Bounds
  /** The waiting lines in the order of their times. Lines with the same time are in the order in which they were added. */
  #waiting: Array<Line> = []
  /** The times of announced lines, by their keys. */
  readonly #announced = new Map<number, number>()
  /** The time of the last line that was released. */
  #lastAt = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  add(line: Line): void {
    const place = this.#waiting.findLastIndex(({ at }) => at <= line.at)
    this.#waiting.splice(place + 1, 0, line)
  }

  /** Announces that a line with this time will come. */
  announce(key: number, at: number): void {
    this.#announced.set(key, at)
  }

  /** Call it when the announced line has come, or will never come. */
  settle(key: number): void {
    this.#announced.delete(key)
  }

  /** The time of the line that is announced under this key. */
  announcedAt(key: number): number | undefined {
    return this.#announced.get(key)
  }

  /** Removes and returns the lines that need not wait any longer. */
  takeDue(now: number): ReadonlyArray<Line> {
    const heldFrom = Math.min(Infinity, ...this.#announced.values())
    const isDue = ({ at }: Line) => now >= at + (at > heldFrom ? this.#bounds.maxWaitMillis : this.#bounds.waitMillis)
    const first = this.#waiting.findIndex((line) => !isDue(line))
    return this.#take(first < 0 ? this.#waiting.length : first)
  }

  /** Removes and returns all remaining lines. */
  takeAll(): ReadonlyArray<Line> {
    return this.#take(this.#waiting.length)
  }

  #take(count: number): ReadonlyArray<Line> {
    return this.#waiting.splice(0, count).map((line) => {
      this.#lastAt = Math.max(this.#lastAt, line.at)
      return { ...line, at: this.#lastAt }
    })
  }
}
