import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted } from "effect"
import { fileURLToPath } from "node:url"
import * as Caller from "../../../../src/simulator/caller/Caller.ts"
import * as AudioSimilarity from "../../../../src/simulator/report/AudioSimilarity.ts"
import type { Faults } from "../../../../src/simulator/twilio/Faults.ts"
import { Simulator } from "../../../../src/simulator/Simulator.ts"
import * as SoundFiles from "../../../../src/simulator/caller/SoundFiles.ts"
import { likeness } from "../../../support/service/Talk.ts"
import * as FakeService from "../../../support/telephone/FakeService.ts"

const token = "token-of-this-test"
const from = "+14155550123"
const to = "+14155550199"
const speech = fileURLToPath(new URL("../../../fixtures/speech-8k.wav", import.meta.url))

const withSimulator = <A, E, R>(
  test: (simulator: Simulator["Service"], service: FakeService.FakeService) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    const service = yield* FakeService.make(token)
    const simulator = yield* Simulator
    return yield* test(simulator, service)
  }).pipe(
    Effect.provide([Simulator.layer({ authToken: Redacted.make(token) }), NodeFileSystem.layer]),
    Effect.scoped
  )

/** A call to the service's `/twiml`. The caller hangs up after `stay` ms on the stream. */
const place = (
  simulator: Simulator["Service"],
  service: FakeService.FakeService,
  options: { readonly stay?: number; readonly faults?: Faults; readonly caller?: Caller.Caller } = {}
) =>
  simulator.placeCall({
    from,
    to,
    webhookUrl: `${service.url}/twiml`,
    statusCallback: `${service.url}/status`,
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    caller: options.caller ??
      Caller.make(Caller.Step.Silence({ duration: `${options.stay ?? 200} millis` }), Caller.Step.HangUp())
  })

const codes = (problems: ReadonlyArray<{ readonly code: number }>) => problems.map((problem) => problem.code)

