import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { NewCall } from "../../../../src/call/CallInfo.ts"
import { CallRegistry } from "../../../../src/call/CallRegistry.ts"
import { Prices } from "../../../../src/call/cost/Prices.ts"
import { CallHistories } from "../../../../src/call/history/CallHistories.ts"
import { CallRecorder } from "../../../../src/call/recording/CallRecorder.ts"
import type { CallSid } from "../../../../src/domain/Sid.ts"
import type { Outcome } from "../../../../src/store/StoreWrite.ts"
import * as Collector from "../../../../src/runtime/Collector.ts"
import * as Agents from "../../../support/conversation/Agents.ts"
import { caller, callSid, ours } from "../../../support/conversation/Samples.ts"
import { config, identity } from "../../../support/service/TestConfig.ts"
import { settle } from "../../../support/service/Time.ts"
import * as RecordingStore from "../../../support/store/RecordingStore.ts"
import { layer as fakeRest } from "../../../support/telephone/FakeRestClient.ts"

const noRecorder = Layer.succeed(CallRecorder, CallRecorder.of({ isRecorded: () => false, listen: () => Effect.die("nothing is recorded") }))

const info = (index = 1): NewCall => ({
  callSid: callSid(index),
  direction: "outbound",
  from: Option.some(ours),
  to: Option.some(caller),
  agent: Agents.silent
})

const withRegistry = <A, E>(test: (bench: {
  readonly registry: CallRegistry["Service"]
  /** The outcomes, in the order in which they were written. */
  readonly outcomes: () => ReadonlyArray<Outcome>
}) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.suspend(() => {
    const store = RecordingStore.make(false)
    return Effect.flatMap(CallRegistry, (registry) => test({ registry, outcomes: () => store.of("CallEnded").map(({ outcome }) => outcome) })).pipe(
      Effect.provide(CallRegistry.layer.pipe(
        Layer.provide(CallHistories.layer),
        Layer.provide([store.layer, identity(), config(), noRecorder, Prices.layerNone]),
        Layer.provide(fakeRest)
      )),
      Effect.scoped
    )
  })

/** A body as Twilio sends it, but much longer, and the SID as a substring of it. */
const sidInLongBody = (index: number): CallSid => {
  const body = Buffer.from(`CallSid=${callSid(index)}&Padding=${"x".repeat(256 * 1024)}`).toString("latin1")
  return body.slice(8, 8 + 34) as CallSid
}

const heapAfterCollection = () => {
  Collector.collectAll()
  return process.memoryUsage().heapUsed
}

describe("what Twilio reports of a call before the call is here", () => {
  it.effect("is in the call's outcome", () =>
    withRegistry(({ outcomes, registry }) =>
      Effect.gen(function*() {
        yield* registry.report(callSid(), "ringing", 1, { answeredBy: "human" })
        yield* registry.report(callSid(), "busy", 2, { sipCode: 486, durationSeconds: 0 })
        yield* TestClock.adjust("30 seconds")
        yield* registry.adopt(info())
        yield* settle
        assert.deepInclude(outcomes().at(-1), { status: "busy", sipCode: 486, answeredBy: "human", durationSeconds: 0, final: true })
      })))

  it.effect("is forgotten after a minute", () =>
    withRegistry(({ outcomes, registry }) =>
      Effect.gen(function*() {
        yield* registry.report(callSid(), "ringing", 1, { answeredBy: "human" })
        yield* TestClock.adjust("70 seconds")
        yield* registry.adopt(info())
        yield* registry.end(callSid(), "requested")
        yield* settle
        assert.isUndefined(outcomes().at(-1)?.answeredBy)
      })))

  it.effect("is in the outcome of a call whose process is gone", () => {
    const store = RecordingStore.make(false)
    store.known.set(callSid(), RecordingStore.stored(callSid()))
    return Effect.gen(function*() {
      const registry = yield* CallRegistry
      yield* registry.report(callSid(), "in-progress", 2, { answeredBy: "human" })
      yield* registry.report(callSid(), "completed", 3, { durationSeconds: 7 })
      yield* settle
      assert.deepInclude(store.of("CallEnded").at(-1)?.outcome, { status: "completed", answeredBy: "human", durationSeconds: 7 })
    }).pipe(
      Effect.provide(CallRegistry.layer.pipe(
        Layer.provide(CallHistories.layer),
        Layer.provide([store.layer, identity(), config(), noRecorder, Prices.layerNone]),
        Layer.provide(fakeRest)
      )),
      Effect.scoped
    )
  })
})

describe("the memory of requests about a call", () => {
  const calls = 200

  it.effect("is freed, even if their reports are kept", () =>
    withRegistry(({ registry }) =>
      Effect.gen(function*() {
        const before = heapAfterCollection()
        for (let index = 1; index <= calls; index++) yield* registry.report(sidInLongBody(index), "ringing", 1, { answeredBy: "human" })
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        assert.isBelow(heapAfterCollection() - before, calls * 64 * 1024)
      })))

  it.effect("is freed, even if the call is live", () =>
    withRegistry(({ registry }) =>
      Effect.gen(function*() {
        const before = heapAfterCollection()
        for (let index = 1; index <= calls; index++) yield* registry.admit({ ...info(), callSid: sidInLongBody(index) })
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        assert.isBelow(heapAfterCollection() - before, calls * 64 * 1024)
      })))
})
