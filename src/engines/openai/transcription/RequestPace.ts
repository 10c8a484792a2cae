/**
 * Whether a server is quick enough to be asked for the words so far, while the caller still speaks.
 *
 * Servers go on computing what was aborted, so a request that nobody waits for delays the one that the caller waits for. The
 * words so far are asked for only while the server's newest answer came sooner than the pause that ends a turn: such a
 * request is over by the time that the transcript is asked for.
 *
 * The state is a server's and not a call's: what is computed for one call delays the others too.
 */

export interface RequestPace {
  /** A request was answered after so many ms. */
  readonly answered: (millis: number) => void
  /** A request was aborted after so many ms: its answer would have taken at least that long. */
  readonly aborted: (millis: number) => void
  /** A request came to nothing. Nothing is asked for in between until one is answered again. */
  readonly failed: () => void
  /** `pause`: ms of silence that end a turn. */
  readonly isQuick: (pause: number) => boolean
}

export const make = (): RequestPace => {
  /** ms that an answer takes; unset while none has come and none was waited for in vain. */
  let answerMillis: number | undefined
  let isInDoubt = false

  return {
    answered: (millis) => {
      answerMillis = millis
      isInDoubt = false
    },
    aborted: (millis) => {
      // Of a server that has answered nothing so far, one aborted request is all that is risked.
      if (answerMillis === undefined) isInDoubt = true
      else answerMillis = Math.max(answerMillis, millis)
    },
    failed: () => {
      isInDoubt = true
    },
    isQuick: (pause) => !isInDoubt && (answerMillis === undefined || answerMillis < pause)
  }
}
