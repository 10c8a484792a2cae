/**
 * Chooses which utterance of a thread is decoded next. Pure. The thread asks after each slice of sound.
 */

/** What the choice needs of an utterance. */
interface Utterance {
  /** Samples that must be decoded before its words are known. */
  readonly left: number
  /** Somebody waits for its words. */
  readonly isAsked: boolean
}

/**
 * Utterances whose words somebody waits for come first. Of those, the one with the fewest samples left goes first, so that the fewest
 * are late. If nobody waits, the oldest utterance with sound left is next, as it will end first.
 *
 * `utterances`: oldest first.
 */
export const next = <A extends Utterance>(utterances: Iterable<A>): A | undefined => {
  let best: A | undefined
  for (const one of utterances) {
    if (one.isAsked) {
      if (best === undefined || !best.isAsked || one.left < best.left) best = one
    } else if (one.left > 0) best ??= one
  }
  return best
}
