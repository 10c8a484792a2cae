import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Option, Result, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { EventEmitter } from "node:events"
import type { WebSocket } from "ws"
import * as ControlQueue from "../../../../src/twilio/media/inbound/ControlQueue.ts"
import type { Silence } from "../../../../src/twilio/media/inbound/InboundMedia.ts"
import { clearText, decodeOutbound, markText, type Media } from "../../../../src/twilio/media/MediaMessage.ts"
import { eventLoopTurn } from "../../../../src/runtime/EventLoopTurn.ts"
import * as MediaStream from "../../../../src/twilio/media/MediaStream.ts"
import { accountSid, callSid, streamSid } from "../../../support/conversation/Samples.ts"
import { settle } from "../../../support/service/Time.ts"

/** A fake of the parts of a `ws` socket and its fast path that a media stream uses. */
class FakeSocket extends EventEmitter {
  readyState = 1
  isPaused = false
  bufferedAmount = 0
  readonly sent: Array<string> = []
  readonly frames: Array<Buffer> = []
  readonly closes: Array<number> = []
  readonly pings: Array<string> = []
  ping(text: string) {
    this.pings.push(text)
  }
  send(text: string) {
    this.sent.push(text)
  }
  write(frame: Buffer) {
    this.frames.push(Buffer.from(frame))
    return true
  }
  takeTexts() {}
  pause() {
    this.isPaused = true
  }
  resume() {
    this.isPaused = false
  }
  close(code: number) {
    if (this.readyState === 1) this.closes.push(code)
    this.readyState = 2
  }
  /** A text frame comes in. */
  bring(message: object | string) {
    this.emit("message", Buffer.from(typeof message === "string" ? message : JSON.stringify(message)), false)
  }
  /** The connection is lost. */
  drop(code = 1006) {
    this.readyState = 3
    this.emit("close", code)
  }
}

const sid = streamSid()
const connected = { event: "connected", protocol: "Call", version: "1.0.0" }
const started = {
  event: "start",
  sequenceNumber: "1",
  start: {
    accountSid,
    streamSid: sid,
    callSid: callSid(),
    tracks: ["inbound"],
    mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
    customParameters: { token: "abc" }
  },
  streamSid: sid
}
const media = (chunk: number, track = "inbound", stream: string = sid) => ({
  event: "media",
  sequenceNumber: String(chunk + 1),
  media: { track, chunk: String(chunk), timestamp: String(chunk * 20), payload: "/w==" },
  streamSid: stream
})
const mark = (name: string) => ({ event: "mark", sequenceNumber: "3", streamSid: sid, mark: { name } })
const stopped = { event: "stop", sequenceNumber: "9", streamSid: sid, stop: { accountSid, callSid: callSid() } }

const limits = { startTimeout: Duration.seconds(10), backlog: Duration.seconds(6), badMessages: 3 }

/** The `chunk` of each message. */
const chunksOf = (sounds: ReadonlyArray<Media | Silence>) => sounds.map((sound) => sound.event === "media" ? sound.media.chunk : sound.event)

const accept = (socket: FakeSocket, hasFastPath = true) =>
  MediaStream.accept(socket as unknown as WebSocket, hasFastPath ? Option.some(socket) : Option.none(), limits)

/** A stream that has started. */
const startWith = Effect.fnUntraced(function*(options: { readonly hasFastPath: boolean }) {
  const socket = new FakeSocket()
  const fiber = yield* Effect.forkScoped(accept(socket, options.hasFastPath))
  yield* settle
  socket.bring(connected)
  socket.bring(started)
  return { socket, stream: yield* Fiber.join(fiber) }
})

const start = startWith({ hasFastPath: true })

const refused = Effect.fnUntraced(function*(act: (socket: FakeSocket) => void) {
  const socket = new FakeSocket()
  const fiber = yield* Effect.forkScoped(Effect.flip(accept(socket)))
  yield* settle
  act(socket)
  yield* TestClock.adjust("10 seconds")
  const { code, reason } = yield* Fiber.join(fiber)
  return { reason, code, closes: socket.closes }
})

