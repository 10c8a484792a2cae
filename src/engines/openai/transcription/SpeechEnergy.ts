/**
 * Measures from the energy of an utterance how much of it can be speech, because a recognizer invents words for silence.
 *
 * Levels are mean squares of 16-bit samples over steps of 20 ms. The floor is the 10th percentile of the levels. An utterance begins with
 * sound from before the voice, so the floor is the level of the line's own noise.
 */
import type { Pcm } from "../../../audio/Pcm.ts"

/** The energy of a sound. A step is voiced if it is louder than the noise. */
export interface Sound {
  readonly millis: number
  readonly voicedMillis: number
  /** dB by which the mean of the voiced steps is above the floor; 0 if there are no voiced steps. */
  readonly overFloor: number
}

export interface Measurement extends Sound {
  /** ms from the beginning to the end of the last voiced step; 0 if there is none. */
  readonly voicedUntil: number
}

/** Samples of a step at 8 kHz: 20 ms. */
const stepLength = 160
const stepMillis = 20

/** Below this level, −56 dBFS, a step is silent: telephone lines hiss at −65 to −60. `conversation/listen/EnergyGate` has the same limit. */
const minVoicedPower = (32_768 * 10 ** (-56 / 20)) ** 2

/** Above this level, −32 dBFS, a step is voiced, however high the floor is. */
const surePower = (32_768 * 10 ** (-32 / 20)) ** 2

/** A voiced step has at least this many times the power of the floor: 6 dB. */
const voicedFactor = 4

interface SpeechEnergy {
  readonly push: (pcm: Pcm<8000>) => void
  readonly measure: () => Measurement
  /** ms of the steps that are not silent, whatever the floor is. Fast enough to be called for each frame. */
  readonly loudMillis: () => number
}

export const make = (): SpeechEnergy => {
  const powers: Array<number> = []
  /** The sum of squares and the number of samples of the step that has begun. */
  let sum = 0
  let count = 0
  /** Samples so far. */
  let length = 0
  let loudSteps = 0

  return {
    loudMillis: () => loudSteps * stepMillis,
    push: (pcm) => {
      length += pcm.length
      for (let index = 0; index < pcm.length; index++) {
        sum += pcm[index] * pcm[index]
        if (++count === stepLength) {
          const power = sum / stepLength
          powers.push(power)
          if (power >= minVoicedPower) loudSteps++
          sum = 0
          count = 0
        }
      }
    },
    measure: () => {
      const millis = length / 8
      const floor = Float64Array.from(powers).sort()[Math.floor(powers.length / 10)] ?? 0
      const threshold = Math.max(minVoicedPower, Math.min(surePower, floor * voicedFactor))
      const voiced = powers.filter((power) => power >= threshold)
      if (voiced.length === 0) return { millis, voicedMillis: 0, voicedUntil: 0, overFloor: 0 }
      const mean = voiced.reduce((total, power) => total + power, 0) / voiced.length
      return {
        millis,
        voicedMillis: voiced.length * stepMillis,
        voicedUntil: (powers.findLastIndex((power) => power >= threshold) + 1) * stepMillis,
        overFloor: 10 * Math.log10(mean / Math.max(1, Math.min(floor, surePower / voicedFactor)))
      }
    }
  }
}
