/**
 * The life of a call: queued → initiated → ringing → in-progress → completed, or busy, no-answer, failed, canceled.
 */
import { type Cause, Clock, Data, Deferred, Duration, Effect, Fiber, Queue } from "effect"
import type { AccountSid } from "../../domain/Sid.ts"
import type { CallStatus, TerminalStatus } from "../report/SimulatedCallEvent.ts"
import type { ActiveCaller, Caller } from "../caller/Caller.ts"
import { type Faults, none } from "./Faults.ts"
import { note, type Callback, type PhoneCall, type Source } from "../caller/PhoneCall.ts"
import * as StatusCallbacks from "./webhook/StatusCallbacks.ts"
import * as TwimlLoader from "./twiml/TwimlLoader.ts"
import * as TwimlRunner from "./twiml/TwimlRunner.ts"

/** How a telephone behaves when the service dials it. Times count from the first ring. */
export type PhoneBehaviour = Data.TaggedEnum<{
  /** A person or a machine answers the call. */
  Answers: {
    /** How long the telephone rings. Default: 1 s. */
    readonly after?: Duration.Input
    readonly caller: Caller
    /** The result of answering machine detection. Default: `human`. */
    readonly answeredBy?: "human" | "machine_start" | "machine_end_beep" | "fax" | "unknown"
    /** Faults of the call's stream and webhooks. */
    readonly faults?: Faults
  }
  Busy: { readonly after?: Duration.Input }
  /** The telephone rings for `after`, or by default until the request's `Timeout` is over. */
  NoAnswer: { readonly after?: Duration.Input }
  /** The number cannot be reached. */
  Failed: { readonly after?: Duration.Input }
  Canceled: { readonly after?: Duration.Input }
}>
export const PhoneBehaviour = Data.taggedEnum<PhoneBehaviour>()

export interface Environment {
  readonly accountSid: AccountSid
  readonly delivery: StatusCallbacks.Delivery
  readonly twiml: Omit<TwimlRunner.Environment, "callbacks">
  /** Makes the sound of a caller's script. If that fails, a problem is noted and the caller is silent. */
  readonly prepare: (call: PhoneCall, caller: Caller) => Effect.Effect<ActiveCaller>
}

type Callbacks = Queue.Queue<Callback, Cause.Done>

const setStatus = Effect.fnUntraced(function*(
  environment: Environment,
  call: PhoneCall,
  callbacks: Callbacks,
  status: CallStatus
) {
  call.updatedAt = yield* Clock.currentTimeMillis
  call.status = status
  const callback = StatusCallbacks.forStatus(environment.accountSid, call)
  yield* note(call, { _tag: "Status", status })
  if (callback !== undefined) Queue.offerUnsafe(callbacks, callback)
})

const answer = Effect.fnUntraced(function*(environment: Environment, call: PhoneCall, callbacks: Callbacks) {
  call.startedAt = yield* Clock.currentTimeMillis
  const answeredAt = yield* Clock.monotonicTimeNanos
  call.answeredNanos = answeredAt
  yield* setStatus(environment, call, callbacks, "in-progress")
  return answeredAt
})

/** Runs a call from its first state to its end. Meanwhile, its callbacks are delivered. */
const run = Effect.fnUntraced(function*(
  environment: Environment,
  call: PhoneCall,
  flow: (twiml: TwimlRunner.Environment, callbacks: Callbacks) => Effect.Effect<TerminalStatus>
) {
  // Only status callbacks may come late, twice or out of order (`delivery`).
  const statusCallbacks: Callbacks = yield* Queue.make<Callback, Cause.Done>()
  const otherCallbacks: Callbacks = yield* Queue.make<Callback, Cause.Done>()
  const { webhooks } = environment.twiml
  const dispatchers = [
    yield* Effect.forkChild(StatusCallbacks.run(webhooks, call, statusCallbacks, environment.delivery)),
    yield* Effect.forkChild(StatusCallbacks.run(webhooks, call, otherCallbacks, {}))
  ]
  const status = yield* Effect.raceFirst(
    flow({ ...environment.twiml, callbacks: otherCallbacks }, statusCallbacks),
    Deferred.await(call.ending)
  )
  call.endedAt = yield* Clock.currentTimeMillis
  yield* setStatus(environment, call, statusCallbacks, status)
  Queue.endUnsafe(statusCallbacks)
  Queue.endUnsafe(otherCallbacks)
  yield* Effect.forEach(dispatchers, Fiber.join, { discard: true })
  yield* Deferred.succeed(call.settled, status)
})

