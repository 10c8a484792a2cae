import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { PlacedUtterance } from "../../../../../src/engines/embedded/soundswallower/PlacedUtterance.ts"
import { RecognizerWorker } from "../../../../../src/engines/embedded/soundswallower/RecognizerWorker.ts"
import { shortUtterance } from "../../../../../src/engines/embedded/soundswallower/ShortUtterance.ts"
import type { Request } from "../../../../../src/engines/embedded/soundswallower/SoundSwallowerThread.ts"
import * as Pcm from "../../../../../src/audio/Pcm.ts"

/** A thread that is never started. The words of an utterance are the first samples of the pieces that the thread was sent. */
class FakeThread extends RecognizerWorker {
  requests: Array<Request> = []
  lives = 0

  constructor() {
    super(new URL("file:///none"), new Map(), 1000)
  }

  override get generation(): number {
    return this.lives
  }

  override send(request: Request): void {
    this.requests.push(request)
  }

  override ask(question: Parameters<RecognizerWorker["ask"]>[0]): Effect.Effect<string> {
    return Effect.sync(() => question._tag === "Words" ? this.heard(question.utterance) : assert.fail(question._tag))
  }

  heard(utterance: number): string {
    return this.requests.flatMap((request) => request._tag === "Sound" && request.utterance === utterance ? [request.sound[0]] : []).join(" ")
  }

  /** Its sound is lost, and another thread takes its place. */
  crash(): void {
    this.requests = []
    this.lives++
  }
}

/** A piece that is known by its first sample. */
const piece = (name: number, length = 1000) => Pcm.of(8000, new Int16Array(length).fill(name))

const make = (...threads: readonly [FakeThread, ...ReadonlyArray<FakeThread>]) => {
  let chosen = 0
  return new PlacedUtterance("grammar", () => threads[Math.min(chosen++, threads.length - 1)])
}

describe("an utterance", () => {
  it.effect("that is short is sent as a whole to the thread that is free when its words are asked for", () =>
    Effect.gen(function*() {
      const [first, second] = [new FakeThread(), new FakeThread()]
      let free = first
      const utterance = new PlacedUtterance("grammar", () => free)
      utterance.push(piece(1))
      utterance.push(piece(2))
      free = second
      assert.strictEqual(yield* utterance.words(), "1 2")
      assert.deepStrictEqual(first.requests, [])
    }))

  it("that is long enough is sent while it comes, from its beginning on", () => {
    const thread = new FakeThread()
    const utterance = make(thread)
    utterance.push(piece(1, shortUtterance - 1))
    assert.deepStrictEqual(thread.requests, [])
    utterance.push(piece(2, 1))
    assert.strictEqual(thread.heard(0), "1 2")
    utterance.push(piece(3))
    assert.strictEqual(thread.heard(0), "1 2 3")
  })

  it.effect("stays with its thread when its words were asked for, however short it is", () =>
    Effect.gen(function*() {
      const [first, second] = [new FakeThread(), new FakeThread()]
      const utterance = make(first, second)
      utterance.push(piece(1))
      yield* utterance.words()
      utterance.push(piece(2))
      assert.strictEqual(yield* utterance.words(), "1 2")
      assert.deepStrictEqual(second.requests, [])
    }))

  it.effect("is heard by another thread from its beginning when the first one crashed", () =>
    Effect.gen(function*() {
      const [first, second] = [new FakeThread(), new FakeThread()]
      const utterance = make(first, second)
      utterance.push(piece(1, shortUtterance))
      utterance.push(piece(2))
      first.crash()
      assert.strictEqual(yield* utterance.words(), "1 2")
      assert.deepStrictEqual(first.requests, [])
    }))

  it("is ended only in the thread that hears it", () => {
    const thread = new FakeThread()
    const unheard = make(thread)
    unheard.push(piece(1))
    unheard.end()
    assert.deepStrictEqual(thread.requests, [])
    const heard = make(thread)
    heard.push(piece(1, shortUtterance))
    heard.end()
    assert.deepStrictEqual(thread.requests.map(({ _tag }) => _tag), ["Sound", "End"])
    const lost = make(thread)
    lost.push(piece(1, shortUtterance))
    thread.crash()
    lost.end()
    assert.deepStrictEqual(thread.requests, [])
  })

  const Act = Schema.Literals(["short", "short", "long", "words", "crash"])

  it.effect.prop("has the words of all of its sound, in order, whenever they are asked for, even if threads crash", [Schema.Array(Act)], ([acts]) =>
    Effect.gen(function*() {
      const threads = [new FakeThread(), new FakeThread()] as const
      let chosen = 0
      const utterance = new PlacedUtterance("grammar", () => threads[chosen++ % 2])
      const said: Array<number> = []
      for (const act of acts) {
        if (act === "words") assert.strictEqual(yield* utterance.words(), said.join(" "))
        else if (act === "crash") threads[Math.max(0, chosen - 1) % 2].crash()
        else {
          said.push(said.length + 1)
          utterance.push(piece(said.length, act === "long" ? shortUtterance : 800))
        }
      }
      assert.strictEqual(yield* utterance.words(), said.join(" "))
    }))
})
