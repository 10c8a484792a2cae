import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as WindowReader from "../../../../src/conversation/listen/WindowReader.ts"

/** Samples that count up from 0, so that each shows its position. */
const counting = (length: number): Pcm<8000> => Int16Array.from({ length }, (_, index) => index)

const setUp = (onWindow: (window: Pcm<8000>) => Effect.Effect<void> | undefined = () => undefined) => {
  const story: Array<string> = []
  const windows: Array<ReadonlyArray<number>> = []
  const reader = WindowReader.make({
    onPiece: (pcm) => void story.push(`piece ${pcm.length}`),
    onSamples: (count) => void story.push(`${count}`),
    onWindow: (window) => {
      story.push("window")
      windows.push([...window])
      return onWindow(window)
    }
  })
  return { reader, story, windows }
}

describe("sound", () => {
  it.effect.each([1, 80, 160, 256, 300, 1024])("in pieces of %i samples is cut into the same windows", (length) =>
    Effect.gen(function*() {
      const { reader, windows } = setUp()
      const sound = counting(2048)
      for (let at = 0; at < sound.length; at += length) yield* reader.read([sound.subarray(at, at + length)])
      assert.deepStrictEqual(windows.flat(), [...sound])
    }))

  it.effect("in a long piece is reported window by window", () =>
    Effect.gen(function*() {
      const { reader, story } = setUp()
      yield* reader.read([counting(600)])
      assert.deepStrictEqual(story, ["piece 256", "256", "window", "piece 256", "256", "window", "piece 88", "88"])
    }))

  it.effect("waits for the effect of a window before the next sample is read", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const { reader } = setUp((window) => Effect.andThen(Effect.yieldNow, Effect.sync(() => void seen.push(window[0]))))
      yield* reader.read([counting(160), counting(160).map((sample) => sample + 160), counting(256).map((sample) => sample + 320)])
      assert.deepStrictEqual(seen, [0, 256])
    }))

  it.effect("goes into a new array when the last window must not be overwritten", () =>
    Effect.gen(function*() {
      const kept: Array<Pcm<8000>> = []
      const { reader } = setUp((window) => {
        kept.push(window)
        reader.replaceWindow()
        return undefined
      })
      yield* reader.read([counting(512)])
      assert.notStrictEqual(kept[0], kept[1])
      assert.deepStrictEqual(kept.map((window) => window[0]), [0, 256])
    }))
})
