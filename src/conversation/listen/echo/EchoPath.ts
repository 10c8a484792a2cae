/**
 * Estimates the path from the agent's sound to its echo: one delay and one gain.
 *
 * Two different voices may correlate at some delay by chance, but not twice at the same delay. So a delay is learned if two searches in a
 * row find it, or if the correlation is nearly 1. After that, each window adjusts the known delay.
 */
import * as EchoMatcher from "./EchoMatcher.ts"

/** With at least this correlation, one search is enough to learn a delay. */
const learnAtOnceCorrelation = 0.9

/** A window with at least this correlation at the known delay is echo. At most 36% of its power is other sound. */
const echoCorrelation = 0.8

/** Below this correlation the known delay may be wrong by a period of the voice's pitch. So a better delay is searched. */
const trustedCorrelation = 0.95

/** Windows between two searches: after 128 ms, half of the compared sound is new. */
const windowsBetweenSearches = 4

/** The greatest amplitude of an echo, as a share of the played sound's amplitude (−3 dB). No usable line has a louder echo. */
const maxAmplitude = 0.7

/** Weight of the newest match in the estimate of gain and amplitude. */
const smoothing = 1 / 4

/** The gain is multiplied by this value for each window in which the expected echo did not come. */
const gainDecay = 0.9

export interface EchoPath {
  /** In samples. `undefined`: not known yet. */
  readonly delay: () => number | undefined
  /** The echo's power, as a share of the played sound's power. Before a delay is known: −20 dB. */
  readonly gain: () => number
  /** The echo's amplitude, as a share of the played sound's amplitude. Negative: the line inverts the sound. 0: the delay is not known yet. */
  readonly amplitude: () => number
  /** A window with sound has come. */
  readonly onSound: () => void
  /** Returns whether the newest sound is echo at the known delay. If so, adjusts delay and gain. `now`: the moment after that sound. */
  readonly follow: (now: number) => boolean
  /** Searches for a new delay, if enough sound has come since the last search. Returns whether a delay was learned. */
  readonly learn: (now: number) => boolean
  /** Lowers the gain, because the expected echo did not come. */
  readonly weaken: () => void
}

export const make = (matcher: EchoMatcher.EchoMatcher): EchoPath => {
  let delay: number | undefined
  let gain = 0.01
  let amplitude = 0
  /** Windows with sound since the last search. */
  let windowsSinceSearch = 0
  /** Windows between two searches for a better delay than the known one. The number doubles with each search that finds none. */
  let windowsBetweenImprovements = windowsBetweenSearches
  /** The delay that the last search found. */
  let lastFoundDelay: number | undefined

  /** The match at a better delay, or `known` itself if there is none. */
  const improve = (now: number, known: EchoMatcher.Match): EchoMatcher.Match => {
    if (known.correlation >= trustedCorrelation || windowsSinceSearch < windowsBetweenImprovements) return known
    windowsSinceSearch = 0
    const found = matcher.search(now)
    const other = found === undefined ? known : matcher.follow(now, found.delay)
    const isBetter = other.correlation > known.correlation && Math.abs(other.delay - known.delay) > EchoMatcher.followReach
    windowsBetweenImprovements = isBetter ? windowsBetweenSearches : windowsBetweenImprovements * 2
    return isBetter ? other : known
  }

  return {
    delay: () => delay,
    gain: () => gain,
    amplitude: () => amplitude,
    onSound: () => {
      windowsSinceSearch++
    },
    follow: (now) => {
      if (delay === undefined) return false
      const match = matcher.follow(now, delay)
      if (match.correlation < echoCorrelation) return false
      const best = improve(now, match)
      delay = best.delay
      amplitude += (best.amplitude - amplitude) * smoothing
      gain += (best.amplitude ** 2 - gain) * smoothing
      return true
    },
    learn: (now) => {
      if (windowsSinceSearch < windowsBetweenSearches) return false
      windowsSinceSearch = 0
      const found = matcher.search(now)
      const foundBefore = lastFoundDelay
      lastFoundDelay = found?.delay
      if (found === undefined) return false
      const isFoundAgain = foundBefore !== undefined && Math.abs(found.delay - foundBefore) <= EchoMatcher.followReach
      const refined = matcher.follow(now, found.delay)
      const loudness = Math.abs(refined.amplitude)
      if (loudness > maxAmplitude) return false
      // If the delay of an echo jumps, its loudness stays about the same.
      const isLikely = found.correlation >= learnAtOnceCorrelation && (delay === undefined || loudness <= 2 * Math.abs(amplitude))
      if (!isFoundAgain && !isLikely) return false
      delay = refined.delay
      windowsBetweenImprovements = windowsBetweenSearches
      amplitude = refined.amplitude
      if (amplitude !== 0) gain = amplitude ** 2
      return true
    },
    weaken: () => {
      gain *= gainDecay
    }
  }
}