/** Runs a call from a telephone to the service. The voice webhook is requested before the call is answered. */
export const runInbound = Effect.fn("CallLife.runInbound")(function*(
  environment: Environment,
  call: PhoneCall,
  source: Source
) {
  yield* run(environment, call, (twiml, callbacks) =>
    Effect.gen(function*() {
      const document = yield* TwimlLoader.load(twiml, call, source)
      if (document === undefined) return "failed"
      const first = document.verbs[0]
      // Twilio documents the reasons, but not the final status of the call. `no-answer` for "rejected" is our guess.
      if (first?._tag === "Reject") return first.reason === "busy" ? "busy" : "no-answer"
      const answeredAt = yield* answer(environment, call, callbacks)
      return yield* TwimlRunner.run(twiml, call, document, answeredAt)
    }))
})

/** The parts of the REST request that matter after the call was created. */
export interface Dialling {
  readonly source: Source
  /** How long the telephone may ring. */
  readonly timeout: Duration.Duration
  /** How long the call may last. */
  readonly timeLimit: Duration.Duration | undefined
}

/** The time from the answer to the result of answering machine detection. */
const detectionTime = Duration.seconds(2)

/** Runs a call from the service to a telephone. */
export const runOutbound = Effect.fn("CallLife.runOutbound")(function*(
  environment: Environment,
  call: PhoneCall,
  behaviour: PhoneBehaviour,
  dialling: Dialling
) {
  yield* run(environment, call, (twiml, callbacks) =>
    Effect.gen(function*() {
      call.faults = behaviour._tag === "Answers" ? behaviour.faults ?? none : none
      yield* Effect.sleep(Duration.millis(call.queueTime))
      yield* setStatus(environment, call, callbacks, "initiated")
      if (behaviour._tag === "Answers") call.activeCaller = yield* environment.prepare(call, behaviour.caller)
      yield* setStatus(environment, call, callbacks, "ringing")

      const ringTime = Duration.fromInputUnsafe(
        behaviour.after ?? (behaviour._tag === "NoAnswer" ? dialling.timeout : Duration.seconds(1))
      )
      yield* Effect.sleep(Duration.min(ringTime, dialling.timeout))
      if (Duration.isGreaterThan(ringTime, dialling.timeout)) return "no-answer"
      switch (behaviour._tag) {
        case "Busy":
          return "busy"
        case "NoAnswer":
          return "no-answer"
        case "Failed":
          return "failed"
        case "Canceled":
          return "canceled"
        case "Answers":
      }

      const result = behaviour.answeredBy ?? "human"
      const { answerDetection } = call
      if (answerDetection !== undefined && answerDetection.asyncCallback === undefined) call.answeredBy = result
      const answeredAt = yield* answer(environment, call, callbacks)
      if (answerDetection?.asyncCallback !== undefined) {
        const { asyncCallback } = answerDetection
        yield* Effect.forkChild(Effect.delay(
          Effect.sync(() => {
            call.answeredBy = result
            Queue.offerUnsafe(twiml.callbacks, {
              kind: "amd",
              ...asyncCallback,
              parameters: {
                CallSid: call.sid,
                AccountSid: environment.accountSid,
                AnsweredBy: result,
                MachineDetectionDuration: `${Duration.toMillis(detectionTime)}`
              }
            })
          }),
          detectionTime
        ))
      }
      const talk = Effect.gen(function*() {
        const document = yield* TwimlLoader.load(twiml, call, dialling.source)
        return document === undefined ? "completed" : yield* TwimlRunner.run(twiml, call, document, answeredAt)
      })
      return dialling.timeLimit === undefined ? yield* talk : yield* Effect.raceFirst(
        talk,
        Effect.as(Effect.sleep(dialling.timeLimit), "completed" as const)
      )
    }))
})
