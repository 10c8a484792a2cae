import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Agents } from "../../src/agent/Agents.ts"
import { AgentName } from "../../src/domain/AgentName.ts"
import { silent } from "../fakes/Agents.ts"
import { config } from "../fakes/TestConfig.ts"

const build = (layer: Layer.Layer<Agents, unknown, never>) =>
  Effect.gen(function*() {
    return yield* Agents
  }).pipe(Effect.provide(layer))

const receptionist = { ...silent, name: AgentName.make("receptionist") }
const two = Agents.layerWith([receptionist, silent])

describe("Agents", () => {
  it.effect("answers with echo unless told otherwise", () =>
    Effect.gen(function*() {
      const agents = yield* build(Agents.layer.pipe(Layer.provide(config())))
      assert.strictEqual(agents.standard.name, "echo")
      assert.strictEqual(yield* agents.find("echo"), agents.standard)
    }))

  it.effect("answers with the agent that AGENT names, and finds the others", () =>
    Effect.gen(function*() {
      const agents = yield* build(two.pipe(Layer.provide(config({ AGENT: "scripted" }))))
      assert.strictEqual(agents.standard, silent)
      assert.strictEqual(yield* agents.find("receptionist"), receptionist)
    }))

  it.effect("does not start with an agent that there is not, and says which there are", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.provide(Effect.asVoid(Agents), two.pipe(Layer.provide(config({ AGENT: "ehco" }))))
      )
      assert.strictEqual(error._tag, "UnknownAgent")
      assert.include(error.message, "\"ehco\"")
      assert.include(error.message, "receptionist, scripted")
    }))

  it.effect.each(["Echo", "echo ", "", "toString", "__proto__"])("finds nobody by the name %j", (name) =>
    Effect.gen(function*() {
      const agents = yield* build(Agents.layer.pipe(Layer.provide(config())))
      assert.strictEqual((yield* Effect.flip(agents.find(name))).agent, name)
    }))
})
