import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Metric, Option, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Agent } from "../../../../src/agent/Agent.ts"
import { echo } from "../../../../src/agent/Echo.ts"
import * as Mulaw from "../../../../src/audio/Mulaw.ts"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import type { LineListener } from "../../../../src/call/media/LineListener.ts"
import * as LineSender from "../../../../src/call/media/LineSender.ts"
import * as MediaSession from "../../../../src/call/media/MediaSession.ts"
import * as PacedQueue from "../../../../src/call/media/PacedQueue.ts"
import type { StreamEnd } from "../../../../src/call/CallState.ts"
import * as Metrics from "../../../../src/observability/Metrics.ts"
import * as Agents from "../../../support/conversation/Agents.ts"
import * as FakeMediaStream from "../../../support/telephone/FakeMediaStream.ts"
import { settle } from "../../../support/service/Time.ts"

const { mark, sound } = Agents
const lastMark = "client-caller/last"

const backlog = Duration.seconds(6)
const watch = { publish: () => Effect.void, isWatched: () => false }

/** An agent on a fake stream. `end`: how the session ended, if it has. */
const open = Effect.fnUntraced(function*(
  agent: Agent,
  { listener, ...options }: Parameters<typeof FakeMediaStream.make>[0] & { readonly listener?: LineListener } = {}
) {
  const fake = yield* FakeMediaStream.make(options)
  const ended = yield* Deferred.make<StreamEnd>()
  yield* Effect.forkScoped(
    Effect.flatMap(MediaSession.run(fake.stream, agent, { mediaTimeout: Duration.seconds(15), backlog, watch, ...listener === undefined ? {} : { listener } }), (end) => Deferred.succeed(ended, end))
  )
  yield* settle
  const end = Effect.suspend(() =>
    Deferred.isDoneUnsafe(ended) ? Effect.asSome(Deferred.await(ended)) : Effect.succeed(Option.none<StreamEnd>())
  )
  return { ...fake, end, ended: Deferred.await(ended) }
})

const closed = (reason: string): Option.Option<StreamEnd> => Option.some({ _tag: "Closed", reason } as StreamEnd)

/** Sound whose pieces can be distinguished by their value. */
const valued = (value: number, millis: number) => sound(millis, 8000, value)
const meanOf = (frame: Uint8Array) => Mulaw.decode(frame).reduce((sum, sample) => sum + sample, 0) / frame.length

describe("the echo agent", () => {
  it.effect("sends each frame of 160 bytes back as soon as it comes", () =>
    Effect.gen(function*() {
      const { frames, hear } = yield* open(echo)
      const [byte] = Mulaw.encode(Int16Array.of(1000))
      for (let heard = 1; heard <= 50; heard++) {
        hear(byte)
        yield* TestClock.adjust("20 millis")
        assert.isAtMost(frames().length, heard)
        assert.isAtLeast(frames().length, heard - 2)
      }
      for (const frame of frames()) assert.strictEqual(frame.length, 160)
      for (const frame of frames().slice(5)) assert.closeTo(meanOf(frame), 1000, 50)
    }))

  it.effect.each([1, 80, 159, 161, 333, 8000])("accepts payloads of %i bytes, and still sends frames of 160", (length) =>
    Effect.gen(function*() {
      const { frames, hear } = yield* open(echo)
      let heard = 0
      while (heard < 3200) {
        hear(0xff, length)
        heard += length
        yield* TestClock.adjust(length / 8)
      }
      yield* TestClock.adjust("5 seconds")
      for (const frame of frames()) assert.strictEqual(frame.length, 160)
      assert.closeTo(frames().length * 160, heard, 3 * 160)
    }))

  it.effect("ignores an empty payload", () =>
    Effect.gen(function*() {
      const { end, frames, hear } = yield* open(echo)
      for (let index = 0; index < 10; index++) {
        hear(0xff, 0)
        hear(0xff)
        yield* TestClock.adjust("20 millis")
      }
      assert.closeTo(frames().length, 9, 1)
      assert.isTrue(Option.isNone(yield* end))
    }))

  it.effect("continues with the newest sound after a stall", () =>
    Effect.gen(function*() {
      const { frames, hear } = yield* open(echo)
      for (let index = 0; index < 40; index++) hear(Mulaw.encode(Int16Array.of(index < 30 ? -4000 : 4000))[0])
      yield* TestClock.adjust("2 seconds")
      assert.isAtMost(frames().length, 10)
      assert.isAtLeast(frames().length, 9)
      assert.isTrue(frames().slice(1).every((frame) => meanOf(frame) > 0))
    }))
})

