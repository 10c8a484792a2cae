import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parse } from "../../../src/agent/file/AgentFile.ts"
import * as EngineTimeouts from "../../../src/agent/EngineTimeouts.ts"
import type { EngineState } from "../../../src/conversation/ports/Engine.ts"

const engine = (name: string): EngineState => ({ stage: "replyModel", name, state: "up" })
const inProcess = { transcript: [], reply: [], speech: [] }
const aloneEach = { transcript: [engine("a")], reply: [engine("b")], speech: [engine("c")] }
const two = [engine("a"), engine("b")]

const timeoutsOf = (file: string, stages: EngineTimeouts.Stages) => EngineTimeouts.forEngines(Result.getOrThrow(parse(`name: x\n${file}`, "x.yaml")), stages).timeouts

describe("an agent waits for its engines", () => {
  it("for longer if a stage has only one server", () => {
    assert.deepStrictEqual(timeoutsOf("", inProcess), { transcript: 3000, reply: 5000, speech: 4000 })
    assert.deepStrictEqual(timeoutsOf("", aloneEach), { transcript: 8000, reply: 10_000, speech: 8000 })
    assert.deepStrictEqual(timeoutsOf("", { transcript: two, reply: [engine("b")], speech: [] }), { transcript: 3000, reply: 10_000, speech: 4000 })
  })

  it("for as long as its file says, whatever engines there are", () => {
    const file = "timeouts: { transcript: 15s, speech: 1s }"
    for (const stages of [inProcess, aloneEach, { transcript: two, reply: two, speech: two }]) {
      const { reply: _reply, ...own } = timeoutsOf(file, stages)
      assert.deepStrictEqual(own, { transcript: 15_000, speech: 1000 })
    }
  })
})
