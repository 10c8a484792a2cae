import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { EngineFailed } from "../../../../src/conversation/ports/Engine.ts"
import * as EngineHealth from "../../../../src/engines/failover/EngineHealth.ts"

const server = { name: "gpu:8000", engine: undefined, probe: Effect.void }

const failed = Exit.fail(new EngineFailed({ stage: "replyModel", reason: "broken", advice: "It broke." }))

const make = () => {
  let now = 1000
  const health = EngineHealth.make({ stage: "replyModel", isAlone: false, monotonic: () => now })
  /** A request to the server that ends in this way. */
  const request = (exit: Exit.Exit<unknown, EngineFailed>) =>
    Effect.suspend(() => {
      const admission = health.admit(server.name, 1)
      return admission._tag === "Go" ? health.noteRequest(server.name, { tries: 1, isTrial: admission.isTrial }, exit) : Effect.void
    })
  return { health, request, pass: (millis: number) => void (now += millis) }
}

describe("an engine's health", () => {
  it("is unknown before the first answer; an embedded engine is always well", () => {
    const { health } = make()
    assert.strictEqual(health.stateOf(server), "unknown")
    assert.strictEqual(health.stateOf({ name: "embedded", engine: undefined }), "up")
  })

  it.effect("follows its newest answer, and is down after three failures in a row", () =>
    Effect.gen(function*() {
      const { health, request } = make()
      const states: Array<string> = []
      for (const exit of [Exit.succeed(1), failed, Exit.succeed(1), failed, failed, failed]) {
        yield* request(exit)
        states.push(health.stateOf(server))
      }
      assert.deepStrictEqual(states, ["up", "failing", "up", "failing", "failing", "down"])
      assert.isFalse(health.isPreferable(server))
      assert.strictEqual(health.admit(server.name, 1)._tag, "Wait")
    }))

  it.effect("counts a request as running from its admission to its end", () =>
    Effect.gen(function*() {
      const { health } = make()
      health.admit(server.name, 1)
      assert.isTrue(health.isRunning(server.name))
      yield* health.noteRequest(server.name, { tries: 1, isTrial: false }, Exit.interrupt(1))
      assert.isFalse(health.isRunning(server.name))
      assert.isUndefined(health.isWell(server.name))
    }))

  it.effect("has the time since the engine last worked, until it fails", () =>
    Effect.gen(function*() {
      const { health, pass, request } = make()
      yield* request(Exit.succeed(1))
      pass(300)
      assert.strictEqual(health.millisSinceWork(server.name), 300)
      yield* request(failed)
      assert.isUndefined(health.millisSinceWork(server.name))
    }))

  it.effect("recovers with a probe", () =>
    Effect.gen(function*() {
      const { health, request } = make()
      for (let i = 0; i < 3; i++) yield* request(failed)
      yield* health.noteProbe(server.name, Exit.void)
      assert.strictEqual(health.stateOf(server), "up")
      assert.strictEqual(health.admit(server.name, 1)._tag, "Go")
    }))
})
