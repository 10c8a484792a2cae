import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Exit, Fiber, Layer, Metric, Option, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Agent } from "../../../src/agent/Agent.ts"
import type { NewCall } from "../../../src/call/CallInfo.ts"
import * as NoStore from "../../support/store/NoStore.ts"
import { CallHistories } from "../../../src/call/history/CallHistories.ts"
import { CallRegistry } from "../../../src/call/CallRegistry.ts"
import { CallEvent } from "../../../src/call/CallState.ts"
import type { CallHasEnded, LineBusy } from "../../../src/call/registry/Admission.ts"
import { maxCalls as maxEarly } from "../../../src/call/registry/EarlyReports.ts"
import type { CallSide } from "../../../src/conversation/ports/AudioPort.ts"
import type { ConversationMemory } from "../../../src/conversation/ports/ConversationMemory.ts"
import { PhoneNumber } from "../../../src/domain/PhoneNumber.ts"
import * as Agents from "../../support/conversation/Agents.ts"
import * as FakeMediaStream from "../../support/telephone/FakeMediaStream.ts"
import { failure, FakeRestClient, layer as fakeRest } from "../../support/telephone/FakeRestClient.ts"
import { caller, callSid, ours, streamSid } from "../../support/conversation/Samples.ts"
import { config } from "../../support/service/TestConfig.ts"
import { settle } from "../../support/service/Time.ts"

const info = (index = 1, change: Partial<NewCall> = {}): NewCall => ({
  callSid: callSid(index),
  direction: "inbound",
  from: Option.some(caller),
  to: Option.some(ours),
  agent: Agents.silent,
  ...change
})

const answered = CallEvent.Answered({ streamsHere: true, request: "afterStream" })

/** Why a call was not admitted. */
const why = (error: LineBusy | CallHasEnded) => error._tag === "LineBusy" ? error.reason : error._tag

const registryLayer = (env: Record<string, string> = {}) =>
  CallRegistry.layer.pipe(Layer.provide([CallHistories.layerNone, NoStore.layer]), Layer.provideMerge(fakeRest), Layer.provide(config({ MAX_CALL_DURATION: "10m", ...env })))

interface Bench {
  readonly registry: CallRegistry["Service"]
  readonly rest: FakeRestClient["Service"]
  readonly phase: (index?: number) => Effect.Effect<string>
  /** An answered call. */
  readonly call: (index?: number, change?: Partial<NewCall>) => ReturnType<CallRegistry["Service"]["admit"]>
  /** An answered call with an open stream, whose peer echoes marks. */
  readonly stream: (agent?: Agent, index?: number) => Effect.Effect<Streaming, unknown, Scope.Scope>
}

interface Streaming extends FakeMediaStream.FakeMediaStream {
  /** Waits for the stream's end. Whether the call accepted the stream. */
  readonly taken: Effect.Effect<boolean>
  readonly isOver: () => boolean
}

const withRegistry = <A, E>(
  test: (bench: Bench) => Effect.Effect<A, E, Scope.Scope>,
  env: Record<string, string> = {}
) =>
  Effect.gen(function*() {
    const registry = yield* CallRegistry
    const rest = yield* FakeRestClient
    const call = Effect.fnUntraced(function*(index = 1, change: Partial<NewCall> = {}) {
      const call = yield* registry.admit(info(index, change))
      yield* call.dispatch(answered)
      yield* settle
      return call
    })
    return yield* test({
      registry,
      rest,
      call,
      phase: (index = 1) =>
        Effect.flatMap(
          registry.find(callSid(index)),
          Option.match({
            onNone: () => Effect.succeed("gone"),
            onSome: (call) => Effect.map(call.state, ({ phase }) => phase._tag as string)
          })
        ),
      stream: Effect.fnUntraced(function*(agent = Agents.silent, index = 1) {
        return yield* attach(yield* call(index, { agent }), index, 1)
      })
    })
  }).pipe(
    Effect.provide(registryLayer(env)),
    Effect.scoped,
    // The test's metrics start at 0.
    Effect.provideService(Metric.MetricRegistry, new Map())
  )

/** Gives a call its stream, as the WebSocket's route does. */
const attach = Effect.fnUntraced(function*(
  call: Effect.Success<ReturnType<Bench["call"]>>,
  index: number,
  stream: number
) {
  const fake = yield* FakeMediaStream.make({ call: index, stream, echoesMarks: true })
  const fiber = yield* Effect.forkScoped(call.stream(fake.stream))
  yield* settle
  const streaming: Streaming = { ...fake, taken: Fiber.join(fiber), isOver: () => fiber.pollUnsafe() !== undefined }
  return streaming
})

