import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Caller from "../../../../../src/simulator/caller/Caller.ts"
import { CallerSpeech } from "../../../../../src/simulator/caller/CallerSpeech.ts"
import * as FakeWire from "../../../../support/telephone/FakeWire.ts"

const NoServices = Layer.mergeAll(
  FileSystem.layerNoop({}),
  Layer.succeed(CallerSpeech, CallerSpeech.of({ speak: () => Effect.die("nobody speaks here") }))
)

const script = (...steps: ReadonlyArray<Caller.Step>) =>
  Caller.prepare(Caller.make(...steps)).pipe(Effect.provide(NoServices))

const events = (peer: { readonly sent: ReadonlyArray<FakeWire.Sent> }) => peer.sent.map((message) => message.event)

const problems = (events: ReadonlyArray<{ readonly _tag: string }>) =>
  events.flatMap((event) => event._tag === "Problem" ? [(event as unknown as { code: number }).code] : [])

describe("a stream of the simulator", () => {
  it.effect("sends exactly fifty frames a second, on the grid", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(peer.media().length, 50)
      assert.deepStrictEqual(peer.sent.slice(0, 3).map((message) => message.event), ["connected", "start", "media"])
      assert.deepStrictEqual(peer.media().map((message) => message.at), Array.from({ length: 50 }, (_, n) => 20 * (n + 1)))
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(peer.media().length, 3000)
      const last = peer.media().at(-1)!
      assert.strictEqual(last.at, 60_000)
      assert.strictEqual(last.media?.chunk, "3000")
      assert.strictEqual(last.media?.timestamp, String(52 + 2999 * 20))
      assert.strictEqual(last.sequenceNumber, "3001")
    }))

  it.effect("sends start with the stream's SID twice and the parameters, and silence as 160 times 0xff", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer()
      yield* TestClock.adjust("20 millis")
      const [, start, media] = peer.sent
      assert.strictEqual(start?.sequenceNumber, "1")
      assert.strictEqual(start?.start?.streamSid, FakeWire.streamSid)
      assert.deepStrictEqual(start?.start?.customParameters, { token: "t-1" })
      assert.deepStrictEqual([...Buffer.from(media?.media?.payload ?? "", "base64")], Array(160).fill(0xff))
    }))

  it.effect("writes every message as Twilio does, byte for byte", () =>
    Effect.gen(function*() {
      const activeCaller = yield* script(Caller.Step.Press({ digits: "5" }), Caller.Step.HangUp())
      const peer = yield* FakeWire.peer({ activeCaller })
      yield* peer.mark("turn-1/seg-0")
      yield* TestClock.adjust("1 second")
      const { accountSid, callSid, streamSid: sid } = FakeWire
      const texts = new Map(peer.sent.toReversed().map(({ event, text }) => [event, text]))
      const sequence = (event: string) => JSON.parse(texts.get(event)!).sequenceNumber as string
      const payload = Buffer.alloc(160, 0xff).toString("base64")
      assert.deepStrictEqual(Object.fromEntries(texts), {
        connected: `{"event":"connected","protocol":"Call","version":"1.0.0"}`,
        start: `{"event":"start","sequenceNumber":"1","start":{"accountSid":"${accountSid}","streamSid":"${sid}",`
          + `"callSid":"${callSid}","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},`
          + `"customParameters":{"token":"t-1"}},"streamSid":"${sid}"}`,
        media: `{"event":"media","sequenceNumber":"${sequence("media")}","media":{"track":"inbound","chunk":"1","timestamp":"52",`
          + `"payload":"${payload}"},"streamSid":"${sid}"}`,
        mark: `{"event":"mark","sequenceNumber":"${sequence("mark")}","streamSid":"${sid}","mark":{"name":"turn-1/seg-0"}}`,
        dtmf: `{"event":"dtmf","streamSid":"${sid}","sequenceNumber":"${sequence("dtmf")}","dtmf":{"track":"inbound_track","digit":"5"}}`,
        stop: `{"event":"stop","sequenceNumber":"${sequence("stop")}","streamSid":"${sid}",`
          + `"stop":{"accountSid":"${accountSid}","callSid":"${callSid}"}}`
      })
    }))

  it.effect("returns marks in real time, at once when nothing is queued, and all on clear", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer()
      yield* TestClock.adjust("5 millis")
      yield* peer.mark("empty")
      yield* peer.sound(100)
      yield* peer.mark("a")
      yield* peer.sound(1000)
      yield* peer.mark("b")
      assert.deepStrictEqual(peer.marks(), [[5, "empty"]])
      yield* TestClock.adjust("99 millis")
      assert.deepStrictEqual(peer.marks(), [[5, "empty"]])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(peer.marks(), [[5, "empty"], [105, "a"]])
      yield* TestClock.adjust("400 millis")
      yield* peer.clear
      assert.deepStrictEqual(peer.marks(), [[5, "empty"], [105, "a"], [505, "b"]])
      // A cleared mark does not come a second time.
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(peer.marks().length, 3)
      assert.strictEqual(peer.heard.end, 505 * 8)
      assert.deepStrictEqual(
        peer.events.filter((event) => event._tag === "MarkReturned").map((event) => event._tag === "MarkReturned" && event.cleared),
        [false, false, true]
      )
    }))

  it.effect("records messages that it can't accept, and plays on", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer()
      yield* TestClock.adjust("20 millis")
      yield* peer.bring(undefined)
      yield* peer.bring("{")
      yield* peer.bring("{\"event\":\"dance\"}")
      yield* peer.bring("{\"event\":\"clear\"}")
      yield* peer.bring(JSON.stringify({ event: "clear", streamSid: `MZ${"9".repeat(32)}` }))
      assert.deepStrictEqual(problems(peer.events), [31950, 31950, 31950, 31950, 31950])
      yield* peer.sound(20)
      yield* TestClock.adjust("20 millis")
      assert.strictEqual(peer.heard.end, 20 * 8 + 160)
    }))

  it.effect("discards sound that is more than ten minutes ahead, and says so once", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer()
      for (let minute = 0; minute < 12; minute++) yield* peer.sound(60_000)
      assert.deepStrictEqual(problems(peer.events), [31931])
      assert.strictEqual(peer.heard.end, 600 * 8000)
    }))

  it.effect("sends stop and closes when the caller hangs up", () =>
    Effect.gen(function*() {
      const activeCaller = yield* script(
        Caller.Step.Press({ digits: "1#" }),
        Caller.Step.Silence({ duration: "100 millis" }),
        Caller.Step.HangUp()
      )
      const peer = yield* FakeWire.peer({ activeCaller })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(peer.fiber), { why: "callerHungUp", code: undefined })
      assert.deepStrictEqual(peer.sent.filter((m) => m.event === "dtmf").map((m) => m.dtmf?.digit), ["1", "#"])
      assert.strictEqual(peer.sent.at(-1)?.event, "stop")
      assert.deepStrictEqual(peer.sent.slice(1).map((m) => Number(m.sequenceNumber)), peer.sent.slice(1).map((_, n) => n + 1))
    }))

  it.effect("sends no stop when the service closes", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer()
      yield* TestClock.adjust("100 millis")
      yield* peer.serviceCloses(1000)
      assert.deepStrictEqual(yield* Fiber.join(peer.fiber), { why: "closedByService", code: 1000 })
      assert.isFalse(peer.sent.some((message) => message.event === "stop"))
    }))

  it.effect("sends stop when it is interrupted", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer()
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(peer.fiber)
      assert.strictEqual(peer.sent.at(-1)?.event, "stop")
      assert.strictEqual(peer.events.at(-1)?._tag, "StreamEnded")
    }))
})

