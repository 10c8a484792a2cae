import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import twilio from "twilio"
import * as Caller from "../../../../src/simulator/caller/Caller.ts"
import { PhoneBehaviour } from "../../../../src/simulator/twilio/CallLife.ts"
import * as Faults from "../../../../src/simulator/twilio/Faults.ts"
import { type Options, Simulator } from "../../../../src/simulator/Simulator.ts"
import * as FakeService from "../../../support/telephone/FakeService.ts"

const token = "token-of-this-test"
const from = "+14155550100"
const to = "+14155550123"

type Client = ReturnType<typeof twilio>

interface RestError {
  readonly status: number
  readonly code: number
}

const clientOf = (simulator: Simulator["Service"], authToken = token, timeout = 5000): Client => {
  const client = twilio(simulator.accountSid, authToken, { timeout })
  client.api.baseUrl = simulator.baseUrl
  return client
}

const ask = <A>(request: () => Promise<A>) => Effect.tryPromise({ try: request, catch: (error) => error as RestError })

const refusal = <A>(request: () => Promise<A>) =>
  Effect.map(Effect.flip(ask(request)), ({ code, status }) => [status, code])

const withSimulator = <A, E>(
  options: Options,
  test: (simulator: Simulator["Service"], service: FakeService.FakeService) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    const service = yield* FakeService.make(token)
    service.answer("/status", "")
    const simulator = yield* Simulator
    return yield* test(simulator, service)
  }).pipe(
    Effect.provide(Simulator.layer({ authToken: Redacted.make(token), callsPerSecond: 1000, ...options })),
    Effect.scoped
  )

const hangUp = "<Response><Hangup/></Response>"
const wait = "<Response><Pause length=\"30\"/></Response>"

const soon = (caller = Caller.silent): PhoneBehaviour => PhoneBehaviour.Answers({ after: "10 millis", caller })

