import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Queue, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { createServer } from "node:http"
import type { Socket } from "node:net"
import { Credentials } from "../../../src/config/Credentials.ts"
import { CallSid } from "../../../src/domain/Sid.ts"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import type { Faults } from "../../../src/simulator/twilio/Faults.ts"
import type { SimulatedCall } from "../../../src/simulator/caller/PhoneCall.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { StreamToken } from "../../../src/twilio/webhook/StreamToken.ts"
import * as BarePeer from "../../support/telephone/BarePeer.ts"
import { apiKey, authToken, layer as serviceLayer, Service, until, withService } from "../../support/service/Service.ts"
import { assertEcho, awaitFrames, besideAGoodCall, endedBecause, place, problemCodes, sentence, speaker, streamEnds } from "../../support/service/Talk.ts"

/** A call that goes on beside all tests of this file. None of them may harm it. */
class GoodCall extends Context.Service<GoodCall, SimulatedCall>()("test/e2e/GoodCall") {
  static readonly layer = Layer.effect(
    GoodCall,
    Effect.gen(function*() {
      const both = { service: yield* Service, simulator: yield* Simulator }
      const call = yield* place(both, {
        caller: Caller.make(...Array.from({ length: 1000 }, () => Caller.Step.Play({ sound: sentence })))
      })
      yield* call.awaitEvent("FirstSound")
      return call
    })
  )
}

const layers = GoodCall.layer.pipe(Layer.provideMerge(serviceLayer({ env: { START_TIMEOUT: "2s", MEDIA_TIMEOUT: "3s" } })))

/** Runs a test beside the good call, and then checks that the good call goes on. */
const unharmed = <A, E, R>(test: (both: { service: Service["Service"]; simulator: Simulator["Service"] }) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const good = yield* GoodCall
    yield* test({ service: yield* Service, simulator: yield* Simulator })
    yield* awaitFrames(good, 10)
    assert.deepStrictEqual(yield* streamEnds(good), [])
    assert.deepStrictEqual(yield* good.problems, [])
    assert.strictEqual(yield* good.status, "in-progress")
  })

const faulty = (faults: Faults) => ({ caller: speaker, faults })

const refusedStreams = ({ service }: { readonly service: Service["Service"] }, reason: string) =>
  Effect.map(service.metrics, (metrics) => metrics("client_caller_streams_refused_total", { reason }))

const badMessages = ({ service }: { readonly service: Service["Service"] }, reason: string) =>
  Effect.map(service.metrics, (metrics) => metrics("client_caller_bad_messages_total", { reason }))

/** A token of the year 1970. */
const expiredToken = (callSid: string) =>
  Effect.flatMap(StreamToken, (tokens) => tokens.issue(CallSid.make(callSid))).pipe(
    Effect.provide(Layer.mergeAll(
      TestClock.layer(),
      StreamToken.layer.pipe(Layer.provide(Layer.effect(
        Credentials,
        Effect.map(Simulator, ({ accountSid }) =>
          Credentials.of({
            account: { accountSid, authTokens: [Redacted.make(authToken)] },
            isLocalAccount: false,
            apiKey: Redacted.make(apiKey)
          }))
      )))
    ))
  )

