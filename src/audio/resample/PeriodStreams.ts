/**
 * The input of a `PolyphaseResampler` by place in the period: one array for each place, which the filter can read in a row.
 *
 * Between two blocks a stream of sound keeps only its history, some hundred bytes. The arrays of a block are shared by all resamplers,
 * so 200 calls in turn stay in the processor's cache.
 */

/** Samples behind the end of each array that the filter may read, and that count for nothing. */
export const padding = 8

const shared: Array<Float64Array> = []

const sharedArrays = (count: number, length: number): ReadonlyArray<Float64Array> => {
  for (let place = 0; place < count; place++) {
    if (shared[place] === undefined || shared[place].length < length) shared[place] = new Float64Array(length)
  }
  return shared
}

export class PeriodStreams {
  readonly #down: number
  readonly #history: number
  readonly #keptLength: number
  readonly #kept: Int16Array
  readonly #streams: ReadonlyArray<Float64Array>
  /** How many samples of the current period have come. */
  held = 0

  /** `down`: samples of a period. `history`: periods that the filter looks back. `blockPeriods`: the most periods of a block. */
  constructor(down: number, history: number, blockPeriods: number) {
    this.#down = down
    this.#history = history
    // One more than the history: the period that has only begun.
    this.#keptLength = history + 1
    this.#kept = new Int16Array(down * this.#keptLength)
    this.#streams = sharedArrays(down, history + blockPeriods + padding)
  }

  /** The history and `count` samples from `start` on, by place. Period 0 of the block is at index `history`. */
  load(input: Int16Array, start: number, count: number): ReadonlyArray<Float64Array> {
    const down = this.#down
    const held = this.held
    const kept = this.#kept
    const keptLength = this.#keptLength
    for (let place = 0, from = 0; place < down; place++) {
      const stream = this.#streams[place]
      for (let i = 0; i < keptLength; i++, from++) stream[i] = kept[from]
      const first = place < held ? place - held + down : place - held
      let at = this.#history + (place < held ? 1 : 0)
      for (let i = start + first; i < start + count; i += down) {
        stream[at] = input[i]
        at += 1
      }
    }
    return this.#streams
  }

  /** Keeps what the next block looks back to. `periods`: how many were completed by the `count` samples of this block. */
  save(count: number, periods: number): void {
    const kept = this.#kept
    const keptLength = this.#keptLength
    for (let place = 0, to = 0; place < this.#down; place++) {
      const stream = this.#streams[place]
      for (let i = periods; i < periods + keptLength; i++, to++) kept[to] = stream[i]
    }
    this.held += count - periods * this.#down
  }

  reset(): void {
    this.#kept.fill(0)
    this.held = 0
  }
}