describe("admit", () => {
  it.effect("returns the same call for the same SID, even for requests at the same time", () =>
    withRegistry(({ registry }) =>
      Effect.gen(function*() {
        const calls = yield* Effect.all(Array.from({ length: 20 }, () => registry.admit(info())), { concurrency: "unbounded" })
        assert.strictEqual(new Set(calls).size, 1)
        assert.strictEqual(yield* registry.liveCount, 1)
      })))

  it.effect("refuses a call above MAX_CALLS, and takes one again when another has ended", () =>
    withRegistry(({ call, registry }) =>
      Effect.gen(function*() {
        yield* call(1)
        yield* call(2)
        const error = yield* Effect.flip(call(3))
        assert.strictEqual(why(error), "busy")
        assert.include(error.message, "MAX_CALLS")
        assert.isTrue(Option.isNone(yield* registry.find(callSid(3))))
        yield* call(2)
        yield* registry.report(callSid(1), "completed", 9)
        yield* settle
        yield* call(3)
        assert.strictEqual(yield* registry.liveCount, 2)
      }), { MAX_CALLS: "2" }))

  it.effect("gives one caller at most its share of the lines", () =>
    withRegistry(({ call, registry }) =>
      Effect.gen(function*() {
        const one = { callerKey: "+14155550123" }
        yield* call(1, one)
        yield* call(2, one)
        const error = yield* Effect.flip(call(3, one))
        assert.strictEqual(why(error), "callerBusy")
        assert.include(error.message, "MAX_CALLS_PER_CALLER")
        // Another request of a live call takes no further line.
        yield* call(2, one)
        yield* call(4, { callerKey: "client:alice" })
        yield* call(5)
        yield* call(6)
        // An ended call frees one line, even if Twilio reports the end three times.
        for (let times = 0; times < 3; times++) yield* registry.report(callSid(1), "completed", 9 + times)
        yield* settle
        yield* call(7, one)
        assert.strictEqual(why(yield* Effect.flip(call(8, one))), "callerBusy")
        assert.strictEqual(yield* registry.liveCount, 5)
      }), { MAX_CALLS: "6", MAX_CALLS_PER_CALLER: "2" }))

  it.effect("does not count a call that this service placed as a call of the person who is called", () =>
    withRegistry(({ call }) =>
      Effect.gen(function*() {
        yield* call(1, { direction: "outbound" })
        yield* call(2, { direction: "outbound" })
        yield* call(3, { callerKey: caller })
        assert.strictEqual(why(yield* Effect.flip(call(4, { callerKey: caller }))), "callerBusy")
      }), { MAX_CALLS_PER_CALLER: "1" }))

  it.effect("admits a call that this service placed even if all lines are busy, because its line was reserved", () =>
    withRegistry(({ call, registry }) =>
      Effect.gen(function*() {
        yield* call(1)
        yield* call(2, { direction: "outbound" })
        assert.strictEqual(yield* registry.liveCount, 2)
      }), { MAX_CALLS: "1" }))

  it.effect("counts the lines reserved for calls about to be placed, until they are released", () =>
    withRegistry(({ call, registry }) =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* registry.reserve
          yield* call(1)
          assert.strictEqual((yield* Effect.flip(Effect.scoped(registry.reserve))).reason, "busy")
          assert.strictEqual(why(yield* Effect.flip(registry.admit(info(2)))), "busy")
        }))
        yield* registry.admit(info(2))
      }), { MAX_CALLS: "2" }))

  it.effect("race: a drain waits for a call that is being placed", () =>
    withRegistry(({ registry }) =>
      Effect.gen(function*() {
        const place = yield* Scope.make()
        yield* Scope.provide(registry.reserve, place)
        const drain = yield* Effect.forkScoped(registry.drain(Duration.minutes(1)))
        yield* TestClock.adjust("10 seconds")
        assert.isUndefined(drain.pollUnsafe())
        yield* Scope.close(place, Exit.void)
        yield* TestClock.adjust("1 second")
        assert.isDefined(drain.pollUnsafe())
      })))

  it.effect("refuses every new call while draining, but knows the live ones", () =>
    withRegistry(({ call, registry }) =>
      Effect.gen(function*() {
        const known = yield* call(1)
        assert.isFalse(yield* registry.isDraining)
        yield* Effect.forkScoped(registry.drain(Duration.minutes(1)))
        yield* settle
        assert.isTrue(yield* registry.isDraining)
        assert.strictEqual(why(yield* Effect.flip(registry.admit(info(2)))), "draining")
        assert.strictEqual((yield* Effect.flip(Effect.scoped(registry.reserve))).reason, "draining")
        assert.strictEqual(yield* registry.admit(info(1)), known)
      })))
})

