/**
 * One call of the simulator: its state, and a view of it for tests and the demo.
 */
import { Clock, Deferred, Effect, Option, Queue, Stream, SubscriptionRef } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import type { CallSid } from "../../domain/Sid.ts"
import { SimulatedCallEvent, type CallStatus, isTerminal, type TerminalStatus, type Untimed, type WebhookKind } from "../report/SimulatedCallEvent.ts"
import { ActiveCaller } from "./Caller.ts"
import type { Faults } from "../twilio/Faults.ts"
import * as Traffic from "../twilio/stream/Traffic.ts"
import { samplesPerMilli, Timeline, toSamples } from "../report/Timeline.ts"
import type { Method } from "../twilio/twiml/TwimlReader.ts"

type Direction = "inbound" | "outbound-api"

/** The view of a call for tests and the demo. Times are in ms since the call was made, unless a field says otherwise. */
export interface SimulatedCall {
  readonly sid: CallSid
  readonly direction: Direction
  readonly from: PhoneNumber
  readonly to: PhoneNumber
  readonly status: Effect.Effect<CallStatus>
  /** The time since the call was made. */
  readonly elapsed: Effect.Effect<number>
  /** All that has happened, oldest first. */
  readonly events: Effect.Effect<ReadonlyArray<SimulatedCallEvent>>
  /** All events from the first on. The stream ends with the call's terminal status. */
  readonly changes: Stream.Stream<SimulatedCallEvent>
  /** Waits for the first event of a kind; an event that has already happened counts. */
  readonly awaitEvent: <Tag extends SimulatedCallEvent["_tag"]>(
    tag: Tag,
    predicate?: (event: Extract<SimulatedCallEvent, { readonly _tag: Tag }>) => boolean
  ) => Effect.Effect<Extract<SimulatedCallEvent, { readonly _tag: Tag }>>
  /** Waits until the call is over. */
  readonly ended: Effect.Effect<TerminalStatus>
  /** Waits until the call is over and each callback was delivered, or has failed. */
  readonly settled: Effect.Effect<TerminalStatus>
  /** Makes the person hang up. */
  readonly hangUp: Effect.Effect<void>
  /** Makes the person press keys. They are sent while a stream is open. */
  readonly press: (digits: string) => Effect.Effect<void>
  /** The sound that the person heard since the call was answered. It is silent while nothing was played. */
  readonly heard: Effect.Effect<Pcm<8000>>
  /** The unbroken stretches of sound that were played to the person, or are queued for playback. */
  readonly playback: Effect.Effect<ReadonlyArray<{ readonly from: number; readonly to: number }>>
  /** The sound that the person said since the call was answered. */
  readonly said: Effect.Effect<Pcm<8000>>
  /** The media messages so far: when each was sent or received (ms since the answer), and how many a fault has dropped. */
  readonly traffic: Effect.Effect<{
    readonly sentAt: ReadonlyArray<number>
    readonly arrivals: ReadonlyArray<Traffic.Arrival>
    readonly lost: number
  }>
  /** The problems that Twilio's debugger would show. */
  readonly problems: Effect.Effect<ReadonlyArray<{ readonly code: number; readonly message: string }>>
}

/** The source of a TwiML document: a URL, or the text itself. */
export type Source =
  /** `more`: parameters that are sent in addition to those of every request. */
  | (Target & { readonly _tag: "Url"; readonly more?: Readonly<Record<string, string>> })
  | { readonly _tag: "Twiml"; readonly text: string }

/** A URL that is requested, and the method. */
export interface Target {
  readonly url: string
  readonly method: Method
}

/** A callback that waits to be sent. */
export interface Callback extends Target {
  readonly kind: WebhookKind
  readonly parameters: Readonly<Record<string, string>>
}

/** The URL to which states of the call are reported, and the names of the states to report. */
export interface StatusCallback extends Target {
  readonly events: ReadonlySet<string>
}

/**
 * The request for answering machine detection (AMD). `asyncCallback`: where its result is reported. `undefined`: the result is a parameter of
 * the call's webhooks.
 */
export interface AnswerDetection {
  readonly asyncCallback: Target | undefined
}

/** The simulator's own state of a call. Only the call's own fibers, the REST API and {@link view} change it. */
export interface PhoneCall {
  readonly sid: CallSid
  readonly direction: Direction
  readonly from: PhoneNumber
  readonly to: PhoneNumber
  /** Unix time, ms. */
  readonly createdAt: number
  /** Monotonic time, ns. */
  readonly createdNanos: bigint
  /** How long the call waits before it begins, in ms. */
  readonly queueTime: number
  readonly statusCallback: StatusCallback | undefined
  readonly answerDetection: AnswerDetection | undefined
  /** The fallback URL. When another webhook of the call has failed, TwiML is requested from it. */
  readonly fallback: Target | undefined
  readonly events: SubscriptionRef.SubscriptionRef<ReadonlyArray<SimulatedCallEvent>>
  /** Completed by {@link end}: the call then ends with this status. */
  readonly ending: Deferred.Deferred<TerminalStatus>
  /** Completed when the call is over and each callback was delivered, or has failed. */
  readonly settled: Deferred.Deferred<TerminalStatus>
  /** TwiML from the REST API that replaces the running TwiML. The queue holds only the newest source. */
  readonly redirects: Queue.Queue<Source>
  readonly heard: Timeline
  readonly said: Timeline
  readonly traffic: Traffic.Traffic
  status: CallStatus
  updatedAt: number
  /** `startedAt` and `answeredNanos`: when the call was answered, as Unix ms and as monotonic ns. */
  startedAt: number | undefined
  answeredNanos: bigint | undefined
  endedAt: number | undefined
  answeredBy: string | undefined
  hungUpByCaller: boolean
  activeCaller: ActiveCaller
  faults: Faults
  /** How many streams have begun so far. */
  streams: number
  /** How many TwiML documents were loaded so far. */
  documents: number
  /** The number of the next status callback. */
  sequenceNumber: number
}

