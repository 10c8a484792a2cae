/**
 * The store as calls use it: writes that never wait, a few writes that must be stored before something happens, and reads.
 */
import { Context, Data, type Effect, type Option } from "effect"
import type { CallSid } from "../domain/Sid.ts"
import type { StoreWrite } from "./StoreWrite.ts"

/** Neither the database nor the journal took a write. */
export class NotKept extends Data.TaggedError("NotKept")<{ readonly cause: unknown }> {
  override get message() {
    return "A write could be stored neither in the database nor in the journal in DATA_DIR. Check the database, the free space on the disk and the folder's permissions."
  }
}

/** The database can't be read now. */
export class StoreUnreachable extends Data.TaggedError("StoreUnreachable")<{ readonly cause: unknown }> {
  override get message() {
    return "The call history can't be read now: the database does not answer. Calls go on, and what they write waits in the journal. Try again soon."
  }
}

/** What another process needs to take over a call. */
export interface StoredCall {
  readonly callSid: CallSid
  readonly accountSid: string
  readonly direction: "inbound" | "outbound"
  readonly from: string | null
  readonly to: string | null
  readonly agent: string
  readonly startedAt: number
  readonly answeredAt: number | null
  /** When the call's first media stream began: the zero of the call's axis. */
  readonly axisZero: number | null
  readonly isEnded: boolean
  /** Whether Twilio has reported a final status. A call that ended without one was perhaps only redirected, and may come back. */
  readonly isOver: boolean
  readonly keepsWords: boolean
  readonly hashesNumbers: boolean
  readonly isRecorded: boolean
  readonly metadata: unknown
  readonly campaign: string | null
  readonly webhookUrl: string | null
  readonly isTranscriptSent: boolean
  /** Media streams so far. */
  readonly parts: number
  readonly nextEvent: number
  readonly nextTurn: number
  /** The newest `ConversationSaved`. `memory` is `null` if the sealed memory can't be opened (`SealedWords`). */
  readonly memory: Option.Option<{ readonly version: number; readonly memory: unknown }>
  /** Actions without a result, because the process died after it had stored them. Arguments that can't be opened stay sealed. */
  readonly openActions: ReadonlyArray<Pick<Extract<StoreWrite, { readonly _tag: "ActionWritten" }>, "id" | "kind" | "name" | "arguments" | "isRepeatable" | "at">>
}

/** `Degraded`: the database can't be used, and writes wait in the journal. `why`: a clause for the operator. */
export type StoreState = { readonly _tag: "Ready" } | { readonly _tag: "Degraded"; readonly since: number; readonly waiting: number; readonly why: string }

export class CallStore extends Context.Service<CallStore, {
  /** Takes a write, which reaches the database soon or waits in the journal. Never waits, never fails. */
  readonly write: (write: StoreWrite) => void
  /** Waits until the database has the write and all earlier writes of its call, or the journal has them on disk. */
  readonly keep: (write: StoreWrite) => Effect.Effect<void, NotKept>
  /** Waits until all earlier writes of this call are in the database. */
  readonly settled: (callSid: CallSid) => Effect.Effect<void, StoreUnreachable>
  readonly state: Effect.Effect<StoreState>

  // -- Calls that any process may take over ------------------------------------------------------

  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<StoredCall>, StoreUnreachable>
  /** Makes this process the call's owner, in place of the earlier one. */
  readonly own: (callSid: CallSid) => Effect.Effect<void, StoreUnreachable>
  /**
   * Calls of this account without an end. They began before `before` (ms since 1970), and their process has given no sign of life since
   * then. At most 200 at once.
   */
  readonly unended: (accountSid: string, before: number) => Effect.Effect<ReadonlyArray<UnendedCall>, StoreUnreachable>
  /** Makes this process the owner of an unended call. `false`: another process was quicker, or the call's own process has come back. */
  readonly claim: (callSid: CallSid, before: number) => Effect.Effect<boolean, StoreUnreachable>
  /** All calls that belong to this process. */
  readonly owned: Effect.Effect<ReadonlySet<CallSid>, StoreUnreachable>
  /** The call has no owner any more. */
  readonly disown: (callSid: CallSid) => Effect.Effect<void, StoreUnreachable>
  /** Uses up a stream's token, for all processes. `false`: it was used before. */
  readonly redeem: (nonce: string) => Effect.Effect<boolean, StoreUnreachable>
  /** Passes on Twilio's status of a call that another process may have. The owner gets it within a second. */
  readonly tell: (callSid: CallSid, signal: CallSignal) => Effect.Effect<void, StoreUnreachable>
  /** Takes the signals that other processes have passed on for this process's calls. Each signal is returned once. */
  readonly signals: Effect.Effect<ReadonlyArray<{ readonly callSid: CallSid; readonly signal: CallSignal }>, StoreUnreachable>
  /** Whether several processes may share this store. */
  readonly isShared: boolean
}>()("client-caller/store/CallStore") {}

/** A call without an end, and without a process that could write one. */
export interface UnendedCall {
  readonly callSid: CallSid
  /** The call's last sign of life, ms since 1970. */
  readonly seenAt: number
}

/** Twilio's report of a call, which one process passes on to the call's owner. */
export interface CallSignal {
  readonly status: string
  readonly sequence: number
  readonly sipCode?: number
  readonly answeredBy?: string
  readonly durationSeconds?: number
}
