import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import type { Command } from "../../../../src/conversation/turn/TurnCommand.ts"
import type { TurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"
import * as TurnLoop from "../../../../src/conversation/turn/TurnLoop.ts"
import type { TurnState } from "../../../../src/conversation/turn/TurnState.ts"
import { settle } from "../../../support/service/Time.ts"

/** A machine that orders one transcript for each event, with the number of the event. */
const setUp = Effect.fnUntraced(function*(carryOut: (command: Command) => Effect.Effect<unknown> = () => Effect.void) {
  const recorded: Array<TurnEvent> = []
  const story: Array<string> = []
  let now = 0
  const loop = yield* TurnLoop.make({
    transition: (state) => {
      const nextReplyId = state.nextReplyId + 1
      const next: TurnState = { ...state, nextReplyId }
      return [[{ _tag: "Transcribe", utterance: nextReplyId, attempt: 0 }], next]
    },
    now: () => now,
    record: (event) => void recorded.push(event)
  })
  yield* Effect.forkScoped(loop.run({
    carryOut: (command) => Effect.andThen(carryOut(command), Effect.sync(() => void story.push(command._tag === "Transcribe" ? `${command.utterance}` : ""))),
    onEventDone: () => void story.push("done")
  }))
  return { loop, recorded, story, at: (moment: number) => void (now = moment) }
})

describe("the turn loop", () => {
  it.effect("gives an event the time of its report, records it, and carries its commands out", () =>
    Effect.gen(function*() {
      const { at, loop, recorded, story } = yield* setUp()
      at(5)
      loop.report({ _tag: "Digit", digit: "1" })
      at(9)
      loop.report({ _tag: "Digit", digit: "2" })
      yield* settle
      assert.deepStrictEqual(recorded, [{ _tag: "Digit", at: 5, digit: "1" }, { _tag: "Digit", at: 9, digit: "2" }])
      const first = Number(story[0])
      assert.deepStrictEqual(story, [`${first}`, "done", `${first + 1}`, "done"])
    }))

  it.effect("takes an event only after the previous one's commands were carried out", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { loop, recorded } = yield* setUp(() => Deferred.await(gate))
      loop.report({ _tag: "Began" })
      loop.report({ _tag: "Transferred" })
      const processed = yield* Effect.forkChild(loop.processed, { startImmediately: true })
      yield* settle
      assert.strictEqual(recorded.length, 1)
      assert.isUndefined(processed.pollUnsafe())
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(processed)
      assert.strictEqual(recorded.length, 2)
    }))

  it.effect("takes the end of the call at once, even if other events wait", () =>
    Effect.gen(function*() {
      const { at, loop, recorded } = yield* setUp(() => Effect.never)
      loop.report({ _tag: "Began" })
      loop.report({ _tag: "Transferred" })
      yield* settle
      at(7)
      assert.strictEqual(loop.hangUp("callerHungUp").length, 1)
      assert.deepStrictEqual(recorded.map(({ _tag }) => _tag), ["Began", "HungUp"])
      assert.strictEqual(recorded[1].at, 7)
    }))
})
