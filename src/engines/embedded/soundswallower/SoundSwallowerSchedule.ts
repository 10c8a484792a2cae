/**
 * Which of the utterances of a thread is to be heard next. Pure, and asked anew after each slice of sound.
 */

/** An utterance, as far as its turn depends on it. */
export interface Utterance {
  /** Samples that are to be heard before its words can be told. */
  readonly left: number
  /** Somebody waits for its words. */
  readonly isAsked: boolean
}

/**
 * Words that somebody waits for go before the sound of others, and those that are told soonest before those that take
 * long: few are late then. Nobody waits yet: the utterance that began first will end first.
 *
 * `utterances` are in the order of their beginnings.
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
