/**
 * Writes one call to the store: its beginning, streams, turns, actions and events, the memory from which its conversation can resume, and
 * its outcome.
 *
 * No write waits, except the write of an action: an action is stored before it is carried out. If `settings.keepsWords` is `false`, only figures
 * are stored: no words, and instead of the memory only the use of the engines.
 */
import { type Clock, Effect, Option, type Schema, type Scope } from "effect"
import type { Agent } from "../../agent/Agent.ts"
import type { ActionKeeper } from "../../conversation/ports/Actions.ts"
import type { Resumption } from "../../conversation/ports/AudioPort.ts"
import type { ConversationEvent } from "../../conversation/ports/ConversationEvent.ts"
import * as Memories from "../../conversation/ports/ConversationMemory.ts"
import { type CallStore, NotSaved, type StoredCall } from "../../store/CallStore.ts"
import * as TakeoverNumbers from "../../store/TakeoverNumbers.ts"
import type { DeliveryType, EngineUse, StoreWrite } from "../../store/StoreWrite.ts"
import type { MediaStream } from "../../twilio/media/MediaStream.ts"
import type { CallInfo } from "../CallInfo.ts"
import type { EndReason } from "../CallState.ts"
import type { LineListener } from "../media/LineListener.ts"
import * as Cost from "../cost/Cost.ts"
import type { PriceList } from "../cost/PriceList.ts"
import type { CallRecorder } from "../recording/CallRecorder.ts"
import * as CallActions from "./CallActions.ts"
import * as CallLife from "./CallLife.ts"
import * as EngineUses from "./EngineUses.ts"
import type { NumberedEvent } from "../ConversationFeed.ts"
import type { StatusFacts } from "./Outcome.ts"
import * as OutcomeWriter from "./OutcomeWriter.ts"
import * as HistoryTurns from "./HistoryTurns.ts"

export interface CallHistory {
  /** How many media streams the call had in earlier processes. This process took the call over, so all of them were lost. */
  readonly lostStreams: number
  /** Stores that the call began. */
  readonly began: () => void
  readonly answered: () => void
  /**
   * Stores that a media stream began. Returns the memory from which the conversation resumes. `undefined`: the call had no conversation yet.
   * On the axis the stream begins when its WebSocket was opened, because its recording begins then. Without `stream`: it was opened just now.
   */
  readonly streamBegan: (isAfterTransfer: boolean, stream?: Pick<MediaStream, "openedAt">) => Resumption | undefined
  /** The call's sound is recorded. */
  readonly isRecorded: boolean
  /** Records the newest stream until the scope closes. Returns `undefined` if the call is not recorded. */
  readonly record: (
    stream: Pick<MediaStream, "openedAt">,
    agent: Pick<Agent, "maxBacklogFrames">
  ) => Effect.Effect<LineListener | undefined, never, Scope.Scope>
  /** Numbers an event, and stores it. */
  readonly addEvent: (event: ConversationEvent) => NumberedEvent
  readonly remember: (memory: Memories.ConversationMemory) => void
  readonly actions: ActionKeeper
  /** Adds the use of an engine. Never waits. */
  readonly used: (use: EngineUse) => void
  /** Adds Twilio's report of the call, also after the call's end. */
  readonly reported: (facts: StatusFacts) => void
  /** Stores that the call has ended for this service. `at`: the time of the end, ms since 1970; unset: now. */
  readonly ended: (reason: EndReason, resumptions: number, at?: number) => void
  /**
   * Stores that this service ends the call. It must be run before the media stream is closed, and ends when another process can read the end.
   * `ended` follows.
   */
  readonly endDecided: (reason: EndReason, resumptions: number) => Effect.Effect<void>
  /** Another process may go on with the call when its stream here has ended. So no end is stored, except by `endDecided`. */
  readonly leave: () => void
  /** From now on this process writes the history, because the process that had the call is gone. */
  readonly takeOver: () => void
  /** From now on this process writes nothing, because another process has taken the call over. */
  readonly handOver: () => void
  /** Whether another process may have the call: the call had a stream there and no stream here since then, or this process has left it. */
  readonly isElsewhere: () => boolean
  /** Stops waiting for Twilio's final status: the outcome becomes final. */
  readonly settle: () => void
}

