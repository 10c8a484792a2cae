/**
 * Which addresses have failed to prove who they are, again and again, and never since with success.
 *
 * Such an address is not refused: behind a tunnel Twilio has it too, unless `TRUSTED_PROXIES` tells them apart. Its requests
 * only come last where requests take turns.
 */

/** Addresses that are kept, about 1 MB; those that failed longest ago go first. */
const maxAddresses = 10_000

/** Failures in a row before an address comes last. */
const many = 20

export interface FailedAddresses {
  readonly add: (address: string) => void
  /** It has proved who it is. */
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
    areMany: (address) => (counts.get(address) ?? 0) >= many,
    size: () => counts.size
  }
}
