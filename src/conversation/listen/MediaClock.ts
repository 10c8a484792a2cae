/**
 * Two clocks of one conversation: media time, which passes with the caller's sound, and the conversation's clock, which is real
 * time.
 *
 * The line delivers the sound without gaps, so the samples that came tell how much media time has passed. A network that stalls
 * delivers them late and in a burst, which media time does not notice. The real time of a sample is its media time plus the
 * shortest delay seen: the delay of sound that was not held up.
 *
 * All times are ms. A position is media time: it counts from the first sample.
 */
export interface MediaClock {
  /** Sound of this length arrived, and will be processed next. */
  readonly arrived: (length: number) => void
  /** The next sound of this length was processed. */
  readonly advance: (length: number) => void
  /** The position behind the last processed sample. */
  readonly position: () => number
  /** When the sample at this position would have arrived, had nothing held it up. */
  readonly toReal: (position: number) => number
  readonly toPosition: (real: number) => number
  /** Whether the processed sound is at most 100 ms behind real time. */
  readonly isLive: () => boolean
}

/** Sound that is further behind (ms) does not tell whether the caller is speaking now. */
const liveWithinMillis = 100

/** Arrivals (2 s of a steady line) that must all be later than expected before the delay counts as grown for good. */
const arrivalsToAdjust = 100

/** `now`: the conversation's clock. */
export const make = (now: () => number): MediaClock => {
  let position = 0
  /** Real time less media time, for sound that was not held up. */
  let offset: number | undefined
  let leastOffset = Infinity
  let arrivals = 0

  return {
    arrived: (length) => {
      const current = now() - (position + length)
      leastOffset = Math.min(leastOffset, current)
      // Sound can't come before it is spoken: a smaller offset is a shorter delay than any before.
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
