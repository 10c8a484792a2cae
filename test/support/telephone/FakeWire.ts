/** A fake WebSocket for the simulator's Twilio. It collects the sent messages with their times, and the test decides which messages come in. */
import { type Cause, Clock, Deferred, Effect, Queue } from "effect"
import { AccountSid, CallSid, StreamSid } from "../../../src/domain/Sid.ts"
import type { Untimed } from "../../../src/simulator/report/SimulatedCallEvent.ts"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import type { Faults } from "../../../src/simulator/twilio/Faults.ts"
import * as TwilioStream from "../../../src/simulator/twilio/stream/TwilioStream.ts"
import * as Traffic from "../../../src/simulator/twilio/stream/Traffic.ts"
import { Timeline } from "../../../src/simulator/report/Timeline.ts"
import type { Closed, Incoming, WebSocketClient } from "../../../src/simulator/twilio/stream/WebSocketClient.ts"

export const streamSid = `MZ${"1".repeat(32)}`
export const accountSid = `AC${"2".repeat(32)}`
export const callSid = `CA${"3".repeat(32)}`

export interface Sent {
  readonly at: number
  /** The parsed message. `event` is "rubbish" for text that is not JSON, "binary" for a binary frame. */
  readonly event: string
  readonly text: string
  readonly media?: { readonly chunk: string; readonly timestamp: string; readonly payload: string }
  readonly mark?: { readonly name: string }
  readonly sequenceNumber?: string
  readonly start?: { readonly streamSid: string; readonly customParameters: Record<string, string> }
  readonly dtmf?: { readonly digit: string }
}

const parse = (text: string): object => {
  try {
    return JSON.parse(text) as object
  } catch {
    return { event: "rubbish" }
  }
}

/** Runs a stream of the simulator over a fake wire, in a fiber of the test's scope. Its call was answered at time zero. */
export const peer = Effect.fnUntraced(function*(options: {
  readonly faults?: Faults
  readonly activeCaller?: Caller.ActiveCaller
} = {}) {
  const clock = yield* Clock.Clock
  const millis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const incoming = yield* Queue.make<Incoming, Cause.Done>()
  const closed = yield* Deferred.make<Closed>()
  const sent: Array<Sent> = []
  const actions: Array<string> = []
  const events: Array<Untimed> = []
  const close = (code: number) => {
    Deferred.doneUnsafe(closed, Effect.succeed({ code, reason: "" }))
    Queue.endUnsafe(incoming)
  }
  const wire: WebSocketClient = {
    incoming,
    closed: Deferred.await(closed),
    send: (text) => {
      sent.push({ at: millis(), text, ...(parse(text) as { event: string }) })
    },
    sendBinary: () => {
      sent.push({ at: millis(), text: "", event: "binary" })
    },
    close: (code) => Effect.sync(() => close(code)),
    cut: (how) => {
      actions.push(how === undefined ? "cut" : `cut: ${how}`)
      close(1006)
    },
    hold: () => {
      actions.push(`hold at ${millis()}`)
    },
    release: () => {
      actions.push(`release at ${millis()}`)
    },
    pause: () => {
      actions.push(`pause at ${millis()}`)
    },
    resume: () => {
      actions.push(`resume at ${millis()}`)
    }
  }
  const heard = new Timeline()
  const said = new Timeline()
  const traffic = Traffic.make()
  const fiber = yield* Effect.forkScoped(TwilioStream.run({
    wire,
    accountSid: AccountSid.make(accountSid),
    callSid: CallSid.make(callSid),
    streamSid: StreamSid.make(streamSid),
    parameters: { token: "t-1" },
    activeCaller: options.activeCaller ?? new Caller.ActiveCaller([]),
    said,
    heard,
    answeredAt: 0n,
    traffic,
    faults: options.faults ?? {},
    note: (event) =>
      Effect.sync(() => {
        events.push(event)
      }),
    whyInterrupted: () => "callChanged"
  }))
  const bring = (text: string | undefined) =>
    Effect.andThen(
      Effect.sync(() => Queue.offerUnsafe(incoming, { text, at: clock.monotonicTimeNanosUnsafe() })),
      Effect.yieldNow
    )
  return {
    fiber,
    sent,
    actions,
    events,
    heard,
    said,
    traffic,
    media: () => sent.filter((message) => message.event === "media" && message.media?.payload !== undefined && message.media.chunk !== undefined),
    marks: () => sent.filter((message) => message.event === "mark").map((message) => [message.at, message.mark?.name]),
    bring,
    /** Brings this many ms of the service's sound. */
    sound: (ms: number) =>
      bring(JSON.stringify({
        event: "media",
        streamSid,
        media: { payload: Buffer.alloc(ms * 8, 0x10).toString("base64") }
      })),
    mark: (name: string) => bring(JSON.stringify({ event: "mark", streamSid, mark: { name } })),
    clear: bring(JSON.stringify({ event: "clear", streamSid })),
    serviceCloses: (code: number) => Effect.sync(() => close(code))
  }
})
