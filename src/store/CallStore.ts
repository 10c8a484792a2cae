/**
 * The interface of the call store. `write` never waits. `save` waits until its write is stored: it is for writes that must be stored before
 * an action happens. The other methods read calls, and share calls between processes.
 */
import { Context, Data, type Effect, type Option } from "effect"
import type { CallSid } from "../domain/Sid.ts"
import type { StoreWrite } from "./StoreWrite.ts"

/** Neither the database nor the journal took a write. */
export class NotSaved extends Data.TaggedError("NotSaved")<{ readonly cause: unknown }> {
  override get message() {
    return "A write could be stored neither in the database nor in the journal in DATA_DIR. Check the database, the free space on the disk and the folder's permissions."
  }
}

/** The database can't be read now. */
export class StoreUnreachable extends Data.TaggedError("StoreUnreachable")<{ readonly cause: unknown }> {
  override get message() {
    return "The call history can't be read now, because the database does not answer. Calls go on, and their writes wait in the journal. Try again soon."
  }
}

/** The data that another process needs to take over a call. */
export interface StoredCall {
  readonly callSid: CallSid
  readonly accountSid: string
  readonly direction: "inbound" | "outbound"
  readonly from: string | null
  readonly to: string | null
  readonly agent: string
  readonly startedAt: number
  readonly answeredAt: number | null
  /** When the call's first media stream began (ms since 1970): the zero of the call's axis (see `StoreWrite`). */
  readonly axisZero: number | null
  /** When the call ended for this service, ms since 1970. `null`: its end is not stored. */
  readonly endedAt: number | null
  /** Why the call ended for this service: a `CallState.EndReason`. `null`: its end is not stored. */
  readonly endReason: string | null
  /** Whether Twilio has reported a final status. A call that ended without a final status was perhaps only redirected. It may come back. */
  readonly isOver: boolean
  readonly keepsWords: boolean
  readonly hashesNumbers: boolean
  readonly isRecorded: boolean
  readonly metadata: unknown
  readonly campaign: string | null
  readonly webhookUrl: string | null
  readonly isTranscriptSent: boolean
  /** How many media streams the call has had. */
  readonly parts: number
  readonly nextEvent: number
  readonly nextTurn: number
  /** From the newest `ConversationSaved`. `memory` is `null` if the sealed memory can't be opened (see `SealedWords`). */
  readonly memory: Option.Option<{ readonly version: number; readonly memory: unknown }>
  /** Actions without a stored result: usually the process died before the result came. Arguments that can't be opened stay sealed. */
  readonly openActions: ReadonlyArray<Pick<Extract<StoreWrite, { readonly _tag: "ActionWritten" }>, "id" | "kind" | "name" | "arguments" | "isRepeatable" | "at">>
}

/**
 * `Degraded`: the database can't be used, or writes still wait in the journal. `since`: ms since 1970. `waiting`: how many writes wait.
 * `why`: a clause for the operator.
 */
export type StoreState = { readonly _tag: "Ready" } | { readonly _tag: "Degraded"; readonly since: number; readonly waiting: number; readonly why: string }

export class CallStore extends Context.Service<CallStore, {
  /** Queues a write. The write reaches the database soon, or waits in the journal. This method never waits and never fails. */
  readonly write: (write: StoreWrite) => void
  /** Queues a write, then waits until the database has it and all earlier writes of its call, or the journal has them on disk. */
  readonly save: (write: StoreWrite) => Effect.Effect<void, NotSaved>
  /** Waits until all earlier writes of this call are in the database. */
  readonly whenSettled: (callSid: CallSid) => Effect.Effect<void, StoreUnreachable>
  readonly state: Effect.Effect<StoreState>

  // -- Calls that any process may take over ------------------------------------------------------

  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<StoredCall>, StoreUnreachable>
  /** Makes this process the call's owner, in place of the earlier owner. */
  readonly takeOwnership: (callSid: CallSid) => Effect.Effect<void, StoreUnreachable>
  /**
   * Finds calls of this account whose end is not stored. They began before `before` (ms since 1970), and their owner has written no heartbeat
   * since `before`. Returns at most 200 calls.
   */
  readonly findUnended: (accountSid: string, before: number) => Effect.Effect<ReadonlyArray<UnendedCall>, StoreUnreachable>
  /** Makes this process the owner of an unended call. `false`: an owner of the call has written a heartbeat since `before`. */
  readonly claim: (callSid: CallSid, before: number) => Effect.Effect<boolean, StoreUnreachable>
  /** Whether the call belongs to another process, or belonged to a process that has released it. */
  readonly isElsewhere: (callSid: CallSid) => Effect.Effect<boolean, StoreUnreachable>
  /** All calls that this process owns. */
  readonly ownedCalls: Effect.Effect<ReadonlySet<CallSid>, StoreUnreachable>
  /** Ends this process's ownership of the call. The call then has no owner. */
  readonly releaseOwnership: (callSid: CallSid) => Effect.Effect<void, StoreUnreachable>
  /** Marks a stream token, named by its nonce, as used for all processes. `false`: the token was used before. */
  readonly redeem: (nonce: string) => Effect.Effect<boolean, StoreUnreachable>
  /** Sends Twilio's status of a call to the call's owner, which may be another process. The owner receives the status within a second. */
  readonly sendToOwner: (callSid: CallSid, report: StatusReport) => Effect.Effect<void, StoreUnreachable>
  /** Returns and deletes the reports that other processes have sent for this process's calls. */
  readonly takeReports: Effect.Effect<ReadonlyArray<{ readonly callSid: CallSid; readonly report: StatusReport }>, StoreUnreachable>
  /** Whether several processes may share this store. */
  readonly isShared: boolean
}>()("client-caller/store/CallStore") {}

/** A call whose end is not stored, and whose owner no longer writes heartbeats. */
export interface UnendedCall {
  readonly callSid: CallSid
  /** When the call or its owner last wrote to the store, ms since 1970. */
  readonly seenAt: number
}

/** Twilio's status of a call, which a process sends to the call's owner. */
export interface StatusReport {
  readonly status: string
  readonly sequence: number
  readonly sipCode?: number
  readonly answeredBy?: string
  readonly durationSeconds?: number
}