describe("the REST API, used by the twilio package", () => {
  it.live("creates, fetches, lists and changes calls", () =>
    withSimulator({ phones: () => soon() }, (simulator) =>
      Effect.gen(function*() {
        const client = clientOf(simulator)
        const created = yield* ask(() => client.calls.create({ to, from, twiml: wait }))
        assert.match(created.sid, /^CA[0-9a-f]{32}$/)
        assert.strictEqual(created.status, "queued")
        assert.strictEqual(created.direction, "outbound-api")
        assert.strictEqual(created.to, to)
        assert.strictEqual(created.from, from)
        assert.strictEqual(created.accountSid, simulator.accountSid)
        assert.strictEqual(created.apiVersion, "2010-04-01")
        assert.match(created.uri, new RegExp(`${created.sid}\\.json$`))
        assert.isTrue(created.dateCreated instanceof Date && !Number.isNaN(created.dateCreated.getTime()))

        const [call] = yield* simulator.calls
        yield* call!.awaitEvent("Status", (event) => event.status === "in-progress")
        const fetched = yield* ask(() => client.calls(created.sid).fetch())
        assert.strictEqual(fetched.status, "in-progress")
        const since = new Date(created.dateCreated.getTime() - 1000)
        const found = yield* ask(() => client.calls.list({ to, from, startTimeAfter: since }))
        assert.deepStrictEqual(found.map((one) => one.sid), [created.sid])
        assert.deepStrictEqual(yield* ask(() => client.calls.list({ to: "+14155550999" })), [])
        assert.deepStrictEqual(yield* ask(() => client.calls.list({ status: "busy" })), [])

        yield* ask(() => client.calls(created.sid).update({ twiml: hangUp }))
        assert.strictEqual(yield* call!.settled, "completed")
        assert.deepStrictEqual(yield* refusal(() => client.calls(created.sid).update({ status: "completed" })), [400, 21220])
        assert.strictEqual((yield* simulator.requests).length, 7)
      })))

  it.live("pages a long list", () =>
    withSimulator({ phones: () => PhoneBehaviour.Busy({ after: "1 millis" }) }, (simulator) =>
      Effect.gen(function*() {
        const client = clientOf(simulator)
        for (let count = 0; count < 5; count++) yield* ask(() => client.calls.create({ to, from, twiml: hangUp }))
        const found = yield* ask(() => client.calls.list({ pageSize: 2 }))
        assert.strictEqual(new Set(found.map((one) => one.sid)).size, 5)
      })))

  it.live("refuses what Twilio refuses, with its codes", () =>
    withSimulator({}, (simulator) =>
      Effect.gen(function*() {
        const client = clientOf(simulator)
        const create = (options: object) => refusal(() => client.calls.create({ to, from, twiml: hangUp, ...options }))
        assert.deepStrictEqual(yield* create({ to: "12" }), [400, 21211])
        assert.deepStrictEqual(yield* create({ to: "" }), [400, 21201])
        assert.deepStrictEqual(yield* create({ from: "nonsense" }), [400, 21212])
        assert.deepStrictEqual(yield* create({ twiml: undefined, url: "nonsense" }), [400, 21205])
        assert.deepStrictEqual(yield* create({ to: "+15005550001" }), [400, 21217])
        assert.deepStrictEqual(yield* create({ to: "+15005550002" }), [400, 21214])
        assert.deepStrictEqual(yield* create({ from: "+15005550007" }), [400, 21210])
        assert.deepStrictEqual(yield* refusal(() => client.calls(`CA${"0".repeat(32)}`).fetch()), [404, 20404])
        assert.deepStrictEqual(
          yield* refusal(() => clientOf(simulator, "another token").calls.create({ to, from, twiml: hangUp })),
          [401, 20003]
        )
        assert.deepStrictEqual((yield* simulator.calls).length, 0)
        assert.isFalse((yield* simulator.requests).at(-1)?.authorized)
      })))

  it.live("answers with the faults of the list, one a request, and then without faults", () =>
    withSimulator(
      {
        restFaults: [
          ...Faults.repeat(Faults.tooManyRequests, 2),
          Faults.unauthorized,
          Faults.internalServerError,
          Faults.badRequest(21214, "cannot be reached"),
          Faults.RestFault.Cut(),
          Faults.RestFault.Pass()
        ]
      },
      (simulator) =>
        Effect.gen(function*() {
          const client = clientOf(simulator)
          const create = () => client.calls.create({ to, from, twiml: hangUp })
          assert.deepStrictEqual(yield* refusal(create), [429, 20429])
          assert.deepStrictEqual(yield* refusal(create), [429, 20429])
          assert.deepStrictEqual(yield* refusal(create), [401, 20003])
          assert.deepStrictEqual(yield* refusal(create), [500, 20500])
          assert.deepStrictEqual(yield* refusal(create), [400, 21214])
          yield* Effect.flip(ask(create))
          assert.strictEqual((yield* ask(create)).status, "queued")
          assert.strictEqual((yield* simulator.calls).length, 1)
        })
    ))

  it.live("can leave a request unanswered, with the call placed or not", () =>
    withSimulator({}, (simulator) =>
      Effect.gen(function*() {
        const client = clientOf(simulator, token, 200)
        yield* simulator.setRestFaults((request) => request.method === "POST" ? Faults.RestFault.Hang() : undefined)
        yield* Effect.flip(ask(() => client.calls.create({ to, from, twiml: hangUp })))
        assert.strictEqual((yield* simulator.calls).length, 0)
        yield* simulator.setRestFaults([Faults.RestFault.AcceptThenHang()])
        yield* Effect.flip(ask(() => client.calls.create({ to, from, twiml: hangUp })))
        assert.strictEqual((yield* ask(() => client.calls.list({ to }))).length, 1)
      })))

  it.live("can answer after the call's callbacks", () =>
    withSimulator({ phones: () => PhoneBehaviour.Busy({ after: "10 millis" }) }, (simulator, service) =>
      Effect.gen(function*() {
        const client = clientOf(simulator)
        const reported = () => service.hooks.filter(({ path }) => path === "/status").map(({ parameters }) => parameters["CallStatus"])
        const create = () =>
          client.calls.create({
            to,
            from,
            twiml: hangUp,
            statusCallback: `${service.url}/status`,
            statusCallbackEvent: ["initiated", "ringing", "answered", "completed"]
          })
        yield* simulator.setRestFaults([Faults.RestFault.AnswerLate({ until: "end" })])
        const created = yield* ask(create)
        assert.strictEqual(created.status, "queued")
        assert.deepStrictEqual(reported(), ["initiated", "ringing", "busy"])
      })))

  it.live("begins no more calls a second than allowed, and queues the others", () =>
    withSimulator({ callsPerSecond: 1, phones: () => PhoneBehaviour.Busy({ after: 0 }) }, (simulator) =>
      Effect.gen(function*() {
        const client = clientOf(simulator)
        const first = yield* ask(() => client.calls.create({ to, from, twiml: hangUp }))
        const second = yield* ask(() => client.calls.create({ to, from, twiml: hangUp }))
        assert.strictEqual(first.queueTime, "0")
        assert.isAbove(Number(second.queueTime), 0)
        const waiting = (yield* simulator.calls)[1]!
        assert.strictEqual(yield* waiting.status, "queued")
        yield* ask(() => client.calls(second.sid).update({ status: "canceled" }))
        assert.strictEqual(yield* waiting.settled, "canceled")
      })))
})

const order = (callbacks: ReadonlyArray<FakeService.Hook>) =>
  callbacks.map((hook) => hook.parameters["SequenceNumber"]).join("")

const phones = () => soon()