describe("the beginning of a stream", () => {
  it.effect("provides the call, the stream and the parameters of the TwiML", () =>
    Effect.gen(function*() {
      const { stream } = yield* start
      assert.strictEqual(stream.streamSid, sid)
      assert.strictEqual(stream.start.callSid, callSid())
      assert.deepStrictEqual(stream.start.customParameters, { token: "abc" })
    }))

  it.effect("is refused when the start does not come in time", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* refused((socket) => socket.bring(connected)), {
        reason: "noStart",
        code: 1002,
        closes: [1002]
      })
    }))

  it.effect("is refused when sound comes before the start", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* refused((socket) => socket.bring(media(1))), {
        reason: "mediaBeforeStart",
        code: 1002,
        closes: [1002]
      })
    }))

  it.effect("is refused when too many messages can't be read", () =>
    Effect.gen(function*() {
      const result = yield* refused((socket) => {
        for (let count = 0; count < 4; count++) socket.bring("{")
      })
      assert.deepStrictEqual(result, { reason: "rubbish", code: 1008, closes: [1008] })
    }))

  it.effect("fails when the socket is lost", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* refused((socket) => socket.drop())).reason, "lost")
    }))
})

describe("inbound", () => {
  it.effect("sound and control each keep their order", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      const sound = yield* Effect.forkScoped(Stream.runCollect(stream.media))
      const control = yield* Effect.forkScoped(Stream.runCollect(stream.control))
      for (let chunk = 1; chunk <= 5; chunk++) {
        socket.bring(media(chunk))
        socket.bring(mark(`m${chunk}`))
      }
      socket.bring(stopped)
      yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      yield* settle
      socket.drop(1000)
      assert.deepStrictEqual(chunksOf(yield* Fiber.join(sound)), [1, 2, 3, 4, 5])
      assert.deepStrictEqual(
        (yield* Fiber.join(control)).map((message) => message.event === "mark" ? message.mark.name : message.event),
        ["m1", "m2", "m3", "m4", "m5", "stop"]
      )
      assert.strictEqual((yield* stream.closed).reason, "lost")
    }))

  it.effect("sound that no agent takes is dropped except for the newest six seconds, and counted as untaken", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      for (let chunk = 1; chunk <= 370; chunk++) {
        socket.bring(media(chunk))
        yield* TestClock.adjust("20 millis")
      }
      socket.drop()
      const chunks = chunksOf(yield* Stream.runCollect(stream.media))
      assert.deepStrictEqual(chunks, Array.from({ length: 300 }, (_, index) => 71 + index))
      assert.strictEqual(stream.tally.received, 370)
      assert.deepInclude(stream.tally, { untaken: 70, burst: 0, lost: 0 })
    }))

  it.effect("sound beyond six seconds at once is counted as a burst of the network", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      for (let chunk = 1; chunk <= 370; chunk++) socket.bring(media(chunk))
      assert.deepInclude(stream.tally, { untaken: 0, burst: 70, lost: 0 })
    }))

  it.effect("messages that never came are counted, at most a backlog for each gap", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      // A stream may begin with any number, and numbers may be wrong.
      for (const chunk of [7, 8, 12, 13, 13, 2, 3, 1e12, 1e12 + 1]) socket.bring(media(chunk))
      assert.deepInclude(stream.tally, { received: 9, lost: 3 + 300, burst: 0, untaken: 0 })
    }))

  it.effect("a ping waits for its own pong, and for no other", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      const first = yield* Effect.forkScoped(stream.ping, { startImmediately: true })
      yield* Fiber.interrupt(first)
      const second = yield* Effect.forkScoped(stream.ping, { startImmediately: true })
      assert.strictEqual(socket.pings.length, 2)
      for (const answer of ["", "unasked", socket.pings[0]]) socket.emit("pong", Buffer.from(answer))
      yield* settle
      assert.isUndefined(second.pollUnsafe())
      socket.emit("pong", Buffer.from(socket.pings[1]))
      yield* settle
      assert.isDefined(second.pollUnsafe())
    }))

  it.effect("control messages are never lost: the socket is paused until they are read", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      let brought = 0
      while (!socket.isPaused) {
        yield* eventLoopTurn
        socket.bring(mark(`m${brought++}`))
      }
      assert.strictEqual(brought, ControlQueue.capacity)
      yield* eventLoopTurn
      assert.isTrue(socket.isPaused)
      const first = yield* Stream.runCollect(Stream.take(stream.control, brought))
      assert.strictEqual(first.length, brought)
      assert.isFalse(socket.isPaused)
    }))

  it.effect("slow messages take turns with other calls: after 64 the socket is paused until the next turn of the event loop", () =>
    Effect.gen(function*() {
      const { socket } = yield* start
      yield* eventLoopTurn
      for (let turn = 0; turn < 3; turn++) {
        for (let count = 1; count <= 64; count++) {
          assert.isFalse(socket.isPaused)
          socket.bring({ event: "later", streamSid: sid })
        }
        assert.isTrue(socket.isPaused)
        yield* eventLoopTurn
      }
      for (let count = 0; count < 1000; count++) socket.bring(media(1 + count))
      assert.isFalse(socket.isPaused)
    }))

  it.effect("unknown events never close the stream", () =>
    Effect.gen(function*() {
      const { socket } = yield* start
      for (let count = 0; count < 100; count++) socket.bring({ event: "later", streamSid: sid })
      assert.deepStrictEqual(socket.closes, [])
    }))

  it.effect.each([
    ["texts that are not JSON", "{"],
    ["wrong shapes", { event: "media", streamSid: sid }],
    ["messages of another stream", media(1, "inbound", streamSid(2))],
    ["further starts", started],
    ["sound of the outbound track", media(1, "outbound")]
  ] as const)("the stream is closed when it is mostly %s", ([, message]) =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      for (let count = 0; count < 3; count++) socket.bring(message)
      assert.deepStrictEqual(socket.closes, [])
      for (let count = 0; count < 3; count++) socket.bring(message)
      assert.deepStrictEqual(socket.closes, [1008])
      assert.strictEqual((yield* stream.closed).reason, "rubbish")
    }))

  it.effect("a good message makes up for a bad one", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      for (let chunk = 1; chunk <= 100; chunk++) {
        socket.bring("{")
        socket.bring(media(chunk))
      }
      assert.deepStrictEqual(socket.closes, [])
      assert.strictEqual(stream.tally.received, 100)
    }))

  it.effect("usual sound is scanned and counted as scanned; other forms are left to the schema", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      for (let chunk = 1; chunk <= 50; chunk++) socket.bring(media(chunk))
      socket.bring(mark("a"))
      assert.deepInclude(stream.tally, { received: 50, scanned: 50 })
      socket.bring(JSON.stringify(media(51), null, 2))
      socket.bring(media(52, "inbound", streamSid(2)))
      assert.deepInclude(stream.tally, { received: 51, scanned: 50 })
    }))

  it.effect("binary frames are not read", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      socket.emit("message", Buffer.from(JSON.stringify(media(1))), true)
      assert.strictEqual(stream.tally.received, 0)
    }))

  it.effect("a message that is too large for ws ends the stream", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      socket.emit("error", Object.assign(new Error("too large"), { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" }))
      socket.drop(1006)
      assert.strictEqual((yield* stream.closed).reason, "tooLarge")
    }))
})

