/**
 * Counts wrong API keys by the address that sent them. After ten wrong keys in a minute, each further wrong key starts a wait. Each wait is
 * twice as long as the one before.
 *
 * A right key is always accepted, so a neighbour behind the same address can't lock anybody out.
 */

/** How many wrong keys of one address within {@link windowMillis} start no wait. */
const freeGuesses = 10

const windowMillis = 60_000

const firstWaitMillis = 10_000
const longestWaitMillis = 3_600_000

/** How many addresses are kept. When there are more, the address whose last wrong key is oldest is dropped. */
export const maxAddresses = 10_000

interface Guesser {
  /** When the current window began, in ms. */
  readonly windowStart: number
  /** How many wrong keys came in the current window. */
  readonly guesses: number
  /** The end of the last wait, in ms; 0: there was no wait. */
  readonly waitUntil: number
  /** The length of the last wait in ms; 0: none yet. */
  readonly wait: number
}

/** The /64 network of an IPv6 address, since one client usually has the whole network. An IPv4 address is returned as it is. */
const networkOf = (address: string): string => {
  const [head] = address.toLowerCase().split("%", 1)
  if (!head.includes(":") || /\.\d+$/.test(head)) return head
  const [before, after] = head.split("::", 2).map((part) => part.split(":").filter((group) => group !== ""))
  const groups = after === undefined ? before : [...before, ...Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0"), ...after]
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::`
}

export class KeyGuesses {
  /** In the order of their last wrong keys, oldest first. */
  readonly #guessers = new Map<string, Guesser>()

  get size(): number {
    return this.#guessers.size
  }

  /**
   * Counts a wrong key at `now` (ms of a monotonic clock). Returns how long its sender has to wait, in ms; 0: no wait. Wrong keys during a
   * wait do not make the wait longer.
   */
  countWrongKey(address: string, now: number): number {
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
    // After the last wait, no wrong key came for the length of that wait plus a window. The count begins again.
    if (known === undefined || known.wait > 0 && now >= known.waitUntil + known.wait + windowMillis) return { windowStart: now, guesses: 1, waitUntil: 0, wait: 0 }
    if (now < known.waitUntil) return known
    // After a wait, the next wrong key begins another wait at once.
    const isNewWindow = known.wait === 0 && now >= known.windowStart + windowMillis
    const guesses = isNewWindow ? 1 : known.guesses + 1
    const windowStart = isNewWindow ? now : known.windowStart
    if (guesses <= freeGuesses) return { ...known, windowStart, guesses }
    const wait = Math.min(longestWaitMillis, known.wait === 0 ? firstWaitMillis : 2 * known.wait)
    return { windowStart, guesses, wait, waitUntil: now + wait }
  }
}
