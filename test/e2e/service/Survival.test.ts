/** Calls outlive their process: it is killed in the middle of a sentence, and another process, or the restarted one, goes on. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Redacted, Result, Schedule } from "effect"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { CallerSpeech } from "../../../src/simulator/caller/CallerSpeech.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { places } from "../../../src/store/encryption/SealedWords.ts"
import { Sealing } from "../../../src/store/encryption/Sealing.ts"
import { randomBytes } from "node:crypto"
import { DatabaseSync } from "node:sqlite"
import * as FakeChatServer from "../../support/engines/FakeChatServer.ts"
import * as FakeHttpServer from "../../support/engines/FakeHttpServer.ts"
import * as Balancer from "../../support/service/Balancer.ts"
import { those, type LiveEvent, watch, words } from "../../support/service/Conversing.ts"
import * as Diner from "../../support/service/Diner.ts"
import * as Process from "../../support/service/Process.ts"
import { freePort, startBehind } from "../../support/service/Replicas.ts"
import { apiKey, at, authToken, Service, until } from "../../support/service/Service.ts"
import { place } from "../../support/service/Talk.ts"
import { execute, PostgresServer } from "../../support/store/PostgresServer.ts"

const say = (text: string) => Caller.Step.Speak({ text, voice: "rms" })

interface Turn {
  readonly role: string
  readonly text: string
  /** The words of the turn that the caller heard. */
  readonly heard: string
}

const toTurn = ({ role, text, words }: Record<string, unknown>): Turn => ({
  role: String(role),
  text: String(text),
  heard: (typeof words === "string" ? JSON.parse(words) as ReadonlyArray<{ text: string; isHeard: boolean }> : [])
    .filter(({ isHeard }) => isHeard).map(({ text }) => text).join(" ")
})

