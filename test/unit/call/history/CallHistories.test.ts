import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { Prices } from "../../../../src/call/cost/Prices.ts"
import { CallHistories } from "../../../../src/call/history/CallHistories.ts"
import { CallRecorder } from "../../../../src/call/recording/CallRecorder.ts"
import type { HistoryInfo } from "../../../../src/call/history/CallHistory.ts"
import * as SettingsChoice from "../../../../src/call/history/SettingsChoice.ts"
import { AgentName } from "../../../../src/domain/AgentName.ts"
import { callSid } from "../../../support/conversation/Samples.ts"
import { config, identity } from "../../../support/service/TestConfig.ts"
import * as WallClock from "../../../support/service/WallClock.ts"
import * as RecordingStore from "../../../support/store/RecordingStore.ts"

const noRecorder = Layer.succeed(CallRecorder, CallRecorder.of({ isRecorded: () => false, listen: () => Effect.die("nothing is recorded") }))

const info = (index = 1): HistoryInfo => ({
  callSid: callSid(index),
  direction: "outbound",
  from: Option.none(),
  to: Option.none(),
  agent: { name: AgentName.make("receptionist") },
  settings: SettingsChoice.of({}, "plain")
})

const withHistories = <A, E>(test: (bench: {
  readonly histories: CallHistories["Service"]
  readonly store: RecordingStore.RecordingStore
  /** Each end that was written. */
  readonly ends: () => ReadonlyArray<string>
}) => Effect.Effect<A, E, Scope.Scope>, clock?: Clock.Clock) =>
  Effect.suspend(() => {
    const store = RecordingStore.make()
    const ends = () => store.of("CallEnded").map(({ outcome }) => `${outcome.status ?? "-"} ${outcome.final ? "final" : "open"}`)
    return Effect.flatMap(CallHistories, (histories) => test({ histories, store, ends })).pipe(
      Effect.scoped,
      Effect.provide(CallHistories.layer.pipe(
        Layer.provide([store.layer, identity(), config(), noRecorder, Prices.layerNone]),
        Layer.provide(clock === undefined ? Layer.empty : Layer.succeed(Clock.Clock, clock))
      ))
    )
  })

describe("Twilio's facts about a call", () => {
  it.effect("without a history here are not used", () =>
    withHistories(({ histories }) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* histories.report(callSid(), { status: "ringing" }), "unknown")
      })))

  it.effect("still change the outcome for a quarter of an hour after its end", () =>
    withHistories(({ ends, histories }) =>
      Effect.gen(function*() {
        const history = yield* histories.open(info())
        history.ended("callerLeft", 0)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(yield* histories.report(callSid(), { status: "completed" }), "here")
        assert.deepStrictEqual(ends(), ["- open", "- final", "completed final"])
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(yield* histories.report(callSid(), { status: "completed" }), "unknown")
        assert.strictEqual(ends().length, 3)
      })))
})

describe("the outcome", () => {
  it.effect("is final a minute after the end without Twilio's final status, and written once", () =>
    withHistories(({ ends, histories }) =>
      Effect.gen(function*() {
        const history = yield* histories.open(info())
        history.ended("callerLeft", 0)
        yield* TestClock.adjust("55 seconds")
        assert.deepStrictEqual(ends(), ["- open"])
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(ends(), ["- open", "- final"])
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual(ends().length, 2)
      })))

  it.effect("does not become final by time alone while the call lasts", () =>
    withHistories(({ ends, histories }) =>
      Effect.gen(function*() {
        const history = yield* histories.open(info())
        yield* TestClock.adjust("10 minutes")
        history.ended("callerLeft", 0)
        assert.deepStrictEqual(ends(), ["- open"])
      })))

  it.effect("is final after the same time, even if the time of day changes", () =>
    Effect.flatMap(WallClock.make, ({ clock, move }) =>
      withHistories(({ ends, histories }) =>
        Effect.gen(function*() {
          const history = yield* histories.open(info())
          history.ended("callerLeft", 0)
          move(3_600_000)
          yield* TestClock.adjust("10 seconds")
          assert.deepStrictEqual(ends(), ["- open"])
          move(-7_200_000)
          yield* TestClock.adjust("55 seconds")
          assert.deepStrictEqual(ends(), ["- open", "- final"])
        }), clock)))

  it.effect("is final when the service stops", () => {
    let ends: () => ReadonlyArray<string> = () => []
    return Effect.andThen(
      withHistories((bench) =>
        Effect.gen(function*() {
          ends = bench.ends
          const history = yield* bench.histories.open(info())
          history.ended("shutdown", 0)
        })),
      Effect.sync(() => assert.deepStrictEqual(ends(), ["- open", "- final"]))
    )
  })
})

describe("a call", () => {
  it.effect("has one history, however often the history is opened", () =>
    withHistories(({ histories }) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* histories.open(info()), yield* histories.open(info()))
      })))

  it.effect("that another process has taken over is not written here", () =>
    withHistories(({ histories, store }) =>
      Effect.gen(function*() {
        const history = yield* histories.open(info())
        history.handOver()
        history.ended("streamLost", 0)
        assert.strictEqual(yield* histories.report(callSid(), { status: "completed" }), "unknown")
        assert.deepStrictEqual(store.of("CallEnded"), [])
      })))

  it.effect("that another process may have is not written here, so Twilio's reports are passed on", () =>
    withHistories(({ ends, histories }) =>
      Effect.gen(function*() {
        const history = yield* histories.open(info(), RecordingStore.stored(callSid(), { parts: 1 }))
        assert.strictEqual(yield* histories.report(callSid(), { status: "completed" }), "mayBeElsewhere")
        history.streamBegan(false)
        assert.strictEqual(yield* histories.report(callSid(), { status: "completed" }), "here")
        assert.deepStrictEqual(ends(), [])
      })))

  it.effect("that was in another process meanwhile goes on from what that process stored, with Twilio's reports so far", () =>
    withHistories(({ histories, store }) =>
      Effect.gen(function*() {
        const history = yield* histories.open(info())
        history.streamBegan(false)
        history.reported({ answeredBy: "human" })
        history.handOver()
        history.renew(RecordingStore.stored(callSid(), { parts: 2, nextTurn: 40 }))
        assert.isTrue(history.isElsewhere())
        history.streamBegan(false)
        history.addEvent({ _tag: "CallerSaid", turn: 1, at: 10, text: "Hello." })
        assert.isAtLeast(store.of("TurnWritten")[0].turn, 40)
        assert.strictEqual(history.lostStreams, 2)
        yield* history.actions.store({ id: "1", kind: "tool", name: "book", arguments: "{}", isRepeatable: false })
        assert.deepStrictEqual(store.of("ActionWritten").map(({ id, state }) => [id, state]), [["1", "asked"]])
        history.ended("callerLeft", 2)
        assert.strictEqual(store.of("CallEnded").at(-1)?.outcome.answeredBy, "human")
        assert.strictEqual(yield* histories.report(callSid(), { status: "completed" }), "here")
      })))

  it.effect("that comes back from another process is written again", () =>
    withHistories(({ ends, histories }) =>
      Effect.gen(function*() {
        const first = yield* histories.open(info())
        first.handOver()
        first.ended("streamLost", 0)
        const second = yield* histories.open(info(), RecordingStore.stored(callSid(), { parts: 2 }))
        assert.notStrictEqual(first, second)
        second.streamBegan(false)
        // The end of the first history does not end the second.
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(yield* histories.report(callSid(), { status: "completed" }), "here")
        second.ended("callerLeft", 2)
        assert.deepStrictEqual(ends(), ["completed final"])
      })))
})
