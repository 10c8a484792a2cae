/** Minimal agents, each with one behaviour. */
import { type Cause, Effect, Queue, Stream } from "effect"
import { type Agent, AgentFailed } from "../../../src/agent/Agent.ts"
import type { SampleRate } from "../../../src/audio/Pcm.ts"
import type { AgentSide, CallSide, OutboundItem, Signal } from "../../../src/conversation/ports/AudioPort.ts"
import { AgentName } from "../../../src/domain/AgentName.ts"

const name = AgentName.make("scripted")

/** Sound of one constant sample value. Default: 8 kHz. */
export const sound = (millis: number, rate: SampleRate = 8000, value = 1000): Int16Array =>
  new Int16Array(rate * millis / 1000).fill(value)

export const mark = (name: string): OutboundItem => ({ _tag: "Mark", name })

export const failed = (cause: unknown = "out of words") => new AgentFailed({ agent: name, cause })

export const make = (
  answer: Agent["answer"],
  sampleRate: SampleRate = 8000
): Agent => ({ name, sampleRate, answer })

/** An agent whose reply does not depend on what it hears. */
export const saying = (
  reply: (call: CallSide) => AgentSide<AgentFailed>["outboundItems"],
  sampleRate?: SampleRate
): Agent => make((call) => Effect.succeed({ outboundItems: reply(call), signal: () => Effect.void }), sampleRate)

/** An agent that says nothing and never ends. */
export const silent: Agent = saying(() => Stream.never)

/** An agent whose sound the test decides. It records the signals that it got. */
export interface Puppet {
  readonly agent: Agent
  readonly say: (...items: ReadonlyArray<OutboundItem>) => void
  readonly leave: () => void
  readonly clear: Effect.Effect<void>
  readonly signals: ReadonlyArray<Signal>
  /** Lengths of the pieces that the agent heard, in samples. */
  readonly heard: ReadonlyArray<number>
}

export const puppet = Effect.fnUntraced(function*(sampleRate: SampleRate = 8000) {
  const replies = yield* Queue.unbounded<OutboundItem, Cause.Done>()
  const signals: Array<Signal> = []
  const heard: Array<number> = []
  let call: CallSide | undefined
  const agent = make((given) =>
    Effect.gen(function*() {
      call = given
      yield* Effect.forkScoped(Stream.runForEach(given.audio, (piece) => Effect.sync(() => heard.push(piece.length))))
      return {
        outboundItems: Stream.fromQueue(replies),
        signal: (signal: Signal) => Effect.sync(() => void signals.push(signal))
      }
    }), sampleRate)
  const one: Puppet = {
    agent,
    say: (...given) => void Queue.offerAllUnsafe(replies, given),
    leave: () => void Queue.endUnsafe(replies),
    clear: Effect.suspend(() => call === undefined ? Effect.die("the agent has not answered yet") : call.clear),
    signals,
    heard
  }
  return one
})
