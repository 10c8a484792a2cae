/**
 * Holds back the silence after the caller's words until the voice starts again. So a transcript that is requested again seconds later does
 * not include the line's noise after those words.
 */
import type { Pcm } from "../../audio/Pcm.ts"

/** This much sound (ms) after the last voiced sample passes at once, since it may contain the soft end of a word. */
const tailMillis = 300

/** When the voice starts again, this much of the held silence (ms) passes before it. Older silence is dropped. */
const maxSilenceBeforeVoiceMillis = 1000

const samplesPerMilli = 8

interface HeldSilence {
  /** Takes the caller's next sound. Sound that is held is copied. */
  readonly push: (pcm: Pcm<8000>) => void
  /** The voice ended `millis` before the newest sample. */
  readonly voiceStopped: (millis: number) => void
  /** The voice started again, so the held silence passes. */
  readonly voiceStarted: () => void
}

/** `passOn` is called with the sound that passes, in order. A piece may be overwritten after `passOn` has returned. */
export const make = (passOn: (pcm: Pcm<8000>) => void): HeldSilence => {
  /** Samples that still pass at once after the voice has stopped. Unset: somebody is speaking. */
  let tailLeft: number | undefined
  let held: Array<Pcm<8000>> = []
  let heldLength = 0

  return {
    push: (pcm) => {
      if (tailLeft === undefined) return passOn(pcm)
      const passing = Math.min(pcm.length, Math.round(tailLeft))
      tailLeft -= passing
      if (passing === pcm.length) return passOn(pcm)
      if (passing > 0) passOn(pcm.subarray(0, passing))
      held.push(pcm.slice(passing))
      heldLength += pcm.length - passing
      while (held.length > 0 && heldLength - held[0].length >= maxSilenceBeforeVoiceMillis * samplesPerMilli) heldLength -= held.shift()?.length ?? 0
    },
    voiceStopped: (millis) => {
      tailLeft = Math.max(0, (tailMillis - millis) * samplesPerMilli)
    },
    voiceStarted: () => {
      tailLeft = undefined
      for (const pcm of held) passOn(pcm)
      held = []
      heldLength = 0
    }
  }
}