describe("an impossible timestamp", () => {
  it.effect.each([
    { timestamp: String(2 ** 40) },
    { timestamp: "0" },
    { timestamp: "18446744073709551616" },
    { timestamp: "-20" },
    { timestamp: "NaN" },
    { timestamp: "1e400" },
    { timestamp: 40 },
    { timestamp: undefined }
  ])("harms neither the sound of its message nor the sound after it: $timestamp", ({ timestamp }) =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      socket.bring(media(1))
      socket.bring({ ...media(2), media: { ...media(2).media, timestamp } })
      for (let chunk = 3; chunk <= 50; chunk++) socket.bring(media(chunk))
      assert.deepStrictEqual(socket.closes, [])
      socket.drop()
      const heard = chunksOf(yield* Stream.runCollect(stream.media))
      assert.deepStrictEqual(heard, Array.from({ length: 50 }, (_, index) => index + 1))
      assert.strictEqual(stream.tally.surplusMillis, 0)
    }))
})

describe("outbound", () => {
  it("marks and clears are messages that Twilio reads", () => {
    const named = Result.getOrThrow(decodeOutbound(markText(sid, "a \"name\" \\ ☎")))
    assert.strictEqual(named.event === "mark" && named.mark.name, "a \"name\" \\ ☎")
    assert.strictEqual(Result.getOrThrow(decodeOutbound(clearText(sid))).event, "clear")
  })

  it.effect("nothing is sent to a socket that is gone", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      stream.send("one")
      stream.sendMedia(Uint8Array.of(1))
      socket.drop()
      stream.send("two")
      stream.sendMedia(Uint8Array.of(2))
      assert.deepStrictEqual(socket.sent, ["one"])
      assert.strictEqual(socket.frames.length, 1)
    }))
})

