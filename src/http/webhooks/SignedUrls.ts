/**
 * The URLs for which Twilio may have made a signature, in the order in which they are tried.
 *
 * A request shows its target, but its base URL (scheme, host, port) is uncertain, because proxies change it. Each possible base gives a
 * URL, and each URL has several spellings ({@link Signature.spellings}).
 */
import * as Signature from "../../twilio/webhook/Signature.ts"

interface SignedUrl {
  /** The base URL that this URL was made from. */
  readonly base: string
  readonly url: string
}

/**
 * Yields the likeliest spelling for every base, then the second likeliest for every base, and so on. The shorter bases come first. A base
 * without a port is also tried with the scheme's standard port.
 */
export const inOrder = function*(bases: ReadonlyArray<string>, toUrl: (base: string) => string): Generator<SignedUrl> {
  let remaining = [...bases].sort((one, other) => one.length - other.length)
    .map((base) => ({ base, spellings: Signature.spellings(toUrl(base)) }))
  while (remaining.length > 0) {
    const unfinished: typeof remaining = []
    for (const candidate of remaining) {
      const { done, value } = candidate.spellings.next()
      if (done === true) continue
      yield { base: candidate.base, url: value }
      unfinished.push(candidate)
    }
    remaining = unfinished
  }
}
