/**
 * Keeps the silence behind a caller's words from the recognizer, as long as the caller does not go on: a transcript that is asked
 * for again, seconds later, is one of the utterance and not of the line's noise since. Pure.
 */
import type { Pcm } from "../../audio/Pcm.ts"

/** ms behind the last voiced sample that are handed on: a word's soft end. */
const tail = 300

/** ms of the silence before the caller goes on that are handed on then: what was held back longer ago tells nothing. */
const lead = 1000

const samplesPerMilli = 8

export interface HeldSilence {
  /** The voice ended so many ms before the end of what was passed. */
  readonly begin: (sinceMillis: number) => void
  /** The voice is back: what was held back and is to be handed on first. */
  readonly end: () => ReadonlyArray<Pcm<8000>>
  /** What of the next sound is to be handed on now. The sound may be written to afterwards, unless it was handed on. */
  readonly pass: (pcm: Pcm<8000>) => ReadonlyArray<Pcm<8000>>
}

export const make = (): HeldSilence => {
  /** Samples that are still handed on; unset: the caller speaks. */
  let left: number | undefined
  let held: Array<Pcm<8000>> = []
  let heldLength = 0

  return {
    begin: (sinceMillis) => {
      left = Math.max(0, (tail - sinceMillis) * samplesPerMilli)
    },
    end: () => {
      const handedOn = held
      left = undefined
      held = []
      heldLength = 0
      return handedOn
    },
    pass: (pcm) => {
      if (left === undefined) return [pcm]
      const now = pcm.subarray(0, Math.min(pcm.length, Math.round(left)))
      const later = pcm.slice(now.length)
      left -= now.length
      if (later.length > 0) held.push(later)
      heldLength += later.length
      while (heldLength - (held.at(0)?.length ?? 0) >= lead * samplesPerMilli) heldLength -= held.shift()?.length ?? 0
      return now.length === 0 ? [] : [now]
    }
  }
}
