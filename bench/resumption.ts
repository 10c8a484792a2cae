/**
 * The silence that a caller hears in two cases: their stream is cut, or the service is killed and started again.
 *
 *     npm run bench -- resumption [--cuts 20 --kills 10]
 *
 * The silence is measured in the caller's sound, from the last sound before the loss to the first sound after it. The agent is the
 * built-in receptionist, and is speaking when the stream is lost. While the service is down, the number's fallback URL keeps the call: a
 * TwiML Bin that waits a second and requests the service's TwiML again. The killed service is started again at once, as by a supervisor.
 */
import { Effect, Fiber, Stream } from "effect"
import * as Caller from "../src/simulator/caller/Caller.ts"
import type { SimulatedCall } from "../src/simulator/caller/PhoneCall.ts"
import * as Resumptions from "../src/simulator/report/Resumptions.ts"
import * as ServiceEvents from "../src/simulator/report/ServiceEvents.ts"
import { Simulator } from "../src/simulator/Simulator.ts"
import type { Faults } from "../src/simulator/twilio/Faults.ts"
import * as TwimlBins from "../src/simulator/twilio/twiml/TwimlBins.ts"
import { percentiles, type Service, start, withSimulator } from "./calls.ts"
import { argument } from "./line/processes.ts"

const cuts = argument("cuts", 20)
const kills = argument("kills", 10)

/** The number of cuts in one call: as often as the service resumes a call by default. */
const cutsEach = 5

/** Targets for the 95th percentile, ms. */
const targets = { cut: 1500, kill: 4000 }

/** Words of the sentence with which the agent resumes a call (`lines.resumed`). */
const resumedLine = /cut off/

const placeCall = Effect.fnUntraced(function*(service: Service, faults: Faults) {
  const simulator = yield* Simulator
  return yield* simulator.placeCall({
    from: "+14155550123",
    to: "+14155550100",
    webhookUrl: `${service.url}/twiml`,
    fallbackUrl: simulator.binUrl("wait"),
    statusCallback: `${service.url}/twilio/status`,
    caller: Caller.silent,
    faults
  })
})

/** Waits until the agent has been heard for `millis` on stream number `stream`, counted from 1. */
const waitUntilHeard = (call: SimulatedCall, stream: number, millis: number) =>
  call.changes.pipe(
    Stream.filter(({ _tag }) => _tag === "FirstSound"),
    Stream.take(stream),
    Stream.runDrain,
    Effect.andThen(Effect.sleep(`${millis} millis`)),
    Effect.raceFirst(call.ended)
  )

const endCall = Effect.fnUntraced(function*(call: SimulatedCall) {
  const found = Resumptions.resumptions(yield* call.events, yield* call.heard)
  yield* call.hangUp
  yield* call.settled
  return found
})

/** One call whose streams are cut one after the other, each while the agent speaks. */
const cutCall = Effect.fnUntraced(function*(service: Service, index: number) {
  const call = yield* placeCall(service, { suddenClose: { atMillis: 900 + (index % 4) * 170, streams: cutsEach } })
  yield* waitUntilHeard(call, cutsEach + 1, 1000)
  return yield* endCall(call)
})

/** One call whose service is killed while the agent speaks. Returns whether the agent went on, and the new service. */
const killedCall = Effect.fnUntraced(function*(service: Service, index: number) {
  const call = yield* placeCall(service, {})
  yield* waitUntilHeard(call, 1, 900 + (index % 4) * 170)
  service.child.kill("SIGKILL")
  const next = yield* Effect.promise(() => start({ env, place: service.place }))
  const saidTexts: Array<string> = []
  const watching = yield* Effect.forkChild(Effect.ignore(
    Stream.runForEach(ServiceEvents.of(next.url, call.sid, next.key), (event) =>
      Effect.sync(() => {
        if (event._tag === "AgentSays") saidTexts.push(event.text)
      })).pipe(Effect.retry({ times: 20, while: () => Effect.as(Effect.sleep("200 millis"), true) }))
  ))
  yield* Effect.timeoutOption(waitUntilHeard(call, 2, 1500), "20 seconds")
  yield* Fiber.interrupt(watching)
  return { next, wentOn: saidTexts.some((text) => resumedLine.test(text)), found: yield* endCall(call) }
})

/** Prints the figures of one kind of loss. `losses` also counts the losses after which nothing was heard. */
const print = (title: string, found: ReadonlyArray<Resumptions.Resumption>, losses: number, target: number) => {
  const silences = found.flatMap(({ silence }) => silence ?? [])
  console.log(`  ${title}`)
  console.log(`    last sound to first sound, at the caller's  ${percentiles(silences)} (target: p95 ${target} ms)`)
  console.log(`    the part of it after the loss               ${percentiles(found.flatMap(({ sinceLoss }) => sinceLoss ?? []))}`)
  console.log(`    after which nothing was heard               ${losses - silences.length} of ${losses}`)
}

const env = { AGENT: "receptionist" }
let service = await start({ env })

const program = Effect.gen(function*() {
  const calls = Math.ceil(cuts / cutsEach)
  const cut: Array<Resumptions.Resumption> = []
  for (let index = 0; index < calls; index++) cut.push(...(yield* cutCall(service, index)))
  print(`the stream is cut, ${cutsEach} times in each call`, cut, calls * cutsEach, targets.cut)

  const killed: Array<Resumptions.Resumption> = []
  let wentOn = 0
  for (let index = 0; index < kills; index++) {
    const round = yield* killedCall(service, index)
    service = round.next
    killed.push(...round.found)
    if (round.wentOn) wentOn++
  }
  print("the service is killed with -9 and started again", killed, kills, targets.kill)
  console.log(`    after which the agent went on               ${wentOn} of ${kills}`)
})

try {
  await withSimulator(service, program, { bins: { wait: TwimlBins.pauseAndRedirect(`${service.url}/twiml`) } })
} finally {
  await service.stop()
}
