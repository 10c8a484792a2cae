/**
 * The input of a `PolyphaseResampler`, sorted by place. The samples at the same place of all periods are one array (a stream), which the
 * filter reads in order. `PolyphasePlan` explains period and place.
 *
 * Between two blocks, an input stores only its history, some hundred bytes. All resamplers share the arrays of a block, so the data of
 * hundreds of calls stays in the processor's cache.
 */

/** Extra samples at the end of each stream. The filter may read them, but they change no result. */
export const padding = 8

const sharedStreams: Array<Float64Array> = []

const streamsOf = (count: number, length: number): ReadonlyArray<Float64Array> => {
  for (let place = 0; place < count; place++) {
    if (sharedStreams[place] === undefined || sharedStreams[place].length < length) sharedStreams[place] = new Float64Array(length)
  }
  return sharedStreams
}

export class PolyphaseInput {
  readonly #down: number
  readonly #history: number
  readonly #savedPeriods: number
  /** The samples that are saved for the next block, place by place. */
  readonly #saved: Int16Array
  readonly #streams: ReadonlyArray<Float64Array>
  /** How many samples of the current, unfinished period have arrived. They are at the places 0…samplesInPeriod-1. */
  samplesInPeriod = 0

  /** `down`: samples per period. `history`: how many periods the filter looks back. `blockPeriods`: the most periods of a block. */
  constructor(down: number, history: number, blockPeriods: number) {
    this.#down = down
    this.#history = history
    // The history and the current period are saved.
    this.#savedPeriods = history + 1
    this.#saved = new Int16Array(down * this.#savedPeriods)
    this.#streams = streamsOf(down, history + blockPeriods + padding)
  }

  /**
   * Returns the streams. They are filled with the saved samples, and then with `count` samples of `input` from index `start` on. Index
   * `history` of each stream is the current period.
   */
  load(input: Int16Array, start: number, count: number): ReadonlyArray<Float64Array> {
    const down = this.#down
    const samplesInPeriod = this.samplesInPeriod
    const saved = this.#saved
    const savedPeriods = this.#savedPeriods
    for (let place = 0, from = 0; place < down; place++) {
      const stream = this.#streams[place]
      for (let i = 0; i < savedPeriods; i++, from++) stream[i] = saved[from]
      // If `place < samplesInPeriod`, the current period already has a sample at this place. The first new sample belongs to the next period.
      const first = place < samplesInPeriod ? place - samplesInPeriod + down : place - samplesInPeriod
      let period = this.#history + (place < samplesInPeriod ? 1 : 0)
      for (let i = start + first; i < start + count; i += down) {
        stream[period] = input[i]
        period += 1
      }
    }
    return this.#streams
  }

  /** Saves the samples that the next block needs. The `count` samples of this block have completed `periods` periods. */
  save(count: number, periods: number): void {
    const saved = this.#saved
    const savedPeriods = this.#savedPeriods
    for (let place = 0, to = 0; place < this.#down; place++) {
      const stream = this.#streams[place]
      for (let i = periods; i < periods + savedPeriods; i++, to++) saved[to] = stream[i]
    }
    this.samplesInPeriod += count - periods * this.#down
  }

  reset(): void {
    this.#saved.fill(0)
    this.samplesInPeriod = 0
  }
}