describe("a call's time", () => {
  it.effect("is over when its stream does not start, as soon as Twilio has hung up", () =>
    withRegistry(({ call, phase, rest }) =>
      Effect.gen(function*() {
        yield* call()
        yield* TestClock.adjust("9 seconds")
        assert.strictEqual(yield* phase(), "Connected")
        assert.deepStrictEqual(rest.hangUps, [])
        const answer = yield* Deferred.make<void>()
        rest.onHangUp = () => Deferred.await(answer)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* phase(), "Ending")
        assert.deepStrictEqual(rest.hangUps, [callSid()])
        yield* Deferred.succeed(answer, undefined)
        yield* settle
        assert.strictEqual(yield* phase(), "gone")
      }), { START_TIMEOUT: "10s" }))

  it.effect("ends even if Twilio never reports that the call is completed", () =>
    withRegistry(({ call, phase, rest }) =>
      Effect.gen(function*() {
        yield* call()
        rest.onHangUp = () => Effect.fail(failure("unreachable"))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* phase(), "Ending")
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(yield* phase(), "gone")
        assert.deepStrictEqual(rest.hangUps, [callSid()])
      }), { START_TIMEOUT: "10s" }))

  it.effect("is not limited by the wait for the start once the stream has started", () =>
    withRegistry(({ phase, rest, stream }) =>
      Effect.gen(function*() {
        const { hear } = yield* stream()
        for (let second = 0; second < 30; second++) {
          hear(0xff)
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual(yield* phase(), "Streaming")
        assert.deepStrictEqual(rest.hangUps, [])
      }), { START_TIMEOUT: "10s" }))

  it.effect("is at most MAX_CALL_DURATION, from the answer and over all its streams", () =>
    withRegistry(({ phase, registry, stream }) =>
      Effect.gen(function*() {
        const first = yield* stream()
        yield* TestClock.adjust("30 seconds")
        first.lose()
        yield* settle
        const call = Option.getOrThrow(yield* registry.find(callSid()))
        yield* call.dispatch(answered)
        const second = yield* attach(call, 1, 2)
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual(yield* phase(), "Streaming")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* phase(), "Ending")
        assert.deepStrictEqual(second.closes, [1000])
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(yield* phase(), "gone")
      }), { MAX_CALL_DURATION: "60s", MEDIA_TIMEOUT: "1h" }))

  it.effect("resumes with the memory of its newest stream, even if an earlier stream stores one later", () =>
    withRegistry((bench) =>
      Effect.gen(function*() {
        const lines: Array<CallSide> = []
        const agent = Agents.make((line) => Effect.sync(() => {
          lines.push(line)
          return { outboundItems: Stream.never, signal: () => Effect.void }
        }))
        const memories = [1, 2, 3].map((at) => ({ at }) as ConversationMemory)
        const call = yield* bench.call(1, { agent })
        for (const stream of [1, 2]) {
          const { lose } = yield* attach(call, 1, stream)
          lines[stream - 1].remember?.(memories[stream - 1])
          lines[0].remember?.(memories[0])
          lose()
          yield* settle
          yield* call.dispatch(answered)
        }
        yield* attach(call, 1, 3)
        assert.deepStrictEqual(lines.map(({ resumption }) => resumption?.memory), [undefined, memories[0], memories[1]])
      })))

  it.effect("is over after MEDIA_TIMEOUT without sound: the stream is closed", () =>
    withRegistry(({ phase, stream }) =>
      Effect.gen(function*() {
        const { closes } = yield* stream()
        yield* TestClock.adjust("14 seconds")
        assert.deepStrictEqual(closes, [])
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(closes, [1008])
        assert.strictEqual(yield* phase(), "Ending")
      }), { MEDIA_TIMEOUT: "15s" }))

  it.effect("is limited even if no answer is ever reported, so that the call does not keep its line for ever", () =>
    withRegistry(({ registry, rest }) =>
      Effect.gen(function*() {
        yield* registry.admit(info(1, { direction: "outbound" }))
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(yield* registry.liveCount, 1)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(yield* registry.liveCount, 0)
        assert.deepStrictEqual(rest.hangUps, [callSid()])
      })))
})

describe("a call that is transferred", () => {
  const other = PhoneNumber.make("+14155550177")

  /** An agent that transfers the call at once, and keeps the result. */
  const handsOn = (outcomes: Array<string>) =>
    Agents.make((line) =>
      Effect.gen(function*() {
        const { transfer } = line
        if (transfer !== undefined) {
          yield* Effect.forkScoped(Effect.match(Effect.flatMap(transfer(other), Fiber.join), {
            onSuccess: () => void outcomes.push("done"),
            onFailure: ({ reason }) => void outcomes.push(reason)
          }))
        }
        return { outboundItems: Stream.never, signal: () => Effect.void }
      }))

  const stream = (bench: Bench, outcomes: Array<string>, change: Partial<NewCall> = {}) =>
    Effect.gen(function*() {
      const call = yield* bench.call(1, { agent: handsOn(outcomes), baseUrl: "https://calls.example.com", ...change })
      return yield* attach(call, 1, 1)
    })

  it.effect("shows our number to the other telephone, and is transferred when its stream ends", () =>
    withRegistry((bench) =>
      Effect.gen(function*() {
        const outcomes: Array<string> = []
        const { stop } = yield* stream(bench, outcomes)
        assert.deepStrictEqual(bench.rest.transfers, [{
          callSid: callSid(),
          to: other,
          callerId: Option.some(ours),
          action: Option.some(`https://calls.example.com/twilio/continue?agent=${Agents.silent.name}`)
        }])
        assert.deepStrictEqual(outcomes, ["done"])
        stop()
        yield* settle
        assert.strictEqual(yield* bench.phase(), "Transferred")
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(bench.rest.hangUps, [])
        yield* bench.registry.report(callSid(), "completed", 9)
        yield* settle
        assert.strictEqual(yield* bench.phase(), "gone")
      }), { MEDIA_TIMEOUT: "1h" }))

  it.effect("shows the number that we called from, if we placed it", () =>
    withRegistry((bench) =>
      Effect.gen(function*() {
        yield* stream(bench, [], { direction: "outbound", from: Option.some(ours), to: Option.some(caller) })
        assert.deepStrictEqual(bench.rest.transfers.map(({ callerId }) => callerId), [Option.some(ours)])
      })))

  it.effect("stays with the agent if Twilio refuses the transfer, and the agent learns why", () =>
    withRegistry((bench) =>
      Effect.gen(function*() {
        bench.rest.onTransfer = () => Effect.fail(failure("rejected"))
        const outcomes: Array<string> = []
        const { isOver, stop } = yield* stream(bench, outcomes)
        assert.deepStrictEqual(outcomes, ["rejected"])
        assert.isFalse(isOver())
        assert.strictEqual(yield* bench.phase(), "Streaming")
        stop()
        yield* settle
        assert.strictEqual(yield* bench.phase(), "Ending")
      })))

  it.effect("is transferred although its stream ends before Twilio has answered", () =>
    withRegistry((bench) =>
      Effect.gen(function*() {
        const answer = yield* Deferred.make<void>()
        bench.rest.onTransfer = () => Deferred.await(answer)
        const { stop } = yield* stream(bench, [])
        stop()
        yield* settle
        assert.strictEqual(yield* bench.phase(), "Transferred")
        yield* Deferred.succeed(answer, undefined)
        yield* settle
        assert.strictEqual(yield* bench.phase(), "Transferred")
      })))

  it.effect("takes no line, and a drain neither waits for it nor hangs it up", () =>
    withRegistry((bench) =>
      Effect.gen(function*() {
        const { stop } = yield* stream(bench, [])
        stop()
        yield* settle
        assert.strictEqual(yield* bench.registry.liveCount, 0)
        yield* bench.call(2)
        yield* bench.registry.report(callSid(2), "completed", 9)
        yield* settle
        yield* bench.registry.drain(Duration.hours(1))
        assert.deepStrictEqual(bench.rest.hangUps, [])
      }), { MAX_CALLS: "1" }))

  it.effect("is forgotten after four hours if no status reports its end", () =>
    withRegistry((bench) =>
      Effect.gen(function*() {
        const { stop } = yield* stream(bench, [])
        stop()
        yield* TestClock.adjust("5 hours")
        assert.strictEqual(yield* bench.phase(), "gone")
        assert.deepStrictEqual(bench.rest.hangUps, [])
      })))
})