describe("without a fast path", () => {
  it.effect("sound is decoded by the schema", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* startWith({ hasFastPath: false })
      for (let chunk = 1; chunk <= 50; chunk++) socket.bring(media(chunk))
      assert.deepInclude(stream.tally, { received: 50, scanned: 0 })
      socket.drop()
      assert.deepStrictEqual(chunksOf(yield* Stream.runCollect(stream.media)), Array.from({ length: 50 }, (_, index) => 1 + index))
    }))

  it.effect("sound is sent by ws as messages of 20 ms, in order with marks", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* startWith({ hasFastPath: false })
      const sound = Uint8Array.from({ length: 330 }, (_, index) => index & 255)
      stream.sendMedia(sound)
      stream.send(markText(sid, "end"))
      sound.fill(0)
      const sent = socket.sent.map((text) => Result.getOrThrow(decodeOutbound(text)))
      assert.deepStrictEqual(sent.map((message) => message.event === "media" ? message.media.payload.length : message.event), [160, 160, 10, "mark"])
      assert.deepStrictEqual(
        sent.flatMap((message) => message.event === "media" ? [...message.media.payload] : []),
        Array.from({ length: 330 }, (_, index) => index & 255)
      )
      assert.deepStrictEqual(socket.frames, [])
    }))
})

describe("the end of a stream's scope", () => {
  it.effect("closes the socket, removes the listeners, and ends both streams", () =>
    Effect.gen(function*() {
      const socket = new FakeSocket()
      const scope = yield* Scope.make()
      const fiber = yield* Effect.forkScoped(Scope.provide(accept(socket), scope))
      yield* settle
      socket.bring(started)
      const stream = yield* Fiber.join(fiber)
      socket.pause()
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(socket.closes, [1000])
      assert.isFalse(socket.isPaused)
      assert.strictEqual(socket.listenerCount("message"), 0)
      assert.deepStrictEqual(yield* Stream.runCollect(stream.media), [])
      assert.deepStrictEqual(yield* Stream.runCollect(stream.control), [])
    }))
})

describe("sound that is ahead of the clock", () => {
  const long = (chunk: number, millis: number) => ({
    ...media(chunk),
    media: { track: "inbound", chunk: String(chunk), timestamp: String(chunk * 20), payload: Buffer.alloc(millis * 8, 0xff).toString("base64") }
  })
  const lengths = (stream: MediaStream.MediaStream) =>
    Effect.map(Stream.runCollect(stream.media), (sounds) => sounds.map((sound) => sound.event === "media" ? sound.media.payload.length / 8 : sound.millis))

  it.effect("is cut at two seconds, and not counted as sound that the agent did not take", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      socket.bring(long(1, 1500))
      socket.bring(long(2, 1500))
      socket.bring(long(3, 1500))
      socket.drop()
      assert.deepStrictEqual(yield* lengths(stream), [1500, 500])
      const { ahead, burst, received, surplusMillis, untaken } = stream.tally
      assert.deepStrictEqual({ ahead, burst, received, surplusMillis, untaken }, { ahead: 1, burst: 0, received: 3, surplusMillis: 2500, untaken: 0 })
    }))

  it.effect("closes the stream when it is ten seconds ahead", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      for (let message = 1; message <= 3; message++) socket.bring(long(message, 3400))
      assert.deepStrictEqual(socket.closes, [1008])
      assert.strictEqual((yield* stream.closed).reason, "ahead")
    }))

  it.effect("is not a minute of sound that comes at once after a stall of the network", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      yield* TestClock.adjust("1 minute")
      for (let message = 1; message <= 3000; message++) socket.bring(long(message, 20))
      assert.deepStrictEqual(socket.closes, [])
      assert.deepStrictEqual([stream.tally.surplusMillis, stream.tally.burst], [0, 2700])
    }))

  it.effect("is also bounded by the backlog in long messages: the newest are kept, the others counted", () =>
    Effect.gen(function*() {
      const { socket, stream } = yield* start
      yield* TestClock.adjust("10 minutes")
      for (let message = 1; message <= 100; message++) socket.bring(long(message, 4500))
      socket.drop()
      assert.deepStrictEqual(yield* lengths(stream), [4500])
      assert.strictEqual(stream.tally.burst, 99)
    }))
})