layer(layers, { excludeTestServices: true, timeout: "60 seconds" })("a media stream", (it) => {
  for (const upgradeSignature of ["forged", "missing"] as const) {
    it.effect(`with a ${upgradeSignature} signature is refused, and Twilio reports error 31920`, () =>
      unharmed((both) =>
        Effect.gen(function*() {
          const call = yield* place(both, faulty({ upgradeSignature, onlyFirstStream: true }))
          yield* call.awaitEvent("StreamEnded")
          assert.deepStrictEqual(yield* streamEnds(call), ["refused"])
          assert.deepStrictEqual(yield* problemCodes(call), [31920])
          yield* call.hangUp
          yield* call.settled
        })
      ))
  }

  const refusals: ReadonlyArray<readonly [what: string, reason: string, how: (peer: { readonly callSid: string }, both: { service: Service["Service"]; simulator: Simulator["Service"] }) => Effect.Effect<BarePeer.Start, unknown, Simulator>]> = [
    ["without a token", "token missing", () => Effect.succeed({ token: undefined })],
    ["with rubbish for a token", "token malformed", () => Effect.succeed({ token: "rubbish" })],
    ["with the token of another call", "token forged", (_, both) =>
      Effect.gen(function*() {
        const { callSid, token } = yield* BarePeer.answerCall(both)
        yield* BarePeer.complete(both, callSid)
        return { token }
      })],
    ["with a token that has expired", "token expired", ({ callSid }) => Effect.map(expiredToken(callSid), (token) => ({ token }))],
    ["of a foreign account", "foreign account", () => Effect.succeed({ accountSid: `AC${"f".repeat(32)}` })]
  ]
  for (const [what, reason, how] of refusals) {
    it.effect(`${what} is closed (1008) with the reason, and counted`, () =>
      unharmed((both) =>
        Effect.gen(function*() {
          const before = yield* refusedStreams(both, reason)
          const peer = yield* BarePeer.open(both)
          peer.start(yield* how(peer.call, both))
          assert.deepStrictEqual(yield* peer.wire.closed, { code: 1008, reason: `refused: ${reason}` })
          assert.strictEqual(yield* refusedStreams(both, reason), before + 1)
        }).pipe(Effect.scoped)
      ))
  }

  it.effect("whose token was used already is closed (1008), and the first goes on", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const call = yield* place(both, faulty({ replayStream: true }))
        yield* call.awaitEvent("StreamEnded", ({ why }) => why === "closedByService")
        assert.deepStrictEqual(yield* streamEnds(call), ["closedByService 1008"])
        assert.strictEqual(yield* refusedStreams(both, "token used"), 1)
        yield* awaitFrames(call, 10)
        yield* call.hangUp
        yield* call.settled
      })
    ))

  it.effect("of a call that is over is closed (1008)", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const peer = yield* BarePeer.open(both)
        yield* BarePeer.complete(both, peer.call.callSid)
        peer.start()
        assert.deepStrictEqual(yield* peer.wire.closed, { code: 1008, reason: "refused: call has ended" })
        const metrics = yield* both.service.metrics
        assert.strictEqual(metrics("client_caller_ended_calls_refused_total", { path: "/ws" }), 1)
      }).pipe(Effect.scoped)
    ))

  it.effect("beside another one of the same call is closed (1008), and the first goes on", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const first = yield* BarePeer.open(both)
        const second = yield* BarePeer.open(both, first.call.callSid)
        yield* first.startWell
        second.start()
        assert.deepStrictEqual(yield* second.wire.closed, { code: 1008, reason: "refused: call has a stream or has ended" })
        yield* Queue.clear(first.wire.incoming)
        first.media()
        assert.match((yield* Queue.take(first.wire.incoming)).text ?? "", /"event":"media"/)
      }).pipe(Effect.scoped)
    ))

  it.effect("whose call asks for TwiML again goes on until another stream starts, and is closed then (1000)", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const first = yield* BarePeer.open(both)
        yield* first.startWell
        // As if somebody replayed Twilio's signed request.
        for (let count = 0; count < 10; count++) {
          const again = yield* BarePeer.answerCall(both, first.call.callSid)
          assert.notStrictEqual(again.token, first.call.token)
        }
        yield* Queue.clear(first.wire.incoming)
        first.media()
        assert.match((yield* Queue.take(first.wire.incoming)).text ?? "", /"event":"media"/)
        const second = yield* BarePeer.open(both, first.call.callSid)
        yield* second.startWell
        assert.strictEqual((yield* first.wire.closed).code, 1000)
        yield* Queue.clear(second.wire.incoming)
        second.media()
        assert.match((yield* Queue.take(second.wire.incoming)).text ?? "", /"event":"media"/)
      }).pipe(Effect.scoped)
    ))

  it.effect("with a message of 2 MB is closed (1009)", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const call = yield* place(both, faulty({ oversized: { atMillis: 100 }, onlyFirstStream: true }))
        yield* call.awaitEvent("StreamEnded", ({ code }) => code === 1009)
        yield* call.hangUp
        yield* call.settled
      })
    ))

  it.effect("with a message of 2 MB instead of the start is closed (1009), and counted", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const peer = yield* BarePeer.open(both)
        peer.wire.send("x".repeat(2 * 1024 * 1024))
        assert.strictEqual((yield* peer.wire.closed).code, 1009)
        yield* until("the count", refusedStreams(both, "tooLarge"), (count) => count === 1)
      }).pipe(Effect.scoped)
    ))

  for (const [kind, reason] of [["notJson", "notJson"], ["unknownEvent", "unknownEvent"], ["wrongShape", "wrongShape"], ["binary", "binary"]] as const) {
    it.effect(`with ${kind} messages among the good ones goes on, and they are counted`, () =>
      unharmed((both) =>
        Effect.gen(function*() {
          const call = yield* place(both, faulty({ rubbish: { every: 3, kinds: [kind] } }))
          yield* until("the count", badMessages(both, reason), (count) => count >= 10)
          yield* awaitFrames(call, 20)
          assert.deepStrictEqual(yield* streamEnds(call), [])
          yield* call.hangUp
          assert.strictEqual(yield* call.settled, "completed")
        })
      ))
  }

  it.effect("with a second start, a foreign stream or the wrong track goes on, and they are counted", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const peer = yield* BarePeer.open(both)
        yield* peer.startWell
        peer.start()
        peer.media("inbound", `MZ${"0".repeat(32)}`)
        peer.media("outbound")
        for (const reason of ["secondStart", "foreignStream", "outboundTrack"]) {
          yield* until(reason, badMessages(both, reason), (count) => count === 1)
        }
        yield* Queue.clear(peer.wire.incoming)
        peer.media()
        peer.media()
        assert.match((yield* Queue.take(peer.wire.incoming)).text ?? "", /"event":"media"/)
      }).pipe(Effect.scoped)
    ))

  it.effect("that is mostly rubbish is closed (1008)", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const before = yield* endedBecause(both, "badMessages")
        const peer = yield* BarePeer.open(both)
        yield* peer.startWell
        for (let count = 0; count < 60; count++) peer.wire.send("rubbish")
        const { code, reason } = yield* peer.wire.closed
        assert.strictEqual(code, 1008)
        assert.isNotEmpty(reason)
        yield* BarePeer.complete(both, peer.call.callSid)
        yield* until("the end", endedBecause(both, "badMessages"), (count) => count === before + 1)
      }).pipe(Effect.scoped)
    ))

  it.effect("that is mostly rubbish before its start is closed (1008), and counted", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const peer = yield* BarePeer.open(both)
        for (let count = 0; count < 60; count++) peer.wire.send("rubbish")
        const { code } = yield* peer.wire.closed
        yield* until("the count", refusedStreams(both, "rubbish"), (count) => count === 1)
        assert.strictEqual(code, 1008)
      }).pipe(Effect.scoped)
    ))

  it.effect("with media before the start is closed (1002), and counted", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const call = yield* place(both, faulty({ mediaBeforeStart: 3, onlyFirstStream: true }))
        const { code } = yield* call.awaitEvent("StreamEnded")
        yield* until("the count", refusedStreams(both, "mediaBeforeStart"), (count) => count === 1)
        yield* call.hangUp
        yield* call.settled
        assert.strictEqual(code, 1002)
      })
    ))

  it.effect("whose start never comes is closed after START_TIMEOUT, and counted", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const peer = yield* BarePeer.open(both)
        const { code, reason } = yield* peer.wire.closed
        assert.strictEqual(code, 1002)
        assert.match(reason, /start/)
        yield* until("the count", refusedStreams(both, "noStart"), (count) => count === 1)
      }).pipe(Effect.scoped)
    ))

  it.effect("whose media stops without a stop is closed after MEDIA_TIMEOUT (1008), and the call ends", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const call = yield* place(both, faulty({ silenceGap: { atMillis: 200, forMillis: Infinity } }))
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(yield* streamEnds(call), ["closedByService 1008"])
        yield* until("the end", endedBecause(both, "mediaTimeout"), (count) => count === 1)
      })
    ))

  for (const [cut, what] of [[{}, ""], [{ how: "midFrame" }, " in the middle of a frame"], [{ how: "reset" }, " by a TCP reset"]] as const) {
    it.effect(`that is cut${what} is followed by a fresh one`, () =>
      unharmed((both) =>
        Effect.gen(function*() {
          const call = yield* place(both, faulty({ suddenClose: { atMillis: 200, ...cut, streams: 1 } }))
          yield* call.awaitEvent("StreamEnded", ({ why }) => why === "fault")
          const { streamSid } = yield* call.awaitEvent("StreamStarted")
          yield* call.awaitEvent("StreamStarted", (event) => event.streamSid !== streamSid)
          yield* awaitFrames(call, 10)
          yield* call.hangUp
          assert.strictEqual(yield* call.settled, "completed")
        })
      ))
  }

  it.effect("that comes in bursts, with frames missing, goes on", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const call = yield* place(both, faulty({ jitter: { maxMillis: 60 }, lost: { probability: 0.05 }, late: { everyMillis: 500, holdMillis: 100 } }))
        yield* awaitFrames(call, 60)
        assert.deepStrictEqual(yield* streamEnds(call), [])
        yield* call.hangUp
        assert.strictEqual(yield* call.settled, "completed")
      })
    ))

  it.effect("whose reader pauses goes on, and can be hung up on", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const call = yield* place(both, faulty({ slowReader: { atMillis: 100, forMillis: 700 } }))
        yield* awaitFrames(call, 50)
        yield* call.hangUp
        assert.strictEqual(yield* call.settled, "completed")
        const never = yield* place(both, faulty({ slowReader: { atMillis: 100, forMillis: Infinity } }))
        yield* never.awaitEvent("FirstSound")
        yield* never.hangUp
        assert.strictEqual(yield* never.settled, "completed")
      })
    ))

  it.effect("leaves nothing behind, whatever its end was", () =>
    unharmed((both) =>
      Effect.gen(function*() {
        const health = yield* until("one call", both.service.health, ({ calls }) => calls === 1)
        assert.strictEqual(health.active_connections, 1)
      })
    ))

  it.effect("beside all these tests heard its own sound from beginning to end", () =>
    Effect.gen(function*() {
      const good = yield* GoodCall
      yield* until("a sentence of the good call", good.said, ({ length }) => length > sentence.length)
      yield* good.hangUp
      assert.strictEqual(yield* good.settled, "completed")
      yield* assertEcho(good)
    }))
})

describe("a peer that does not read", () => {
  it.live("is disconnected when too much is unsent, and takes no more memory than that", () => {
    const connections = new Set<Socket>()
    const server = createServer()
    server.on("upgrade", (_, socket) => connections.add(socket as Socket))
    return withService({ server }, (both) =>
      besideAGoodCall(
        both,
        Effect.gen(function*() {
          const others = new Set(connections)
          const peer = yield* BarePeer.open(both)
          yield* peer.startWell
          const socket = [...connections].find((one) => !others.has(one))!
          // Sent bytes stay in this process, as if the kernel's buffers were full.
          socket.cork()
          let most = 0
          yield* Effect.raceFirst(
            until("the end", endedBecause(both, "slowPeer"), (count) => count === 1),
            Effect.forever(Effect.andThen(
              Effect.sync(() => {
                peer.media()
                most = Math.max(most, socket.writableLength)
              }),
              Effect.sleep("20 millis")
            ))
          )
          assert.isBelow(most, 200_000)
          yield* until("the connection", Effect.sync(() => socket.destroyed), (destroyed) => destroyed)
        }).pipe(Effect.scoped)
      ))
  }, 60_000)
})
