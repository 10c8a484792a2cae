/**
 * Status callbacks as Twilio sends them: one signed form post for each requested state, numbered from "0". With a {@link Delivery}, the
 * callbacks come late, twice or out of order, as may happen with Twilio.
 */
import { type Cause, DateTime, type Duration, Effect, Queue, Ref } from "effect"
import type { AccountSid } from "../../../domain/Sid.ts"
import type { CallStatus } from "../../report/SimulatedCallEvent.ts"
import { note, type Callback, type PhoneCall } from "../../caller/PhoneCall.ts"
import type { WebhookClient } from "./WebhookClient.ts"

/** How status callbacks are delivered: at once, once and in order, unless a field says otherwise. */
export interface Delivery {
  /** Each callback is late by this time. */
  readonly delay?: Duration.Input
  /** Each callback comes twice. */
  readonly twice?: boolean
  /** Callbacks come in pairs, the later one first. A last callback without a partner comes alone. */
  readonly swapped?: boolean
}

/** The event of `StatusCallbackEvent` that reports a state. */
const eventOf = (status: CallStatus): string | undefined =>
  status === "queued"
    ? undefined
    : status === "initiated" || status === "ringing"
    ? status
    : status === "in-progress"
    ? "answered"
    : "completed"

/** A date in the form of RFC 2822, as in `Timestamp` and in the REST API. */
export const rfc2822 = (millis: number): string =>
  DateTime.toDateUtc(DateTime.makeUnsafe(millis)).toUTCString().replace("GMT", "+0000")

const countries: ReadonlyArray<readonly [prefix: string, country: string]> = [
  ["+1", "US"],
  ["+44", "GB"],
  ["+33", "FR"],
  ["+49", "DE"]
]

const geography = (name: string, number: string): Record<string, string> => ({
  [`${name}City`]: "",
  [`${name}State`]: "",
  [`${name}Zip`]: "",
  [`${name}Country`]: countries.find(([prefix]) => number.startsWith(prefix))?.[1] ?? ""
})

/** The parameters that every webhook of a call has. */
export const callParameters = (accountSid: AccountSid, call: PhoneCall): Record<string, string> => ({
  CallSid: call.sid,
  AccountSid: accountSid,
  From: call.from,
  To: call.to,
  Caller: call.from,
  Called: call.to,
  Direction: call.direction === "inbound" ? "inbound" : "outbound-api",
  ApiVersion: "2010-04-01",
  CallStatus: call.status,
  ...geography("From", call.from),
  ...geography("To", call.to),
  ...geography("Caller", call.from),
  ...geography("Called", call.to),
  ...(call.answeredBy === undefined ? {} : { AnsweredBy: call.answeredBy })
})

/** The callback for the call's current state, if it was requested. It takes the call's next sequence number. */
export const forStatus = (accountSid: AccountSid, call: PhoneCall): Callback | undefined => {
  const event = eventOf(call.status)
  if (call.statusCallback === undefined || event === undefined || !call.statusCallback.events.has(event)) return undefined
  const seconds = call.startedAt === undefined || call.endedAt === undefined
    ? 0
    : Math.ceil((call.endedAt - call.startedAt) / 1000)
  const ended: Record<string, string> = event === "completed"
    ? { CallDuration: `${seconds}`, Duration: `${Math.ceil(seconds / 60)}` }
    : {}
  return {
    kind: "status",
    url: call.statusCallback.url,
    method: call.statusCallback.method,
    parameters: {
      ...callParameters(accountSid, call),
      ...ended,
      Timestamp: rfc2822(call.updatedAt),
      CallbackSource: "call-progress-events",
      SequenceNumber: `${call.sequenceNumber++}`
    }
  }
}

/** Sends one callback and records the answer. The call goes on whatever the answer is, and also if there is none. */
const deliver = Effect.fnUntraced(function*(webhooks: WebhookClient, call: PhoneCall, callback: Callback) {
  const outcome = yield* webhooks.send({ ...callback, signature: call.faults.webhookSignature }).pipe(
    Effect.catch((error) => Effect.as(note(call, { _tag: "Problem", code: error.code, message: error.message }), error))
  )
  yield* noteWebhook(call, callback, outcome)
})

/** Records a webhook, the status of its answer, and how many requests were made. */
export const noteWebhook = (
  call: PhoneCall,
  { kind, parameters, url }: Pick<Callback, "kind" | "url" | "parameters">,
  { requests, status }: { readonly status?: number; readonly requests: number }
): Effect.Effect<void> => note(call, { _tag: "Webhook", kind, url, parameters, answer: status, requests })

/** Delivers the callbacks of the queue until the queue ends. */
export const run = Effect.fnUntraced(function*(
  webhooks: WebhookClient,
  call: PhoneCall,
  callbacks: Queue.Dequeue<Callback, Cause.Done>,
  delivery: Delivery
) {
  const send = Effect.fnUntraced(function*(callback: Callback) {
    if (delivery.delay !== undefined) yield* Effect.sleep(delivery.delay)
    yield* deliver(webhooks, call, callback)
    if (delivery.twice === true) yield* deliver(webhooks, call, callback)
  })
  const held = yield* Ref.make<Callback | undefined>(undefined)
  const receive = Effect.fnUntraced(function*(callback: Callback) {
    if (delivery.swapped !== true) return yield* send(callback)
    const first = yield* Ref.getAndSet(held, undefined)
    if (first === undefined) return yield* Ref.set(held, callback)
    yield* send(callback)
    yield* send(first)
  })
  yield* Queue.take(callbacks).pipe(
    Effect.flatMap(receive),
    Effect.forever,
    Effect.catchTag("Done", () => Effect.void)
  )
  const last = yield* Ref.get(held)
  if (last !== undefined) yield* send(last)
})
