/** Calls that move between two living processes of one store: a balancer without affinity sends each request to any of them. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { CallerSpeech } from "../../../src/simulator/caller/CallerSpeech.ts"
import type { SimulatedCall } from "../../../src/simulator/caller/PhoneCall.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import * as Balancer from "../../support/service/Balancer.ts"
import * as Process from "../../support/service/Process.ts"
import { freePort, startBehind } from "../../support/service/Replicas.ts"
import { apiKey, at, authToken, Service, until } from "../../support/service/Service.ts"
import { place } from "../../support/service/Talk.ts"
import { execute, PostgresServer } from "../../support/store/PostgresServer.ts"

const { AwaitCue, HangUp, Press, Speak } = Caller.Step

const services = Process.layer.pipe(Layer.provideMerge(CallerSpeech.layer), Layer.provideMerge(PostgresServer.layer), Layer.provideMerge(NodeServices.layer))

/** Two processes of one store. `to`: sends Twilio's next requests to one of them. */
const setUp = Effect.fnUntraced(function*(env: Readonly<Record<string, string>> = {}) {
  const simulator = yield* Simulator
  const url = yield* (yield* PostgresServer).database
  const balancer = yield* Balancer.make
  const ports = [yield* freePort, yield* freePort]
  const processes = yield* Effect.forEach(ports, (port) => startBehind(balancer, { ...env, SERVER_PORT: String(port), DATABASE_URL: url }))
  const to = (process: 0 | 1) => balancer.send([ports[process], ports[1 - process]])
  to(0)
  const events = Effect.map(
    execute(url, "SELECT event FROM events ORDER BY sequence"),
    (rows) => rows.map(({ event }) => JSON.parse(String(event)) as { readonly _tag: string; readonly text?: string; readonly reason?: string })
  )
  const told = (part: string) => Effect.map(events, (all) => all.some(({ _tag, text = "" }) => _tag === "AgentHeard" && text.includes(part)))
  const outcome = until(
    "the outcome",
    Effect.map(execute(url, "SELECT outcome FROM calls"), ([row]) => JSON.parse(String(row?.["outcome"] ?? "{}")) as Record<string, unknown>),
    ({ final }) => final === true
  )
  return { balancer, processes, to, url, events, told, outcome, both: { service: Service.of(at(balancer.url, apiKey, simulator.accountSid, authToken)), simulator } }
})

const streamsOf = (call: SimulatedCall) => Effect.map(call.events, (events) => events.filter(({ _tag }) => _tag === "StreamStarted").length)

const untilStreams = (call: SimulatedCall, count: number) => until(`${count} streams`, streamsOf(call), (found) => found >= count)

layer(services, { excludeTestServices: true, timeout: "120 seconds" })("a call of two processes", (it) => {
  it.effect("ends with the agent's goodbye, even if Twilio's next request reaches the other process", () =>
    Effect.gen(function*() {
      const { both, events, outcome, to, told } = yield* setUp()
      let isGreeted = false
      const call = yield* place(both, { caller: Caller.make(AwaitCue({ isGiven: () => isGreeted, atMost: "1 minute" }), Speak({ text: "Goodbye.", voice: "rms" })) })
      yield* until("the greeting", told("help you?"), (isSo) => isSo)
      to(1)
      isGreeted = true
      assert.strictEqual(yield* call.settled, "completed")
      assert.strictEqual(yield* streamsOf(call), 1)
      assert.include(yield* outcome, { reason: "agentLeft", resumptions: 0 })
      assert.deepStrictEqual((yield* events).filter(({ _tag }) => _tag === "Ended").map(({ reason }) => reason), ["goodbye"])
    }).pipe(Effect.scoped), 120_000)

  it.effect("that moves to the other process and at once back goes on from what was said there", () =>
    Effect.gen(function*() {
      const { balancer, both, events, outcome, to, told, url } = yield* setUp()
      const given = new Set<string>()
      const cue = (name: string) => AwaitCue({ isGiven: () => given.has(name), atMost: "1 minute" })
      const call = yield* place(both, { caller: Caller.make(cue("press"), Press({ digits: "1#" }), cue("end"), HangUp()) })
      yield* until("the greeting", told("help you?"), (isSo) => isSo)
      to(1)
      yield* balancer.cutStreams
      yield* untilStreams(call, 2)
      const own = Effect.map(execute(url, "SELECT epoch FROM live_calls"), ([row]) => Number(row?.["epoch"]))
      const epoch = yield* own
      given.add("press")
      yield* until("the question", events, (all) => all.some(({ _tag, text }) => _tag === "CallerSaid" && text === "1"))
      to(0)
      yield* balancer.cutStreams
      yield* untilStreams(call, 3)
      yield* until("the answer", told("to five."), (isSo) => isSo)
      assert.isAbove(yield* own, epoch)
      given.add("end")
      assert.strictEqual(yield* call.settled, "completed")
      assert.include(yield* outcome, { reason: "callerLeft", isMemoryLost: false, resumptions: 2 })
      const all = yield* events
      assert.strictEqual(all.filter(({ _tag }) => _tag === "CallerSaid").length, 1, JSON.stringify(all))
      assert.deepStrictEqual(all.filter(({ _tag }) => _tag === "Ended").map(({ reason }) => reason), ["callerHungUp"])
      const turns = yield* execute(url, "SELECT role, started_at FROM turns ORDER BY turn")
      assert.strictEqual(turns.filter(({ role }) => role === "caller").length, 1)
      const times = turns.map((turn) => Number(turn["started_at"]))
      assert.deepStrictEqual(times, times.toSorted((one, other) => one - other))
    }).pipe(Effect.scoped), 120_000)

  it.effect("goes on in the other process when its process stops and its grace is over", () =>
    Effect.gen(function*() {
      const { both, events, outcome, processes, told, to } = yield* setUp({ SHUTDOWN_GRACE: "1s" })
      const given = new Set<string>()
      const cue = (name: string) => AwaitCue({ isGiven: () => given.has(name), atMost: "1 minute" })
      const call = yield* place(both, { caller: Caller.make(cue("press"), Press({ digits: "1#" }), cue("end"), HangUp()) })
      yield* until("the greeting", told("help you?"), (isSo) => isSo)
      to(1)
      yield* processes[0].signal("SIGTERM")
      yield* untilStreams(call, 2)
      assert.deepStrictEqual(yield* processes[0].ended, { code: 0, signal: null })
      given.add("press")
      yield* until("the answer", told("to five."), (isSo) => isSo)
      given.add("end")
      assert.strictEqual(yield* call.settled, "completed")
      assert.include(yield* outcome, { reason: "callerLeft", endedBy: "caller", isMemoryLost: false })
      assert.deepStrictEqual((yield* events).filter(({ _tag }) => _tag === "Ended").map(({ reason }) => reason), ["callerHungUp"])
    }).pipe(Effect.scoped), 120_000)
})
