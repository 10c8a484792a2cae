/**
 * Chooses which utterance of a thread is decoded next. Pure. The thread calls `next` after each slice of sound.
 */

/** The properties of an utterance that decide its place. */
interface Utterance {
  /** Samples that must be decoded before its words are known. */
  readonly left: number
  /** A request waits for its words. */
  readonly isAsked: boolean
}

/**
 * Utterances with a waiting request come first. Among these, the utterance with the fewest samples left is next, so that as few answers
 * as possible are late. If no request waits, the oldest utterance with sound left is next, because it will probably end first.
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
