/**
 * Keeps the settings (`CallSettings`) of the calls that we place. Twilio may request a call's TwiML before we know the call's SID, so the URL
 * contains a ticket that identifies the call.
 *
 * Twilio's request may reach another process. That process does not have the settings, and the store may not answer it. So the ticket itself
 * says whether words may be stored. That process ignores all other settings of the request that placed the call.
 */
import type { CallSettings } from "../CallInfo.ts"

/** The first letter of a ticket says whether words may be stored, or only figures. */
const wordsLetter = "w"
const figuresLetter = "f"

/** A ticket that says only that no words may be stored. */
export const figuresOnly = figuresLetter

/** The ticket for the later URLs of a call. `undefined`: the URLs need no ticket. */
export const ticketOf = ({ keepsWords }: Pick<CallSettings, "keepsWords">): string | undefined => keepsWords ? undefined : figuresOnly

/** The most calls whose settings are kept. The oldest are dropped first. A call may have 4 KiB of metadata. */
const maxExpected = 2000

export class ExpectedCalls {
  /** By ticket. The call that was dialled first comes first. */
  readonly #expected = new Map<string, CallSettings>()

  /** Returns the ticket for the call. `unique`: letters and digits that no other ticket has. */
  add(settings: CallSettings, unique: string): string {
    const ticket = `${settings.keepsWords ? wordsLetter : figuresLetter}${unique}`
    this.#expected.set(ticket, settings)
    for (const oldest of this.#expected.keys()) {
      if (this.#expected.size <= maxExpected) break
      this.#expected.delete(oldest)
    }
    return ticket
  }

  /** Whether this process made the ticket, and still has the settings of its call. */
  has(ticket: string): boolean {
    return this.#expected.has(ticket)
  }

  /** `usual`: the settings of a call whose request has none. */
  settingsOf(ticket: string | undefined, usual: CallSettings): CallSettings {
    if (ticket === undefined) return usual
    return this.#expected.get(ticket) ?? { ...usual, keepsWords: usual.keepsWords && ticket.startsWith(wordsLetter) }
  }
}
