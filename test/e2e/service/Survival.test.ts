/** Calls outlive their process: it is killed in the middle of a sentence, and another process, or the restarted one, goes on. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Schedule } from "effect"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { CallerSpeech } from "../../../src/simulator/caller/CallerSpeech.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { DatabaseSync } from "node:sqlite"
import * as Balancer from "../../support/service/Balancer.ts"
import * as Process from "../../support/service/Process.ts"
import { apiKey, at, authToken, ourNumber, Service, until } from "../../support/service/Service.ts"
import { place } from "../../support/service/Talk.ts"
import { execute, PostgresServer } from "../../support/store/PostgresServer.ts"

const say = (text: string) => Caller.Step.Speak({ text, voice: "rms" })

interface Turn {
  readonly role: string
  readonly text: string
  /** Words that were heard. */
  readonly heard: string
}

const toTurn = ({ role, text, words }: Record<string, unknown>): Turn => ({
  role: String(role),
  text: String(text),
  heard: (typeof words === "string" ? JSON.parse(words) as ReadonlyArray<{ text: string; isHeard: boolean }> : [])
    .filter(({ isHeard }) => isHeard).map(({ text }) => text).join(" ")
})

/** Starts a process of the service behind the balancer. */
const startBehind = Effect.fnUntraced(function*(balancer: Balancer.Balancer, env: Readonly<Record<string, string>>) {
  const simulator = yield* Simulator
  const fs = yield* FileSystem.FileSystem
  const started = yield* Process.start({
    env: {
      SERVER_PORT: "0",
      PUBLIC_URL: balancer.url,
      TWILIO_ACCOUNT_SID: simulator.accountSid,
      TWILIO_AUTH_TOKEN: authToken,
      TWILIO_PHONE_NUMBER: ourNumber,
      TWILIO_API_BASE_URL: simulator.baseUrl,
      API_KEY: apiKey,
      AGENT: "receptionist",
      DATA_DIR: yield* fs.makeTempDirectoryScoped(),
      ...env
    }
  })
  yield* started.url
  return started
})

/** A free port, chosen here because a process logs only its PUBLIC_URL. */
const freePort = Effect.map(Effect.scoped(Balancer.make), ({ url }) => Number(new URL(url).port))

/** A caller asks for the opening hours and then for the address. The turns come from the database. */
const callWith = Effect.fnUntraced(function*(balancer: Balancer.Balancer, turns: () => ReadonlyArray<Turn>) {
  const simulator = yield* Simulator
  const heardOf = (part: string) => turns().some(({ heard, role }) => role === "agent" && heard.includes(part))
  const cue = (part: string) => Caller.Step.AwaitCue({ isGiven: () => heardOf(part), atMost: "1 minute" })
  return yield* place({ service: Service.of(at(balancer.url, apiKey, simulator.accountSid, authToken)), simulator }, {
    caller: Caller.make(cue("help you?"), say("What are your opening hours?"), cue("to five."), say("Where are you?"), cue("library."), Caller.Step.HangUp())
  })
})

const services = Process.layer.pipe(Layer.provideMerge(CallerSpeech.layer), Layer.provideMerge(PostgresServer.layer), Layer.provideMerge(NodeServices.layer))

layer(services, { excludeTestServices: true, timeout: "120 seconds" })("a call whose process is killed in the middle of a sentence", (it) => {
  it.effect("goes on in another process of the same store", () =>
    Effect.gen(function*() {
      const postgres = yield* PostgresServer
      const url = yield* postgres.database
      const balancer = yield* Balancer.make
      const ports = [yield* freePort, yield* freePort]
      const first = yield* startBehind(balancer, { SERVER_PORT: String(ports[0]), DATABASE_URL: url })
      yield* startBehind(balancer, { SERVER_PORT: String(ports[1]), DATABASE_URL: url })
      balancer.send(ports)

      let turns: ReadonlyArray<Turn> = []
      const look = Effect.map(execute(url, "SELECT role, text, words FROM turns ORDER BY turn"), (rows) => {
        turns = rows.map(toTurn)
      })
      yield* Effect.forkScoped(Effect.repeat(Effect.ignore(look), Schedule.spaced("100 millis")))
      const call = yield* callWith(balancer, () => turns)
      yield* until("the answer is spoken", Effect.sync(() => turns), (all) => all.some(({ text }) => text.includes("Monday to Friday")))
      yield* first.signal("SIGKILL")
      yield* call.settled
      yield* look

      const agent = turns.filter(({ role }) => role === "agent").map(({ heard }) => heard)
      assert.isTrue(agent.some((heard) => heard.startsWith("Sorry, we were cut off.") && heard.includes("to five.")), JSON.stringify(turns))
      assert.strictEqual(agent.filter((heard) => heard.includes("help you?")).length, 1, "the greeting is said once")
      assert.isTrue(agent.some((heard) => heard.includes("library.")), "the next question is answered")
      const [row] = yield* until(
        "the outcome",
        execute(url, "SELECT outcome FROM calls"),
        ([found]) => typeof found?.["outcome"] === "string" && (JSON.parse(found["outcome"]) as { final: boolean }).final
      )
      const outcome = JSON.parse(String(row["outcome"])) as Record<string, unknown>
      assert.strictEqual(outcome["endedBy"], "caller")
      assert.strictEqual(outcome["isMemoryLost"], false)
    }).pipe(Effect.scoped), 120_000)

  it.effect("goes on when the process is started again", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const dataDir = yield* fs.makeTempDirectoryScoped()
      const balancer = yield* Balancer.make
      const port = yield* freePort
      const env = { SERVER_PORT: String(port), DATA_DIR: dataDir }
      const first = yield* startBehind(balancer, env)
      balancer.send([port])

      let turns: ReadonlyArray<Turn> = []
      const look = Effect.sync(() => {
        const database = new DatabaseSync(`${dataDir}/calls.db`, { readOnly: true })
        turns = database.prepare("SELECT role, text, words FROM turns ORDER BY turn").all().map(toTurn)
        database.close()
      })
      yield* Effect.forkScoped(Effect.repeat(Effect.ignoreCause(look), Schedule.spaced("100 millis")))
      const call = yield* callWith(balancer, () => turns)
      yield* until("the answer is spoken", Effect.sync(() => turns), (all) => all.some(({ text }) => text.includes("Monday to Friday")))
      yield* first.signal("SIGKILL")
      yield* first.ended
      yield* startBehind(balancer, env)
      yield* call.settled
      yield* look

      const agent = turns.filter(({ role }) => role === "agent").map(({ heard }) => heard)
      assert.isTrue(agent.some((heard) => heard.startsWith("Sorry, we were cut off.") && heard.includes("to five.")), JSON.stringify(turns))
      assert.isTrue(agent.some((heard) => heard.includes("library.")), "the next question is answered")
    }).pipe(Effect.scoped), 120_000)
})