/** Places a call whose caller asks for the opening hours and then for the address, each when `turns` show the words before as heard. */
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

  it.effect("goes on when the process is started again, also if its words are sealed and another key seals now", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const dataDir = yield* fs.makeTempDirectoryScoped()
      const balancer = yield* Balancer.make
      const port = yield* freePort
      const env = { SERVER_PORT: String(port), DATA_DIR: dataDir }
      const [older, newer] = ["2025", "2026"].map((id) => ({ id, key: Redacted.make(new Uint8Array(randomBytes(32))) }))
      const variable = [older, newer].map(({ id, key }) => `${id}:${Buffer.from(Redacted.value(key)).toString("base64")}`)
      const { openText } = yield* Effect.provide(Effect.map(Sealing, (sealing) => sealing), Sealing.layerOf([older, newer]))
      const open = (text: string, place: string) => Result.getOrElse(openText(text, place), () => "")
      const first = yield* startBehind(balancer, { ...env, STORE_ENCRYPTION_KEYS: variable[0] })
      balancer.send([port])

      let turns: ReadonlyArray<Turn> = []
      let keys: ReadonlyArray<unknown> = []
      const opened = ({ call_sid: callSid, role, text, turn, words }: Record<string, unknown>) => {
        const sealed: unknown = JSON.parse(String(words))
        return toTurn({
          role,
          text: open(String(text), places.turnText(String(callSid), Number(turn))),
          words: typeof sealed === "string" ? open(sealed, places.turnWords(String(callSid), Number(turn))) : words
        })
      }
      const look = Effect.sync(() => {
        const database = new DatabaseSync(`${dataDir}/calls.db`, { readOnly: true })
        const rows = database.prepare("SELECT call_sid, turn, role, text, words FROM turns WHERE text <> '' ORDER BY turn").all()
        turns = rows.map(opened)
        keys = rows.map(({ text }) => String(text).split(":", 3)[2])
        database.close()
      })
      yield* Effect.forkScoped(Effect.repeat(Effect.ignoreCause(look), Schedule.spaced("100 millis")))
      const call = yield* callWith(balancer, () => turns)
      yield* until("the answer is spoken", Effect.sync(() => turns), (all) => all.some(({ text }) => text.includes("Monday to Friday")))
      yield* first.signal("SIGKILL")
      yield* first.ended
      yield* startBehind(balancer, { ...env, STORE_ENCRYPTION_KEYS: `${variable[1]},${variable[0]}` })
      yield* call.settled
      yield* look

      const agent = turns.filter(({ role }) => role === "agent").map(({ heard }) => heard)
      assert.isTrue(agent.some((heard) => heard.startsWith("Sorry, we were cut off.") && heard.includes("to five.")), JSON.stringify(turns))
      assert.isTrue(agent.some((heard) => heard.includes("library.")), "the next question is answered")
      assert.deepStrictEqual([...new Set(keys)], ["2025", "2026"])
    }).pipe(Effect.scoped), 120_000)

  it.effect("while a tool runs goes on in another process, which does not run the tool again and says that its result is unknown", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator
      const postgres = yield* PostgresServer
      const url = yield* postgres.database
      const bookings = yield* FakeHttpServer.make(() => {})
      const chat = yield* FakeChatServer.make({
        model: "some-model",
        tools: true,
        say: ({ messages }) => {
          const answer = messages.findLast(({ role }) => role === "tool")
          return answer === undefined ? { calls: [{ name: "book", arguments: { guests: 2 } }] } : { text: `I was told: ${answer.content ?? ""}` }
        }
      })
      const agent = yield* Diner.file(bookings.url)
      const balancer = yield* Balancer.make
      const ports = [yield* freePort, yield* freePort]
      const env = { DATABASE_URL: url, AGENT: agent, LLM_URL: chat.base }
      const first = yield* startBehind(balancer, { ...env, SERVER_PORT: String(ports[0]) })
      yield* startBehind(balancer, { ...env, SERVER_PORT: String(ports[1]) })
      balancer.send(ports)
      const service = Service.of(at(balancer.url, apiKey, simulator.accountSid, authToken))

      const call = yield* place({ service, simulator }, { caller: Caller.make(Caller.Step.AwaitMark({ atMost: "20 seconds" }), Caller.Step.Press({ digits: "1#" })) })
      yield* bookings.until(() => bookings.received.length === 1)
      yield* first.signal("SIGKILL")
      const turns = Effect.map(execute(url, "SELECT role, text, words FROM turns ORDER BY turn"), (rows) => rows.map(toTurn))
      yield* until("what the agent says", turns, (all) => all.some(({ heard }) => heard.includes("nobody knows whether it was done")))
      yield* call.hangUp
      yield* call.settled

      assert.strictEqual(bookings.received.length, 1)
      const { json } = yield* service.ask(`/calls/${call.sid}/transcript`, { headers: { authorization: `Bearer ${apiKey}` } })
      const { actions } = json as { readonly actions: ReadonlyArray<{ readonly name: string; readonly state: string }> }
      assert.deepStrictEqual(actions.map(({ name, state }) => [name, state]), [["book", "unknown"]])
    }).pipe(Effect.scoped), 120_000)

  it.effect("with its database begins anew in another process, politely, and is marked so", () =>
    Effect.gen(function*() {
      const postgres = yield* PostgresServer
      if (!postgres.isOurs) return
      const simulator = yield* Simulator
      const url = yield* postgres.database
      const balancer = yield* Balancer.make
      const ports = [yield* freePort, yield* freePort]
      const first = yield* startBehind(balancer, { SERVER_PORT: String(ports[0]), DATABASE_URL: url })
      const second = yield* startBehind(balancer, { SERVER_PORT: String(ports[1]), DATABASE_URL: url })
      balancer.send(ports)
      const published: { [process: string]: Array<LiveEvent> } = { first: [], second: [] }
      const heard = (process: string, words: string) => those(published[process], "AgentHeard").some(({ text }) => text.includes(words))
      const cue = (process: string, words: string) => Caller.Step.AwaitCue({ isGiven: () => heard(process, words), atMost: "1 minute" })
      const behind = { service: Service.of(at(balancer.url, apiKey, simulator.accountSid, authToken)), simulator }
      const call = yield* place(behind, {
        caller: Caller.make(cue("first", "help you?"), say("What are your opening hours?"), cue("second", "help you?"), say("Where are you?"), cue("second", "library."), Caller.Step.HangUp())
      })
      const watchIn = Effect.fnUntraced(function*(process: Process.Started, events: Array<LiveEvent>) {
        const service = Service.of(at(yield* process.url, apiKey, simulator.accountSid, authToken))
        return yield* watch({ service, simulator }, call, events)
      })
      const before = yield* watchIn(first, published["first"])
      yield* before.awaitServiceEvent("AgentSays", ({ text }) => text.includes("Monday to Friday"))
      const turnsOf = Effect.map(execute(url, "SELECT role, text, words FROM turns ORDER BY turn"), (rows) => rows.map(toTurn))
      yield* until("the answer in the database", turnsOf, (all) => all.some(({ text }) => text.includes("Monday to Friday")))

      yield* postgres.stop
      yield* first.signal("SIGKILL")
      yield* until("the next stream", Effect.map(call.events, (events) => events.filter(({ _tag }) => _tag === "StreamStarted").length), (count) => count === 2)
      const after = yield* watchIn(second, published["second"])
      assert.strictEqual(yield* call.settled, "completed")
      // The stream of events ends only when the database can be read.
      yield* postgres.start
      yield* after.over
      assert.include(words(published["second"]), "agent: Sorry, we were cut off. Maple Dental, good day. How can I help you?")
      assert.deepStrictEqual(those(published["second"], "Ended").map(({ reason }) => reason), ["callerHungUp"])

      const ofCall = behind.service.ask(`/calls/${call.sid}`, { headers: { authorization: `Bearer ${apiKey}` } })
      const { json } = yield* until("the outcome", ofCall, ({ json, status }) => status === 200 && (json as { readonly final?: boolean }).final === true)
      assert.include(json as object, { memory_lost: true, ended_by: "caller" })
      // What was said before the loss is there, too.
      const turns = yield* turnsOf
      assert.strictEqual(turns.filter(({ text }) => text.includes("help you?")).length, 2, JSON.stringify(turns))
      assert.isTrue(turns.some(({ text }) => text.includes("Monday to Friday")), JSON.stringify(turns))
      assert.isTrue(turns.at(-1)?.heard.includes("library."), JSON.stringify(turns))
    }).pipe(Effect.scoped), 120_000)
})
