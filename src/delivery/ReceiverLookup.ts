/**
 * Looks up a receiver's host name, and returns only addresses to which webhooks may be sent. The connection is then made to one of these
 * addresses. So a name that gets another address a moment later (DNS rebinding) has no effect.
 *
 * A lookup keeps one of the four threads in Node's pool busy until the name servers answer. The same threads write files, so at most two
 * lookups run at once.
 */
import { Data, Duration, Effect, Fiber, Semaphore } from "effect"
import * as dns from "node:dns"
import { isPrivate } from "../config/PrivateAddresses.ts"

const maxLookups = 2

/** How long one webhook waits for its host's addresses. */
const lookupTimeout = Duration.seconds(20)

/** The host has no address to which a webhook may be sent, or its addresses are unknown. The message is a clause about the receiver. */
class NoAddress extends Data.TaggedError("NoAddress")<{ readonly why: "unknown" | "notNow" | "private" }> {
  override get message() {
    switch (this.why) {
      case "unknown":
        return "its host name is not known"
      case "notNow":
        return "its host name can't be looked up now"
      case "private":
        return "its host name leads to private addresses only, and WEBHOOK_PRIVATE_ADDRESSES is off"
    }
  }
}

export type Addresses = ReadonlyArray<dns.LookupAddress>

/** All addresses of a name. */
export type Resolve = (host: string) => Effect.Effect<Addresses, NoAddress>

const system: Resolve = (host) =>
  Effect.callback((resume) =>
    dns.lookup(host, { all: true }, (error, addresses) =>
      resume(error === null ? Effect.succeed(addresses) : Effect.fail(new NoAddress({ why: error.code === "ENOTFOUND" ? "unknown" : "notNow" }))))
  )

export interface ReceiverLookup {
  /** The allowed addresses; at least one. */
  readonly addressesOf: Resolve
}

export const make = Effect.fnUntraced(function*(isPrivateAllowed: boolean, resolve: Resolve = system) {
  const scope = yield* Effect.scope
  const permits = yield* Semaphore.make(maxLookups)
  // A lookup can't be stopped. So it keeps its permit until it ends, even if no webhook waits for it any longer.
  const lookUp = (host: string) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        yield* restore(permits.take(1))
        const fiber = yield* Effect.forkIn(Effect.ensuring(restore(resolve(host)), permits.release(1)), scope)
        return yield* restore(Fiber.join(fiber))
      })
    )
  const lookup: ReceiverLookup = {
    addressesOf: Effect.fnUntraced(function*(host) {
      const all = yield* Effect.timeoutOrElse(lookUp(host), { duration: lookupTimeout, orElse: () => Effect.fail(new NoAddress({ why: "notNow" })) })
      const allowed = isPrivateAllowed ? all : all.filter(({ address }) => !isPrivate(address))
      if (allowed.length === 0) return yield* new NoAddress({ why: all.length === 0 ? "unknown" : "private" })
      return allowed
    })
  }
  return lookup
})
