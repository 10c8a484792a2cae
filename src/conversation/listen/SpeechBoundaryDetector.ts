/**
 * From probabilities of windows to a voice that starts and stops, with the moments of its first and last
 * sample.
 *
 * The detector's probability stays high for some windows after speech; the energy tells where the sound
 * ended, so the pause is counted from the caller's last voiced sample and not from the detector's doubt.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import * as EnergyGate from "./EnergyGate.ts"

/** `at`: the position of the first or of the last voiced sample, in ms of sound. */
export interface VoiceEvent {
  readonly _tag: "VoiceStarted" | "VoiceStopped"
  readonly at: number
}

/**
 * What a window needs of the detector: nothing; that it hears it, for the sake of what comes behind, while its answer can change
 * nothing; or that it tells whether this is a voice.
 */
export type Need = "none" | "hear" | "tell"

export interface SpeechBoundaryDetector {
  /** Looks at a window once, before `push`. */
  readonly look: (window: Pcm<8000>) => Need
  /** `probability` unset: the energy decides. `end`: the position behind the window's last sample, in ms of sound. */
  readonly push: (window: Pcm<8000>, probability: number | undefined, end: number) => VoiceEvent | undefined
}

/** Silero's own thresholds. */
const onset = 0.5
const offset = 0.35

/** Voiced windows in a row that make a voice: 64 ms; a click is one. */
const windowsToStart = 2

/** Unvoiced ms after the last voiced sample that end it. */
const silenceToStop = 64

const samplesPerMilli = 8

export const make = (): SpeechBoundaryDetector => {
  const energy = EnergyGate.make()
  let isOn = false
  let voiced = 0
  let firstAt = 0
  let lastAt = 0
  let isLooked = false

  const look = (window: Pcm<8000>): Need => {
    isLooked = true
    if (!energy.push(window)) return "none"
    return energy.lastLoud() > 0 ? "tell" : "hear"
  }

  return {
    look,
    push: (window, probability, end) => {
      if (!isLooked) look(window)
      isLooked = false
      // The detector still believes in a voice for some windows of the silence behind it.
      const isSound = energy.lastLoud() > 0
      const isVoiced = isSound && (probability === undefined ? energy.isLoud() : probability >= (isOn ? offset : onset))
      const timeOf = (sample: number) => end - (window.length - sample) / samplesPerMilli

      if (isVoiced) lastAt = timeOf(energy.lastLoud())
      if (!isOn) {
        if (!isVoiced) {
          voiced = 0
          return undefined
        }
        if (voiced++ === 0) firstAt = timeOf(energy.firstLoud())
        if (voiced < windowsToStart) return undefined
        isOn = true
        return { _tag: "VoiceStarted", at: firstAt }
      }
      if (end - lastAt < silenceToStop) return undefined
      isOn = false
      voiced = 0
      return { _tag: "VoiceStopped", at: lastAt }
    }
  }
}
