/**
 * Decides whether a server is quick enough to be asked for the words so far, while the caller still speaks.
 *
 * Servers go on computing aborted requests, so a request for the words so far may delay the transcript that the caller waits for. This
 * request is made only if the server's newest answer took less time than the pause that ends a turn. Then the server has answered it when
 * the turn ends.
 *
 * All calls share the state, because a request of one call delays the other calls, too.
 */

export interface RequestPace {
  /** Notes that a request was answered after this many ms. */
  readonly noteAnswer: (millis: number) => void
  /** Notes that a request was aborted after this many ms. Its answer would have taken at least that long. */
  readonly noteAbort: (millis: number) => void
  /** Notes that a request failed. The server is not asked for the words so far until another request is answered. */
  readonly noteFailure: () => void
  /** `pause`: ms of silence that end a turn. */
  readonly isQuick: (pause: number) => boolean
}

export const make = (): RequestPace => {
  /** ms that an answer takes; unset before the first answer. */
  let answerMillis: number | undefined
  let isInDoubt = false

  return {
    noteAnswer: (millis) => {
      answerMillis = millis
      isInDoubt = false
    },
    noteAbort: (millis) => {
      // A server that has not answered any request yet gets no second request that may be aborted.
      if (answerMillis === undefined) isInDoubt = true
      else answerMillis = Math.max(answerMillis, millis)
    },
    noteFailure: () => {
      isInDoubt = true
    },
    isQuick: (pause) => !isInDoubt && (answerMillis === undefined || answerMillis < pause)
  }
}
