/**
 * What one call tells the store: that it began, its streams, turns, actions and events, what its conversation needs to go on, and its
 * outcome.
 *
 * Nothing here waits, but for actions: those are written down before they are done. A call of which only figures are kept
 * (`keeping.words`) tells no words, and its memory stays in this process.
 */
import { Clock, Effect } from "effect"
import type { Agent } from "../../agent/Agent.ts"
import type { Action, ActionKeeper } from "../../conversation/ports/Actions.ts"
import { ActionNotKept } from "../../conversation/ports/Actions.ts"
import type { Resumption } from "../../conversation/ports/AudioPort.ts"
import type { ConversationEvent } from "../../conversation/ports/ConversationEvent.ts"
import * as Memories from "../../conversation/ports/ConversationMemory.ts"
import type { ToolOutcome } from "../../conversation/ports/Tools.ts"
import { type CallStore, NotKept, type StoredCall } from "../../store/CallStore.ts"
import type { StoreWrite } from "../../store/StoreWrite.ts"
import type { CallInfo } from "../CallInfo.ts"
import type { CallState } from "../CallState.ts"
import * as Outcomes from "./Outcome.ts"
import * as TurnRecorder from "./TurnRecorder.ts"

export interface CallHistory {
  /** The call is live. */
  readonly began: () => void
  readonly answered: () => void
  /** A media stream begins. Tells how its conversation begins: anew (unset), or from where it was. */
  readonly streamBegan: (isAfterTransfer: boolean) => Resumption | undefined
  readonly told: (event: ConversationEvent) => void
  readonly remember: (memory: Memories.ConversationMemory) => void
  readonly actions: ActionKeeper
  /** Twilio told something of the call; it may come after the call's end. */
  readonly reported: (facts: Outcomes.StatusFacts) => void
  /** The call is over for us. */
  readonly ended: (state: CallState) => void
  /** Another process goes on with the call: nothing more is written here. */
  readonly handOver: () => void
  /** Nobody waits any longer for Twilio's last word. */
  readonly settled: () => void
  /** Twilio has said its last word. */
  readonly isSettled: () => boolean
}

/** What of a call its history needs. */
export type HistoryInfo = Omit<CallInfo, "agent"> & { readonly agent: Pick<Agent, "name"> }

export interface MakeOptions {
  readonly info: HistoryInfo
  readonly accountSid: string
  readonly store: Pick<CallStore["Service"], "write" | "keep">
  readonly clock: Clock.Clock
  /** What the store knows of a call that another process, or an earlier life of this one, had. `"lost"`: the store could not be asked. */
  readonly before?: StoredCall | "lost"
}

const knownBefore = (before: MakeOptions["before"]) => before === undefined || before === "lost" ? undefined : before

/** Writes actions down under the call's axis. */
const makeActions = (
  { info: { callSid }, store }: MakeOptions,
  axis: () => number,
  keepsWords: boolean
): ActionKeeper => {
  const written = (action: Action, state: "asked" | "answered" | "notSent" | "unknown", answer?: string): StoreWrite => ({
    _tag: "ActionWritten",
    callSid,
    id: action.id,
    kind: action.kind,
    name: action.name,
    arguments: keepsWords ? action.arguments : "",
    isRepeatable: action.isRepeatable,
    at: axis(),
    state,
    ...(answer === undefined || !keepsWords ? {} : { answer })
  })
  const stateOf = { Answered: "answered", NotSent: "notSent", Unknown: "unknown" } as const
  return {
    noted: (action) => store.write(written(action, "asked")),
    asked: (action) => Effect.mapError(store.keep(written(action, "asked")), () => new ActionNotKept()),
    settled: (action, outcome: ToolOutcome) =>
      store.write(written(action, stateOf[outcome._tag], outcome._tag === "Answered" ? outcome.text : undefined))
  }
}

