/**
 * A cheap look at a window before the detector: can it hold speech at all? And where in it the sound is.
 *
 * The floor is the quietest level of the last seconds (minimum statistics, Martin 2001, in its simplest
 * form): it falls at once and rises slowly, so speech does not lift it and constant noise does. Levels are
 * mean squares of 16-bit samples; μ-law's own noise lies below −60 dBFS.
 */
import type { Pcm } from "../../audio/Pcm.ts"

/** Samples of a step: 4 ms at 8 kHz, how finely the last voiced sample is told. */
export const stepLength = 32

/** −56 dBFS: below it nothing counts as sound; telephone lines hiss at −65 to −60. */
const leastPower = (32768 * 10 ** (-56 / 20)) ** 2

/** A window that is less than this above the floor (6 dB) can't hold speech that anybody would understand. */
const overFloor = 4

/** The floor rises by this in a window of 32 ms: 3 dB a second. */
const rise = 10 ** (3 / 10 / 31.25)

/** Windows after the last loud one that are still looked at: the soft ends of words. */
const hangover = 12

export interface EnergyGate {
  /** Takes the next window; tells whether the detector has to look at it. */
  readonly push: (window: Pcm<8000>) => boolean
  /** Whether the last window is loud enough for speech by its energy alone: 12 dB over the floor. */
  readonly isLoud: () => boolean
  /** In the last window: one past the last sample of a step above the threshold, or 0. */
  readonly lastLoud: () => number
  /** In the last window: the first sample of a step above the threshold, or its length. */
  readonly firstLoud: () => number
}

export const make = (): EnergyGate => {
  let floor = leastPower
  let quiet = hangover
  let first = 0
  let last = 0
  let power = 0

  return {
    push: (window) => {
      const threshold = Math.max(leastPower, floor * overFloor)
      let sum = 0
      let least = Infinity
      first = window.length
      last = 0
      for (let at = 0; at < window.length; at += stepLength) {
        let step = 0
        for (let index = at; index < at + stepLength; index++) step += window[index] * window[index]
        const level = step / stepLength
        sum += step
        if (level < least) least = level
        if (level >= threshold) {
          if (first === window.length) first = at
          last = at + stepLength
        }
      }
      power = sum / window.length
      floor = Math.min(Math.max(power, leastPower / 100), floor * rise)
      quiet = last > 0 ? 0 : quiet + 1
      return quiet <= hangover
    },
    isLoud: () => power >= Math.max(leastPower, floor * overFloor * 4),
    lastLoud: () => last,
    firstLoud: () => first
  }
}
