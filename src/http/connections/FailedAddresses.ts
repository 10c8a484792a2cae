/**
 * Counts the failures of each address: requests that Twilio did not sign, or that are larger than Twilio's. A right signature sets the count
 * of its address to zero.
 *
 * An address with many failures is not refused: behind a tunnel Twilio and strangers have the same address, unless `TRUSTED_PROXIES` tells
 * them apart. Requests from an address with many failures come last where requests take turns (`RequestTurns`).
 */

/** How many addresses are kept (about 1 MB). When there are more, the address whose last failure is oldest is dropped. */
const maxAddresses = 10_000

/** If an address has this many failures in a row, or more, its requests come last. */
const manyFailures = 20

interface FailedAddresses {
  readonly add: (address: string) => void
  /** Forgets the failures of an address. Call it when the address has sent a right signature. */
  readonly forget: (address: string) => void
  readonly hasManyFailures: (address: string) => boolean
  readonly size: () => number
}

export const make = (limit = maxAddresses): FailedAddresses => {
  /** In the order of each address's last failure, oldest first. */
  const counts = new Map<string, number>()
  return {
    add: (address) => {
      const count = counts.get(address) ?? 0
      counts.delete(address)
      counts.set(address, count + 1)
      for (const oldest of counts.keys()) {
        if (counts.size <= limit) return
        counts.delete(oldest)
      }
    },
    forget: (address) => void counts.delete(address),
    hasManyFailures: (address) => (counts.get(address) ?? 0) >= manyFailures,
    size: () => counts.size
  }
}