/** The facts of a call that its history uses. */
export type HistoryInfo = Pick<CallInfo, "callSid" | "direction" | "from" | "to" | "settings"> & { readonly agent: Pick<Agent, "name" | "isRecorded"> }

export interface MakeOptions {
  readonly info: HistoryInfo
  readonly accountSid: string
  readonly store: Pick<CallStore["Service"], "write" | "save">
  readonly clock: Clock.Clock
  /** Unset: no call is recorded. */
  readonly recorder?: Pick<CallRecorder["Service"], "isRecorded" | "listen">
  /** Unset: calls have no cost. */
  readonly prices?: PriceList | undefined
  /** The webhook address for calls without an address of their own. Unset: those calls send no webhooks. */
  readonly webhookUrl?: string
  /** The stored call, if another process had it, or this process before a restart. `"unreachable"`: the store did not answer. */
  readonly before?: StoredCall | "unreachable"
}

const noListener: Effect.Effect<undefined> = Effect.succeed(undefined)

const storedCallOf = (before: MakeOptions["before"]) => before === undefined || before === "unreachable" ? undefined : before

/** Whether the call had a media stream in another process, or may have had one. */
const wasElsewhere = (before: MakeOptions["before"]): boolean => before === "unreachable" || (before?.parts ?? 0) > 0

/** The first write of a call. `at`: ms since 1970. */
const callBegan = (
  { agent, callSid, direction, from, settings, to }: HistoryInfo,
  { accountSid, at, isRecorded }: { readonly accountSid: string; readonly at: number; readonly isRecorded: boolean }
): StoreWrite => ({
  _tag: "CallBegan",
  callSid,
  accountSid,
  direction,
  from: from._tag === "Some" ? from.value : null,
  to: to._tag === "Some" ? to.value : null,
  agent: agent.name,
  at,
  keeping: { words: settings.keepsWords, numbers: settings.numbers },
  isRecorded,
  metadata: settings.metadata,
  campaign: settings.campaign,
  webhookUrl: settings.webhookUrl,
  isTranscriptSent: settings.isTranscriptSent
})

/** Requests each type of webhook once. Must run after the writes that the webhook reports. */
const makeWebhooks = ({ clock, info: { callSid, settings }, store, webhookUrl }: MakeOptions) => {
  const url = settings.webhookUrl ?? webhookUrl
  const asked = new Set<DeliveryType>()
  return (type: DeliveryType) => {
    if (url === undefined || asked.has(type)) return
    asked.add(type)
    store.write({ _tag: "DeliveryAsked", callSid, type, url, at: clock.currentTimeMillisUnsafe() })
  }
}

/**
 * The number of the first media stream here, and of its part of the recording. The process that had the call before may have begun a stream
 * after this process read the call, so the numbers here begin far above.
 */
const firstPart = (before: MakeOptions["before"], now: number): number => before === undefined ? 0 : TakeoverNumbers.partAt(now)

/**
 * The number of the first turn here. With a number that exists already, a new turn would replace an old one. The process that had the call
 * before may have written more since the call was read, or may still write it from its journal. So the numbers here begin far above.
 */
const firstTurn = (before: MakeOptions["before"], now: number): number =>
  wasElsewhere(before) ? Math.max(TakeoverNumbers.turnAt(now), storedCallOf(before)?.nextTurn ?? 0) : 0

/** The number of the first event here. The store drops an event whose number exists already. */
const firstEvent = (before: MakeOptions["before"], now: number): number =>
  wasElsewhere(before) ? Math.max(TakeoverNumbers.eventAt(now), storedCallOf(before)?.nextEvent ?? 0) : 0

/** The newest version of the memory. The store drops a memory whose version is not newer. */
const newestVersion = (before: MakeOptions["before"], now: number): number =>
  wasElsewhere(before) ? Math.max(TakeoverNumbers.eventAt(now), Option.getOrUndefined(storedCallOf(before)?.memory ?? Option.none())?.version ?? 0) : 0

