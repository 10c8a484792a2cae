/**
 * What is to be kept of calls that are being placed: Twilio may ask for the call's TwiML before it has told its SID, so the URL that it
 * asks has a ticket.
 *
 * Twilio's request may reach another process, which does not know the ticket and may be unable to ask the store. So the ticket itself says
 * whether words may be kept; what else was asked for such a call is not done.
 */
import type { CallKeeping } from "../CallInfo.ts"

/** The first letter of a ticket: words may be kept, or only figures. */
const wordsLetter = "w"
const figuresLetter = "f"

/** The ticket of a call of which only figures are kept, for a process that knows no more of the call. */
export const figuresOnly = figuresLetter

/** What such a process is to be told of a call; unset: nothing. */
export const ticketOf = ({ words }: Pick<CallKeeping, "words">): string | undefined => words ? undefined : figuresOnly

/** Calls whose first request has not come, for instance because nobody picks up; each may have 4 KiB of metadata. */
const maxExpected = 2000

export class ExpectedCalls {
  /** By the ticket, in the order of the dials. */
  readonly #expected = new Map<string, CallKeeping>()

  /** Gives the call's ticket. `unique`: letters and digits that no other call has. */
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

  /** `usual`: what is kept of a call for which nothing was asked. */
  keepingOf(ticket: string | undefined, usual: CallKeeping): CallKeeping {
    if (ticket === undefined) return usual
    return this.#expected.get(ticket) ?? { ...usual, words: usual.words && ticket.startsWith(wordsLetter) }
  }
}