describe("a piece of sound that an agent has got", () => {
  for (const rate of [8000, 16_000] as const) {
    it.effect(`does not change while more sound comes, at ${rate} Hz`, () =>
      Effect.gen(function*() {
        const pieces: Array<Pcm> = []
        const agent = Agents.saying(({ audio }) => Stream.drain(Stream.tap(audio, (piece) => Effect.sync(() => void pieces.push(piece)))), rate)
        const { hear } = yield* open(agent)
        const heard: Array<Pcm> = []
        // More than a second, so that the memory in which pieces are made has been changed several times.
        for (let frame = 0; frame < 120; frame++) {
          hear(frame, frame % 7 === 0 ? 333 : 160)
          yield* settle
          heard.push(...pieces.slice(heard.length).map((piece) => piece.slice()))
        }
        assert.strictEqual(pieces.length, 120)
        assert.deepStrictEqual(pieces, heard)
      }))
  }
})

describe("a listener", () => {
  const hearing = () => {
    const story: Array<string> = []
    const bytes = { caller: 0, agent: 0 }
    const listener: LineListener = {
      onCallerSound: (mulaw) => {
        bytes.caller += mulaw.length
      },
      onAgentSound: (mulaw, playsAt) => {
        bytes.agent += mulaw.length
        story.push(`${mulaw.length / 160} at ${Math.round(playsAt)}`)
      },
      onClear: (at) => void story.push(`clear at ${Math.round(at)}`)
    }
    return { listener, story, bytes }
  }

  it.effect("hears the caller's sound with silence for what was lost", () =>
    Effect.gen(function*() {
      const { bytes, listener } = hearing()
      const puppet = yield* Agents.puppet(16_000)
      const { hear, skip } = yield* open(puppet.agent, { listener })
      hear(0x80)
      yield* TestClock.adjust("100 millis")
      skip(3)
      hear(0x80)
      yield* settle
      assert.strictEqual(bytes.caller, 5 * 160)
    }))

  it.effect("hears the agent's frames at the moment at which they play, until a clear", () =>
    Effect.gen(function*() {
      const { bytes, listener, story } = hearing()
      const puppet = yield* Agents.puppet()
      const { frames } = yield* open(puppet.agent, { listener })
      yield* TestClock.adjust("1 second")
      puppet.say(sound(1000))
      yield* TestClock.adjust("100 millis")
      yield* puppet.clear
      puppet.say(sound(20))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(story, ["10 at 1000", "3 at 1200", "clear at 1100", "1 at 1100"])
      assert.strictEqual(bytes.agent, frames().length * 160)
    }))
})

describe("the pace", () => {
  it.effect("is between 140 and 200 ms ahead of playback", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { frames } = yield* open(puppet.agent)
      puppet.say(sound(10_000))
      yield* settle
      assert.strictEqual(frames().length, 10)
      for (let elapsed = 20; elapsed <= 9800; elapsed += 20) {
        yield* TestClock.adjust("20 millis")
        assert.isAtMost(frames().length * 20, elapsed + 200)
        assert.isAtLeast(frames().length * 20, elapsed + 140)
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(frames().length, 500)
    }))

  it.effect("is the same for an agent at another rate", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet(24_000)
      const { frames } = yield* open(puppet.agent)
      puppet.say(sound(2000, 24_000))
      yield* settle
      assert.isAtMost(frames().length, 10)
      yield* TestClock.adjust("1 second")
      assert.closeTo(frames().length, 58, 2)
      assert.closeTo(meanOf(frames()[40]), 1000, 50)
    }))

  it.effect("starts anew after a pause of the agent, at most 200 ms ahead", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { frames } = yield* open(puppet.agent)
      puppet.say(sound(400))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(frames().length, 20)
      puppet.say(sound(1000))
      yield* settle
      assert.strictEqual(frames().length, 30)
    }))

  it.effect("does not depend on how the agent cuts its sound", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { frames } = yield* open(puppet.agent)
      for (const length of [1, 159, 161, 7, 3, 1000, 40, 229]) puppet.say(new Int16Array(length).fill(500))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(frames().map(({ length }) => length), Array.from({ length: 10 }, () => 160))
    }))
})

