/** The media messages of a call, on all its streams. */

/** A media message from the service. `at`: when it arrived, in ms since the call was answered. */
export interface Arrival {
  readonly at: number
  /** The number of μ-law bytes. 160 bytes are 20 ms. */
  readonly bytes: number
}

/** The messages so far. This object changes while a stream runs. */
export interface Traffic {
  /** When each media message to the service was sent, in ms since the call was answered. */
  readonly sentAt: Array<number>
  readonly arrivals: Array<Arrival>
  /** How many media messages a fault dropped. */
  lost: number
}

export const make = (): Traffic => ({ sentAt: [], arrivals: [], lost: 0 })
