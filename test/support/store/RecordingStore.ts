/** A store in memory that collects all writes, for tests of code that writes to a store. */
import { Effect, Layer, Option } from "effect"
import type { CallSid } from "../../../src/domain/Sid.ts"
import { CallStore, NotSaved, type StatusReport, type StoredCall, StoreUnreachable, type UnendedCall } from "../../../src/store/CallStore.ts"
import type { StoreWrite } from "../../../src/store/StoreWrite.ts"

export interface RecordingStore {
  readonly writes: Array<StoreWrite>
  readonly of: <T extends StoreWrite["_tag"]>(tag: T) => ReadonlyArray<Extract<StoreWrite, { readonly _tag: T }>>
  /** The calls that `find` knows. */
  readonly known: Map<CallSid, StoredCall>
  /** The calls that another process owns. */
  readonly elsewhere: Set<CallSid>
  /** The calls that this process owns. */
  readonly owned: Set<CallSid>
  readonly released: Array<CallSid>
  /** Reports that this process sent to other owners, and reports of other processes for this one. */
  readonly sentReports: Array<readonly [CallSid, StatusReport]>
  readonly waitingReports: Array<{ readonly callSid: CallSid; readonly report: StatusReport }>
  /** How often `find` was called. */
  readonly asked: () => number
  /** The calls that `findUnended` returns. */
  unended: ReadonlyArray<UnendedCall>
  /** Whether `claim` succeeds. */
  claimable: boolean
  /** How long (ms) the answer to `ownedCalls` takes. */
  ownedAfter: number
  /** While set, reads and `save` fail. */
  isDown: boolean
  readonly service: CallStore["Service"]
  readonly layer: Layer.Layer<CallStore>
}

export const make = (isShared = true): RecordingStore => {
  const writes: Array<StoreWrite> = []
  const known = new Map<CallSid, StoredCall>()
  const owned = new Set<CallSid>()
  const released: Array<CallSid> = []
  const sentReports: Array<readonly [CallSid, StatusReport]> = []
  const waitingReports: Array<{ readonly callSid: CallSid; readonly report: StatusReport }> = []
  let asked = 0

  const unlessDown = <A>(read: () => A) =>
    Effect.suspend(() => store.isDown ? Effect.fail(new StoreUnreachable({ cause: "down" })) : Effect.succeed(read()))

  const service = CallStore.of({
    write: (write) => void writes.push(write),
    save: (write) => Effect.suspend(() => store.isDown ? Effect.fail(new NotSaved({ cause: "down" })) : Effect.sync(() => void writes.push(write))),
    whenSettled: () => Effect.void,
    state: Effect.succeed({ _tag: "Ready" }),
    find: (callSid) =>
      Effect.suspend(() => {
        asked++
        return unlessDown(() => Option.fromUndefinedOr(known.get(callSid)))
      }),
    takeOwnership: (callSid) => unlessDown(() => void owned.add(callSid)),
    findUnended: () => unlessDown(() => [...store.unended]),
    claim: (callSid) => unlessDown(() => store.claimable && store.unended.some((call) => call.callSid === callSid)),
    isElsewhere: (callSid) => unlessDown(() => store.elsewhere.has(callSid)),
    ownedCalls: Effect.tap(unlessDown(() => new Set(owned)), () => Effect.sleep(store.ownedAfter)),
    releaseOwnership: (callSid) =>
      unlessDown(() => {
        owned.delete(callSid)
        released.push(callSid)
      }),
    redeem: () => Effect.succeed(true),
    sendToOwner: (callSid, report) => unlessDown(() => void sentReports.push([callSid, report])),
    takeReports: unlessDown(() => waitingReports.splice(0)),
    isShared
  })
  const store: RecordingStore = {
    writes,
    of: (tag) => writes.filter((write): write is never => write._tag === tag),
    known,
    elsewhere: new Set(),
    owned,
    released,
    sentReports,
    waitingReports,
    asked: () => asked,
    unended: [],
    claimable: true,
    ownedAfter: 0,
    isDown: false,
    service,
    layer: Layer.succeed(CallStore, service)
  }
  return store
}

/** A call that another process had. It was answered a minute after it began, and its stream began at once. */
export const stored = (callSid: CallSid, change: Partial<StoredCall> = {}): StoredCall => ({
  callSid,
  accountSid: "",
  direction: "inbound",
  from: null,
  to: null,
  agent: "receptionist",
  startedAt: 0,
  answeredAt: 60_000,
  axisZero: 60_000,
  endedAt: null,
  endReason: null,
  isOver: false,
  keepsWords: true,
  hashesNumbers: false,
  isRecorded: false,
  metadata: null,
  campaign: null,
  webhookUrl: null,
  isTranscriptSent: false,
  parts: 1,
  nextEvent: 7,
  nextTurn: 3,
  memory: Option.none(),
  openActions: [],
  ...change
})
