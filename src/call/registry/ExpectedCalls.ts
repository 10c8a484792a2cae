/**
 * What to keep of calls that are being placed, by ticket. Twilio may request a call's TwiML before we know its SID, so the URL has a
 * ticket.
 */
import type { CallKeeping } from "../CallInfo.ts"

/** The most calls whose first request has not come, for instance because nobody picks up. Each may have 4 KiB of metadata. */
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