describe("marks", () => {
  it.effect("are sent after the sound before them, and before the sound after them", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { sent, story } = yield* open(puppet.agent)
      puppet.say(mark("zero"), sound(60), mark("one"), sound(1000), mark("two"), mark("three"), sound(40))
      yield* settle
      assert.deepStrictEqual(story(), ["mark zero", "media 3", "mark one", "media 7"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(story(), ["mark zero", "media 3", "mark one", "media 50", "mark two", "mark three", "media 2"])
      const two = sent.find(({ message }) => message.event === "mark" && message.mark.name === "two")
      assert.isAtLeast(two?.at ?? 0, 1060 - 200)
      assert.isAtMost(two?.at ?? Infinity, 1060 - 140)
    }))

  it.effect("that come back are passed to the agent, as are pressed keys", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { mark, press } = yield* open(puppet.agent)
      mark("one")
      press("#")
      mark("two")
      yield* settle
      assert.deepStrictEqual(puppet.signals as ReadonlyArray<unknown>, [
        { _tag: "MarkReturned", name: "one" },
        { _tag: "Digit", digit: "#" },
        { _tag: "MarkReturned", name: "two" }
      ])
    }))
})

describe("clear", () => {
  it.effect("throws away all sound that was not played, and sends Twilio a clear", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { frames, story } = yield* open(puppet.agent)
      for (let index = 0; index < 25; index++) puppet.say(sound(20))
      puppet.say(mark("said"))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(frames().length, 13)
      yield* puppet.clear
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(story(), ["media 13", "clear"])
    }))

  it.effect("lets the next sound leave at once, without a rest of the sound before", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { frames, story } = yield* open(puppet.agent)
      puppet.say(valued(-4000, 410))
      yield* TestClock.adjust("30 millis")
      yield* puppet.clear
      const before = frames().length
      puppet.say(valued(4000, 400))
      yield* TestClock.adjust("20 millis")
      assert.isAtLeast(frames().length - before, 10)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(story(), [`media ${before}`, "clear", "media 20"])
      for (const frame of frames().slice(before)) assert.closeTo(meanOf(frame), 4000, 200)
    }))

  it.effect("sends Twilio a clear even if there is no sound", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { end, story } = yield* open(puppet.agent)
      yield* puppet.clear
      yield* puppet.clear
      yield* settle
      assert.deepStrictEqual(story(), ["clear", "clear"])
      assert.isTrue(Option.isNone(yield* end))
    }))

  it.effect("race: a mark that comes back after a clear is passed to the agent, and changes nothing else", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const fake = yield* open(puppet.agent)
      puppet.say(sound(40), mark("one"))
      yield* settle
      yield* puppet.clear
      fake.mark("one")
      yield* settle
      assert.deepStrictEqual(puppet.signals as ReadonlyArray<unknown>, [{ _tag: "MarkReturned", name: "one" }])
      puppet.say(sound(20))
      yield* TestClock.adjust("20 millis")
      assert.deepStrictEqual(fake.story(), ["media 2", "mark one", "clear", "media 1"])
      assert.isTrue(Option.isNone(yield* fake.end))
    }))
})

