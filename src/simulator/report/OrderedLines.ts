/**
 * Puts lines from several sources in the order of time, although some lines are known late.
 *
 * Each line waits a moment for others that might belong before it. A line can be announced under a key before its text is known; lines of
 * later times then wait for it, up to a limit. A line that comes too late gets the time of the previous line, so that times never go
 * back. Times are ms of one clock.
 */

export interface Line {
  readonly at: number
  readonly text: string
}

interface Bounds {
  /** How long any line waits for others, ms. */
  readonly waitMillis: number
  /** How long a line waits for an announced one, ms. */
  readonly maxWaitMillis: number
}

export class OrderedLines {
  readonly #bounds: Bounds
  /** In the order of their times; lines of the same time in the order in which they were added. */
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

  /** Announces that a line of this time will come. */
  announce(key: number, at: number): void {
    this.#announced.set(key, at)
  }

  /** The announced line has come, or will never come. */
  settle(key: number): void {
    this.#announced.delete(key)
  }

  /** The time of the line that is announced under this key. */
  announced(key: number): number | undefined {
    return this.#announced.get(key)
  }

  /** Takes out the lines that need not wait any longer. */
  release(now: number): ReadonlyArray<Line> {
    const heldFrom = Math.min(Infinity, ...this.#announced.values())
    const isDue = ({ at }: Line) => now >= at + (at > heldFrom ? this.#bounds.maxWaitMillis : this.#bounds.waitMillis)
    const first = this.#waiting.findIndex((line) => !isDue(line))
    return this.#take(first < 0 ? this.#waiting.length : first)
  }

  /** Takes out all lines that are left. */
  end(): ReadonlyArray<Line> {
    return this.#take(this.#waiting.length)
  }

  #take(count: number): ReadonlyArray<Line> {
    return this.#waiting.splice(0, count).map((line) => {
      this.#lastAt = Math.max(this.#lastAt, line.at)
      return { ...line, at: this.#lastAt }
    })
  }
}