describe("a call's end", () => {
  it.effect("leaves no call, no stream and no waiting fiber behind", () =>
    withRegistry(({ registry, stream }) =>
      Effect.gen(function*() {
        const one = yield* stream(Agents.saying(() => Stream.fromEffectRepeat(Effect.succeed(Agents.sound(20)))))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* registry.streamingCount, 1)
        one.stop()
        yield* settle
        yield* registry.report(callSid(), "completed", 3)
        yield* settle
        assert.strictEqual(yield* registry.liveCount, 0)
        assert.strictEqual(yield* registry.streamingCount, 0)
        assert.isTrue(one.isOver())
        const before = one.sent.length
        yield* TestClock.adjust("2 hours")
        assert.strictEqual(one.sent.length, before)
      })))

  it.effect("by the agent closes the stream normally, after the last sound", () =>
    withRegistry(({ phase, stream }) =>
      Effect.gen(function*() {
        const { closes, story, taken } = yield* stream(Agents.saying(() => Stream.make(Agents.sound(100))))
        assert.isTrue(yield* taken)
        assert.deepStrictEqual(story(), ["media 5", "mark client-caller/last"])
        assert.deepStrictEqual(closes, [1000])
        assert.strictEqual(yield* phase(), "Ending")
      })))

  it.effect.each([
    ["that fails in its reply", Agents.saying(() => Stream.fail(Agents.failed()))],
    ["that can't begin", Agents.make(() => Effect.fail(Agents.failed()))]
  ] as const)("by an agent %s closes the stream with 1011", ([, agent]) =>
    withRegistry(({ phase, stream }) =>
      Effect.gen(function*() {
        const { closes, taken } = yield* stream(agent)
        assert.isTrue(yield* taken)
        assert.deepStrictEqual(closes, [1011])
        assert.strictEqual(yield* phase(), "Ending")
      })))

  it.effect("by an agent that dies before it begins closes the stream with 1011", () =>
    withRegistry(({ phase, stream }) =>
      Effect.gen(function*() {
        const { closes, isOver } = yield* stream(Agents.make(() => Effect.die("a bug")))
        yield* settle
        assert.isTrue(isOver())
        assert.deepStrictEqual(closes, [1011])
        assert.strictEqual(yield* phase(), "Ending")
      })))

  it.effect("does not touch other calls", () =>
    withRegistry(({ phase, registry, stream }) =>
      Effect.gen(function*() {
        yield* stream(Agents.silent, 1)
        const other = yield* stream(Agents.silent, 2)
        yield* registry.report(callSid(1), "completed", 3)
        yield* settle
        assert.strictEqual(yield* phase(1), "gone")
        assert.strictEqual(yield* phase(2), "Streaming")
        assert.deepStrictEqual(other.closes, [])
      })))

  it.effect("comes when the service stops", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(registryLayer(), scope)
      const { call, over } = yield* Effect.gen(function*() {
        const call = yield* (yield* CallRegistry).admit(info())
        yield* call.dispatch(answered)
        const over = yield* attach(call, 1, 1)
        return { call, over }
      }).pipe(Effect.provide(services))
      assert.strictEqual((yield* call.state).phase._tag, "Streaming")
      yield* Scope.close(scope, Exit.void)
      yield* settle
      assert.deepStrictEqual((yield* call.state).phase as object, { _tag: "Ended", reason: "shutdown" })
      assert.isTrue(over.isOver())
    }))
})

  /** The value of a counter, with these attributes or of all attributes together. */
const count = (name: string, attributes: Record<string, string> = {}) =>
  Effect.map(Metric.snapshot, (metrics) =>
    metrics.reduce((sum, metric) =>
      metric.id === name && metric.type === "Counter" &&
        Object.entries(attributes).every(([key, value]) => metric.attributes?.[key] === value)
        ? sum + Number(metric.state.count)
        : sum, 0))

const early = (outcome: string) => count("client_caller_early_reports_total", { outcome })
const endedBecause = (reason: string) => count("client_caller_calls_ended_total", { reason })

