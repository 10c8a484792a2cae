/**
 * Tells the agent's own voice, come back from a loudspeaker, from the caller's.
 *
 * We know what was played and when, so an echo is found as what it is: a delayed, weaker copy. The delay is
 * searched for by normalised cross-correlation over a quarter of a second at 2 kHz, where speech has most of
 * its power, and followed closely at 8 kHz after that. Two voices are alike at some delay or other, but not at
 * the same one twice: what is not very alike counts when it is found again. A window is echo when it is alike, or when it is no
 * louder than the echo that is expected now. A caller who speaks over it is neither; of the sound that is
 * recognized the echo is taken out as well as one delay and one gain can.
 *
 * While nothing was played lately it costs nothing; otherwise about 20 µs a window, and 1 ms for a search.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import { windowLength } from "../ports/VoiceActivity.ts"

export interface EchoCanceller {
  /** The agent's sound; `at`: when its first sample is expected to be played, ms. */
  readonly played: (pcm: Pcm<8000>, at: number) => void
  /** What was to be played after `at` was thrown away. */
  readonly cleared: (at: number) => void
  /** Whether this window, whose first sample arrived at `at`, is mostly our own echo. In order. */
  readonly judge: (window: Pcm<8000>, at: number) => boolean
  /** Whether that window was found to be alike, and not only as weak as an echo. */
  readonly isAlike: () => boolean
  /** The same sound, whose first sample arrived at `at`, less our echo where its delay is known. */
  readonly clean: (pcm: Pcm<8000>, at: number) => Pcm<8000>
  /** ms from playing to the echo's arrival, once known. */
  readonly delay: () => number | undefined
}

/** The sound at one delay: how alike it is, and how loud. */
interface Followed {
  readonly alike: number
  readonly amplitude: number
  readonly delay: number
}

const samplesPerMilli = 8

/**
 * Samples of what was and will be played: 8 s, for sound that a stalled network brings late is compared with what was played
 * when it was due. A power of two.
 */
const size = 65_536

/** The longest delay that is looked for: 900 ms, what a bad mobile line with a jitter buffer has. */
const longestDelay = 7200

/** What is compared in a search: 256 ms. */
const searchLength = 2048
const decimation = 4

/** What is compared when following: 64 ms, at delays up to 2 ms beside the known one. */
const followLength = 512
const followReach = 16

/** −56 dBFS, as in the energy gate: less is no sound. */
const leastPower = (32768 * 10 ** (-56 / 20)) ** 2

/**
 * How alike (correlation coefficient) sound must be: to learn a delay when it is found twice, or at once; to be
 * echo at a known one. What is less alike than that is for more than a third somebody else's.
 */
const alikeToLearn = 0.55
const alikeToLearnAtOnce = 0.9
const alikeToJudge = 0.8

/** Less alike than this at a known delay, it may be the next period of the voice that is followed, and not the echo. */
const alikeToTrust = 0.95

/** Windows between two searches (128 ms): half of what is compared is new. */
const searchEvery = 4

/** A copy that is less than 3 dB weaker is none: lines that bad do not carry a call. */
const loudestEcho = 0.7

/** An echo that is this much louder (3 dB) than expected is somebody speaking. */
const overEcho = 2

/** An echo that is this much weaker (6 dB) than expected shows that the expectation is wrong. */
const underEcho = 4

/** Before anything is known of the line: what is 12 dB weaker than what was played may be echo. */
const underPlayed = 16

/** So many windows (½ s) at most may be echo by their power alone: what is not found to be alike by then is the caller. */
const patience = 16

/** Windows (1 s) without a sound while the agent spoke all the time: there is no loudspeaker. */
const quietLine = 32

/** The agent speaks: −36 dBFS, 20 dB over what is heard at all. */
const speaking = leastPower * 100

