import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Caller from "../../src/simulator/Caller.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import type { Pcm } from "../../src/audio/Pcm.ts"
import * as FakeService from "./FakeService.ts"

const token = "simulator-auth-token"
const from = "+14155550123"
const to = "+14155550199"

const tone = (millis: number): Pcm<8000> =>
  Int16Array.from({ length: millis * 8 }, (_, index) => Math.round(8000 * Math.sin(index / 3)))

const withSimulator = <A, E>(
  test: (simulator: Simulator["Service"], service: FakeService.FakeService) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    const service = yield* FakeService.make(token)
    const simulator = yield* Simulator
    return yield* test(simulator, service)
  }).pipe(Effect.provide(Simulator.layer({ authToken: Redacted.make(token) })), Effect.scoped)

describe("a stream", () => {
  it.live("is signed, begins with connected and start, and is echoed to the caller", () =>
    withSimulator((simulator, service) =>
      Effect.gen(function*() {
        service.answer("/twiml", FakeService.connectTwiml(service))
        service.onMessage(FakeService.echo)
        const sound = tone(400)
        const call = yield* simulator.placeCall({
          from,
          to,
          webhookUrl: `${service.url}/twiml`,
          caller: Caller.make(
            Caller.Step.Play({ sound }),
            Caller.Step.Press({ digits: "5" }),
            Caller.Step.Silence({ duration: "100 millis" }),
            Caller.Step.HangUp()
          )
        })
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(service.hooks.map((hook) => [hook.path, hook.signed]), [["/twiml", true]])
        assert.deepStrictEqual(service.upgrades, [{ signed: true }])
      })
    ))
})
