/**
 * What is to be kept of calls that are being placed: Twilio may ask for the call's TwiML before it has told its SID, so the URL that it
 * asks has a ticket.
 */
import type { CallKeeping } from "../CallInfo.ts"

/** Calls whose first request has not come, for instance because nobody picks up; each may have 4 KiB of metadata. */
const maxExpected = 2000

export class ExpectedCalls {
  /** By the ticket, in the order of the dials. */
  readonly #expected = new Map<string, CallKeeping>()

  add(ticket: string, keeping: CallKeeping): void {
    this.#expected.set(ticket, keeping)
    for (const oldest of this.#expected.keys()) {
      if (this.#expected.size <= maxExpected) break
      this.#expected.delete(oldest)
    }
  }

  find(ticket: string | undefined): CallKeeping | undefined {
    return ticket === undefined ? undefined : this.#expected.get(ticket)
  }
}