describe("an inbound call", () => {
  it.live("goes from ring to hang-up with its signed requests, and its sound comes back", () =>
    withSimulator((simulator, service) =>
      Effect.gen(function*() {
        service.answer("/twiml", FakeService.connectTwiml(service))
        service.answer("/status", "")
        service.onMessage(FakeService.echo)
        const call = yield* place(simulator, service, {
          caller: Caller.make(
            Caller.Step.PlayFile({ path: speech }),
            Caller.Step.Press({ digits: "5" }),
            Caller.Step.Silence({ duration: "100 millis" }),
            Caller.Step.HangUp()
          )
        })
        assert.strictEqual(yield* call.settled, "completed")

        const [voice, status] = service.hooks
        assert.deepStrictEqual(service.hooks.map((hook) => [hook.path, hook.signed]), [["/twiml", true], ["/status", true]])
        assert.deepInclude(voice?.parameters, {
          CallSid: call.sid,
          AccountSid: simulator.accountSid,
          From: from,
          To: to,
          Caller: from,
          Called: to,
          Direction: "inbound",
          CallStatus: "ringing",
          ApiVersion: "2010-04-01",
          FromCountry: "US"
        })
        assert.strictEqual(voice?.headers["user-agent"], "TwilioProxy/1.1")
        assert.match(String(voice?.headers["i-twilio-idempotency-token"]), /^[0-9a-f]{32}$/)
        assert.deepInclude(status?.parameters, {
          CallStatus: "completed",
          SequenceNumber: "0",
          CallbackSource: "call-progress-events"
        })
        assert.match(String(status?.parameters["CallDuration"]), /^\d+$/)

        assert.deepStrictEqual(service.upgrades, [{ signed: true }])
        const [connected, start] = service.frames
        assert.deepStrictEqual(connected as object, { event: "connected", protocol: "Call", version: "1.0.0" })
        assert.strictEqual(start?.start?.callSid, call.sid)
        assert.strictEqual(start?.start?.streamSid, start?.streamSid)
        assert.deepStrictEqual(start?.start?.mediaFormat, { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 })
        assert.deepStrictEqual(service.frames.filter((f) => f.event === "dtmf").map((f) => f.dtmf?.digit), ["5"])
        assert.strictEqual(service.frames.at(-1)?.event, "stop")
        assert.deepStrictEqual(service.closes, [1000])

        const said = yield* call.said
        const heard = yield* call.heard
        const { lagMillis } = AudioSimilarity.compare(said, heard)
        assert.isAbove(likeness(said, heard), 0.9)
        assert.isAtLeast(lagMillis, 20)
        // The caller's sound is the file's sound, coded in µ-law.
        const fs = yield* FileSystem.FileSystem
        const file = SoundFiles.fromWav(yield* fs.readFile(speech))
        assert.isTrue(file._tag === "Success")
        if (file._tag === "Success") {
          assert.isAbove(AudioSimilarity.compare(file.success, said).correlation, 0.98)
        }
      })
    ))

  it.live("follows <Connect action> when the service closes, and sends no stop", () =>
    withSimulator((simulator, service) =>
      Effect.gen(function*() {
        service.answer(
          "/twiml",
          FakeService.connectTwiml(service, "action=\"/continue\"").replace(
            "<Stream ",
            `<Stream statusCallback="${service.url}/stream" `
          )
        )
        service.answer("/continue", "<Response><Hangup/></Response>")
        service.answer("/stream", "")
        service.onMessage((socket, message) => {
          if (message.media?.chunk === "5") socket.close(1000)
        })
        const call = yield* place(simulator, service, { stay: 10_000 })
        assert.strictEqual(yield* call.settled, "completed")
        const after = service.hooks.find((hook) => hook.path === "/continue")
        assert.deepInclude(after, { signed: true })
        assert.strictEqual(after?.parameters["CallStatus"], "in-progress")
        assert.isFalse(service.frames.some((frame) => frame.event === "stop"))
        assert.include(codes(yield* call.problems), 31921)
        const streamHooks = service.hooks.filter((hook) => hook.path === "/stream")
        assert.deepStrictEqual(streamHooks.map((hook) => hook.parameters["StreamEvent"]), ["stream-started", "stream-stopped"])
        assert.isTrue(streamHooks.every((hook) => hook.signed && hook.parameters["StreamSid"]?.startsWith("MZ")))
      })
    ))

  it.live("is reconnected by <Connect action>, without a fault that was only for the first stream", () =>
    withSimulator((simulator, service) =>
      Effect.gen(function*() {
        const twiml = FakeService.connectTwiml(service, "action=\"/twiml\"")
        service.answer("/twiml", twiml)
        service.answer("/status", "")
        const call = yield* place(simulator, service, {
          stay: 600,
          faults: { onlyFirstStream: true, suddenClose: { atMillis: 100 } }
        })
        assert.strictEqual(yield* call.settled, "completed")
        const ends = (yield* call.events).flatMap((event) => event._tag === "StreamEnded" ? [event.why] : [])
        assert.deepStrictEqual(ends, ["fault", "callerHungUp"])
        assert.deepStrictEqual(service.closes, [1006, 1000])
      })
    ))

  it.live("is hung up when a service redirects it again and again", () =>
    withSimulator((simulator, service) =>
      Effect.gen(function*() {
        service.answer("/twiml", "<Response><Redirect>/twiml</Redirect></Response>")
        service.answer("/status", "")
        const call = yield* place(simulator, service)
        assert.strictEqual(yield* call.settled, "completed")
        assert.deepStrictEqual(codes(yield* call.problems), [0])
      })
    ))

  it.live("hangs up at the end of the document, and of an empty one", () =>
    withSimulator((simulator, service) =>
      Effect.gen(function*() {
        service.answer("/twiml", "<Response><Say>Hi.</Say><Pause length=\"0\"/></Response>")
        const call = yield* place(simulator, service)
        assert.strictEqual(yield* call.settled, "completed")
        assert.strictEqual((yield* call.awaitEvent("Said")).text, "Hi.")
        service.answer("/twiml", "")
        assert.strictEqual(yield* (yield* place(simulator, service)).settled, "completed")
      })
    ))

  it.live("is refused by <Reject>, and follows <Redirect>", () =>
    withSimulator((simulator, service) =>
      Effect.gen(function*() {
        service.answer("/twiml", "<Response><Reject reason=\"busy\"/></Response>")
        const busy = yield* place(simulator, service)
        assert.strictEqual(yield* busy.settled, "busy")
        service.answer("/twiml", "<Response><Redirect>elsewhere</Redirect></Response>")
        service.answer("/elsewhere", "<Response><Hangup/></Response>")
        const call = yield* place(simulator, service)
        assert.strictEqual(yield* call.settled, "completed")
        assert.isTrue(service.hooks.some((hook) => hook.path === "/elsewhere" && hook.signed))
      })
    ))

  it.live("fails with Twilio's codes when the webhook does", () =>
    withSimulator((simulator, service) =>
      Effect.gen(function*() {
        const outcome = Effect.gen(function*() {
          const call = yield* place(simulator, service)
          return [yield* call.settled, codes(yield* call.problems)[0]]
        })
        assert.deepStrictEqual(yield* outcome, ["failed", 11200])
        service.answer("/twiml", "<Response>")
        assert.deepStrictEqual(yield* outcome, ["failed", 12100])
        service.answer("/twiml", "{}", "application/json")
        assert.deepStrictEqual(yield* outcome, ["failed", 12300])
        const nobody = yield* simulator.placeCall({ from, to, webhookUrl: "http://127.0.0.1:9/twiml" })
        assert.strictEqual(yield* nobody.settled, "failed")
        assert.deepStrictEqual(codes(yield* nobody.problems), [11202])
      })
    ))

  it.live("can be left by the caller before it is answered", () =>
    withSimulator((simulator, service) =>
      Effect.gen(function*() {
        service.answer("/twiml", null)
        service.answer("/status", "")
        const call = yield* place(simulator, service)
        yield* call.hangUp
        assert.strictEqual(yield* call.settled, "canceled")
      })
    ))
})

