/**
 * Lines that are told in the order of their times, though they come from several places and some are known late.
 *
 * Each waits a moment for those that might come before it. One may be awaited for longer, by a key: what is later than it
 * waits for it, up to a bound. A line that is known too late is told with the time of the one before it, so that times
 * never go back. Times are ms of one clock.
 */

export interface Line {
  readonly at: number
  readonly text: string
}

export interface Bounds {
  /** How long any line waits for others. */
  readonly moment: number
  /** How long a line waits for one that is awaited. */
  readonly longest: number
}

export class OrderedLines {
  readonly #bounds: Bounds
  /** By time; of the same time in the order in which they were added. */
  #waiting: Array<Line> = []
  /** From when on lines wait, by the key of what they wait for. */
  readonly #awaited = new Map<number, number>()
  #last = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  add(line: Line): void {
    const place = this.#waiting.findLastIndex(({ at }) => at <= line.at)
    this.#waiting.splice(place + 1, 0, line)
  }

  /** A line of this time will come. */
  await(key: number, at: number): void {
    this.#awaited.set(key, at)
  }

  /** It has come, or will not. */
  settle(key: number): void {
    this.#awaited.delete(key)
  }

  /** The time of the line that is awaited under this key. */
  awaited(key: number): number | undefined {
    return this.#awaited.get(key)
  }

  /** What is to be told by now. */
  release(now: number): ReadonlyArray<Line> {
    const heldFrom = Math.min(Infinity, ...this.#awaited.values())
    const isDue = ({ at }: Line) => now >= at + (at > heldFrom ? this.#bounds.longest : this.#bounds.moment)
    const first = this.#waiting.findIndex((line) => !isDue(line))
    return this.#take(first < 0 ? this.#waiting.length : first)
  }

  /** All that is left. */
  end(): ReadonlyArray<Line> {
    return this.#take(this.#waiting.length)
  }

  #take(count: number): ReadonlyArray<Line> {
    return this.#waiting.splice(0, count).map((line) => {
      this.#last = Math.max(this.#last, line.at)
      return { ...line, at: this.#last }
    })
  }
}
