import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FrameFaults from "../../../../../src/simulator/twilio/stream/FrameFaults.ts"

const delays = (faults: Parameters<typeof FrameFaults.delayOf>[0], ...elapsed: ReadonlyArray<number>) =>
  Effect.forEach(elapsed, (millis) => FrameFaults.delayOf(faults, millis))

describe("faults of single frames", () => {
  it.effect("hold the frames of a stretch until its end", () =>
    Effect.gen(function*() {
      const faults = { late: { everyMillis: 1000, holdMillis: 200 } }
      assert.deepStrictEqual(yield* delays(faults, 20, 980, 1000, 1180, 1200, 2100), [0, 0, 200, 20, 0, 100])
    }))

  it.effect("lose the frames of a gap", () =>
    Effect.gen(function*() {
      const faults = { silenceGap: { atMillis: 500, forMillis: 100 } }
      assert.deepStrictEqual(yield* delays(faults, 500, 520, 600, 620), [0, undefined, undefined, 0])
      assert.deepStrictEqual(yield* delays({ startNever: "silent" }, 20), [undefined])
    }))

  it("put rubbish before every n-th frame, all kinds in turn unless some are named", () => {
    const kinds = (faults: Parameters<typeof FrameFaults.rubbishBefore>[0]) =>
      Array.from({ length: 10 }, (_, index) => FrameFaults.rubbishBefore(faults, index + 1))
    assert.deepStrictEqual(kinds({}), Array(10).fill(undefined))
    assert.deepStrictEqual(kinds({ rubbish: { every: 2 } }).filter((kind) => kind !== undefined), [
      "notJson", "unknownEvent", "wrongShape", "binary", "notJson"
    ])
    assert.deepStrictEqual(kinds({ rubbish: { every: 5, kinds: ["binary"] } }).filter((kind) => kind !== undefined), ["binary", "binary"])
  })
})
