/**
 * How much of an utterance can be speech at all, by its energy: a recognizer that is given silence invents words.
 *
 * Levels are mean squares of 16-bit samples over steps of 20 ms. The floor is the level that the quietest tenth of the
 * steps does not pass: an utterance begins with what was heard before the voice, so it holds some of the line's own noise.
 */
import type { Pcm } from "../../../audio/Pcm.ts"

/** What is known of an utterance's sound without understanding it. */
export interface Sound {
  /** All of it. */
  readonly millis: number
  /** The steps that stand out of the noise. */
  readonly voicedMillis: number
  /** How far (dB) the mean of those stands over the floor; 0 where there are none. */
  readonly overFloor: number
}

export interface Measured extends Sound {
  /** ms from the beginning to the end of the last step that stands out; 0 where there is none. */
  readonly voicedUntil: number
}

/** Samples of a step at 8 kHz: 20 ms. */
const stepLength = 160
const stepMillis = 20

/** −56 dBFS: telephone lines hiss at −65 to −60; as in `conversation/listen/EnergyGate`. */
const leastPower = (32_768 * 10 ** (-56 / 20)) ** 2

/** −32 dBFS: whatever is louder counts, however even it is. */
const surePower = (32_768 * 10 ** (-32 / 20)) ** 2

/** 6 dB. */
const overFloor = 4

export interface SpeechEnergy {
  readonly push: (pcm: Pcm<8000>) => void
  readonly measure: () => Measured
  /** ms of the steps that are not silent, whatever the floor: at no cost, to be asked at every piece. */
  readonly loudMillis: () => number
}

export const make = (): SpeechEnergy => {
  const powers: Array<number> = []
  let sum = 0
  let count = 0
  let length = 0
  let loud = 0

  return {
    loudMillis: () => loud * stepMillis,
    push: (pcm) => {
      length += pcm.length
      for (let index = 0; index < pcm.length; index++) {
        sum += pcm[index] * pcm[index]
        if (++count === stepLength) {
          const power = sum / stepLength
          powers.push(power)
          if (power >= leastPower) loud++
          sum = 0
          count = 0
        }
      }
    },
    measure: () => {
      const millis = length / 8
      const floor = Float64Array.from(powers).sort()[Math.floor(powers.length / 10)] ?? 0
      const threshold = Math.max(leastPower, Math.min(surePower, floor * overFloor))
      const voiced = powers.filter((power) => power >= threshold)
      if (voiced.length === 0) return { millis, voicedMillis: 0, voicedUntil: 0, overFloor: 0 }
      const mean = voiced.reduce((total, power) => total + power, 0) / voiced.length
      return {
        millis,
        voicedMillis: voiced.length * stepMillis,
        voicedUntil: (powers.findLastIndex((power) => power >= threshold) + 1) * stepMillis,
        overFloor: 10 * Math.log10(mean / Math.max(1, Math.min(floor, surePower / overFloor)))
      }
    }
  }
}