describe("a status that Twilio reports before the call is here", () => {
  const outbound = info(1, { direction: "outbound" })

  it.effect("makes no call, and is forgotten after a minute", () =>
    withRegistry(({ phase, registry }) =>
      Effect.gen(function*() {
        for (const [index, status] of (["initiated", "ringing", "in-progress"] as const).entries()) {
          yield* registry.report(callSid(), status, index)
        }
        yield* registry.hangUp(callSid(), "requested")
        assert.strictEqual(yield* registry.liveCount, 0)
        assert.strictEqual(yield* early("remembered"), 3)
        yield* TestClock.adjust("71 seconds")
        assert.strictEqual(yield* early("expired"), 3)
        yield* registry.adopt(outbound)
        assert.strictEqual(yield* phase(), "Initiated")
      })))

  it.effect.each([
    ["busy", "busy"],
    ["no-answer", "noAnswer"],
    ["failed", "failed"],
    ["canceled", "canceled"],
    ["completed", "completed"]
  ] as const)("ends the call as soon as it is here, and its room is free: %s", ([status, reason]) =>
    withRegistry(({ registry, rest }) =>
      Effect.gen(function*() {
        for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]]) {
          const index = 1 + order[0]
          const reports = [["initiated", 0], ["ringing", 1], [status, 2]] as const
          for (const [word, sequence] of order.map((at) => reports[at])) yield* registry.report(callSid(index), word, sequence)
          yield* Effect.scoped(Effect.andThen(registry.reserve, registry.adopt(info(index, { direction: "outbound" }))))
          assert.strictEqual(yield* registry.liveCount, 0)
          yield* registry.admit(info(index + 10))
          yield* registry.report(callSid(index + 10), "completed", 9)
        }
        assert.strictEqual(yield* endedBecause(reason), 3 + (reason === "completed" ? 3 : 0))
        // Reports after the final status are not remembered.
        assert.strictEqual(yield* early("applied"), 3 + 1 + 2)
        yield* settle
        assert.isTrue(Option.isSome(yield* registry.events(callSid(1))))
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(rest.hangUps, [])
      }), { MAX_CALLS: "1" }))

  it.effect("is applied in the order of the sequence numbers, and starts the same timers as for a live call", () =>
    withRegistry(({ phase, registry, rest }) =>
      Effect.gen(function*() {
        yield* registry.report(callSid(), "in-progress", 2)
        yield* registry.report(callSid(), "initiated", 0)
        yield* registry.report(callSid(), "ringing", 1)
        yield* registry.adopt(outbound)
        assert.strictEqual(yield* phase(), "Connected")
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(rest.hangUps, [callSid()])
      }), { START_TIMEOUT: "10s" }))

  it.effect("is also applied if a webhook makes the call", () =>
    withRegistry(({ phase, registry }) =>
      Effect.gen(function*() {
        yield* registry.report(callSid(), "ringing", 1)
        const call = yield* registry.admit(outbound)
        assert.strictEqual(yield* phase(), "Ringing")
        yield* registry.adopt(outbound)
        assert.strictEqual(Option.getOrThrow(yield* registry.find(callSid())), call)
        assert.strictEqual(yield* registry.liveCount, 1)
      })))

  it.effect("prevents a webhook from making the call, if it is the final status", () =>
    withRegistry(({ registry }) =>
      Effect.gen(function*() {
        yield* registry.report(callSid(), "completed", 3)
        assert.strictEqual(why(yield* Effect.flip(registry.admit(info()))), "CallHasEnded")
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(why(yield* Effect.flip(registry.admit(info()))), "CallHasEnded")
        // The report has expired, but the end is still known: no call is made.
        yield* registry.adopt(outbound)
        assert.strictEqual(yield* registry.liveCount, 0)
      })))

  it.effect("is dropped if 10 000 other calls have newer reports", () =>
    withRegistry(({ phase, registry }) =>
      Effect.gen(function*() {
        for (let index = 1; index <= maxEarly + 5; index++) yield* registry.report(callSid(index), "ringing", 1)
        assert.strictEqual(yield* early("dropped"), 5)
        yield* registry.adopt(info(5, { direction: "outbound" }))
        yield* registry.adopt(info(6, { direction: "outbound" }))
        assert.deepStrictEqual([yield* phase(5), yield* phase(6)], ["Initiated", "Ringing"])
      })))
})

describe("a call that we placed, whose webhooks were faster than Twilio's answer", () => {
  const outbound = info(1, { direction: "outbound" })

  for (
    const [name, end] of [
      ["by Twilio's report", ({ registry }) => registry.report(callSid(), "completed", 3)],
      ["by our <Hangup/>", ({ registry }) => registry.end(callSid(), "requested")],
      ["by its stream's stop", () => TestClock.adjust("3 seconds")]
    ] satisfies ReadonlyArray<readonly [string, (bench: Bench) => Effect.Effect<void>]>
  ) {
    it.effect(`is not made again after it has ended ${name}`, () =>
      withRegistry((bench) =>
        Effect.gen(function*() {
          const { registry, rest } = bench
          const call = yield* bench.call(1, { direction: "outbound" })
          const { stop } = yield* attach(call, 1, 1)
          stop()
          yield* settle
          yield* end(bench)
          yield* settle
          assert.strictEqual(yield* registry.liveCount, 0)
          yield* registry.adopt(outbound)
          yield* settle
          assert.strictEqual(yield* registry.liveCount, 0)
          assert.strictEqual(yield* endedBecause("callerLeft"), 1)
          assert.strictEqual(yield* count("client_caller_calls_ended_total"), 1)
          yield* TestClock.adjust("10 minutes")
          assert.deepStrictEqual(rest.hangUps, [])
        })))
  }

  it.effect("is not made again after it was answered with <Hangup/>", () =>
    withRegistry(({ registry }) =>
      Effect.gen(function*() {
        yield* registry.report(callSid(), "ringing", 1)
        yield* registry.end(callSid(), "requested")
        yield* registry.adopt(outbound)
        assert.strictEqual(yield* registry.liveCount, 0)
      })))
})