/** A call in its first state, `queued` or `ringing`. */
export const make = Effect.fnUntraced(function*(options: {
  readonly sid: CallSid
  readonly direction: Direction
  readonly from: PhoneNumber
  readonly to: PhoneNumber
  readonly queueTime: number
  readonly faults: Faults
  readonly statusCallback: StatusCallback | undefined
  readonly answerDetection: AnswerDetection | undefined
  readonly fallback: Target | undefined
}): Effect.fn.Return<PhoneCall> {
  const status: CallStatus = options.direction === "inbound" ? "ringing" : "queued"
  const createdAt = yield* Clock.currentTimeMillis
  return {
    ...options,
    createdAt,
    createdNanos: yield* Clock.monotonicTimeNanos,
    events: yield* SubscriptionRef.make<ReadonlyArray<SimulatedCallEvent>>([SimulatedCallEvent.Status({ at: 0, status })]),
    ending: yield* Deferred.make<TerminalStatus>(),
    settled: yield* Deferred.make<TerminalStatus>(),
    redirects: yield* Queue.sliding<Source>(1),
    heard: new Timeline(),
    said: new Timeline(),
    traffic: Traffic.make(),
    status,
    updatedAt: createdAt,
    startedAt: undefined,
    answeredNanos: undefined,
    endedAt: undefined,
    answeredBy: undefined,
    hungUpByCaller: false,
    activeCaller: new ActiveCaller([]),
    streams: 0,
    documents: 0,
    sequenceNumber: 0
  }
})

/** Records an event with its time. */
export const note = (call: PhoneCall, event: Untimed): Effect.Effect<void> =>
  Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
    const timed = { ...event, at: Number(now - call.createdNanos) / 1_000_000 } as SimulatedCallEvent
    return SubscriptionRef.update(call.events, (events) => [...events, timed])
  })

/** Ends the call with this status, unless it is over. */
export const end = (call: PhoneCall, status: TerminalStatus): Effect.Effect<void> =>
  Effect.asVoid(Deferred.succeed(call.ending, status))

const isKind = <Tag extends SimulatedCallEvent["_tag"]>(tag: Tag) =>
(event: SimulatedCallEvent): event is Extract<SimulatedCallEvent, { readonly _tag: Tag }> => event._tag === tag

/** The view of a call for tests and the demo. */
export const view = (call: PhoneCall): SimulatedCall => {
  const snapshots = SubscriptionRef.changes(call.events)
  const changes = snapshots.pipe(
    Stream.mapAccum(() => 0, (seen, events) => [events.length, events.slice(seen)] as const),
    Stream.takeUntil((event) => event._tag === "Status" && isTerminal(event.status))
  )
  const awaitEvent: SimulatedCall["awaitEvent"] = (tag, predicate = () => true) =>
    snapshots.pipe(
      Stream.map((events) => events.filter(isKind(tag)).find(predicate)),
      Stream.filter((event) => event !== undefined),
      Stream.runHead,
      Effect.flatMap(Option.match({ onNone: () => Effect.never, onSome: Effect.succeed }))
    )
  return {
    sid: call.sid,
    direction: call.direction,
    from: call.from,
    to: call.to,
    status: Effect.sync(() => call.status),
    elapsed: Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - call.createdNanos) / 1_000_000),
    events: SubscriptionRef.get(call.events),
    changes,
    awaitEvent,
    ended: Effect.map(
      awaitEvent("Status", (event) => isTerminal(event.status)),
      (event) => event.status as TerminalStatus
    ),
    settled: Deferred.await(call.settled),
    hangUp: Effect.suspend(() => {
      call.hungUpByCaller = true
      // Before the answer, hanging up means that the caller cancels an inbound call, or that the callee declines an outbound call.
      return end(
        call,
        call.status === "in-progress" ? "completed" : call.direction === "inbound" ? "canceled" : "busy"
      )
    }),
    press: (digits) => Effect.sync(() => call.activeCaller.press(digits)),
    heard: Effect.map(Clock.monotonicTimeNanos, (now) => {
      if (call.answeredNanos === undefined) return call.heard.pcm()
      // Sound that is queued for later has not been heard.
      const elapsed = toSamples(now - call.answeredNanos)
      return call.heard.pcm(0, Math.min(elapsed, Math.max(call.heard.end, call.said.end)))
    }),
    playback: Effect.sync(() => {
      if (call.answeredNanos === undefined) return []
      const answered = Number(call.answeredNanos - call.createdNanos) / 1_000_000
      const millis = (samples: number) => answered + samples / samplesPerMilli
      return call.heard.stretches.map(({ from, to }) => ({ from: millis(from), to: millis(to) }))
    }),
    said: Effect.sync(() => call.said.pcm()),
    traffic: Effect.sync(() => ({
      sentAt: [...call.traffic.sentAt],
      arrivals: [...call.traffic.arrivals],
      lost: call.traffic.lost
    })),
    problems: Effect.map(SubscriptionRef.get(call.events), (events) =>
      events.filter(isKind("Problem")).map(({ code, message }) => ({ code, message })))
  }
}
