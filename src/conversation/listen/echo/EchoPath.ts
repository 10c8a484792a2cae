/**
 * What is known of the way from the agent's sound to its echo: one delay and one gain.
 *
 * Two voices are alike at some delay or other, but not at the same one twice. So a delay is learned when two searches in a row
 * find it, or when the match is nearly perfect. A known delay is followed window by window.
 */
import * as EchoMatcher from "./EchoMatcher.ts"

/** Likeness at which one search is enough to learn a delay. */
const learnedAtOnce = 0.9

/** Likeness at the known delay that shows an echo: at most a third of the power is from somebody else. */
const followed = 0.8

/** With less likeness than this, the match may be the next period of the same voice; a better delay is searched. */
const trusted = 0.95

/** Windows between two searches: after 128 ms, half of the compared sound is new. */
const windowsBetweenSearches = 4

/** The greatest amplitude of an echo: no line that carries a call returns more than 3 dB less than it was given. */
const greatestAmplitude = 0.7

/** Share of the newest match in the estimate of gain and amplitude. */
const smoothing = 1 / 4

/** What is left of the gain for each window in which the expected echo did not come. */
const decay = 0.9

export interface EchoPath {
  /** Samples; `undefined` while it is not known. */
  readonly delay: () => number | undefined
  /** The echo's power as a share of the played sound's. Before a delay is known: −20 dB. */
  readonly gain: () => number
  /** The echo's amplitude as a share of the played sound's, with its sign; 0 while the delay is not known. */
  readonly amplitude: () => number
  /** A window with sound was heard. */
  readonly count: () => void
  /** Follows the known delay; tells whether the newest sound is alike there. `now`: the moment behind that sound. */
  readonly follow: (now: number) => boolean
  /** Searches for a new delay where enough sound has come since the last search; tells whether it has learned one. */
  readonly learn: (now: number) => boolean
  /** The expected echo did not come: lowers the gain. */
  readonly weaken: () => void
}

export const make = (matcher: EchoMatcher.EchoMatcher): EchoPath => {
  let delay: number | undefined
  let gain = 0.01
  let amplitude = 0
  /** Windows with sound since the last search. */
  let sinceSearch = 0
  /** Windows until a delay that is not trusted is searched again: twice as many each time, while there is no better one. */
  let doubtAfter = windowsBetweenSearches
  /** The delay that the last search found. */
  let candidate: number | undefined

  /** A delay at which the sound is more alike than at this one, or this one. */
  const improve = (now: number, known: EchoMatcher.Match): EchoMatcher.Match => {
    if (known.likeness >= trusted || sinceSearch < doubtAfter) return known
    sinceSearch = 0
    const found = matcher.search(now)
    const other = found === undefined ? known : matcher.follow(now, found.delay)
    const isBetter = other.likeness > known.likeness && Math.abs(other.delay - known.delay) > EchoMatcher.followReach
    doubtAfter = isBetter ? windowsBetweenSearches : doubtAfter * 2
    return isBetter ? other : known
  }

  return {
    delay: () => delay,
    gain: () => gain,
    amplitude: () => amplitude,
    count: () => {
      sinceSearch++
    },
    follow: (now) => {
      if (delay === undefined) return false
      const match = matcher.follow(now, delay)
      if (match.likeness < followed) return false
      const best = improve(now, match)
      delay = best.delay
      amplitude += (best.amplitude - amplitude) * smoothing
      gain += (best.amplitude ** 2 - gain) * smoothing
      return true
    },
    learn: (now) => {
      if (sinceSearch < windowsBetweenSearches) return false
      sinceSearch = 0
      const found = matcher.search(now)
      const before = candidate
      candidate = found?.delay
      if (found === undefined) return false
      const isFoundAgain = before !== undefined && Math.abs(found.delay - before) <= EchoMatcher.followReach
      const refined = matcher.follow(now, found.delay)
      const loudness = Math.abs(refined.amplitude)
      if (loudness > greatestAmplitude) return false
      // An echo whose delay jumps stays about as loud as it was.
      const isLikely = found.likeness >= learnedAtOnce && (delay === undefined || loudness <= 2 * Math.abs(amplitude))
      if (!isFoundAgain && !isLikely) return false
      delay = refined.delay
      doubtAfter = windowsBetweenSearches
      amplitude = refined.amplitude
      if (amplitude !== 0) gain = amplitude ** 2
      return true
    },
    weaken: () => {
      gain *= decay
    }
  }
}