describe("a call that has ended", () => {
  it.effect("frees its line at once although its agent ends slowly; a drain waits for the agent", () =>
    withRegistry(({ call, registry, stream }) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        yield* stream(Agents.make(() =>
          Effect.as(Effect.addFinalizer(() => Deferred.await(gate)), { outboundItems: Stream.never, signal: () => Effect.void })
        ))
        yield* registry.report(callSid(), "completed", 3)
        yield* settle
        assert.strictEqual(yield* registry.liveCount, 0)
        yield* call(2)
        yield* registry.report(callSid(2), "completed", 3)
        const drain = yield* Effect.forkScoped(registry.drain(Duration.minutes(1)))
        yield* TestClock.adjust("5 seconds")
        assert.isUndefined(drain.pollUnsafe())
        yield* Deferred.succeed(gate, undefined)
        yield* TestClock.adjust("1 second")
        assert.isDefined(drain.pollUnsafe())
      }), { MAX_CALLS: "1" }))

  for (
    const [name, end] of [
      ["Twilio's last status", ({ registry }) => registry.report(callSid(), "completed", 3)],
      ["a REST hang-up that Twilio accepted", ({ registry }) => registry.hangUp(callSid(), "requested")],
      ["our <Hangup/>", ({ registry }) => registry.end(callSid(), "requested")]
    ] satisfies ReadonlyArray<readonly [string, (bench: Bench) => Effect.Effect<void>]>
  ) {
    it.effect(`by ${name} does not come back for a day`, () =>
      withRegistry((bench) =>
        Effect.gen(function*() {
          const { registry } = bench
          yield* bench.call()
          yield* end(bench)
          yield* settle
          assert.strictEqual(yield* bench.phase(), "gone")
          yield* TestClock.adjust("23 hours")
          assert.isTrue(yield* registry.hasEnded(callSid()))
          assert.strictEqual(why(yield* Effect.flip(registry.admit(info()))), "CallHasEnded")
          yield* TestClock.adjust("1 hour")
          assert.isFalse(yield* registry.hasEnded(callSid()))
          yield* registry.admit(info())
        })))
  }

  for (
    const [name, end] of [
      ["because its stream stopped", ({ stop }) => Effect.andThen(Effect.sync(stop), TestClock.adjust("4 seconds"))],
      ["because its stream was lost", ({ lose }) => Effect.andThen(Effect.sync(lose), TestClock.adjust("11 seconds"))]
    ] satisfies ReadonlyArray<readonly [string, (stream: Streaming) => Effect.Effect<void>]>
  ) {
    it.effect(`only here, ${name}, may come back until Twilio reports its end`, () =>
      withRegistry((bench) =>
        Effect.gen(function*() {
          const { registry } = bench
          yield* end(yield* bench.stream())
          assert.strictEqual(yield* bench.phase(), "gone")
          for (const status of [undefined, "in-progress"] as const) assert.isFalse(yield* registry.hasEnded(callSid(), status))
          // The call was answered, so it can't ring any more.
          for (const status of ["queued", "initiated", "ringing"] as const) {
            assert.isTrue(yield* registry.hasEnded(callSid(), status))
            assert.isFalse(yield* registry.hasEnded(callSid(2), status))
          }
          const again = yield* bench.call()
          assert.isFalse(yield* registry.hasEnded(callSid(), "ringing"))
          const stream = yield* attach(again, 1, 2)
          assert.strictEqual(yield* bench.phase(), "Streaming")
          yield* registry.report(callSid(), "completed", 3)
          yield* settle
          assert.isTrue(stream.isOver())
          assert.strictEqual(yield* bench.phase(), "gone")
          assert.strictEqual(why(yield* Effect.flip(registry.admit(info()))), "CallHasEnded")
        })))
  }

  it.effect("only here is over when Twilio's late status comes, and that status is not kept as an early report", () =>
    withRegistry(({ registry, stream }) =>
      Effect.gen(function*() {
        const { stop } = yield* stream()
        stop()
        yield* TestClock.adjust("4 seconds")
        yield* registry.report(callSid(), "in-progress", 2)
        yield* registry.report(callSid(), "completed", 3)
        yield* registry.report(callSid(), "completed", 3)
        assert.isTrue(yield* registry.hasEnded(callSid()))
        assert.strictEqual(yield* early("remembered"), 0)
        assert.strictEqual(yield* endedBecause("callerLeft"), 1)
        assert.strictEqual(yield* count("client_caller_calls_ended_total"), 1)
      })))

  it.effect("is not over if the hang-up over REST failed", () =>
    withRegistry(({ call, phase, registry, rest }) =>
      Effect.gen(function*() {
        rest.onHangUp = () => Effect.fail(failure("unreachable"))
        yield* call()
        yield* registry.hangUp(callSid(), "requested")
        yield* TestClock.adjust("4 seconds")
        assert.strictEqual(yield* phase(), "gone")
        assert.isFalse(yield* registry.hasEnded(callSid()))
      })))
})

