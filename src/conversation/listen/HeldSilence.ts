/**
 * Holds the silence behind the caller's words back from the recognizer until the caller goes on. So a transcript that is requested
 * again seconds later is one of the utterance, and not of the line's noise since.
 */
import type { Pcm } from "../../audio/Pcm.ts"

/** ms behind the last voiced sample that pass: a word's soft end. */
const tailMillis = 300

/** ms of silence before the caller goes on that pass then; older silence is dropped. */
const leadMillis = 1000

const samplesPerMilli = 8

export interface HeldSilence {
  /** The caller's next sound. It is only read, until this returns. */
  readonly push: (pcm: Pcm<8000>) => void
  /** The voice ended `millis` before the end of the sound so far. */
  readonly voiceStopped: (millis: number) => void
  /** The voice is back: passes the held silence on. */
  readonly voiceStarted: () => void
}

/** `passOn` gets the sound that passes, in order. A piece may be written to again when `passOn` has returned. */
export const make = (passOn: (pcm: Pcm<8000>) => void): HeldSilence => {
  /** Samples that still pass; unset: the caller speaks. */
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