describe("the life of an outbound call", () => {
  const allEvents = ["initiated", "ringing", "answered", "completed"]

  const run = (service: FakeService.FakeService, simulator: Simulator["Service"]) =>
    Effect.gen(function*() {
      service.answer("/voice", hangUp)
      yield* ask(() =>
        clientOf(simulator).calls.create({
          to,
          from,
          url: `${service.url}/voice`,
          statusCallback: `${service.url}/status`,
          statusCallbackEvent: allEvents
        })
      )
      const [call] = yield* simulator.calls
      const status = yield* call!.settled
      return { status, callbacks: service.hooks.filter((hook) => hook.path === "/status") }
    })

  const outcome = (options: Options) =>
    withSimulator(options, (simulator, service) => run(service, simulator))

  it.live("is reported step by step, signed and numbered", () =>
    Effect.gen(function*() {
      const { callbacks, status } = yield* outcome({ phones: () => soon() })
      assert.strictEqual(status, "completed")
      assert.deepStrictEqual(
        callbacks.map(({ parameters, signed }) => [parameters["CallStatus"], parameters["SequenceNumber"], signed]),
        [["initiated", "0", true], ["ringing", "1", true], ["in-progress", "2", true], ["completed", "3", true]]
      )
      assert.match(callbacks[3]!.parameters["Timestamp"]!, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/)
      assert.strictEqual(callbacks[3]!.parameters["Direction"], "outbound-api")
    }))

  it.live("is reported only at its end when no events are named", () =>
    withSimulator({ phones: () => soon() }, (simulator, service) =>
      Effect.gen(function*() {
        yield* ask(() =>
          clientOf(simulator).calls.create({ to, from, twiml: hangUp, statusCallback: `${service.url}/status` })
        )
        yield* (yield* simulator.calls)[0]!.settled
        assert.deepStrictEqual(service.hooks.map((hook) => hook.parameters["CallStatus"]), ["completed"])
      })))

  it.live("is reported twice, late and out of order on request", () =>
    Effect.gen(function*() {
      assert.strictEqual(order((yield* outcome({ phones, statusDelivery: { twice: true } })).callbacks), "00112233")
      assert.strictEqual(order((yield* outcome({ phones, statusDelivery: { swapped: true } })).callbacks), "1032")
      assert.strictEqual(order((yield* outcome({ phones, statusDelivery: { delay: "50 millis" } })).callbacks), "0123")
    }))

  it.live("fails in Twilio's four ways", () =>
    Effect.gen(function*() {
      for (
        const [phone, expected] of [
          [PhoneBehaviour.Busy({ after: 0 }), "busy"],
          [PhoneBehaviour.NoAnswer({ after: "10 millis" }), "no-answer"],
          [PhoneBehaviour.Failed({ after: 0 }), "failed"],
          [PhoneBehaviour.Canceled({ after: 0 }), "canceled"]
        ] as const
      ) {
        const { callbacks, status } = yield* outcome({ phones: () => phone })
        assert.strictEqual(status, expected)
        assert.strictEqual(callbacks.at(-1)?.parameters["CallStatus"], expected)
        assert.strictEqual(callbacks.at(-1)?.parameters["CallDuration"], "0")
      }
    }))

  it.live("is redirected out of a stream, which ends with stop, and hung up by REST", () =>
    withSimulator({ phones: () => soon() }, (simulator, service) =>
      Effect.gen(function*() {
        const client = clientOf(simulator)
        service.onMessage(FakeService.echo)
        const { sid } = yield* ask(() => client.calls.create({ to, from, twiml: FakeService.connectTwiml(service) }))
        const call = (yield* simulator.calls)[0]!
        yield* call.awaitEvent("FirstSound")
        yield* ask(() => client.calls(sid).update({ twiml: wait }))
        const ended = yield* call.awaitEvent("StreamEnded")
        assert.strictEqual(ended.why, "callChanged")
        yield* call.awaitEvent("Twiml", (event) => event.verbs[0] === "Pause")
        assert.strictEqual(service.frames.at(-1)?.event, "stop")
        assert.strictEqual(yield* call.status, "in-progress")
        yield* ask(() => client.calls(sid).update({ status: "completed" }))
        assert.strictEqual(yield* call.settled, "completed")
      })))

  it.live("has who answered, in the webhook or in a callback of its own", () =>
    withSimulator(
      { phones: () => PhoneBehaviour.Answers({ after: 0, caller: Caller.silent, answeredBy: "machine_start" }) },
      (simulator, service) =>
        Effect.gen(function*() {
          service.answer("/voice", hangUp)
          yield* ask(() =>
            clientOf(simulator).calls.create({ to, from, url: `${service.url}/voice`, machineDetection: "Enable" })
          )
          yield* (yield* simulator.calls)[0]!.settled
          assert.strictEqual(service.hooks[0]?.parameters["AnsweredBy"], "machine_start")
          service.answer("/voice", "<Response><Pause length=\"3\"/></Response>")
          service.answer("/amd", "")
          yield* ask(() =>
            clientOf(simulator).calls.create({
              to,
              from,
              url: `${service.url}/voice`,
              machineDetection: "Enable",
              asyncAmd: "true",
              asyncAmdStatusCallback: `${service.url}/amd`
            })
          )
          yield* (yield* simulator.calls)[1]!.settled
          assert.isUndefined(service.hooks[1]?.parameters["AnsweredBy"])
          const amd = service.hooks.find((hook) => hook.path === "/amd")
          assert.deepInclude(amd, { signed: true })
          assert.strictEqual(amd?.parameters["AnsweredBy"], "machine_start")
        })
    ))
})