describe("a further request for the first TwiML of a live call", () => {
  const again = CallEvent.Answered({ streamsHere: true, request: "first" })

  it.effect("closes the old stream when the new one starts, and only then", () =>
    withRegistry(({ phase, registry, stream }) =>
      Effect.gen(function*() {
        const old = yield* stream()
        const call = Option.getOrThrow(yield* registry.find(callSid()))
        for (let index = 0; index < 20; index++) yield* call.dispatch(again)
        yield* settle
        assert.isFalse(old.isOver())
        const next = yield* attach(call, 1, 2)
        assert.isTrue(old.isOver())
        assert.deepStrictEqual(old.closes, [1000])
        assert.isFalse(next.isOver())
        yield* TestClock.adjust("12 seconds")
        assert.strictEqual(yield* phase(), "Streaming")
        assert.deepStrictEqual(next.closes, [])
        yield* registry.hangUp(callSid(), "requested")
        yield* settle
        assert.deepStrictEqual(next.closes, [1000])
      }), { MEDIA_TIMEOUT: "1h" }))

  it.effect("does not offer a stream for ever", () =>
    withRegistry(({ registry, stream }) =>
      Effect.gen(function*() {
        const old = yield* stream()
        const call = Option.getOrThrow(yield* registry.find(callSid()))
        yield* call.dispatch(again)
        yield* TestClock.adjust("10 seconds")
        const late = yield* attach(call, 1, 2)
        assert.isFalse(yield* late.taken)
        assert.isFalse(old.isOver())
      }), { MEDIA_TIMEOUT: "1h", START_TIMEOUT: "10s" }))

  it.effect("after the old stream's stop keeps the call live, even without a status from Twilio", () =>
    withRegistry(({ phase, registry, rest, stream }) =>
      Effect.gen(function*() {
        const old = yield* stream()
        const call = Option.getOrThrow(yield* registry.find(callSid()))
        old.stop()
        yield* settle
        yield* call.dispatch(again)
        yield* TestClock.adjust("5 seconds")
        yield* attach(call, 1, 2)
        assert.strictEqual(yield* phase(), "Streaming")
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* phase(), "Streaming")
        assert.deepStrictEqual(rest.hangUps, [])
        assert.strictEqual(yield* count("client_caller_calls_ended_total"), 0)
      }), { MEDIA_TIMEOUT: "1h" }))
})

describe("what Twilio reports", () => {

  it.effect("changes the call's phase, unless the report is late or a repetition", () =>
    withRegistry(({ phase, registry }) =>
      Effect.gen(function*() {
        yield* registry.admit(info(1, { direction: "outbound" }))
        yield* registry.report(callSid(), "in-progress", 2)
        assert.strictEqual(yield* phase(), "Connected")
        yield* registry.report(callSid(), "ringing", 1)
        yield* registry.report(callSid(), "in-progress", 2)
        assert.strictEqual(yield* phase(), "Connected")
        yield* registry.report(callSid(), "busy", 3)
        yield* settle
        assert.strictEqual(yield* phase(), "gone")
      })))
})

describe("drain", () => {
  const drain = (registry: CallRegistry["Service"], grace: Duration.Input) =>
    Effect.gen(function*() {
      const began = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.forkScoped(
        Effect.andThen(
          registry.drain(Duration.fromInputUnsafe(grace)),
          Effect.map(Clock.currentTimeMillis, (now) => now - began)
        )
      )
      yield* settle
      return fiber
    })

  it.effect("is over at once when there is no call", () =>
    withRegistry(({ registry }) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Fiber.join(yield* drain(registry, "30 seconds")), 0)
        assert.isTrue(yield* registry.isDraining)
      })))

  it.effect("waits until the live calls have ended", () =>
    withRegistry(({ registry, stream }) =>
      Effect.gen(function*() {
        const one = yield* stream()
        const fiber = yield* drain(registry, "30 seconds")
        yield* TestClock.adjust("10 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        assert.deepStrictEqual(one.closes, [])
        yield* registry.report(callSid(), "completed", 3)
        yield* TestClock.adjust("1 second")
        assert.isAtMost(yield* Fiber.join(fiber), 10_200)
      })))

  it.effect("hangs up the calls that are still live after its grace: their streams are closed as going away", () =>
    withRegistry(({ call, registry, rest, stream }) =>
      Effect.gen(function*() {
        const one = yield* stream(Agents.silent, 1)
        yield* call(2)
        const fiber = yield* drain(registry, "5 seconds")
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(one.closes, [1001])
        assert.deepStrictEqual(rest.hangUps, [callSid(2)])
        yield* TestClock.adjust("5 seconds")
        assert.isAtMost(yield* Fiber.join(fiber), 10_000)
        assert.strictEqual(yield* registry.liveCount, 0)
      })))

  it.effect("is over after its grace and five seconds, even if Twilio does not answer", () =>
    withRegistry(({ call, registry, rest }) =>
      Effect.gen(function*() {
        rest.onHangUp = () => Effect.never
        yield* call(1)
        const fiber = yield* drain(registry, "5 seconds")
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), 10_000)
      })))
})

