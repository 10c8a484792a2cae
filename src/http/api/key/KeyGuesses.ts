/**
 * Wrong API keys by the address that sent them: after a few in a minute further ones are refused with a time to wait, which
 * doubles. A right key is always let in, so that nobody is locked out by a neighbour behind the same address. Pure but for its own
 * state, which is bounded.
 */

/** Wrong keys of one address within {@link windowMillis} that are only refused. */
const freeGuesses = 10

const windowMillis = 60_000

/** The first wait and the longest, in ms. */
const firstWait = 10_000
const longestWait = 3_600_000

/** Addresses that are known at once; of more, the one is forgotten that was heard of longest ago. */
export const maxAddresses = 10_000

interface Guesser {
  /** ms. */
  readonly windowStart: number
  readonly guesses: number
  readonly waitUntil: number
  /** The newest wait; 0: none yet. */
  readonly wait: number
}

/** Who has an IPv6 address has the 2^64 beside it, too. */
const networkOf = (address: string): string => {
  const [head] = address.toLowerCase().split("%", 1)
  if (!head.includes(":") || /\.\d+$/.test(head)) return head
  const [before, after] = head.split("::", 2).map((part) => part.split(":").filter((group) => group !== ""))
  const groups = after === undefined ? before : [...before, ...Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0"), ...after]
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::`
}

export class KeyGuesses {
  /** In the order in which they were heard of last. */
  readonly #guessers = new Map<string, Guesser>()

  get size(): number {
    return this.#guessers.size
  }

  /**
   * Takes a wrong key at `now` (ms of a clock that nobody sets); answers how long its sender is to wait in ms, 0 where the key is
   * simply wrong. What is sent before that time changes nothing.
   */
  failed(address: string, now: number): number {
    const network = networkOf(address)
    const known = this.#guessers.get(network)
    this.#guessers.delete(network)
    const next = this.#next(known, now)
    this.#guessers.set(network, next)
    if (this.#guessers.size > maxAddresses) {
      for (const oldest of this.#guessers.keys()) {
        this.#guessers.delete(oldest)
        break
      }
    }
    return Math.max(0, next.waitUntil - now)
  }

  #next(known: Guesser | undefined, now: number): Guesser {
    // Peace for as long as the newest wait, and for a window beyond it, makes up for all.
    if (known === undefined || known.wait > 0 && now >= known.waitUntil + known.wait + windowMillis) return { windowStart: now, guesses: 1, waitUntil: 0, wait: 0 }
    if (now < known.waitUntil) return known
    // After a wait each further one begins another.
    const isNewWindow = known.wait === 0 && now >= known.windowStart + windowMillis
    const guesses = isNewWindow ? 1 : known.guesses + 1
    const windowStart = isNewWindow ? now : known.windowStart
    if (guesses <= freeGuesses) return { ...known, windowStart, guesses }
    const wait = Math.min(longestWait, known.wait === 0 ? firstWait : 2 * known.wait)
    return { windowStart, guesses, wait, waitUntil: now + wait }
  }
}
