/**
 * Calls that are in the store but not in this process. Another process has them, or a process that has died had them. When a webhook or a
 * stream of one of these calls arrives, this process takes the call over (docs/survival.md).
 */
import { Effect } from "effect"
import { Agents } from "../../agent/Agents.ts"
import type { Call } from "../../call/Call.ts"
import { isDecided } from "../../call/CallState.ts"
import { CallRegistry } from "../../call/CallRegistry.ts"
import * as StoredInfo from "../../call/registry/StoredInfo.ts"
import type { CallHasEnded, LineBusy } from "../../call/registry/Admission.ts"
import { Credentials } from "../../config/Credentials.ts"
import type { CallSid } from "../../domain/Sid.ts"
import type { StoredCall } from "../../store/CallStore.ts"

/** What the store says about a call that is not in this process. */
type Standing =
  /** The store does not have the call. */
  | { readonly _tag: "Unknown" }
  /** The store does not answer. */
  | { readonly _tag: "Unreachable" }
  | { readonly _tag: "Ended" }
  /** The call has no stream yet. */
  | { readonly _tag: "New"; readonly stored: StoredCall }
  | { readonly _tag: "Live"; readonly stored: StoredCall }

interface CallsElsewhere {
  /**
   * Looks a call up in the store. `mayBeUnwritten`: another process may be about to store the call, so the search is repeated for about a
   * second. A call that has ended without Twilio's confirmation and without our decision counts as live, because it may come back.
   */
  readonly standing: (callSid: CallSid, mayBeUnwritten?: boolean) => Effect.Effect<Standing>
  /** Makes this process the call's owner. `base`: the base URL that Twilio called. */
  readonly takeOver: (stored: StoredCall, base: string) => Effect.Effect<Call, LineBusy | CallHasEnded>
}

export const make = Effect.gen(function*() {
  const { account } = yield* Credentials
  const agents = yield* Agents
  const registry = yield* CallRegistry

  const standingOf = (stored: StoredCall | "unreachable" | undefined): Standing => {
    if (stored === "unreachable") return { _tag: "Unreachable" }
    if (stored === undefined || stored.accountSid !== account.accountSid) return { _tag: "Unknown" }
    if (stored.isOver || (stored.endReason !== null && isDecided(stored.endReason))) return { _tag: "Ended" }
    return { _tag: stored.parts > 0 ? "Live" : "New", stored }
  }

  const calls: CallsElsewhere = {
    standing: (callSid, mayBeUnwritten) => Effect.map(registry.recall(callSid, mayBeUnwritten), standingOf),
    takeOver: Effect.fnUntraced(function*(stored, base) {
      // The process that had the call may have had agents that this process lacks.
      const agent = yield* Effect.orElseSucceed(agents.find(stored.agent), () => agents.standard)
      return yield* registry.admit(StoredInfo.toInfo(stored, agent, base), stored)
    })
  }
  return calls
})
