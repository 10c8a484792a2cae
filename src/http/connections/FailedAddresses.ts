/**
 * Counts, by address, the requests whose signature was wrong since the last right one.
 *
 * An address with many failures is not refused: behind a tunnel Twilio and strangers have the same address, unless `TRUSTED_PROXIES` tells
 * them apart. Requests from such an address only come last where requests take turns (`RequestTurns`).
 */

/** How many addresses are kept (about 1 MB). The one whose last failure is oldest is dropped first. */
const maxAddresses = 10_000

/** The number of failures in a row from which on an address's requests come last. */
const manyFailures = 20

interface FailedAddresses {
  readonly add: (address: string) => void
  /** The address has sent a right signature: its failures are forgotten. */
  readonly forget: (address: string) => void
  readonly areMany: (address: string) => boolean
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
    areMany: (address) => (counts.get(address) ?? 0) >= manyFailures,
    size: () => counts.size
  }
}