/** Numbers a call's events. */
const makeNumbers = (first: number) => {
  let next = first
  return (event: ConversationEvent): NumberedEvent => {
    // `CallerSays` is an interim transcript, which only watchers get. `CallerSaid` replaces it.
    const isNumbered = event._tag !== "CallerSays"
    if (isNumbered) next++
    return { event, sequence: next - 1, isNumbered }
  }
}

/**
 * A store that takes writes only while the call belongs to this process. A request for TwiML may be a replay, so it does not take a call
 * over from another process. A media stream does. `place` holds whether the call belongs to this process.
 */
const makeStore = ({ before, store }: MakeOptions, onTakeOver: () => void) => {
  let isElsewhere = (storedCallOf(before)?.parts ?? 0) > 0
  let isLeft = false
  const own: MakeOptions["store"] = {
    write: (write) => isElsewhere ? undefined : store.write(write),
    save: (write) => isElsewhere ? Effect.fail(new NotSaved({ cause: "another process has the call" })) : store.save(write)
  }
  const place = {
    isElsewhere: () => isElsewhere || isLeft,
    leave: () => {
      isLeft = true
    },
    isLeft: () => isLeft,
    takeOver: () => {
      if (!isElsewhere) return
      isElsewhere = false
      onTakeOver()
    },
    handOver: () => {
      isElsewhere = true
    }
  }
  return { store: own, place }
}

/** Stores the turns of each event, and the event itself if words are stored. */
const makeEventWriter = ({ before, clock, info: { callSid }, store }: MakeOptions, keepsWords: boolean) => {
  const openedAt = clock.currentTimeMillisUnsafe()
  const turns = HistoryTurns.make(callSid, firstTurn(before, openedAt))
  const numberEvent = makeNumbers(firstEvent(before, openedAt))
  const addEvent = (event: ConversationEvent): NumberedEvent => {
    const numbered = numberEvent(event)
    if (!numbered.isNumbered) return numbered
    if (keepsWords) store.write({ _tag: "EventTold", callSid, sequence: numbered.sequence, at: clock.currentTimeMillisUnsafe(), event: event as unknown as Schema.Json })
    // Without words a turn is still stored: the times at which each side spoke are figures.
    for (const turn of turns.on(event)) store.write(keepsWords ? turn : { ...turn, text: "", words: [] })
    return numbered
  }
  return { addEvent, conversationBegan: turns.conversationBegan }
}

/** The time of an open call. A change of the machine's time of day does not affect it. `now`: ms since 1970. `monotonic`: ms. */
const makeTime = (clock: Clock.Clock, memory: Option.Option<Memories.ConversationMemory>) => {
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const openedAt = monotonic()
  // The clock of this machine may be behind the clock of the machine that had the call.
  const openedAtTime = Math.max(clock.currentTimeMillisUnsafe(), Option.match(memory, { onNone: () => 0, onSome: ({ at, beganAt }) => beganAt + at }))
  return {
    monotonic,
    now: () => openedAtTime + monotonic() - openedAt,
    /** How long ago a moment of the monotonic clock (ms) was. Unset: 0. */
    millisSince: (at: number | undefined) => at === undefined ? 0 : Math.max(0, monotonic() - at)
  }
}

/** Writes the outcome of a call that ends, and waits until the database or the journal has it. */
const saveEnd = (outcome: OutcomeWriter.OutcomeWriter, store: Pick<CallStore["Service"], "save">, end: Parameters<OutcomeWriter.OutcomeWriter["end"]>[0]) =>
  Effect.suspend(() => {
    let saved: Effect.Effect<void, NotSaved> = Effect.void
    outcome.end(end, (write) => {
      saved = store.save(write)
    })
    return Effect.ignore(saved)
  })

