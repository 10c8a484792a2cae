/**
 * Judges sound that is unlike the played sound, but weak enough to be its echo. This happens while the echo's delay is not known yet, or
 * has just changed.
 *
 * For up to half a second the sound counts as echo, so that the agent does not interrupt itself. After that it counts as the caller's.
 * On a line without an echo nothing is suspected.
 */
import { windowLength } from "../../ports/VoiceActivity.ts"
import { leastPower } from "../EnergyGate.ts"
import * as EchoMatcher from "./EchoMatcher.ts"
import type { EchoPath } from "./EchoPath.ts"
import type { PlayedSound } from "./PlayedSound.ts"

/** Sound that is more than 3 dB louder than the expected echo is somebody's voice. */
export const overEcho = 2

/** While no delay is known, sound that is 12 dB weaker than the played sound may be echo. */
const underPlayed = 16

/** At most this many windows (½ s) count as echo by their power alone. */
const maxSuspectedWindows = 16

/** After this many silent windows (1 s) while the agent speaks, the line counts as one without echo. */
const silentWindowsOfQuietLine = 32

/** Mean square at which the agent counts as speaking: −36 dBFS, 20 dB above `leastPower`. */
const agentSpeaksPower = leastPower * 100

interface EchoSuspicion {
  /** A window without sound. `now`: the moment after it. */
  readonly onSilence: (now: number) => void
  /** A window with sound. */
  readonly onSound: () => void
  /** A window that was like the played sound. */
  readonly onEcho: () => void
  /** Whether a window that is unlike the played sound counts as echo by its power. `loudestPlayed`: the greatest power of recent played sound. */
  readonly isEcho: (power: number, loudestPlayed: number) => boolean
}

export const make = (played: PlayedSound, path: EchoPath): EchoSuspicion => {
  /** Windows that counted as echo by their power alone; silent windows reduce the number. */
  let suspectedWindows = 0
  /** Windows in a row without a sound. */
  let silentWindows = 0
  /** The line counts as one without echo. */
  let hasNoEcho = false

  /** Whether the agent spoke long enough without a pause that the silent windows would hold its echo, whatever the delay. */
  const spokeThroughout = (now: number): boolean => {
    const { longestDelay, searchLength } = EchoMatcher
    for (let from = now - longestDelay - silentWindowsOfQuietLine * windowLength; from < now; from += searchLength) {
      if (played.power(from, searchLength) < agentSpeaksPower) return false
    }
    return true
  }

  return {
    onSilence: (now) => {
      suspectedWindows = Math.max(0, suspectedWindows - 1)
      if (++silentWindows % silentWindowsOfQuietLine === 0 && spokeThroughout(now)) hasNoEcho = true
    },
    onSound: () => {
      silentWindows = 0
    },
    onEcho: () => {
      suspectedWindows = 0
    },
    isEcho: (power, loudestPlayed) => {
      const mayBeEcho = path.delay() === undefined
        ? !hasNoEcho && power * underPlayed <= loudestPlayed
        : power <= path.gain() * loudestPlayed * overEcho
      if (!mayBeEcho || suspectedWindows >= maxSuspectedWindows) return false
      suspectedWindows++
      return true
    }
  }
}
