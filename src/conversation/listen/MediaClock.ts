/**
 * Converts between media time, which passes with the caller's sound, and the conversation's clock, which is real time.
 *
 * The line delivers the sound without gaps, so the number of samples tells how much media time has passed. A network that stalls delivers
 * samples late and in a burst, which does not change media time. The real time of a sample is its media time plus the shortest delay
 * seen: the delay of sound that was not held up.
 *
 * All times are ms. A position is media time, counted from the first sample.
 */
export interface MediaClock {
  /** Sound of this length has arrived, and is processed next. */
  readonly arrived: (length: number) => void
  /** Sound of this length has been processed. */
  readonly advance: (length: number) => void
  /** The position behind the last processed sample. */
  readonly position: () => number
  /** When the sample at this position would have arrived without a stall; ms of the conversation's clock. */
  readonly toReal: (position: number) => number
  /** The position of the sample that would arrive at this moment without a stall. */
  readonly toPosition: (real: number) => number
  /** Whether the processed sound is at most 100 ms behind real time. */
  readonly isLive: () => boolean
}

/** Sound further behind real time than this (ms) does not show whether the caller is speaking now. */
const liveWithinMillis = 100

/** If this many arrivals (2 s of a steady line) are all later than expected, the delay has grown for good. */
const arrivalsToAdjust = 100

/** `now`: the conversation's clock. */
export const make = (now: () => number): MediaClock => {
  let position = 0
  /** Real time minus media time of sound that was not held up. */
  let offset: number | undefined
  let leastOffset = Infinity
  let arrivals = 0

  return {
    arrived: (length) => {
      const current = now() - (position + length)
      leastOffset = Math.min(leastOffset, current)
      // A smaller offset shows a shorter delay than all before, since sound can't come before it is spoken.
      if (offset === undefined || current < offset) offset = current
      if (++arrivals < arrivalsToAdjust) return
      offset = leastOffset
      leastOffset = Infinity
      arrivals = 0
    },
    advance: (length) => {
      position += length
    },
    position: () => position,
    toReal: (at) => at + (offset ?? 0),
    toPosition: (real) => real - (offset ?? 0),
    isLive: () => offset !== undefined && now() - (position + offset) <= liveWithinMillis
  }
}
