import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CallEvents from "../../../src/call/CallEvents.ts"
import { initialState, type EndReason, Phase } from "../../../src/call/CallState.ts"
import type { ConversationEvent } from "../../../src/conversation/ports/ConversationEvent.ts"
import { streamSid } from "../../support/conversation/Samples.ts"

const says: ConversationEvent = { _tag: "AgentSays", at: 100, turn: 0, text: "Hello." }
const left: ConversationEvent = { _tag: "Ended", at: 900, turn: 1, reason: "callerHungUp" }

const setUp = (isElsewhere = false) => {
  const watched: Array<ConversationEvent> = []
  const published: Array<ConversationEvent> = []
  const noted: Array<string> = []
  const events = CallEvents.make(
    { publish: ({ event }) => Effect.sync(() => void watched.push(event)) },
    {
      addEvent: (event) => ({ event, sequence: published.push(event) - 1, isNumbered: true }),
      answered: () => void noted.push("answered"),
      ended: (reason, resumptions) => void noted.push(`ended ${reason} after ${resumptions}`),
      isElsewhere: () => isElsewhere
    }
  )
  const ends = () => {
    assert.deepStrictEqual(watched, published)
    return published.flatMap((event) => event._tag === "Ended" ? [event] : [])
  }
  return { events, ends, noted }
}

const state = (phase: Phase) => ({ ...initialState({ maxResumptions: 5 }), resumptions: 2, phase })

describe("watchers learn the end of a call", () => {
  it.effect("once, if the conversation has reported its end", () =>
    Effect.gen(function*() {
      const { ends, events } = setUp()
      yield* events.publish(says)
      yield* events.publish(left)
      yield* events.finish("callerLeft")
      yield* events.finish("completed")
      assert.deepStrictEqual(ends(), [left])
    }))

  it.effect("as a lost stream, if the caller did not come back", () =>
    Effect.gen(function*() {
      const { ends, events } = setUp()
      yield* events.publish(says)
      yield* events.finish("streamLost")
      yield* events.finish("streamLost")
      assert.deepStrictEqual(ends(), [{ _tag: "Ended", at: 100, turn: 0, reason: "streamLost" }])
    }))

  it.effect("not at all, if another process may go on with the call", () =>
    Effect.gen(function*() {
      const { ends, events } = setUp(true)
      yield* events.publish(says)
      yield* events.finish("streamLost")
      assert.deepStrictEqual(ends(), [])
    }))

  it.effect("not at all, if the agent never reports an event", () =>
    Effect.gen(function*() {
      const { ends, events } = setUp()
      yield* events.finish("callerLeft")
      assert.deepStrictEqual(ends(), [])
    }))

  it.effect("again, if the caller came back after the first end", () =>
    Effect.gen(function*() {
      const { ends, events } = setUp()
      yield* events.publish(says)
      yield* events.publish({ ...left, reason: "transferred" })
      yield* events.publish({ ...says, at: 2000 })
      yield* events.finish("callerLeft")
      assert.deepStrictEqual(ends().map(({ reason }) => reason), ["transferred", "callerHungUp"])
    }))

  it.effect.each<readonly [EndReason, string]>([
    ["callerLeft", "callerHungUp"], ["completed", "callerHungUp"], ["agentLeft", "agentLeft"], ["shutdown", "shutdown"]
  ])("with the word that watchers know for %s", ([reason, word]) =>
    Effect.gen(function*() {
      const { ends, events } = setUp()
      yield* events.publish(says)
      yield* events.finish(reason)
      assert.strictEqual(ends()[0].reason, word)
    }))
})

it.effect("a call's history learns the answer and the end from the call's phases", () =>
  Effect.gen(function*() {
    const { events, noted } = setUp()
    for (const phase of [Phase.Ringing(), Phase.Connected(), Phase.Streaming({ streamSid: streamSid() }), Phase.Ending({ reason: "callerLeft" })]) {
      yield* events.onPhase(state(phase))
    }
    yield* events.onPhase(state(Phase.Ended({ reason: "callerLeft" })))
    assert.deepStrictEqual(noted, ["answered", "answered", "ended callerLeft after 2"])
  }))