describe("the end", () => {
  it.effect("comes after the agent's last sound has been played", () =>
    Effect.gen(function*() {
      const { end, mark, story } = yield* open(Agents.saying(() => Stream.make(sound(1000))))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(story(), ["media 50", `mark ${lastMark}`])
      assert.isTrue(Option.isNone(yield* end))
      mark(lastMark)
      yield* settle
      assert.deepStrictEqual(yield* end, closed("agentLeft"))
    }))

  it.effect("of an agent's sound is filled up with silence to a frame", () =>
    Effect.gen(function*() {
      const { end, frames } = yield* open(Agents.saying(() => Stream.make(sound(30))), { echoesMarks: true })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(frames().map(({ length }) => length), [160, 160])
      assert.deepStrictEqual([...Mulaw.decode(frames()[1]).subarray(80)], Array.from({ length: 80 }, () => 0))
      assert.deepStrictEqual(yield* end, closed("agentLeft"))
    }))

  it.effect("comes for an agent that says nothing", () =>
    Effect.gen(function*() {
      const { end, story } = yield* open(Agents.saying(() => Stream.empty), { echoesMarks: true })
      yield* settle
      assert.deepStrictEqual(story(), [`mark ${lastMark}`])
      assert.deepStrictEqual(yield* end, closed("agentLeft"))
    }))

  it.effect("comes even if Twilio never returns the last mark", () =>
    Effect.gen(function*() {
      const { end, hear } = yield* open(Agents.saying(() => Stream.make(sound(100))))
      for (let second = 0; second < 31; second++) {
        hear(0xff)
        yield* TestClock.adjust("1 second")
      }
      assert.deepStrictEqual(yield* end, closed("agentLeft"))
    }))

  it.effect("does not come with a mark of the agent's own", () =>
    Effect.gen(function*() {
      const { end } = yield* open(Agents.saying(() => Stream.concat(Stream.make(mark("last")), Stream.never)), {
        echoesMarks: true
      })
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* end))
    }))

  it.effect("of a reply that fails is agentFailed, after the sound before it", () =>
    Effect.gen(function*() {
      const { end, story } = yield* open(Agents.saying(() =>
        Stream.concat(Stream.make(sound(40)), Stream.fail(Agents.failed()))
      ))
      yield* settle
      assert.deepStrictEqual(story(), ["media 2"])
      assert.deepStrictEqual(yield* end, closed("agentFailed"))
    }))

  it.effect("of an agent with a bug is agentFailed too", () =>
    Effect.gen(function*() {
      const { end } = yield* open(Agents.saying(() => Stream.die("a bug")))
      yield* settle
      assert.deepStrictEqual(yield* end, closed("agentFailed"))
    }))

  it.effect("of an agent that fails to start is its failure", () =>
    Effect.gen(function*() {
      const fake = yield* FakeMediaStream.make()
      const refuses = Agents.make(() => Effect.fail(Agents.failed("no model")))
      const error = yield* Effect.flip(MediaSession.run(fake.stream, refuses, { mediaTimeout: Duration.seconds(15), backlog, watch }))
      assert.strictEqual(error.cause, "no model")
      assert.deepStrictEqual(fake.sent, [])
    }))

  it.effect("by Twilio's stop is Stopped, and by a lost socket Lost", () =>
    Effect.gen(function*() {
      const one = yield* open(Agents.silent)
      one.stop()
      yield* settle
      assert.deepStrictEqual(yield* one.end, Option.some({ _tag: "Stopped" }))
      const other = yield* open(Agents.silent)
      other.lose()
      yield* settle
      assert.deepStrictEqual(yield* other.end, Option.some({ _tag: "Lost" }))
    }))

  it.effect.each([["rubbish", "badMessages"], ["tooLarge", "oversizedMessage"], ["ahead", "mediaAhead"]] as const)("of a socket closed for %s is %s", ([reason, expected]) =>
    Effect.gen(function*() {
      const { end, lose } = yield* open(Agents.silent)
      lose(reason)
      yield* settle
      assert.deepStrictEqual(yield* end, closed(expected))
    }))

  it.effect("is slowPeer if the peer does not read", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { end, setUnsent } = yield* open(puppet.agent)
      setUnsent(LineSender.maxUnsentBytes)
      puppet.say(sound(100))
      yield* settle
      assert.isTrue(Option.isNone(yield* end))
      setUnsent(LineSender.maxUnsentBytes + 1)
      puppet.say(sound(20))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* end, closed("slowPeer"))
    }))

  it.effect("is mediaTimeout when no sound comes for too long", () =>
    Effect.gen(function*() {
      const { end, hear, press } = yield* open(Agents.silent)
      for (let index = 0; index < 5; index++) {
        yield* TestClock.adjust("14 seconds")
        hear(0xff)
      }
      assert.isTrue(Option.isNone(yield* end))
      yield* TestClock.adjust("10 seconds")
      press("1")
      yield* TestClock.adjust("4 seconds")
      assert.isTrue(Option.isNone(yield* end))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* end, closed("mediaTimeout"))
    }))

  it.effect("of the scope stops everything: nothing is sent, and the agent is released", () =>
    Effect.gen(function*() {
      let released = 0
      const fake = yield* FakeMediaStream.make()
      const scope = yield* Scope.make()
      const agent = Agents.make(() =>
        Effect.as(Effect.addFinalizer(() => Effect.sync(() => released++)), {
          outboundItems: Stream.fromEffectRepeat(Effect.succeed(sound(20))),
          signal: () => Effect.void
        })
      )
      yield* Effect.forkIn(MediaSession.run(fake.stream, agent, { mediaTimeout: Duration.seconds(15), backlog, watch }), scope)
      yield* TestClock.adjust("100 millis")
      const before = fake.sent.length
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(fake.sent.length, before)
      assert.strictEqual(released, 1)
    }))
})

