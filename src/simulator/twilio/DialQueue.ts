/**
 * Twilio's limit for the calls that its API starts per second. Further calls wait with the status `queued`.
 */
export class DialQueue {
  readonly #gapMillis: number
  #nextTurnMillis = 0

  constructor(callsPerSecond: number) {
    this.#gapMillis = 1000 / callsPerSecond
  }

  /** Queues a call at `nowMillis` of the monotonic clock. Returns how long the call waits, in whole ms. */
  join(nowMillis: number): number {
    const turnMillis = Math.max(nowMillis, this.#nextTurnMillis)
    this.#nextTurnMillis = turnMillis + this.#gapMillis
    return Math.round(turnMillis - nowMillis)
  }
}
