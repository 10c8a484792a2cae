/**
 * Two clocks of one conversation: media time, which passes with the caller's sound, and the conversation's own time, which is
 * real.
 *
 * The line brings the sound without gaps, so the samples that came tell how much media time has passed. A network that stalls
 * brings it late and in a burst; media time does not care. To say when a sample was due in real time, the clock remembers
 * the shortest delay seen: that of sound which was not held up.
 *
 * All times are ms. A position counts from the first sample.
 */
export interface MediaClock {
  /** So much sound has come, and will be looked at next. */
  readonly arrived: (length: number) => void
  /** The next sound of this length has been looked at. */
  readonly advance: (length: number) => void
  /** How much sound has been looked at. */
  readonly position: () => number
  /** When the sample at this position came, had nothing held it up. */
  readonly toReal: (position: number) => number
  readonly toPosition: (real: number) => number
  /** Whether the sound that was looked at is as good as up to the moment. */
  readonly isLive: () => boolean
}

/** Sound that is older than this (ms) leaves open what the caller is doing now. */
const liveWithin = 100

/** After so many arrivals (2 s of a steady line) that all came later than expected, the delay has grown for good. */
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
      // Sound is never of the future: it has been held up less than all before, or was sent faster than it is spoken.
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
    isLive: () => offset !== undefined && now() - (position + offset) <= liveWithin
  }
}
