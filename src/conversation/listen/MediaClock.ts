/**
 * Converts between media time, which passes with the caller's sound, and the conversation's clock, which is real time.
 *
 * The line delivers the sound without gaps, so the number of samples shows how much media time has passed. After a network stall the samples
 * come late and in a burst, which does not change their media time. The real time of a sample is its media time plus an offset. The offset is
 * measured on sound that came without a stall, so it is the smallest offset so far.
 *
 * All times are ms. A position is media time, counted from the first sample.
 */
export interface MediaClock {
  /** Sound of this length has arrived. It will be processed next. */
  readonly onArrival: (length: number) => void
  /** Sound of this length has been processed. */
  readonly advance: (length: number) => void
  /** The position after the last processed sample. */
  readonly position: () => number
  /** When the sample at this position would have arrived without a stall; ms of the conversation's clock. */
  readonly toReal: (position: number) => number
  /** The position of the sample that would arrive at this moment without a stall. */
  readonly toPosition: (real: number) => number
  /** Whether the processed sound is at most 100 ms behind real time. */
  readonly isLive: () => boolean
}

/** Sound that is further behind real time than this (ms) does not show whether the caller is speaking now. */
const liveWithinMillis = 100

/** If this many arrivals (2 s without a stall) are all later than expected, the delay has grown permanently. */
const arrivalsToAdjust = 100

/** `now`: the conversation's clock. */
export const make = (now: () => number): MediaClock => {
  let position = 0
  /** Real time minus media time, for sound that came without a stall. */
  let offset: number | undefined
  let leastOffset = Infinity
  let arrivals = 0

  return {
    onArrival: (length) => {
      const current = now() - (position + length)
      leastOffset = Math.min(leastOffset, current)
      // Sound can't arrive before it is spoken. So a smaller offset shows that all earlier sound was delayed more.
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
