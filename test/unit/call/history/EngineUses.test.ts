import { assert, describe, it } from "@effect/vitest"
import * as EngineUses from "../../../../src/call/history/EngineUses.ts"
import type { EngineUse } from "../../../../src/store/StoreWrite.ts"

const speech = (more: Partial<EngineUse>): EngineUse => ({ stage: "speech", engine: "tts.example:8003", requests: 1, ...more })

describe("the use of engines", () => {
  it("is summed up by stage and engine", () => {
    const uses = EngineUses.make()
    uses.add(speech({ characters: 20 }))
    uses.add(speech({ requests: 0, soundSeconds: 1.5 }))
    uses.add(speech({ characters: 22 }))
    uses.add(speech({ engine: "embedded", characters: 5 }))
    assert.deepStrictEqual(uses.all(), [
      { stage: "speech", engine: "tts.example:8003", requests: 2, soundSeconds: 1.5, characters: 42 },
      { stage: "speech", engine: "embedded", requests: 1, characters: 5 }
    ])
  })

  it("leaves out figures that no engine reported, and has 0 if one reported 0", () => {
    const uses = EngineUses.make()
    uses.add({ stage: "reply", engine: "llm", requests: 1 })
    uses.add({ stage: "reply", engine: "llm", requests: 0, inputTokens: 12, outputTokens: 0 })
    assert.deepStrictEqual(uses.all(), [{ stage: "reply", engine: "llm", requests: 1, inputTokens: 12, outputTokens: 0 }])
  })

  it("rounds seconds of sound to the millisecond", () => {
    const uses = EngineUses.make()
    for (let count = 0; count < 3; count++) uses.add(speech({ soundSeconds: 0.1 }))
    assert.strictEqual(uses.all()[0].soundSeconds, 0.3)
  })

  it("adds to the sums of another process", () => {
    const uses = EngineUses.make(EngineUses.readFrom({ format: 1, engines: [speech({ requests: 3 })] }))
    uses.add(speech({}))
    assert.strictEqual(uses.all()[0].requests, 4)
  })

  it.each([[null], [{}], [{ engines: "many" }], [{ engines: [{ stage: "speech" }] }], [undefined]])("is empty if %s was stored", (memory) => {
    assert.deepStrictEqual(EngineUses.readFrom(memory), [])
  })
})