describe("a slow agent", () => {
  it.effect("does not delay marks and keys", () =>
    Effect.gen(function*() {
      const signals: Array<string> = []
      const { end, hear, press, stop } = yield* open(Agents.make((line) =>
        Effect.succeed({
          outboundItems: Stream.mapEffect(line.audio, (piece) => Effect.as(Effect.sleep("10 seconds"), piece)),
          signal: ({ _tag }) => Effect.sync(() => void signals.push(_tag))
        })
      ))
      for (let index = 0; index < 20; index++) hear(0xff)
      press("1")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(signals, ["Digit"])
      stop()
      yield* settle
      assert.deepStrictEqual(yield* end, Option.some({ _tag: "Stopped" }))
    }))

  it.effect("has its sound sent as soon as the agent makes it", () =>
    Effect.gen(function*() {
      const { sent } = yield* open(Agents.saying(() =>
        Stream.mapEffect(Stream.make(sound(20), sound(20), sound(20)), (piece) => Effect.as(Effect.sleep("1 second"), piece))
      ))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(sent.slice(0, 3).map(({ at, message }) => [at, message.event]), [
        [1000, "media"],
        [2000, "media"],
        [3000, "media"]
      ])
    }))
})

describe("a gap in the messages", () => {
  /** A call on which half a second of sound has come. */
  const begun = Effect.gen(function*() {
    const puppet = yield* Agents.puppet()
    const fake = yield* open(puppet.agent)
    const hear = Effect.fnUntraced(function*(millis: number) {
      for (let passed = 0; passed < millis; passed += 20) {
        yield* TestClock.adjust("20 millis")
        fake.hear(0xff)
        yield* settle
      }
    })
    yield* hear(500)
    return {
      ...fake,
      hear,
      hearAtOnce: (frames: number) => Effect.andThen(Effect.sync(() => {
        for (let frame = 0; frame < frames; frame++) fake.hear(0xff)
      }), settle),
      /** ms of sound that the agent has heard. */
      heard: () => puppet.heard.reduce((sum, length) => sum + length, 0) / 8,
      pass: (millis: number) => Effect.andThen(TestClock.adjust(millis), settle)
    }
  })

  it.effect("causes one ping after a second", () =>
    Effect.gen(function*() {
      const { heard, pass, pings } = yield* begun
      yield* pass(999)
      assert.strictEqual(pings(), 0)
      yield* pass(1)
      assert.strictEqual(pings(), 1)
      yield* pass(4000)
      assert.strictEqual(pings(), 1)
      assert.strictEqual(heard(), 500)
    }))

  it.effect("is silence if the pong comes with no sound before it, and stays silence", () =>
    Effect.gen(function*() {
      const { heard, hear, pass, pong } = yield* begun
      yield* pass(1100)
      pong()
      yield* settle
      assert.strictEqual(heard(), 500 + 1100)
      yield* pass(900)
      assert.strictEqual(heard(), 500 + 2000)
      // The fake's timestamps did not advance during the silence, so the next message shows no gap.
      yield* hear(1000)
      assert.strictEqual(heard(), 500 + 2000 + 1000)
    }))

  it.effect("is a stall if sound comes before the pong: all of it is heard, and nothing else", () =>
    Effect.gen(function*() {
      const { heard, hear, hearAtOnce, pass, pong } = yield* begun
      yield* pass(2500)
      yield* hearAtOnce(125)
      pong()
      yield* settle
      assert.strictEqual(heard(), 500 + 2500)
      yield* hear(3000)
      assert.strictEqual(heard(), 500 + 2500 + 3000)
    }))

  it.effect("is silence if no pong comes within the backlog; later sound is heard nevertheless", () =>
    Effect.gen(function*() {
      const { heard, hearAtOnce, pass } = yield* begun
      yield* pass(5999)
      assert.strictEqual(heard(), 500)
      yield* pass(1)
      assert.strictEqual(heard(), 500 + 6000)
      yield* pass(1000)
      assert.strictEqual(heard(), 500 + 7000)
      yield* hearAtOnce(300)
      assert.strictEqual(heard(), 500 + 7000 + 6000)
    }))

  it.effect("has a ping of its own, and the pong of an older ping does not count", () =>
    Effect.gen(function*() {
      const { heard, hear, pass, pings, pong } = yield* begun
      yield* pass(1500)
      yield* hear(500)
      pong()
      yield* pass(1500)
      assert.strictEqual(pings(), 2)
      assert.strictEqual(heard(), 1000)
      pong()
      yield* settle
      assert.strictEqual(heard(), 1000 + 1500)
    }))

  it.effect("no longer counts as silence once a pong has come before sound that was sent earlier", () =>
    Effect.gen(function*() {
      const { heard, hear, hearAtOnce, pass, pings, pong } = yield* begun
      yield* pass(1000)
      pong()
      yield* pass(1000)
      // A proxy had answered the ping: the sound was still on its way.
      yield* hearAtOnce(100)
      yield* hear(500)
      const before = heard()
      yield* pass(5999)
      assert.strictEqual(pings(), 1)
      assert.strictEqual(heard(), before)
      yield* pass(1)
      assert.strictEqual(heard(), before + 6000)
    }))

  it.effect("is also handled before the first sound", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { pings, pong } = yield* open(puppet.agent)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(pings(), 1)
      pong()
      yield* settle
      assert.strictEqual(puppet.heard.reduce((sum, length) => sum + length, 0), 8000)
    }))

  it.effect("is not filled for an agent with maxBacklogFrames, and causes no ping", () =>
    Effect.gen(function*() {
      const { frames, hear, pings, skip } = yield* open(echo)
      hear(0xff)
      skip(20)
      yield* TestClock.adjust("5 seconds")
      hear(0xff)
      yield* settle
      assert.strictEqual(pings(), 0)
      assert.isAtMost(frames().length, 2)
    }))

  it.effect("by lost messages is filled with silence", () =>
    Effect.gen(function*() {
      const { heard, hear, pass, skip } = yield* begun
      yield* pass(240)
      skip(12)
      yield* hear(500)
      assert.strictEqual(heard(), 500 + 240 + 500)
    }))
})

