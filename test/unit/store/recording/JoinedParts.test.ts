import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as JoinedParts from "../../../../src/store/recording/JoinedParts.ts"
import * as MulawWav from "../../../../src/store/recording/MulawWav.ts"

const part = (startedAt: number, size: number, asked: Array<readonly [number, number]> = []) => ({
  startedAt,
  size,
  read: (from: number, to: number) => {
    asked.push([from, to])
    return Effect.succeed(Stream.make(new Uint8Array(to - from).fill(7)))
  }
})

describe("a recording of several parts", () => {
  it.effect("never reads from a part that has no sound", () =>
    Effect.gen(function*() {
      const asked: Array<readonly [number, number]> = []
      const { length, read } = JoinedParts.join([part(0, 160), part(1000, 0, asked), part(2000, 160)])
      assert.strictEqual(length, MulawWav.header(0).length + 2000 * MulawWav.bytesPerMilli + 160)
      const bytes = yield* Stream.runFold(Stream.unwrap(read(0, length)), () => 0, (sum, piece) => sum + piece.length)
      assert.strictEqual(bytes, length)
      assert.deepStrictEqual(asked, [])
    }))

  it.effect("opens only the parts whose bytes are wanted, and all of them before the first byte", () =>
    Effect.gen(function*() {
      const shut = { startedAt: 1000, size: 160, read: () => Effect.fail("shut") }
      const { length, read } = JoinedParts.join<string>([part(0, 160), shut])
      assert.strictEqual(yield* Stream.runFold(Stream.unwrap(read(0, length - 160)), () => 0, (sum, piece) => sum + piece.length), length - 160)
      assert.strictEqual(yield* Effect.flip(read(0, length)), "shut")
    }))
})
