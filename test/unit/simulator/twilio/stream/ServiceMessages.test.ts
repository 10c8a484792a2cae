import { assert, describe, it } from "@effect/vitest"
import { type Cause, Clock, Deferred, Effect, Fiber, Queue, Schema } from "effect"
import { TestClock } from "effect/testing"
import { AccountSid, CallSid, StreamSid } from "../../../../../src/domain/Sid.ts"
import type { Untimed } from "../../../../../src/simulator/report/SimulatedCallEvent.ts"
import { Timeline } from "../../../../../src/simulator/report/Timeline.ts"
import { CallClock } from "../../../../../src/simulator/twilio/stream/CallClock.ts"
import { ServiceMessages } from "../../../../../src/simulator/twilio/stream/ServiceMessages.ts"
import { StreamMessages } from "../../../../../src/simulator/twilio/stream/StreamMessages.ts"
import * as Traffic from "../../../../../src/simulator/twilio/stream/Traffic.ts"
import type { Closed, Incoming, WebSocketClient } from "../../../../../src/simulator/twilio/stream/WebSocketClient.ts"

const streamSid = StreamSid.make(`MZ${"1".repeat(32)}`)
const ids = { streamSid, accountSid: AccountSid.make(`AC${"2".repeat(32)}`), callSid: CallSid.make(`CA${"3".repeat(32)}`) }

/** A stream on which the test plays the service. */
const open = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const incoming = yield* Queue.make<Incoming, Cause.Done>()
  const closed = yield* Deferred.make<Closed>()
  const returned: Array<readonly [at: number, name: string]> = []
  const wire: WebSocketClient = {
    incoming,
    closed: Deferred.await(closed),
    send: (text) => {
      const { mark } = JSON.parse(text) as { readonly mark: { readonly name: string } }
      returned.push([clock.currentTimeMillisUnsafe(), mark.name])
    },
    sendBinary: () => assert.fail("sends no bytes"),
    close: () => Effect.void,
    cut: () => assert.fail("cuts nothing"),
    hold: () => {},
    release: () => {},
    pause: () => {},
    resume: () => {}
  }
  const heard = new Timeline()
  const traffic = Traffic.make()
  const events: Array<Untimed> = []
  const messages = new ServiceMessages({
    streamSid,
    clock: new CallClock(clock, 0n),
    messages: new StreamMessages(wire, ids),
    heard,
    traffic,
    note: (event) => Effect.sync(() => void events.push(event))
  })
  const running = yield* Effect.forkChild(messages.run(wire), { startImmediately: true })
  const arrive = (message: object, at: bigint) => Queue.offerUnsafe(incoming, { text: JSON.stringify({ ...message, streamSid }), at })
  const soundOf = (millis: number) => ({ event: "media", media: { payload: Buffer.alloc(millis * 8, 0x10).toString("base64") } })
  const markOf = (name: string) => ({ event: "mark", mark: { name } })
  const bring = (message: object) =>
    Effect.suspend(() => {
      arrive(message, clock.monotonicTimeNanosUnsafe())
      // Lets the stream do what is due at this moment.
      return TestClock.adjust(0)
    })
  return {
    messages,
    running,
    heard,
    traffic,
    returned,
    eventsOf: <Tag extends Untimed["_tag"]>(tag: Tag) => events.filter((event): event is Extract<Untimed, { readonly _tag: Tag }> => event._tag === tag),
    sound: (millis: number) => bring(soundOf(millis)),
    mark: (name: string) => bring(markOf(name)),
    /** Messages that arrived at these moments (ms), and that are read only now. */
    readLate: (...arrived: ReadonlyArray<readonly [at: number, message: number | string]>) =>
      Effect.suspend(() => {
        for (const [at, message] of arrived) {
          arrive(typeof message === "number" ? soundOf(message) : message === "clear" ? { event: "clear" } : markOf(message), BigInt(at) * 1_000_000n)
        }
        return Effect.repeat(TestClock.adjust(0), { times: arrived.length })
      }),
    clear: bring({ event: "clear" }),
    close: (code: number) =>
      Effect.sync(() => {
        Deferred.doneUnsafe(closed, Effect.succeed({ code, reason: "" }))
        Queue.endUnsafe(incoming)
      })
  }
})

const Act = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("wait"), millis: Schema.Literals([1, 20, 59, 60, 200]) }),
  Schema.Struct({ _tag: Schema.Literals(["sound", "sound", "mark", "mark", "clear"]), millis: Schema.Literals([20, 60, 100]) })
])

