/**
 * Tells the agent's own voice, back from a loudspeaker, from the caller's, and takes it out of the caller's sound.
 *
 * We know what was played and when, so an echo is found as a delayed, weaker copy (`EchoMatcher`, `EchoPath`). A window is echo
 * when it is alike, or when it is no louder than the echo that is expected at that moment. A caller who speaks over the echo is
 * neither. The echo is subtracted as well as one delay and one gain can.
 *
 * It costs nothing while nothing was played in the last second.
 */
import type { Pcm } from "../../../audio/Pcm.ts"
import { windowLength } from "../../ports/VoiceActivity.ts"
import { leastPower, powerOf } from "../EnergyGate.ts"
import * as EchoMatcher from "./EchoMatcher.ts"
import * as EchoPath from "./EchoPath.ts"
import * as PlayedSound from "./PlayedSound.ts"

/** All times are ms of the conversation's clock. */
export interface EchoCanceller {
  /** Takes the agent's sound; `at`: when its first sample is expected to be played. */
  readonly played: (pcm: Pcm<8000>, at: number) => void
  /** The line threw away what was to be played after `at`. */
  readonly cleared: (at: number) => void
  /** Whether this window, whose first sample arrived at `at`, is mostly echo. Takes all windows, in order. */
  readonly isEcho: (window: Pcm<8000>, at: number) => boolean
  /** Whether the last window was found to be a copy, and not only as weak as an echo. */
  readonly isCertain: () => boolean
  /**
   * The sound, whose first sample arrived at `at`, less the echo where its delay is known; `pcm` itself where it is not. The
   * result is written to `target`, of the same length; unset: to a new array.
   */
  readonly clean: (pcm: Pcm<8000>, at: number, target?: Pcm<8000>) => Pcm<8000>
  /** ms from playing to the echo's arrival, once known. */
  readonly delay: () => number | undefined
}

const samplesPerMilli = 8

/** An echo that is this much louder (3 dB) than expected is somebody speaking. */
const overEcho = 2

/** An echo that is this much weaker (6 dB) than expected shows that the expectation is wrong. */
const underEcho = 4

/** While nothing is known of the line, sound that is 12 dB weaker than what was played may be echo. */
const underPlayed = 16

/** Windows (½ s) that may count as echo by their power alone; after them, sound that is not alike is the caller. */
const maxSuspectedWindows = 16

/** Windows without a sound (1 s), while the agent spoke all the time, that show that there is no loudspeaker. */
const silentWindowsOfQuietLine = 32

/** Mean square at which the agent counts as speaking: −36 dBFS, 20 dB over the least sound. */
const agentSpeaksPower = leastPower * 100

export const make = (): EchoCanceller => {
  const played = PlayedSound.make()
  const matcher = EchoMatcher.make(played)
  const path = EchoPath.make(matcher)
  let isCertain = false
  /** Windows that counted as echo by their power alone. */
  let suspectedWindows = 0
  /** Windows in a row without a sound. */
  let silentWindows = 0
  let isQuietLine = false

  const momentOf = (time: number): number => Math.round(time * samplesPerMilli)

  /** Whether an echo of any delay would have been heard in the last second. */
  const spokeThroughout = (now: number): boolean => {
    const { longestDelay, searchLength } = EchoMatcher
    for (let from = now - longestDelay - silentWindowsOfQuietLine * windowLength; from < now; from += searchLength) {
      if (played.power(from, searchLength) < agentSpeaksPower) return false
    }
    return true
  }

  const onSilence = (now: number) => {
    suspectedWindows = Math.max(0, suspectedWindows - 1)
    if (++silentWindows % silentWindowsOfQuietLine === 0 && spokeThroughout(now)) isQuietLine = true
  }

  /** Whether sound that is not alike may be an echo of which the delay is not known yet. */
  const isSuspected = (power: number, loudestPlayed: number): boolean => {
    const mayBeEcho = path.delay() === undefined
      ? !isQuietLine && power * underPlayed <= loudestPlayed
      : power <= path.gain() * loudestPlayed * overEcho
    if (!mayBeEcho || suspectedWindows >= maxSuspectedWindows) return false
    suspectedWindows++
    return true
  }

  return {
    played: (pcm, time) => played.add(pcm, momentOf(time)),
    cleared: (time) => played.clear(momentOf(time)),
    isEcho: (window, time) => {
      const now = momentOf(time) + windowLength
      isCertain = false
      if (now - EchoMatcher.longestDelay - EchoMatcher.searchLength > played.end()) return false
      matcher.hear(window)

      const power = powerOf(window)
      const delay = path.delay()
      if (delay !== undefined) {
        const expected = path.gain() * played.power(now - windowLength - delay, windowLength)
        if (expected > underEcho * Math.max(power, leastPower)) path.weaken()
      }
      if (power < leastPower) {
        onSilence(now)
        return false
      }
      silentWindows = 0
      path.count()
      if (path.follow(now)) {
        suspectedWindows = 0
        isCertain = true
        return true
      }
      if (delay !== undefined) {
        const loudestAtDelay = played.loudest(now - 2 * windowLength - delay, now + windowLength - delay)
        if (power <= path.gain() * loudestAtDelay * overEcho) return true
      }

      const loudestPlayed = played.loudest(now - EchoMatcher.longestDelay, now)
      if (loudestPlayed === 0) return false
      // A known delay can jump: the far end's buffers have been refilled.
      return path.learn(now) || isSuspected(power, loudestPlayed)
    },
    isCertain: () => isCertain,
    clean: (pcm, time, target) => {
      const delay = path.delay()
      const from = momentOf(time) - (delay ?? 0)
      if (delay === undefined || from >= played.end()) return pcm
      const amplitude = path.amplitude()
      const clean = target ?? new Int16Array(pcm.length)
      for (let index = 0; index < pcm.length; index++) clean[index] = pcm[index] - amplitude * played.at(from + index)
      return clean
    },
    delay: () => {
      const delay = path.delay()
      return delay === undefined ? undefined : delay / samplesPerMilli
    }
  }
}