const cleared = Effect.map(Metric.value(Metrics.framesDropped("cleared")), ({ count }) => Number(count))

describe("sound that is not yet played", () => {
  it.effect("makes the agent wait: no more is taken than the lead and the queue", () =>
    Effect.gen(function*() {
      let pulled = 0
      const { frames } = yield* open(Agents.saying(() =>
        Stream.fromEffectRepeat(Effect.sync(() => {
          pulled++
          return sound(20)
        }))
      ))
      const mostAhead = PacedQueue.maxLeadMillis / 20 + PacedQueue.maxQueuedFrames
      for (let second = 0; second <= 5; second++) {
        assert.isAtMost(frames().length, second * 50 + 10)
        assert.isAtLeast(frames().length, second * 50 + 7)
        assert.isAtMost(pulled - second * 50, mostAhead + 2)
        yield* TestClock.adjust("1 second")
      }
    }))

  it.effect("is thrown away by a clear, with the rest of a piece that is longer than the queue", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { story } = yield* open(puppet.agent)
      puppet.say(sound(10_000))
      yield* TestClock.adjust("100 millis")
      yield* puppet.clear
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(story(), ["media 13", "clear"])
    }))

  it.effect("is thrown away by a clear, with further pieces of the same sound", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { story } = yield* open(puppet.agent)
      for (let index = 0; index < 500; index++) puppet.say(sound(20))
      puppet.say(mark("said"))
      yield* TestClock.adjust("100 millis")
      yield* puppet.clear
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(story(), ["media 13", "clear"])
    }))

  it.effect("race: does not delay later sound after it was thrown away", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { story } = yield* open(puppet.agent)
      puppet.say(sound(10_000))
      yield* TestClock.adjust("90 millis")
      yield* puppet.clear
      puppet.say(sound(20), mark("said"))
      yield* settle
      assert.deepStrictEqual(story(), ["media 13", "clear", "media 1", "mark said"])
    }))

  it.effect("is counted when it is thrown away here", () =>
    Effect.gen(function*() {
      const before = yield* cleared
      const puppet = yield* Agents.puppet()
      const { frames } = yield* open(puppet.agent)
      for (let index = 0; index < 25; index++) puppet.say(sound(20))
      yield* settle
      yield* puppet.clear
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(frames().length + (yield* cleared) - before, 25)
    }))

  it.effect("race: a stop with the close right after it is Stopped", () =>
    Effect.gen(function*() {
      const { end, lose, mark, stop } = yield* open(Agents.silent)
      for (let index = 0; index < 10; index++) mark(`m${index}`)
      stop()
      lose()
      yield* settle
      assert.deepStrictEqual(yield* end, Option.some({ _tag: "Stopped" }))
    }))

  it.effect("has its mark after it, even after the last part of a frame", () =>
    Effect.gen(function*() {
      const puppet = yield* Agents.puppet()
      const { story } = yield* open(puppet.agent)
      puppet.say(sound(30), mark("said"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(story(), ["media 2", "mark said"])
    }))
})