describe("what the service sends", () => {
  it.effect("is counted as it comes, and its first sound is reported once", () =>
    Effect.gen(function*() {
      const stream = yield* open
      yield* TestClock.adjust("40 millis")
      yield* stream.sound(20)
      yield* TestClock.adjust("15 millis")
      yield* stream.sound(100)
      assert.deepStrictEqual(stream.traffic.arrivals, [{ at: 40, bytes: 160 }, { at: 55, bytes: 800 }])
      assert.strictEqual(stream.eventsOf("FirstSound").length, 1)
      assert.strictEqual(stream.heard.end, (40 + 20 + 100) * 8)
    }))

  it.effect("reports each played mark to the caller once, and no mark that a clear returned", () =>
    Effect.gen(function*() {
      const stream = yield* open
      yield* stream.sound(100)
      yield* stream.mark("played")
      yield* stream.sound(100)
      yield* stream.mark("cleared")
      assert.deepStrictEqual(stream.messages.takePlayedMarks(), [])
      yield* TestClock.adjust("150 millis")
      yield* stream.clear
      assert.deepStrictEqual(stream.returned, [[100, "played"], [150, "cleared"]])
      assert.deepStrictEqual(stream.messages.takePlayedMarks(), ["played"])
      assert.deepStrictEqual(stream.messages.takePlayedMarks(), [])
      assert.deepStrictEqual(stream.eventsOf("Cleared").map(({ droppedMillis }) => droppedMillis), [50])
    }))

  it.effect("counts as played only what had been played when a clear arrived, even if the clear is read later", () =>
    Effect.gen(function*() {
      const stream = yield* open
      yield* TestClock.adjust("500 millis")
      yield* stream.readLate([100, 100], [100, "played"], [100, 100], [100, "cleared"], [250, "clear"])
      assert.deepStrictEqual(stream.eventsOf("MarkReturned").map(({ cleared, name }) => [name, cleared]), [["played", false], ["cleared", true]])
      assert.deepStrictEqual(stream.messages.takePlayedMarks(), ["played"])
      assert.deepStrictEqual([stream.eventsOf("Cleared").map(({ droppedMillis }) => droppedMillis), stream.heard.end], [[50], 250 * 8])
    }))

  it.effect("plays on after a clear, at once", () =>
    Effect.gen(function*() {
      const stream = yield* open
      yield* stream.sound(1000)
      yield* TestClock.adjust("100 millis")
      yield* stream.clear
      yield* stream.sound(20)
      yield* stream.mark("next")
      yield* TestClock.adjust("20 millis")
      assert.deepStrictEqual(stream.returned, [[120, "next"]])
      assert.strictEqual(stream.heard.end, 120 * 8)
    }))

  it.effect("ends with the connection, by the code of the close", () =>
    Effect.gen(function*() {
      const stream = yield* open
      yield* stream.sound(20)
      assert.isUndefined(stream.running.pollUnsafe())
      yield* stream.close(1011)
      assert.deepStrictEqual(yield* Fiber.join(stream.running), { code: 1011, reason: "" })
    }))

  it.effect.prop("returns each mark once and in order, when the sound before it was played or cleared", [Schema.Array(Act)], ([acts]) =>
    Effect.gen(function*() {
      const stream = yield* open
      // The test's own model of the stream: when the queued sound ends, and which marks wait for it.
      let now = 0
      let end = 0
      let waiting: Array<readonly [due: number, name: string]> = []
      const expected: Array<readonly [number, string]> = []
      const played: Array<string> = []
      const pass = (millis: number) => {
        now += millis
        for (const [due, name] of waiting.filter(([due]) => due <= now)) {
          expected.push([due, name])
          played.push(name)
        }
        waiting = waiting.filter(([due]) => due > now)
        return TestClock.adjust(millis)
      }
      for (const [index, { _tag, millis }] of acts.entries()) {
        switch (_tag) {
          case "wait":
            yield* pass(millis)
            break
          case "sound":
            end = Math.max(now, end) + millis
            yield* stream.sound(millis)
            break
          case "mark":
            waiting.push([Math.max(now, end), `${index}`])
            yield* stream.mark(`${index}`)
            yield* pass(0)
            break
          case "clear":
            for (const [, name] of waiting) expected.push([now, name])
            waiting = []
            end = Math.min(end, now)
            yield* stream.clear
        }
      }
      yield* pass(60_000)
      assert.deepStrictEqual(stream.returned, expected)
      assert.deepStrictEqual(stream.messages.takePlayedMarks(), played)
    }))
})
