/** The media messages of a call, over all its streams. */

/** Sound of the service and when it came: ms since the call was answered. */
export interface Arrival {
  readonly at: number
  /** μ-law bytes: 160 are 20 ms. */
  readonly bytes: number
}

/** What went over the wire so far; changes while a stream runs. */
export interface Traffic {
  /** When each media message to the service was sent, ms since the call was answered. */
  readonly sentAt: Array<number>
  readonly arrivals: Array<Arrival>
  /** Media messages that a fault swallowed. */
  lost: number
}

export const make = (): Traffic => ({ sentAt: [], arrivals: [], lost: 0 })