describe("races", () => {
  it.effect("hang-up while dialling: Twilio is told, and if the call is answered nevertheless, it gets no stream", () =>
    withRegistry(({ registry, rest }) =>
      Effect.gen(function*() {
        const call = yield* registry.admit(info(1, { direction: "outbound" }))
        yield* registry.hangUp(callSid(), "requested")
        yield* settle
        assert.deepStrictEqual(rest.hangUps, [callSid()])
        assert.strictEqual((yield* call.dispatch(answered)).phase._tag, "Ended")
        const late = yield* attach(call, 1, 1)
        assert.isFalse(yield* late.taken)
        assert.deepStrictEqual(late.sent, [])
      })))

  it.effect("hang-up while streaming: the stream is closed at once, and its end hangs up", () =>
    withRegistry(({ phase, registry, rest, stream }) =>
      Effect.gen(function*() {
        const { closes, taken } = yield* stream(Agents.saying(() => Stream.make(Agents.sound(10_000))))
        yield* registry.hangUp(callSid(), "requested")
        yield* settle
        assert.isTrue(yield* taken)
        assert.deepStrictEqual(closes, [1000])
        assert.deepStrictEqual(rest.hangUps, [])
        assert.strictEqual(yield* phase(), "Ending")
      })))

  it.effect("hang-up while the agent starts: the stream is closed at once, and the agent is released", () =>
    withRegistry(({ phase, registry, stream }) =>
      Effect.gen(function*() {
        let released = 0
        const { closes, isOver } = yield* stream(Agents.make(() =>
          Effect.andThen(Effect.addFinalizer(() => Effect.sync(() => released++)), Effect.never)
        ))
        assert.strictEqual(yield* phase(), "Streaming")
        yield* registry.hangUp(callSid(), "requested")
        yield* settle
        assert.isTrue(isOver())
        assert.strictEqual(released, 1)
        assert.deepStrictEqual(closes, [1000])
      })))

  it.effect("stop twice: the first means that the caller left, the second changes nothing", () =>
    withRegistry(({ phase, stream }) =>
      Effect.gen(function*() {
        const { stop, taken } = yield* stream()
        stop()
        stop()
        yield* settle
        assert.isTrue(yield* taken)
        assert.strictEqual(yield* phase(), "Ending")
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(yield* phase(), "gone")
      })))

  it.effect("two streams at once: the second is refused, and the first continues", () =>
    withRegistry(({ registry, stream }) =>
      Effect.gen(function*() {
        const first = yield* stream()
        const call = Option.getOrThrow(yield* registry.find(callSid()))
        const second = yield* attach(call, 1, 2)
        assert.isFalse(yield* second.taken)
        assert.isFalse(first.isOver())
        assert.deepStrictEqual((yield* call.state).phase as object, { _tag: "Streaming", streamSid: streamSid(1) })
      })))

  it.effect("shutdown during a reply: the stream is closed as going away, and no more sound is sent", () =>
    withRegistry(({ registry, stream }) =>
      Effect.gen(function*() {
        const { closes, sent } = yield* stream(Agents.saying(() => Stream.make(Agents.sound(60_000))))
        yield* TestClock.adjust("1 second")
        yield* registry.hangUp(callSid(), "shutdown")
        yield* settle
        const before = sent.length
        assert.deepStrictEqual(closes, [1001])
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(sent.length, before)
        assert.strictEqual(yield* registry.liveCount, 0)
      })))

  it.effect("stream lost while Twilio already requests TwiML: the old one is closed when the new one starts", () =>
    withRegistry(({ phase, registry, stream }) =>
      Effect.gen(function*() {
        const old = yield* stream()
        const call = Option.getOrThrow(yield* registry.find(callSid()))
        assert.strictEqual((yield* call.dispatch(answered)).phase._tag, "Streaming")
        yield* settle
        assert.isFalse(old.isOver())
        const next = yield* attach(call, 1, 2)
        yield* settle
        assert.isTrue(old.isOver())
        old.lose()
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* phase(), "Streaming")
        assert.isFalse(next.isOver())
        yield* registry.hangUp(callSid(), "requested")
        yield* settle
        assert.deepStrictEqual(next.closes, [1000])
      })))

  it.effect("old stream whose agent ends slowly: the new one can be closed", () =>
    withRegistry(({ registry, stream }) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        let answers = 0
        yield* stream(Agents.make(() =>
          Effect.gen(function*() {
            if (answers++ === 0) yield* Effect.addFinalizer(() => Deferred.await(gate))
            return { outboundItems: Stream.never, signal: () => Effect.void }
          })
        ))
        const call = Option.getOrThrow(yield* registry.find(callSid()))
        yield* call.dispatch(answered)
        yield* settle
        const next = yield* attach(call, 1, 2)
        yield* Deferred.succeed(gate, undefined)
        yield* settle
        yield* registry.hangUp(callSid(), "requested")
        yield* settle
        assert.deepStrictEqual(next.closes, [1000])
      })))

  it.effect("stream lost and connected again: the call continues with a new stream", () =>
    withRegistry(({ phase, registry, rest, stream }) =>
      Effect.gen(function*() {
        const first = yield* stream()
        first.lose()
        yield* settle
        assert.isTrue(yield* first.taken)
        assert.strictEqual(yield* phase(), "Resuming")
        const call = Option.getOrThrow(yield* registry.find(callSid()))
        yield* call.dispatch(answered)
        const second = yield* attach(call, 1, 2)
        assert.strictEqual(yield* phase(), "Streaming")
        yield* TestClock.adjust("14 seconds")
        assert.isFalse(second.isOver())
        assert.deepStrictEqual(rest.hangUps, [])
      })))

  it.effect("stream lost for good: after ten seconds the call is over", () =>
    withRegistry(({ phase, stream }) =>
      Effect.gen(function*() {
        const { lose } = yield* stream()
        lose()
        yield* settle
        yield* TestClock.adjust("9 seconds")
        assert.strictEqual(yield* phase(), "Resuming")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* phase(), "gone")
      })))

  it.effect("status completed before stop: the call is over, and its stream is closed", () =>
    withRegistry(({ phase, registry, stream }) =>
      Effect.gen(function*() {
        const { closes, isOver, stop } = yield* stream(Agents.saying(() => Stream.make(Agents.sound(10_000))))
        yield* registry.report(callSid(), "completed", 3)
        stop()
        yield* settle
        assert.strictEqual(yield* phase(), "gone")
        assert.isTrue(isOver())
        assert.isAtMost(closes.length, 1)
      })))
})
