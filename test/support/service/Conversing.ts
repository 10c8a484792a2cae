/**
 * Conversations for tests. The caller follows the service's events and not the clock, so that a slow or busy machine only makes a
 * conversation longer.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Fiber, Redacted, Stream } from "effect"
import * as Pcm from "../../../src/audio/Pcm.ts"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import type { Faults } from "../../../src/simulator/twilio/Faults.ts"
import * as ServiceEvents from "../../../src/simulator/report/ServiceEvents.ts"
import type { SimulatedCall } from "../../../src/simulator/caller/PhoneCall.ts"
import type { Acoustics } from "../../../src/simulator/caller/Acoustics.ts"
import { apiKey, type Both, until } from "./Service.ts"
import { place } from "./Talk.ts"

export type LiveEvent = ServiceEvents.LiveEvent
type Tag = LiveEvent["_tag"]
type Of<T extends Tag> = Extract<LiveEvent, { readonly _tag: T }>

/** Much longer than any successful step takes. */
export const cueTimeout = "1 minute"

/** A call, and what the service reports about it. */
export interface Conversation {
  readonly call: SimulatedCall
  /** The service's events about the call so far. */
  readonly published: ReadonlyArray<LiveEvent>
  /** Waits for an event of the service; earlier events count, too. */
  readonly awaitServiceEvent: <T extends Tag>(tag: T, isIt?: (event: Of<T>) => boolean) => Effect.Effect<Of<T>>
  /** Waits until the call is over and the service has sent all events about it. */
  readonly over: Effect.Effect<ReadonlyArray<LiveEvent>>
}

/** The events of one kind. */
export const those = <T extends Tag>(published: ReadonlyArray<LiveEvent>, tag: T): ReadonlyArray<Of<T>> =>
  published.filter((event): event is Of<T> => event._tag === tag)

/** The words of both sides in order: the caller's as they were understood, the agent's as they were heard. */
export const words = (published: ReadonlyArray<LiveEvent>): ReadonlyArray<string> =>
  published.flatMap((event) =>
    event._tag === "CallerSaid" ? [`caller: ${event.text}`] : event._tag === "AgentHeard" ? [`agent: ${event.text}`] : []
  )

/** What a caller's script can wait for. */
export interface Cues {
  /** The agent has finished one more turn since the last cue. */
  readonly heardOut: () => Caller.Step
  /** The caller has heard these words of the agent. */
  readonly heard: (words: string) => Caller.Step
  /** The service has sent this event `times` times (once if not given). */
  readonly published: <T extends Tag>(tag: T, times?: number) => Caller.Step
}

const makeCues = (published: ReadonlyArray<LiveEvent>): Cues => {
  const waitFor = (isGiven: () => boolean) => Caller.Step.AwaitCue({ isGiven, atMost: cueTimeout })
  let heardOut = 0
  return {
    heardOut: () => {
      const count = ++heardOut
      return waitFor(() => those(published, "AgentHeard").filter(({ isWhole }) => isWhole).length >= count)
    },
    heard: (words) => waitFor(() => those(published, "AgentHeard").some(({ text }) => text.includes(words))),
    published: (tag, times = 1) => waitFor(() => those(published, tag).length >= times)
  }
}

export interface Conversing {
  readonly from?: string
  /** `?agent=` of the number's webhook. */
  readonly agent?: string
  readonly room?: Acoustics
  readonly faults?: Faults
}

/** Listens to the events of a call. */
export const watch = Effect.fnUntraced(function*({ service }: Both, call: SimulatedCall, published: Array<LiveEvent> = []) {
  const watcher = yield* call.awaitEvent("StreamStarted").pipe(
    Effect.andThen(Stream.runForEach(
      ServiceEvents.of(service.url, call.sid, Redacted.make(apiKey)),
      (event) => Effect.sync(() => void published.push(event))
    )),
    Effect.provide(NodeHttpClient.layerUndici),
    Effect.forkScoped
  )
  const conversation: Conversation = {
    call,
    published,
    awaitServiceEvent: (tag, isIt = () => true) =>
      Effect.map(
        until(`${tag} after ${JSON.stringify(words(published))}`, Effect.sync(() => those(published, tag).find(isIt)), (event) => event !== undefined),
        (event) => event!
      ),
    over: Effect.gen(function*() {
      yield* call.settled
      yield* Effect.orDie(Fiber.join(watcher))
      return published
    })
  }
  return conversation
})

/** A vowel of 120 Hz with one formant: a voice without words, which the detector takes for speech. */
export const moan = (millis: number): Caller.Step => {
  const length = millis * 8
  const sound = Int16Array.from({ length }, (_, index) => {
    let sum = 0
    for (let frequency = 120; frequency < 3500; frequency += 120) {
      sum += Math.sin((2 * Math.PI * frequency * index) / 8000) / (1 + ((frequency - 700) / 200) ** 2)
    }
    return 4000 * sum * Math.min(1, index / 160, (length - index) / 160)
  })
  return Caller.Step.Play({ sound: Pcm.of(8000, sound) })
}

/** A burst of noise that dies away (Park and Miller's generator, 1988): a cough. */
export const cough = (millis: number): Caller.Step => {
  let state = 20_261
  const sound = Int16Array.from({ length: millis * 8 }, (_, index) => {
    state = (state * 48_271) % 2_147_483_647
    return (state / 1_073_741_823.5 - 1) * 10_000 * Math.min(1, index / 80) * Math.exp(-index / (millis * 3))
  })
  return Caller.Step.Play({ sound: Pcm.of(8000, sound) })
}

/** Calls the service's number. The caller follows this script. */
export const converse = Effect.fnUntraced(function*(
  both: Both,
  script: (cues: Cues) => ReadonlyArray<Caller.Step>,
  { agent, faults, from, room }: Conversing = {}
) {
  const published: Array<LiveEvent> = []
  const caller = Caller.make(...script(makeCues(published)))
  const call = yield* place(both, {
    caller: room === undefined ? caller : Caller.inRoom(caller, room),
    ...(agent === undefined ? {} : { webhookUrl: `${both.service.url}/twiml?agent=${agent}` }),
    ...(faults === undefined ? {} : { faults }),
    ...(from === undefined ? {} : { from })
  })
  // A failed test leaves no caller on the line.
  yield* Effect.addFinalizer(() => call.hangUp)
  return yield* watch(both, call, published)
})
