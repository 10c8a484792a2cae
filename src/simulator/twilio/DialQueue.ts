/**
 * Twilio's limit for the calls that its API starts per second. Further calls wait with the status `queued`.
 */
export class DialQueue {
  readonly #gapMillis: number
  #nextStartMillis = 0

  constructor(callsPerSecond: number) {
    this.#gapMillis = 1000 / callsPerSecond
  }

  /** Queues a call at `nowMillis` of the monotonic clock. Returns how long the call waits, in whole ms. */
  join(nowMillis: number): number {
    const startMillis = Math.max(nowMillis, this.#nextStartMillis)
    this.#nextStartMillis = startMillis + this.#gapMillis
    return Math.round(startMillis - nowMillis)
  }
}