describe("faults of a stream", () => {
  it.effect("jitter delays frames and keeps their order, the same with the same seed", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer({ faults: { jitter: { maxMillis: 60 } } })
      const twin = yield* FakeWire.peer({ faults: { jitter: { maxMillis: 60 } } })
      const other = yield* FakeWire.peer({ faults: { seed: "another", jitter: { maxMillis: 60 } } })
      yield* TestClock.adjust("3 seconds")
      const at = peer.media().map((message) => message.at)
      assert.deepStrictEqual(peer.media().map((m) => Number(m.media?.chunk)), at.map((_, n) => n + 1))
      assert.isTrue(at.every((time, n) => time >= 20 * (n + 1) && time <= 20 * (n + 1) + 61))
      assert.isTrue(at.some((time, n) => time > 20 * (n + 1) + 5))
      assert.deepStrictEqual(twin.media().map((message) => message.at), at)
      assert.notDeepEqual(other.media().map((message) => message.at), at)
    }))

  it.effect("late frames come all at once", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer({ faults: { late: { everyMillis: 1000, holdMillis: 200 } } })
      yield* TestClock.adjust("1500 millis")
      const at = peer.media().map((message) => message.at)
      assert.strictEqual(at.length, 75)
      assert.strictEqual(at.filter((time) => time === 1200).length, 11)
      assert.isFalse(at.some((time) => time >= 1000 && time < 1200))
    }))

  it.effect("lost frames leave holes in chunk and timestamp", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer({ faults: { lost: { probability: 0.2 } } })
      yield* TestClock.adjust("10 seconds")
      const chunks = peer.media().map((message) => Number(message.media?.chunk))
      assert.strictEqual(chunks.length + peer.traffic.lost, 500)
      assert.isTrue(peer.traffic.lost > 50 && peer.traffic.lost < 150)
      assert.isTrue(chunks.some((chunk, n) => n > 0 && chunk > chunks[n - 1]! + 1))
      assert.isTrue(peer.media().every((m) => Number(m.media?.timestamp) === 52 + 20 * (Number(m.media?.chunk) - 1)))
    }))

  it.effect("a silence gap sends nothing, not even stop", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer({ faults: { silenceGap: { atMillis: 500, forMillis: 1000 } } })
      yield* TestClock.adjust("2 seconds")
      const at = peer.sent.map((message) => message.at)
      assert.isFalse(at.some((time) => time > 500 && time <= 1500))
      assert.strictEqual(peer.media().length, 50)
    }))

  it.effect("rubbish comes before every n-th frame, all kinds in turn", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer({ faults: { rubbish: { every: 5 } } })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(peer.media().length, 50)
      const kinds = peer.sent.filter((m) => m.media?.chunk === undefined).map((m) => m.event).slice(2, 6)
      assert.deepStrictEqual(kinds, ["rubbish", "weather", "media", "binary"])
    }))

  it.effect("media before start, two starts, start never", () =>
    Effect.gen(function*() {
      const before = yield* FakeWire.peer({ faults: { mediaBeforeStart: 2 } })
      const twice = yield* FakeWire.peer({ faults: { startTwice: true } })
      const never = yield* FakeWire.peer({ faults: { startNever: "media" } })
      const silent = yield* FakeWire.peer({ faults: { startNever: "silent" } })
      yield* TestClock.adjust("40 millis")
      assert.deepStrictEqual(events(before), ["connected", "media", "media", "start", "media", "media"])
      assert.deepStrictEqual(events(twice), ["connected", "start", "start", "media", "media"])
      assert.deepStrictEqual(events(never), ["connected", "media", "media"])
      assert.deepStrictEqual(events(silent), ["connected"])
    }))

  it.effect("a sudden close, in mid-frame too, is a fault and no stop", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer({ faults: { suddenClose: { atMillis: 300 } } })
      const half = yield* FakeWire.peer({ faults: { suddenClose: { atMillis: 300, how: "midFrame" } } })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* Fiber.join(peer.fiber), peer.actions], [{ why: "fault", code: undefined }, ["cut"]])
      assert.deepStrictEqual([yield* Fiber.join(half.fiber), half.actions], [
        { why: "fault", code: undefined },
        ["cut: midFrame"]
      ])
      assert.strictEqual(peer.sent.at(-1)?.event, "media")
    }))

  it.effect("a network stalls once at its time, or again and again", () =>
    Effect.gen(function*() {
      const once = yield* FakeWire.peer({ faults: { stall: { forMillis: 500, atMillis: 100 } } })
      const again = yield* FakeWire.peer({ faults: { stall: { forMillis: 1500 } } })
      yield* TestClock.adjust("12 seconds")
      assert.deepStrictEqual(once.actions, ["hold at 100", "release at 600"])
      assert.deepStrictEqual(again.actions, ["hold at 4000", "release at 5500", "hold at 9500", "release at 11000"])
      yield* Fiber.interrupt(again.fiber)
    }))

  it.effect("a slow reader stops for a while, or forever; an oversized message has the requested size", () =>
    Effect.gen(function*() {
      const peer = yield* FakeWire.peer({
        faults: { slowReader: { atMillis: 100, forMillis: 500 }, oversized: { atMillis: 200, bytes: 100_000 } }
      })
      const never = yield* FakeWire.peer({ faults: { slowReader: { atMillis: 100, forMillis: Infinity } } })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(peer.actions, ["pause at 100", "resume at 600"])
      assert.deepStrictEqual(never.actions, ["pause at 100"])
      assert.isTrue(peer.sent.some((message) => message.at === 200 && message.text.length > 100_000))
    }))
})
