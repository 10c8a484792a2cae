import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, Metric, Option, Scope } from "effect"
import { TestClock } from "effect/testing"
import { FileUnwritable } from "../../../../src/config/Files.ts"
import * as Metrics from "../../../../src/observability/Metrics.ts"
import { CallRecorder } from "../../../../src/call/recording/CallRecorder.ts"
import { CallRecordings } from "../../../../src/store/recording/CallRecordings.ts"
import { config } from "../../../support/service/TestConfig.ts"
import { sidOf } from "../../../support/store/Writes.ts"

type Disk = "good" | "full" | "stuck"

const noSpace = new FileUnwritable({ file: "a recording", cause: Object.assign(new TypeError(), { code: "ENOSPC" }) })

/** A folder whose disk fails as a test wants it, and the files in it. */
const makeFolder = () => {
  const state: { disk: Disk; opens: boolean; bytes: Array<number>; closed: number } = { disk: "good", opens: true, bytes: [], closed: 0 }
  const append = (sound: Uint8Array | { readonly silentBytes: number }) =>
    Effect.suspend((): Effect.Effect<void, FileUnwritable> => {
      if (state.disk === "full") return Effect.fail(noSpace)
      if (state.disk === "stuck") return Effect.never
      for (const byte of sound instanceof Uint8Array ? sound : new Uint8Array(sound.silentBytes).fill(255)) state.bytes.push(byte)
      return Effect.void
    })
  const layer = Layer.succeed(
    CallRecordings,
    CallRecordings.of({
      begin: () =>
        Effect.suspend(() =>
          state.opens ? Effect.acquireRelease(Effect.succeed({ append }), () => Effect.sync(() => void state.closed++)) : Effect.fail(noSpace)),
      find: () => Effect.succeed(Option.none()),
      erase: () => Effect.void
    })
  )
  return { state, layer }
}

/** A stream whose agent speaks frames of 1 without a pause; `speak` lets it go on for so many ms. */
const listening = Effect.gen(function*() {
  const { listen } = yield* CallRecorder
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const scope = yield* Scope.make()
  const listener = yield* Scope.provide(listen({ callSid: sidOf(1), part: 0, startedAt: 0 }, { openedAt: now() }, { maxBacklogFrames: 5 }), scope)
  const speak = Effect.fnUntraced(function*(millis: number) {
    for (let passed = 0; passed < millis; passed += 20) {
      listener.onAgentSound(new Uint8Array(160).fill(1), now())
      yield* TestClock.adjust(20)
    }
  })
  const end = Effect.gen(function*() {
    const closing = yield* Effect.forkChild(Scope.close(scope, undefined as never), { startImmediately: true })
    yield* TestClock.adjust("3 seconds")
    return closing.pollUnsafe() !== undefined
  })
  return { speak, end }
})

const run = (folder: ReturnType<typeof makeFolder>, env: Record<string, string> = {}) =>
  Effect.provide(CallRecorder.layer.pipe(Layer.provide([folder.layer, config({ RECORDING: "on", ...env })])))

/** Seconds of each kind in the agent's channel, in their order. */
const secondsOf = (bytes: ReadonlyArray<number>) => {
  const runs: Array<[value: number, seconds: number]> = []
  for (let at = 1; at < bytes.length; at += 2) {
    const last = runs.at(-1)
    if (last?.[0] === bytes[at]) last[1] += 1 / 8000
    else runs.push([bytes[at], 1 / 8000])
  }
  return runs.map(([value, seconds]) => [value, Math.round(seconds * 100) / 100])
}

describe("CallRecorder", () => {
  it.effect("a process that is killed at any moment loses at most three seconds", () => {
    const folder = makeFolder()
    return Effect.gen(function*() {
      const { speak } = yield* listening
      for (let spoken = 100; spoken <= 20_000; spoken += 100) {
        yield* speak(100)
        assert.isAtLeast(folder.state.bytes.length / 16, spoken - 3000)
      }
    }).pipe(run(folder))
  })

  it.effect("writes every two seconds, and the rest at the end", () => {
    const folder = makeFolder()
    return Effect.gen(function*() {
      const { end, speak } = yield* listening
      yield* speak(3000)
      assert.closeTo(folder.state.bytes.length / 16_000, 1.25, 0.55)
      assert.isTrue(yield* end)
      assert.strictEqual(folder.state.closed, 1)
      assert.deepStrictEqual(secondsOf(folder.state.bytes), [[1, 3]])
    }).pipe(run(folder))
  })

  it.effect("has silence where the disk was full, and later sound at its time", () => {
    const folder = makeFolder()
    return Effect.gen(function*() {
      const { end, speak } = yield* listening
      yield* speak(3000)
      folder.state.disk = "full"
      yield* speak(3000)
      folder.state.disk = "good"
      yield* speak(4000)
      yield* end
      const [before, silent, after] = secondsOf(folder.state.bytes)
      assert.deepStrictEqual([before[0], silent[0], after[0]], [1, 255, 1])
      assert.closeTo(silent[1], 3, 1)
      assert.closeTo(folder.state.bytes.length / 16_000, 10, 0.001)
      assert.closeTo((yield* Metric.value(Metrics.recordingLost)).count, silent[1], 0.01)
    }).pipe(run(folder), Effect.provideService(Metric.MetricRegistry, new Map()))
  })

  it.effect("logs a full disk once, not for each write and each call", () => {
    const folder = makeFolder()
    const lines: Array<string> = []
    const listen = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    return Effect.gen(function*() {
      const calls = [yield* listening, yield* listening]
      folder.state.disk = "full"
      for (const { speak } of calls) yield* speak(5000)
      assert.strictEqual(lines.length, 1)
      assert.match(lines[0], /^A recording can't be written: there is no space left on its disk\. Make room\. The call goes on/)
    }).pipe(run(folder), Effect.provide(listen))
  })

  it.effect("begins the file later in the call when it could not at first", () => {
    const folder = makeFolder()
    folder.state.opens = false
    return Effect.gen(function*() {
      const { end, speak } = yield* listening
      yield* speak(2500)
      folder.state.opens = true
      yield* speak(2500)
      yield* end
      assert.deepStrictEqual(secondsOf(folder.state.bytes), [[1, 5]])
    }).pipe(run(folder))
  })

  it.effect("does not hold up the end of a stream when the disk does not answer", () => {
    const folder = makeFolder()
    return Effect.gen(function*() {
      const { end, speak } = yield* listening
      folder.state.disk = "stuck"
      yield* speak(30_000)
      assert.isTrue(yield* end)
    }).pipe(run(folder))
  })

  it.effect.each([
    { all: "off", of: {}, isRecorded: false },
    { all: "on", of: {}, isRecorded: true },
    { all: "off", of: { agent: { isRecorded: true } }, isRecorded: true },
    { all: "off", of: { settings: { keepsWords: true, isRecorded: true } }, isRecorded: true },
    { all: "on", of: { settings: { keepsWords: false, isRecorded: true } }, isRecorded: false }
  ])("RECORDING=$all, $of: $isRecorded", ({ all, isRecorded, of }) =>
    Effect.gen(function*() {
      const recorder = yield* CallRecorder
      assert.strictEqual(recorder.isRecorded({ agent: {}, settings: { keepsWords: true, isRecorded: false }, ...of }), isRecorded)
    }).pipe(run(makeFolder(), { RECORDING: all })))
})
