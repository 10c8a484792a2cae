/**
 * Limits how many calls of its API Twilio begins in a second. Further calls wait, with the status `queued`.
 */
export class DialQueue {
  readonly #gapMillis: number
  #nextTurnMillis = 0

  constructor(callsPerSecond: number) {
    this.#gapMillis = 1000 / callsPerSecond
  }

  /** Queues a call at `nowMillis` of the monotonic clock; returns how many whole ms the call waits. */
  join(nowMillis: number): number {
    const turnMillis = Math.max(nowMillis, this.#nextTurnMillis)
    this.#nextTurnMillis = turnMillis + this.#gapMillis
    return Math.round(turnMillis - nowMillis)
  }
}