const faulty = (faults: Faults, stay = 300) =>
  withSimulator((simulator, service) =>
    Effect.gen(function*() {
      service.answer("/twiml", FakeService.connectTwiml(service))
      service.answer("/status", "")
      service.onMessage(FakeService.echo)
      const call = yield* place(simulator, service, { faults, stay })
      yield* call.settled
      return { service, problems: codes(yield* call.problems), events: yield* call.events }
    })
  )

const tokens = (service: FakeService.FakeService) =>
  service.frames.flatMap((frame): ReadonlyArray<string | undefined> =>
    frame.start === undefined ? [] : [frame.start.customParameters["token"]]
  )

describe("faults on the wire", () => {
  it.live("a forged or missing upgrade signature is refused: 31920", () =>
    Effect.gen(function*() {
      for (const upgradeSignature of ["forged", "missing"] as const) {
        const { problems, service } = yield* faulty({ upgradeSignature })
        assert.deepStrictEqual(service.upgrades, [{ signed: false }])
        assert.deepStrictEqual(problems, [31920])
      }
    }))

  it.live("a forged or missing webhook signature does not validate", () =>
    Effect.gen(function*() {
      for (const webhookSignature of ["forged", "missing"] as const) {
        const { service } = yield* faulty({ webhookSignature })
        assert.isTrue(service.hooks.length > 0 && service.hooks.every((hook) => !hook.signed))
      }
    }))

  it.live("the token can be missing, wrong, or used twice", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(tokens((yield* faulty({ token: { is: "missing" } })).service), [undefined])
      assert.notStrictEqual(tokens((yield* faulty({ token: { is: "other" } })).service)[0], "t-1")
      const { service } = yield* faulty({ replayStream: true }, 500)
      assert.deepStrictEqual(tokens(service), ["t-1", "t-1"])
      assert.strictEqual(new Set(service.frames.map((frame) => frame.streamSid)).size, 3)
    }))

  it.live("a connection that is cut is seen as 1006 by the service", () =>
    Effect.gen(function*() {
      for (const cut of [{}, { how: "midFrame" }, { how: "reset" }] as const) {
        const { events, service } = yield* faulty({ suddenClose: { atMillis: 100, ...cut } }, 5000)
        assert.deepStrictEqual(service.closes, [1006])
        assert.isTrue(events.some((event) => event._tag === "StreamEnded" && event.why === "fault"))
      }
    }))

  it.live("an oversized message is sent whole: the service closes with 1009", () =>
    Effect.gen(function*() {
      const { events } = yield* faulty({ oversized: { atMillis: 60 } }, 5000)
      assert.isTrue(events.some((event) => event._tag === "StreamEnded" && event.code === 1009))
    }))

  it.live("a reader that stopped can still be hung up on", () =>
    Effect.gen(function*() {
      const { events } = yield* faulty({ slowReader: { atMillis: 50, forMillis: Infinity } }, 200)
      assert.isTrue(events.some((event) => event._tag === "StreamEnded" && event.why === "callerHungUp"))
    }))
})