/** The first write of a call. `at`: ms since the epoch. */
const callBegan = ({ agent, callSid, direction, from, keeping, to }: HistoryInfo, accountSid: string, at: number): StoreWrite => ({
  _tag: "CallBegan",
  callSid,
  accountSid,
  direction,
  from: from._tag === "Some" ? from.value : null,
  to: to._tag === "Some" ? to.value : null,
  agent: agent.name,
  at,
  keeping: { words: keeping?.words ?? true, numbers: keeping?.numbers ?? "plain" },
  isRecorded: keeping?.isRecorded ?? false,
  metadata: keeping?.metadata ?? null,
  campaign: keeping?.campaign ?? null,
  webhookUrl: keeping?.webhookUrl ?? null,
  isTranscriptSent: keeping?.isTranscriptSent ?? false
})

export const make = ({ store: written, ...options }: MakeOptions): CallHistory => {
  const { accountSid, before, clock, info } = options
  let isHandedOver = false
  const store: MakeOptions["store"] = {
    write: (write) => isHandedOver ? undefined : written.write(write),
    keep: (write) => isHandedOver ? Effect.fail(new NotKept({ cause: "another process has the call" })) : written.keep(write)
  }
  const { callSid, keeping } = info
  const keepsWords = keeping?.words ?? true
  const known = knownBefore(before)
  const now = () => clock.currentTimeMillisUnsafe()

  let axisZero = known?.axisZero ?? undefined
  let parts = known?.parts ?? 0
  let nextEvent = known?.nextEvent ?? 0
  let version = known?.memory._tag === "Some" ? known.memory.value.version : 0
  let memory = known?.memory._tag === "Some" ? Memories.read(known.memory.value.memory) : undefined
  let hasConversation = known?.memory._tag === "Some" || before === "lost"
  let facts: Outcomes.Facts = { resumptions: 0, isMemoryLost: false, engines: [], ...(known?.answeredAt == null ? {} : { answeredAt: known.answeredAt }) }
  let isEnded = false
  let isSettled = false
  const turns = TurnRecorder.make(callSid, known?.nextTurn)
  const axis = () => axisZero === undefined ? 0 : Math.max(0, now() - axisZero)

  const writeOutcome = () => {
    if (!isEnded) return
    const isFinal = isSettled || Outcomes.isTerminal(facts.status)
    isSettled = isFinal
    store.write({ _tag: "CallEnded", callSid, at: facts.endedAt ?? now(), outcome: Outcomes.of(facts, isFinal) })
  }

  return {
    began: () =>
      store.write(callBegan(info, accountSid, known?.startedAt ?? now())),
    answered: () => {
      if (facts.answeredAt !== undefined) return
      const at = now()
      facts = { ...facts, answeredAt: at }
      store.write({ _tag: "CallAnswered", callSid, at })
    },
    streamBegan: (isAfterTransfer) => {
      const at = now()
      axisZero ??= at
      store.write({ _tag: "StreamBegan", callSid, part: parts++, at })
      if (!hasConversation) return undefined
      if (memory?._tag === "Some") return { memory: memory.value, isAfterTransfer }
      facts = { ...facts, isMemoryLost: true }
      return { memory: "lost", isAfterTransfer }
    },
    told: (event) => {
      // What is understood so far is for watchers alone, and replaced by the caller's words.
      if (!keepsWords || event._tag === "CallerSays") return
      store.write({ _tag: "EventTold", callSid, sequence: nextEvent++, at: now(), event: event as never })
      for (const turn of turns.on(event)) store.write(turn)
    },
    remember: (newest) => {
      hasConversation = true
      memory = { _tag: "Some", value: newest } as typeof memory
      if (keepsWords) store.write({ _tag: "ConversationSaved", callSid, version: ++version, at: now(), memory: newest })
    },
    actions: makeActions({ ...options, store }, axis, keepsWords),
    handOver: () => {
      isHandedOver = true
    },
    reported: (more) => {
      facts = Outcomes.add(facts, more)
      writeOutcome()
    },
    ended: ({ phase, resumptions }) => {
      if (phase._tag !== "Ended") return
      isEnded = true
      facts = { ...facts, reason: phase.reason, endedAt: now(), resumptions }
      writeOutcome()
    },
    settled: () => {
      isSettled = true
      writeOutcome()
    },
    isSettled: () => isSettled
  }
}
