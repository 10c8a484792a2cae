/**
 * One call of the simulator: its state, and the view that tests and the demo have of it.
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

/** A call as tests and the demo see it. Times are ms since the call was made, unless a field says otherwise. */
export interface SimulatedCall {
  readonly sid: CallSid
  readonly direction: Direction
  readonly from: PhoneNumber
  readonly to: PhoneNumber
  readonly status: Effect.Effect<CallStatus>
  /** ms since the call was made. */
  readonly elapsed: Effect.Effect<number>
  /** All that has happened, oldest first. */
  readonly events: Effect.Effect<ReadonlyArray<SimulatedCallEvent>>
  /** All events from the first on; ends with the call's terminal status. */
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
  /** The person hangs up. */
  readonly hangUp: Effect.Effect<void>
  /** The person presses keys, which are sent while a stream is open. */
  readonly press: (digits: string) => Effect.Effect<void>
  /** What the person heard since the call was answered; silence while nothing played. */
  readonly heard: Effect.Effect<Pcm<8000>>
  /** The stretches of sound without a break that were played to the person, or are queued to be played. */
  readonly playback: Effect.Effect<ReadonlyArray<{ readonly from: number; readonly to: number }>>
  /** What the person said, on the same time axis. */
  readonly said: Effect.Effect<Pcm<8000>>
  /** Media messages so far: when each was sent and received (ms since the answer), and how many were lost by a fault. */
  readonly traffic: Effect.Effect<{
    readonly sentAt: ReadonlyArray<number>
    readonly arrivals: ReadonlyArray<Traffic.Arrival>
    readonly lost: number
  }>
  /** What Twilio's debugger would show. */
  readonly problems: Effect.Effect<ReadonlyArray<{ readonly code: number; readonly message: string }>>
}

/** Where TwiML comes from. */
export type Source =
  /** `more`: parameters in addition to those that every request has. */
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

/** Where states of the call are reported, and which ones. */
export interface StatusCallback extends Target {
  readonly events: ReadonlySet<string>
}

/** Set if answering machine detection (AMD) was requested. `asyncCallback`: where its result is reported. */
export interface AnswerDetection {
  readonly asyncCallback: Target | undefined
}

/** The simulator's own state of a call. Only the call's own fiber and the REST API change it. */
export interface PhoneCall {
  readonly sid: CallSid
  readonly direction: Direction
  readonly from: PhoneNumber
  readonly to: PhoneNumber
  /** Unix time, ms. */
  readonly createdAt: number
  /** Monotonic, ns. */
  readonly createdNanos: bigint
  /** How long the call has to wait for its turn, ms. */
  readonly queueTime: number
  readonly statusCallback: StatusCallback | undefined
  readonly answerDetection: AnswerDetection | undefined
  /** The fallback URL, which is asked for TwiML when another webhook of the call has failed. */
  readonly fallback: Target | undefined
  readonly events: SubscriptionRef.SubscriptionRef<ReadonlyArray<SimulatedCallEvent>>
  readonly ending: Deferred.Deferred<TerminalStatus>
  readonly settled: Deferred.Deferred<TerminalStatus>
  readonly redirects: Queue.Queue<Source>
  readonly heard: Timeline
  readonly said: Timeline
  readonly traffic: Traffic.Traffic
  status: CallStatus
  updatedAt: number
  /** When the call was answered; Unix ms, and monotonic ns. */
  startedAt: number | undefined
  answeredNanos: bigint | undefined
  endedAt: number | undefined
  answeredBy: string | undefined
  hungUpByCaller: boolean
  activeCaller: ActiveCaller
  faults: Faults
  /** How many streams were begun. */
  streams: number
  /** How many documents were loaded. */
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

/** The view that tests and the demo have of a call. */
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
      // Before the answer an inbound caller gives up, and the callee of an outbound call declines it.
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
