/**
 * Measures the energy of windows. The energy shows whether a window can contain speech, and where in the window the sound is. The
 * measurement takes much less time than the voice detector, which gets only the windows that can contain speech.
 *
 * The noise floor is the quietest level of the last seconds (minimum statistics, Martin 2001, in its simplest form). The floor falls at once
 * and rises slowly. So constant noise raises it, but speech does not. Levels are mean squares of 16-bit samples.
 */
import type { Pcm } from "../../audio/Pcm.ts"

/** Samples of a step: 4 ms at 8 kHz, the resolution of the first and the last voiced sample. */
const stepLength = 32

/** −56 dBFS. Quieter sound is silence: telephone lines hiss at −65 to −60 dBFS, and the noise of μ-law itself is below −60. */
export const leastPower = (32768 * 10 ** (-56 / 20)) ** 2

/** Sound that is less than 6 dB above the floor is no intelligible speech. */
const soundOverFloor = 4

/** A window that is 12 dB above the floor counts as speech if only the energy decides. */
const speechOverFloor = 16

/** The floor rises by this factor each window of 32 ms: 3 dB a second. */
const floorRise = 10 ** (3 / 10 / 31.25)

/** This many windows after the last sound may contain the soft end of a word, so the detector gets them. */
const windowsAfterSound = 12

interface EnergyGate {
  /** Takes the next window. Returns whether the detector needs the window. */
  readonly push: (window: Pcm<8000>) => boolean
  /** Whether the newest window counts as speech if only the energy decides. */
  readonly isLoud: () => boolean
  /** In the newest window: where the last step with sound ends, in samples. 0: no step has sound. */
  readonly soundEnd: () => number
  /** In the newest window: where the first step with sound begins, in samples. The window's length: no step has sound. */
  readonly soundStart: () => number
}

/** Mean square of the samples. */
export const powerOf = (pcm: Pcm<8000>): number => {
  let sum = 0
  for (let index = 0; index < pcm.length; index++) sum += pcm[index] * pcm[index]
  return sum / pcm.length
}

export const make = (): EnergyGate => {
  let floor = leastPower
  let windowsSinceSound = windowsAfterSound
  let soundStart = 0
  let soundEnd = 0
  let power = 0

  return {
    push: (window) => {
      const threshold = Math.max(leastPower, floor * soundOverFloor)
      let sum = 0
      soundStart = window.length
      soundEnd = 0
      for (let at = 0; at < window.length; at += stepLength) {
        let stepSum = 0
        for (let index = at; index < at + stepLength; index++) stepSum += window[index] * window[index]
        const stepPower = stepSum / stepLength
        sum += stepSum
        if (stepPower >= threshold) {
          if (soundStart === window.length) soundStart = at
          soundEnd = at + stepLength
        }
      }
      power = sum / window.length
      // The floor stays above 0, since it could not rise from 0 after digital silence.
      floor = Math.min(Math.max(power, leastPower / 100), floor * floorRise)
      windowsSinceSound = soundEnd > 0 ? 0 : windowsSinceSound + 1
      return windowsSinceSound <= windowsAfterSound
    },
    isLoud: () => power >= Math.max(leastPower, floor * speechOverFloor),
    soundEnd: () => soundEnd,
    soundStart: () => soundStart
  }
}