export const make = (): EchoCanceller => {
  const reference = new Int16Array(size)
  const microphone = new Int16Array(searchLength)
  const decimatedMicrophone = new Float32Array(searchLength / decimation)
  const decimatedReference = new Float32Array((searchLength + longestDelay) / decimation)
  /** One past the last sample that will be played, by the clock's samples. */
  let end = -Infinity
  /** Samples, and its gain in power. */
  let delay: number | undefined
  let gain = 0.01
  /** The same of the amplitude, with its sign. */
  let amplitude = 0
  let isAlike = false
  let suspected = 0
  let sinceSearch = 0
  /** Windows until a delay that is not trusted is searched for again: twice as many each time when there is no better one. */
  let doubtAfter = searchEvery
  /** What the last search found. */
  let candidate: number | undefined
  /** Windows in a row without a sound. */
  let quiet = 0
  let isQuietLine = false

  const at = (sample: number): number => (sample < end && sample >= end - size ? reference[sample & (size - 1)] : 0)

  const powerOf = (from: number, length: number): number => {
    let sum = 0
    for (let index = 0; index < length; index++) {
      const value = at(from + index)
      sum += value * value
    }
    return sum / length
  }

  /** The loudest 32 ms played between two moments. */
  const loudest = (from: number, to: number): number => {
    let most = 0
    for (let start = from; start < to; start += 256) most = Math.max(most, powerOf(start, 256))
    return most
  }

  /** Correlation coefficient and gain in power of the microphone's newest samples, of which the last is `now`, at one delay. */
  const compare = (now: number, candidate: number): { readonly alike: number; readonly amplitude: number } => {
    let cross = 0
    let played = 0
    let heard = 0
    const from = now - followLength - candidate
    const offset = searchLength - followLength
    for (let index = 0; index < followLength; index++) {
      const mine = at(from + index)
      const theirs = microphone[offset + index]
      cross += mine * theirs
      played += mine * mine
      heard += theirs * theirs
    }
    return played === 0 || heard === 0
      ? { alike: 0, amplitude: 0 }
      : { alike: Math.abs(cross) / Math.sqrt(played * heard), amplitude: cross / played }
  }

  const follow = (now: number, about: number, reach: number): Followed => {
    let best = { alike: 0, amplitude: 0, delay: about }
    for (let candidate = Math.max(0, about - reach); candidate <= about + reach; candidate++) {
      const found = compare(now, candidate)
      if (found.alike > best.alike) best = { ...found, delay: candidate }
    }
    return best
  }

  /** The delay at which a quarter of a second is most alike, or `undefined`. */
  const search = (now: number): { readonly alike: number; readonly delay: number } | undefined => {
    const length = searchLength / decimation
    let heard = 0
    for (let index = 0; index < length; index++) {
      let sum = 0
      for (let part = 0; part < decimation; part++) sum += microphone[index * decimation + part]
      decimatedMicrophone[index] = sum
      heard += sum * sum
    }
    const from = now - searchLength - longestDelay
    for (let index = 0; index < decimatedReference.length; index++) {
      let sum = 0
      for (let part = 0; part < decimation; part++) sum += at(from + index * decimation + part)
      decimatedReference[index] = sum
    }
    let played = 0
    for (let index = 0; index < length; index++) played += decimatedReference[index] ** 2
    let best = alikeToLearn
    let found: { readonly alike: number; readonly delay: number } | undefined
    const lags = longestDelay / decimation
    for (let lag = 0; lag <= lags; lag++) {
      if (lag > 0) played += decimatedReference[lag + length - 1] ** 2 - decimatedReference[lag - 1] ** 2
      if (played <= 0) continue
      let cross = 0
      for (let index = 0; index < length; index++) cross += decimatedMicrophone[index] * decimatedReference[lag + index]
      const alike = Math.abs(cross) / Math.sqrt(played * heard)
      if (alike > best) {
        best = alike
        found = { alike, delay: longestDelay - lag * decimation }
      }
    }
    return found
  }

  const learn = (now: number): boolean => {
    sinceSearch = 0
    const found = search(now)
    const before = candidate
    candidate = found?.delay
    if (found === undefined) return false
    const isFoundAgain = before !== undefined && Math.abs(found.delay - before) <= followReach
    const refined = follow(now, found.delay, followReach)
    const loudness = Math.abs(refined.amplitude)
    if (loudness > loudestEcho) return false
    // An echo that moves stays about as loud as it was.
    const isLikely = found.alike >= alikeToLearnAtOnce && (delay === undefined || loudness <= 2 * Math.abs(amplitude))
    if (!isFoundAgain && !isLikely) return false
    delay = refined.delay
    doubtAfter = searchEvery
    amplitude = refined.amplitude
    if (amplitude !== 0) gain = amplitude ** 2
    return true
  }

  /** A delay at which the sound is more alike than at this one, or this one. */
  const improve = (now: number, known: Followed): Followed => {
    if (known.alike >= alikeToTrust || sinceSearch < doubtAfter) return known
    sinceSearch = 0
    const found = search(now)
    const other = found === undefined ? known : follow(now, found.delay, followReach)
    const isBetter = other.alike > known.alike && Math.abs(other.delay - known.delay) > followReach
    doubtAfter = isBetter ? searchEvery : doubtAfter * 2
    return isBetter ? other : known
  }

  /** Whether an echo, however late, would have been heard in the last second. */
  const spokeThroughout = (now: number): boolean => {
    for (let from = now - longestDelay - quietLine * windowLength; from < now; from += searchLength) {
      if (powerOf(from, searchLength) < speaking) return false
    }
    return true
  }

  return {
    played: (pcm, time) => {
      const start = Math.round(time * samplesPerMilli)
      if (start >= end + size || end === -Infinity) reference.fill(0)
      else for (let sample = end; sample < start; sample++) reference[sample & (size - 1)] = 0
      for (let index = 0; index < pcm.length; index++) reference[(start + index) & (size - 1)] = pcm[index]
      end = start + pcm.length
    },
    cleared: (time) => {
      const from = Math.round(time * samplesPerMilli)
      for (let sample = Math.max(from, end - size); sample < end; sample++) reference[sample & (size - 1)] = 0
    },
    judge: (window, time) => {
      const now = Math.round(time * samplesPerMilli) + window.length
      isAlike = false
      if (now - longestDelay - searchLength > end) return false
      microphone.copyWithin(0, window.length)
      microphone.set(window, searchLength - window.length)

      let power = 0
      for (let index = 0; index < window.length; index++) power += window[index] * window[index]
      power /= window.length
      if (delay !== undefined) {
        // Where there is less than the echo alone would be, it has become weaker, or never was one.
        const aligned = gain * powerOf(now - window.length - delay, window.length)
        if (aligned > underEcho * Math.max(power, leastPower)) gain *= 0.9
      }
      if (power < leastPower) {
        suspected = Math.max(0, suspected - 1)
        if (++quiet % quietLine === 0 && spokeThroughout(now)) isQuietLine = true
        return false
      }
      quiet = 0

      sinceSearch++
      if (delay !== undefined) {
        const followed = follow(now, delay, followReach)
        if (followed.alike >= alikeToJudge) {
          const best = improve(now, followed)
          delay = best.delay
          amplitude += (best.amplitude - amplitude) / 4
          gain += (best.amplitude ** 2 - gain) / 4
          suspected = 0
          isAlike = true
          return true
        }
        const expected = gain * loudest(now - window.length - delay - 256, now - delay + 256)
        if (power <= expected * overEcho) return true
      }

      const most = loudest(now - longestDelay, now)
      if (most === 0) return false
      // It is not known, or it moved: the far end's buffers have been refilled.
      if (sinceSearch >= searchEvery && learn(now)) return true
      const mayBeEcho = delay === undefined ? !isQuietLine && power * underPlayed <= most : power <= gain * most * overEcho
      if (!mayBeEcho || suspected >= patience) return false
      suspected++
      return true
    },
    isAlike: () => isAlike,
    clean: (pcm, time) => {
      const from = Math.round(time * samplesPerMilli) - (delay ?? 0)
      if (delay === undefined || from >= end) return pcm
      const clean = new Int16Array(pcm.length)
      for (let index = 0; index < pcm.length; index++) clean[index] = pcm[index] - amplitude * at(from + index)
      return clean
    },
    delay: () => (delay === undefined ? undefined : delay / samplesPerMilli)
  }
}