export const make = (options: MakeOptions): CallHistory => {
  const { accountSid, before, clock, info, prices, recorder } = options
  const { place, store } = makeStore(options, () => actions.abandonOpen())
  const { callSid, settings: { keepsWords } } = info
  const isRecorded = recorder?.isRecorded(info) === true
  const storedCall = storedCallOf(before)
  const storedMemory = Option.getOrUndefined(storedCall?.memory ?? Option.none())
  let memory: Option.Option<Memories.ConversationMemory> = storedMemory === undefined ? Option.none() : Memories.read(storedMemory.memory)
  const { millisSince, monotonic, now } = makeTime(clock, memory)

  // Without the store the zero of the axis is not known: the times on the axis are ms since 1970 (see `store/Axis`).
  let axisZero = before === "unreachable" ? 0 : storedCall?.axisZero ?? undefined
  let nextPart = firstPart(before, now())
  /** When the newest media stream began, on the axis. */
  let partStartedAt = 0
  /** When this process wrote the memory, by `monotonic`. */
  let rememberedAt: number | undefined
  let version = newestVersion(before, now())
  let hasConversation = storedMemory !== undefined || before === "unreachable"
  const life = CallLife.of({ before, hasMemory: memory._tag === "Some", now: now() })
  const engines = EngineUses.make(EngineUses.readFrom(storedMemory?.memory))
  const askForWebhook = makeWebhooks({ ...options, store })
  const outcome = OutcomeWriter.make({
    callSid,
    answeredAt: storedCall?.answeredAt ?? undefined,
    now,
    engines: engines.all,
    pricing: prices && ((usage) => Cost.of(prices, { direction: info.direction, ...usage })),
    write: store.write,
    onFinal: () => askForWebhook("call.ended")
  })
  // The memory is from a later life of the call, so the memory of an earlier life was lost.
  if (memory._tag === "Some" && life !== "") outcome.note({ isMemoryLost: true })
  const events = makeEventWriter({ ...options, store }, keepsWords)
  const axisNow = () => axisZero === undefined ? 0 : Math.max(0, now() - axisZero)
  const actions = CallActions.make({ callSid, store, results: options.store, life, axisNow, keepsWords, openActions: storedCall?.openActions ?? [] })

  return {
    lostStreams: storedCall?.parts ?? 0,
    began: () =>
      store.write(callBegan(info, { accountSid, at: storedCall?.startedAt ?? now(), isRecorded })),
    answered: () => {
      if (outcome.answeredAt() !== undefined) return
      const at = now()
      outcome.note({ answeredAt: at })
      store.write({ _tag: "CallAnswered", callSid, at })
      askForWebhook("call.started")
    },
    streamBegan: (isAfterTransfer, stream) => {
      place.takeOver()
      const at = now()
      const openedAt = at - millisSince(stream?.openedAt)
      axisZero ??= openedAt
      partStartedAt = Math.max(0, openedAt - axisZero)
      store.write({ _tag: "StreamBegan", callSid, part: nextPart++, at: openedAt })
      events.conversationBegan(Math.max(0, (memory._tag === "Some" ? memory.value.beganAt : at) - axisZero))
      if (!hasConversation) return undefined
      if (memory._tag === "Some") {
        return { memory: memory.value, isAfterTransfer, ...(rememberedAt === undefined ? {} : { resumedAt: memory.value.at + monotonic() - rememberedAt }) }
      }
      outcome.note({ isMemoryLost: true })
      return { memory: "lost", isAfterTransfer }
    },
    isRecorded,
    record: (stream, agent) =>
      isRecorded && recorder !== undefined ? recorder.listen({ callSid, part: nextPart - 1, startedAt: partStartedAt }, stream, agent) : noListener,
    addEvent: events.addEvent,
    remember: (newest) => {
      hasConversation = true
      memory = Option.some(newest)
      rememberedAt = monotonic()
      // Without words, the stored memory shows only that there was a conversation.
      const saved = { ...keepsWords ? newest : {}, engines: engines.all(), ...CallLife.storedField(life) }
      store.write({ _tag: "ConversationSaved", callSid, version: ++version, at: now(), memory: saved })
    },
    used: engines.add,
    actions,
    isElsewhere: place.isElsewhere,
    leave: place.leave,
    takeOver: place.takeOver,
    handOver: place.handOver,
    reported: outcome.report,
    ended: (reason, resumptions, at = now()) => place.isLeft() ? undefined : outcome.end({ reason, endedAt: at, resumptions }),
    endDecided: (reason, resumptions) => Effect.suspend(() => saveEnd(outcome, store, { reason, endedAt: now(), resumptions })),
    settle: outcome.settle
  }
}
