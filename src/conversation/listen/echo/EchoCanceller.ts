/**
 * Finds the echo of the agent's voice in the caller's sound, and subtracts it.
 *
 * The echo is a delayed, weaker copy of the played sound (`EchoMatcher`, `EchoPath`). A window is echo if it correlates with the played
 * sound, or if it is no louder than the expected echo. While the delay is not known or has just changed, `EchoSuspicion` decides. If the
 * caller speaks over the echo, the sum is louder than the echo and does not correlate with the played sound. Only an echo with one delay and
 * one gain can be subtracted.
 *
 * If no sound was played in the last 1.2 s, no sound is compared or subtracted.
 */
import type { Pcm } from "../../../audio/Pcm.ts"
import { windowLength } from "../../ports/VoiceActivity.ts"
import { leastPower, powerOf } from "../EnergyGate.ts"
import * as EchoMatcher from "./EchoMatcher.ts"
import * as EchoPath from "./EchoPath.ts"
import * as EchoSuspicion from "./EchoSuspicion.ts"
import * as PlayedSound from "./PlayedSound.ts"

/** All times are ms of the conversation's clock. */
export interface EchoCanceller {
  /** Takes the agent's sound. `at`: when its first sample is expected to be played. */
  readonly onPlayback: (pcm: Pcm<8000>, at: number) => void
  /** The line discarded the sound that it would have played after `at`. */
  readonly onClear: (at: number) => void
  /** Takes each window in order. Returns whether the window is mostly echo. `at`: when its first sample arrived. */
  readonly isEcho: (window: Pcm<8000>, at: number) => boolean
  /** Whether the newest window correlated with the played sound at the known delay, so that it certainly is echo. */
  readonly isCertain: () => boolean
  /**
   * Returns the sound minus the echo, or `pcm` itself while the echo's delay is not known. `at`: when the first sample arrived. The result is
   * written to `target`, which has the same length, or to a new array if `target` is unset.
   */
  readonly clean: (pcm: Pcm<8000>, at: number, target?: Pcm<8000>) => Pcm<8000>
  /** ms from the playback of a sound to the arrival of its echo. `undefined`: not known yet. */
  readonly delay: () => number | undefined
}

const samplesPerMilli = 8

/** If a window is 6 dB weaker than the expected echo, the estimate of the gain is too high. */
const underEcho = 4

export const make = (): EchoCanceller => {
  const played = PlayedSound.make()
  const matcher = EchoMatcher.make(played)
  const path = EchoPath.make(matcher)
  const suspicion = EchoSuspicion.make(played, path)
  let isCertain = false

  const momentOf = (time: number): number => Math.round(time * samplesPerMilli)

  return {
    onPlayback: (pcm, time) => played.add(pcm, momentOf(time)),
    onClear: (time) => played.clear(momentOf(time)),
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
        suspicion.onSilence(now)
        return false
      }
      suspicion.onSound()
      path.onSound()
      if (path.follow(now)) {
        suspicion.onEcho()
        isCertain = true
        return true
      }
      if (delay !== undefined) {
        const loudestAtDelay = played.loudestPower(now - 2 * windowLength - delay, now + windowLength - delay)
        if (power <= path.gain() * loudestAtDelay * EchoSuspicion.overEcho) return true
      }

      const loudestPlayed = played.loudestPower(now - EchoMatcher.longestDelay, now)
      if (loudestPlayed === 0) return false
      // The delay of an echo can jump, for example when the far end refills its buffers.
      return path.learn(now) || suspicion.isEcho(power, loudestPlayed)
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
