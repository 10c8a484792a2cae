/**
 * The input of a `PolyphaseResampler`, sorted by place: the samples at the same place of all periods are one array (a stream), which
 * the filter reads in order. `PolyphasePlan` explains period and place.
 *
 * Between two blocks an input keeps only its history, some hundred bytes. All resamplers share the arrays of a block, so the work of
 * hundreds of calls stays in the processor's cache.
 */

/** Extra samples behind the end of each stream. The filter may read them; they change no result. */
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
  readonly #keptPeriods: number
  /** The samples kept for the next block, place by place. */
  readonly #kept: Int16Array
  readonly #streams: ReadonlyArray<Float64Array>
  /** How many samples of the current, unfinished period have come: they are at the places 0…begun-1. */
  begun = 0

  /** `down`: samples of a period. `history`: how many periods the filter looks back. `blockPeriods`: the most periods of a block. */
  constructor(down: number, history: number, blockPeriods: number) {
    this.#down = down
    this.#history = history
    // The history and the current period.
    this.#keptPeriods = history + 1
    this.#kept = new Int16Array(down * this.#keptPeriods)
    this.#streams = streamsOf(down, history + blockPeriods + padding)
  }

  /**
   * Answers the streams, filled with the kept samples and then `count` samples of `input` from `start` on. Index `history` of each
   * stream is the current period.
   */
  load(input: Int16Array, start: number, count: number): ReadonlyArray<Float64Array> {
    const down = this.#down
    const begun = this.begun
    const kept = this.#kept
    const keptPeriods = this.#keptPeriods
    for (let place = 0, from = 0; place < down; place++) {
      const stream = this.#streams[place]
      for (let i = 0; i < keptPeriods; i++, from++) stream[i] = kept[from]
      // The current period already has a sample at this place if `place < begun`: then the first new one belongs to the next period.
      const first = place < begun ? place - begun + down : place - begun
      let period = this.#history + (place < begun ? 1 : 0)
      for (let i = start + first; i < start + count; i += down) {
        stream[period] = input[i]
        period += 1
      }
    }
    return this.#streams
  }

  /** Keeps the samples that the next block needs. The `count` samples of this block completed `periods` periods. */
  save(count: number, periods: number): void {
    const kept = this.#kept
    const keptPeriods = this.#keptPeriods
    for (let place = 0, to = 0; place < this.#down; place++) {
      const stream = this.#streams[place]
      for (let i = periods; i < periods + keptPeriods; i++, to++) kept[to] = stream[i]
    }
    this.begun += count - periods * this.#down
  }

  reset(): void {
    this.#kept.fill(0)
    this.begun = 0
  }
}
