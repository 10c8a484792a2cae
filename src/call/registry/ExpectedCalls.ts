/**
 * What to store of calls that are being placed. Twilio may request a call's TwiML before we know the call's SID, so the URL has a ticket
 * that identifies the call.
 *
 * Twilio's request may reach another process, which does not know the ticket and may be unable to ask the store. So the ticket itself says
 * whether words may be kept. That process ignores all other wishes of the request that placed the call.
 */
import type { CallKeeping } from "../CallInfo.ts"

/** The first letter of a ticket says whether words may be kept, or only figures. */
const wordsLetter = "w"
const figuresLetter = "f"

/** A ticket that says only that no words may be kept. */
export const figuresOnly = figuresLetter

/** The ticket for the later URLs of a call. Unset: they need none. */
export const ticketOf = ({ words }: Pick<CallKeeping, "words">): string | undefined => words ? undefined : figuresOnly

/** The most calls whose first request has not come, for instance because nobody picks up. Each may have 4 KiB of metadata. */
const maxExpected = 2000

export class ExpectedCalls {
  /** By the ticket, in the order of the dials. */
  readonly #expected = new Map<string, CallKeeping>()

  /** Returns a ticket for the call. `unique`: letters and digits that no other call has. */
  add(keeping: CallKeeping, unique: string): string {
    const ticket = `${keeping.words ? wordsLetter : figuresLetter}${unique}`
    this.#expected.set(ticket, keeping)
    for (const oldest of this.#expected.keys()) {
      if (this.#expected.size <= maxExpected) break
      this.#expected.delete(oldest)
    }
    return ticket
  }

  /** Whether this process gave the ticket out, and still knows it. */
  has(ticket: string): boolean {
    return this.#expected.has(ticket)
  }

  /** `usual`: what is kept of a call if its request asks for nothing. */
  keepingOf(ticket: string | undefined, usual: CallKeeping): CallKeeping {
    if (ticket === undefined) return usual
    return this.#expected.get(ticket) ?? { ...usual, words: usual.words && ticket.startsWith(wordsLetter) }
  }
}
