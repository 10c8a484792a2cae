/** A store in memory that collects all writes, for tests of code that writes to a store. */
import { Effect, Layer, Option } from "effect"
import type { CallSid } from "../../../src/domain/Sid.ts"
import { type CallSignal, CallStore, NotKept, type StoredCall, StoreUnreachable, type UnendedCall } from "../../../src/store/CallStore.ts"
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
  readonly disowned: Array<CallSid>
  /** Signals that this process passed on, and signals of other processes for this one. */
  readonly told: Array<readonly [CallSid, CallSignal]>
  readonly signals: Array<{ readonly callSid: CallSid; readonly signal: CallSignal }>
  /** How often `find` was called. */
  readonly asked: () => number
  /** The calls that `unended` returns. */
  unended: ReadonlyArray<UnendedCall>
  /** Whether `claim` succeeds. */
  claimable: boolean
  /** How long (ms) the answer to `owned` takes. */
  ownedAfter: number
  /** While set, reads and `keep` fail. */
  isDown: boolean
  readonly service: CallStore["Service"]
  readonly layer: Layer.Layer<CallStore>
}

export const make = (isShared = true): RecordingStore => {
  const writes: Array<StoreWrite> = []
  const known = new Map<CallSid, StoredCall>()
  const owned = new Set<CallSid>()
  const disowned: Array<CallSid> = []
  const told: Array<readonly [CallSid, CallSignal]> = []
  const signals: Array<{ readonly callSid: CallSid; readonly signal: CallSignal }> = []
  let asked = 0

  const reachable = <A>(read: () => A) =>
    Effect.suspend(() => store.isDown ? Effect.fail(new StoreUnreachable({ cause: "down" })) : Effect.succeed(read()))

  const service = CallStore.of({
    write: (write) => void writes.push(write),
    keep: (write) => Effect.suspend(() => store.isDown ? Effect.fail(new NotKept({ cause: "down" })) : Effect.sync(() => void writes.push(write))),
    settled: () => Effect.void,
    state: Effect.succeed({ _tag: "Ready" }),
    find: (callSid) =>
      Effect.suspend(() => {
        asked++
        return reachable(() => Option.fromUndefinedOr(known.get(callSid)))
      }),
    own: (callSid) => reachable(() => void owned.add(callSid)),
    unended: () => reachable(() => [...store.unended]),
    claim: (callSid) => reachable(() => store.claimable && store.unended.some((call) => call.callSid === callSid)),
    isElsewhere: (callSid) => reachable(() => store.elsewhere.has(callSid)),
    owned: Effect.tap(reachable(() => new Set(owned)), () => Effect.sleep(store.ownedAfter)),
    disown: (callSid) =>
      reachable(() => {
        owned.delete(callSid)
        disowned.push(callSid)
      }),
    redeem: () => Effect.succeed(true),
    tell: (callSid, signal) => reachable(() => void told.push([callSid, signal])),
    signals: reachable(() => signals.splice(0)),
    isShared
  })
  const store: RecordingStore = {
    writes,
    of: (tag) => writes.filter((write): write is never => write._tag === tag),
    known,
    elsewhere: new Set(),
    owned,
    disowned,
    told,
    signals,
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
