/**
 * Finds where a voice starts and stops, from the probabilities and the energy of windows.
 *
 * The voice detector's probability stays high for some windows after speech, but the energy shows where the sound ended. So the length of a
 * pause counts from the caller's last voiced sample.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import * as EnergyGate from "./EnergyGate.ts"

/** `at`: the first voiced sample (`VoiceStarted`) or the last one (`VoiceStopped`), in ms of media time. */
export interface SpeechBoundary {
  readonly _tag: "VoiceStarted" | "VoiceStopped"
  readonly at: number
}

/**
 * What the voice detector does with a window:
 * - `none`: the detector does not get the window;
 * - `feed`: the window only updates the detector's state, and the result is ignored;
 * - `ask`: the detector returns the probability of speech.
 */
type DetectorUse = "none" | "feed" | "ask"

interface SpeechBoundaryDetector {
  /** Measures a window's energy. May be called once for each window, before `push`. */
  readonly measure: (window: Pcm<8000>) => DetectorUse
  /**
   * Takes each window in order. Measures the window's energy if `measure` was not called. `probability`: 0 to 1. Unset: the energy decides.
   * `end`: the position after the window's last sample, ms of media time.
   */
  readonly push: (window: Pcm<8000>, probability: number | undefined, end: number) => SpeechBoundary | undefined
}

/** A voice starts at `startProbability` and stops below `stopProbability`. Both values are Silero's defaults. */
const startProbability = 0.5
const stopProbability = 0.35

/** Voiced windows in a row that start a voice: 64 ms. A click is one window. */
const windowsToStart = 2

/** A voice stops when this much time (ms) has passed since its last voiced sample. */
const silenceToStopMillis = 64

const samplesPerMilli = 8

export const make = (): SpeechBoundaryDetector => {
  const energy = EnergyGate.make()
  let isSpeaking = false
  let voicedWindows = 0
  let firstVoicedAt = 0
  let lastVoicedAt = 0
  let isMeasured = false

  const measure = (window: Pcm<8000>): DetectorUse => {
    isMeasured = true
    if (!energy.push(window)) return "none"
    return energy.soundEnd() > 0 ? "ask" : "feed"
  }

  return {
    measure,
    push: (window, probability, end) => {
      if (!isMeasured) measure(window)
      isMeasured = false
      // A window without sound has no voice, even if the detector's probability is high.
      const hasSound = energy.soundEnd() > 0
      const isVoiced = hasSound && (probability === undefined ? energy.isLoud() : probability >= (isSpeaking ? stopProbability : startProbability))
      const start = end - window.length / samplesPerMilli

      if (isVoiced) lastVoicedAt = start + energy.soundEnd() / samplesPerMilli
      if (!isSpeaking) {
        if (!isVoiced) {
          voicedWindows = 0
          return undefined
        }
        if (voicedWindows++ === 0) firstVoicedAt = start + energy.soundStart() / samplesPerMilli
        if (voicedWindows < windowsToStart) return undefined
        isSpeaking = true
        return { _tag: "VoiceStarted", at: firstVoicedAt }
      }
      if (end - lastVoicedAt < silenceToStopMillis) return undefined
      isSpeaking = false
      voicedWindows = 0
      return { _tag: "VoiceStopped", at: lastVoicedAt }
    }
  }
}
