/**
 * Holds back the silence after the caller's words until the caller goes on. So a transcript that is requested again seconds later does
 * not include the line's noise since those words.
 */
import type { Pcm } from "../../audio/Pcm.ts"

/** ms after the last voiced sample that still pass: the soft end of a word. */
const tailMillis = 300

/** ms of silence that pass when the caller goes on. Older silence is dropped. */
const leadMillis = 1000

const samplesPerMilli = 8

interface HeldSilence {
  /** Takes the caller's next sound, which is copied if it is held. */
  readonly push: (pcm: Pcm<8000>) => void
  /** The voice ended `millis` before the end of the sound so far. */
  readonly voiceStopped: (millis: number) => void
  /** The voice is back, so the held silence passes. */
  readonly voiceStarted: () => void
}

/** `passOn` gets the sound that passes, in order. A piece may be overwritten after `passOn` has returned. */
export const make = (passOn: (pcm: Pcm<8000>) => void): HeldSilence => {
  /** Samples that still pass after the voice has stopped. Unset: the voice is on. */
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
      while (held.length > 0 && heldLength - held[0].length >= leadMillis * samplesPerMilli) heldLength -= held.shift()?.length ?? 0
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
