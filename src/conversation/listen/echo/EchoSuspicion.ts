/**
 * Decides about sound that does not correlate with the played sound, but is weak enough to be its echo. Echo sounds like this while its
 * delay is not known yet or has just changed.
 *
 * For up to half a second the sound counts as echo, so that the agent does not interrupt itself. After that the sound counts as the caller's.
 * On a line without echo, all sound counts as the caller's.
 */
import { windowLength } from "../../ports/VoiceActivity.ts"
import { leastPower } from "../EnergyGate.ts"
import * as EchoMatcher from "./EchoMatcher.ts"
import type { EchoPath } from "./EchoPath.ts"
import type { PlayedSound } from "./PlayedSound.ts"

/** Sound that is more than 3 dB louder than the expected echo is not only echo. */
export const overEcho = 2

/** While no delay is known, sound that is 12 dB weaker than the played sound may be echo. */
const underPlayed = 16

/** At most this many windows (½ s) count as echo by their power alone. */
const maxSuspectedWindows = 16

/** After this many silent windows (1 s) while the agent speaks, the line counts as a line without echo. */
const silentWindowsWithoutEcho = 32

/** Mean square at which the agent counts as speaking: −36 dBFS, 20 dB above `leastPower`. */
const agentSpeaksPower = leastPower * 100

interface EchoSuspicion {
  /** A window without sound has come. `now`: the moment after the window. */
  readonly onSilence: (now: number) => void
  /** A window with sound has come. */
  readonly onSound: () => void
  /** The window correlated with the played sound. */
  readonly onEcho: () => void
  /** Whether a window that does not correlate counts as echo by its power. `loudestPlayed`: the greatest power of recently played sound. */
  readonly isEcho: (power: number, loudestPlayed: number) => boolean
}

export const make = (played: PlayedSound, path: EchoPath): EchoSuspicion => {
  /** How many windows counted as echo by their power alone. Each silent window reduces the number. */
  let suspectedWindows = 0
  /** How many windows in a row had no sound. */
  let silentWindows = 0
  /** The line counts as a line without echo. */
  let hasNoEcho = false

  /** Whether the agent spoke so long without a pause that the silent windows would contain an echo of any possible delay. */
  const spokeThroughout = (now: number): boolean => {
    const { longestDelay, searchLength } = EchoMatcher
    for (let from = now - longestDelay - silentWindowsWithoutEcho * windowLength; from < now; from += searchLength) {
      if (played.power(from, searchLength) < agentSpeaksPower) return false
    }
    return true
  }

  return {
    onSilence: (now) => {
      suspectedWindows = Math.max(0, suspectedWindows - 1)
      if (++silentWindows % silentWindowsWithoutEcho === 0 && spokeThroughout(now)) hasNoEcho = true
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
